"""`espomail email download`: the whole of a mail that was too large to be read at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from espomail.cli.frame import changed, command, pass_desk
from espomail.cli.numbers import ID
from espomail.cli.views import email_json
from espomail.store import emails_read

if TYPE_CHECKING:
    from espomail.desk import Desk


@command(
    "download",
    help="Read the whole of a mail that was over the size gate (mail_size_max) from its server.",
    epilog="Example: espomail email download 12",
)
@click.argument("id_", metavar="ID", type=ID)
@pass_desk
def download(desk: Desk, id_: int) -> None:
    from espomail import reading
    from espomail.rounds import download as rounds

    found = emails_read.get(desk.db, desk.actor, id_)
    was_partial = rounds.download(desk, found, keep=lambda whole: reading.complete(desk.db, found, whole))
    words = f"email {id_} is whole now" if was_partial else f"email {id_} is whole already"
    changed(words, email_json(emails_read.get(desk.db, desk.actor, id_)))
