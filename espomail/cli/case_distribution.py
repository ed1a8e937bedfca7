"""`espomail case distribution`: who gets the next new cases of a group account, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from espomail.cli.frame import emit, group, pass_desk
from espomail.gather.turns import situation
from espomail.rules import access
from espomail.rules import distribution as rules
from espomail.store import accounts

if TYPE_CHECKING:
    from espomail.desk import Desk


@group(help="Who gets new cases.")
def distribution() -> None: ...


@distribution.command(
    "preview",
    help="The next turns of a group account, if nothing else happened meanwhile.",
    epilog="Example: espomail case distribution preview support --next 10",
)
@click.argument("account")
@click.option(
    "--next", "count", metavar="N", type=click.IntRange(1, 10_000), default=10, show_default=True, help="how many turns"
)
@pass_desk
def preview(desk: Desk, account: str, count: int) -> None:
    access.require_admin(desk.actor)
    found = accounts.get_by_name(desk.db, account, kind="group")
    seen = situation(desk.db, found, now=desk.now())
    names = {agent.user_id: agent.name for agent in (*seen.agents, *((seen.assign_to,) if seen.assign_to else ()))}
    next_turns = rules.preview(found.distribution, seen, turns=count)
    rows = [{"turn": t.turn, "user": names.get(t.user_id) if t.user_id else None, "reason": t.reason} for t in next_turns]
    emit(rows, columns=("turn", "user", "reason"))
