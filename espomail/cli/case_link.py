"""`espomail case link`: say whom a case concerns, or put an email into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from espomail.cli.case_fields import get_case, say_changed
from espomail.cli.frame import command, pass_desk
from espomail.cli.numbers import number_argument
from espomail.cli.things import thing_argument, thing_of
from espomail.errors import BadInput
from espomail.model import Thing
from espomail.store import case_edits, case_emails, cases
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk


@command(
    "link",
    help="Link a case to an account, contact or lead, or put an email into it.",
    epilog="Example: espomail case link 7 contact:3",
)
@number_argument
@thing_argument
@pass_desk
def link(desk: Desk, number: int, thing: str) -> None:
    with transaction(desk.db):
        before = get_case(desk, number, "edit")
        found = thing_of(desk, thing)
        if found.type == "email":
            case_emails.add(desk.db, number, found.id, by_user_id=desk.actor.user_id, now=desk.now())
        else:
            case_edits.set_customer(desk.db, number, _customer_type(before, found), found.id)
    say_changed(desk, number, f"case {number} linked to {found}")


def _customer_type(case: cases.Case, thing: Thing) -> str:
    if thing.type not in case_edits.CUSTOMERS:
        raise BadInput(f"case {case.number} can't be linked to {thing}", "link it to an account, contact, lead or email")
    return thing.type
