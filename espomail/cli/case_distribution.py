"""`espomail case distribution`: who gets the next new cases of a group account, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from espomail.cli.frame import emit, group, pass_desk
from espomail.rules import access
from espomail.rules import distribution as rules
from espomail.store import accounts, agents, turns

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
    day, team = desk.now().date(), found.target_team_id
    team_agents = agents.list_(desk.db, team, day=day) if team else ()
    given = agents.find(desk.db, found.assign_to_user_id, day=day) if found.assign_to_user_id else None
    next_turns = rules.preview(
        found.distribution,
        agents=team_agents,
        position=found.target_position,
        last_served=turns.last_served(desk.db, team, found.target_position) if team else None,
        assign_to=given,
        turns=count,
    )
    names = {agent.user_id: agent.name for agent in (*team_agents, *((given,) if given else ()))}
    rows = [{"turn": t.turn, "user": names.get(t.user_id) if t.user_id else None, "reason": t.reason} for t in next_turns]
    emit(rows, columns=("turn", "user", "reason"))
