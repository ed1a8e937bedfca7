"""`espomail can-send`: whether a user may send from an address, and what to do where they may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from espomail.cli.frame import command, emit, pass_desk
from espomail.cli.user_access import get_explained
from espomail.rules import senders
from espomail.rules.names import check_address
from espomail.rules.senders import MaySend, Writer
from espomail.store import accounts, settings, sight

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.store.users import User

NOT_PERMITTED = 77


@command(
    "can-send",
    help="Whether a user may send from an address: exit 0 when they may, 77 when not.",
    epilog="Example: espomail can-send ann support@team.example",
)
@click.argument("user")
@click.argument("address")
@pass_desk
def can_send(desk: Desk, user: str, address: str) -> None:
    writer = writer_of(desk, get_explained(desk, user))
    asked = check_address(address)
    found = accounts.list_by_address(desk.db, asked)
    answer = senders.may_send(writer, asked, accounts=found, settings=settings.load(desk.db))
    if isinstance(answer, MaySend):
        emit({"allowed": True, "reason": answer.reason, "fix": None})
        return
    emit({"allowed": False, "reason": answer.reason, "fix": answer.fix})
    click.get_current_context().exit(NOT_PERMITTED)


def writer_of(desk: Desk, user: User) -> Writer:
    """A user as somebody who wants to send."""
    actor = sight.as_actor(desk.db, user.id)
    return Writer(
        user_id=user.id,
        name=user.name,
        is_active=user.profile.is_active,
        may_create=actor.level("email.create") != "no",
        group_level=actor.level("group-email-account"),
        addresses=frozenset(user.emails),
        team_ids=actor.team_ids,
    )
