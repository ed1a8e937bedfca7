"""`espomail email link|unlink`: what an email hangs on, said by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from espomail.cli.frame import changed, command, pass_desk
from espomail.cli.numbers import ID
from espomail.cli.things import thing_of
from espomail.cli.views import email_json
from espomail.errors import BadInput
from espomail.model import Thing
from espomail.store import email_links, emails_read, visibility
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk

id_argument = click.argument("id_", metavar="ID", type=ID)


@command(
    "link",
    help="Hang an email on a case or record; the replies to it that hang on nothing follow.",
    epilog="""Example: espomail email link 12 case:7
    espomail email link 12 account:Acme""",
)
@id_argument
@click.argument("thing", metavar="THING")
@pass_desk
def link(desk: Desk, id_: int, thing: str) -> None:
    with transaction(desk.db):
        visibility.require(desk.db, desk.actor, Thing("email", id_), "edit")
        found = thing_of(desk, thing)
        if found.type == "email":
            raise BadInput("an email can't hang on an email", "name a case or a record: case:7, account:Acme")
        email_links.link(desk.db, id_, found, by_user_id=desk.actor.user_id, now=desk.now())
    _tell(desk, id_, f"email {id_} linked to {found}")


@command("unlink", help="Take an email off its case or record.", epilog="Example: espomail email unlink 12")
@id_argument
@pass_desk
def unlink(desk: Desk, id_: int) -> None:
    with transaction(desk.db):
        visibility.require(desk.db, desk.actor, Thing("email", id_), "edit")
        if emails_read.get(desk.db, desk.actor, id_).parent is not None:
            email_links.unlink(desk.db, id_)
    _tell(desk, id_, f"email {id_} unlinked")


COMMANDS: tuple[click.Command, ...] = (link, unlink)


def _tell(desk: Desk, email_id: int, words: str) -> None:
    """The email as it is now, or its id alone where the actor has just given away the sight of it."""
    found = emails_read.list_ids(desk.db, desk.actor, [email_id])
    changed(words, email_json(found[0]) if found else {"id": email_id})
