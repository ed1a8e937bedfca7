"""`espomail access explain`: whether a user may see something, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from espomail.cli.frame import emit, group, pass_desk
from espomail.cli.things import thing_of
from espomail.cli.user_access import access_json, get_explained
from espomail.model import Thing
from espomail.store import relations, sight, visibility

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.store.users import User


@group(help="Who may see what, and why.")
def access() -> None: ...


@access.command(
    "explain",
    help="Whether a user may read a thing, and why, or what would let them.",
    epilog="Example: espomail access explain ann email:12",
)
@click.argument("user")
@click.argument("thing", metavar="THING")
@pass_desk
def explain(desk: Desk, user: str, thing: str) -> None:
    asked_about = get_explained(desk, user)
    emit(explained(desk, asked_about, thing_of(desk, thing)))


def explained(desk: Desk, user: User, thing: Thing) -> dict[str, Any]:
    """{allowed, reason, fix} for reading a thing that the one who asks may see."""
    if not user.profile.is_active:
        return _no(f"{user.name} is not active, so may do nothing", f"espomail user enable {user.name}")
    if user.profile.is_admin:
        return _yes(f"{user.name} is an admin")
    actor = sight.as_actor(desk.db, user.id)
    level, source = _level(desk, user, thing)
    if level == "no":
        return _no(
            f"no role of {user.name} gives {thing.type}.read", f"espomail role edit ROLE --add-set {thing.type}.read=own"
        )
    found = relations.of(desk.db, user.id, thing)
    words = f"{thing.type}.read is {level} ({source})"
    if visibility.may(desk.db, actor, thing):
        return _yes(words if level == "all" else f"{words}; {_why(found, level)}")
    return _no(f"{words}; {_why_not(user, found, level)}", _fix(user, thing, found, level))


def _level(desk: Desk, user: User, thing: Thing) -> tuple[str, str]:
    cell = access_json(desk, user)["cells"][f"{thing.type}.read"]
    return cell["level"], cell["from"] or "no role"


def _why(found: relations.Relations, level: str) -> str:
    reasons = [*found.own, *(f"shares the team {team}" for team in found.teams if level == "team")]
    return "; ".join(reasons)


def _why_not(user: User, found: relations.Relations, level: str) -> str:
    if level == "own" and found.teams:
        return f"{user.name} shares the team {found.teams[0]} with it, but it is not their own"
    return f"it is not {user.name}'s own" + (" and shares no team with them" if level == "team" else "")


def _fix(user: User, thing: Thing, found: relations.Relations, level: str) -> str:
    if level == "own" and found.teams:
        return f"espomail role edit ROLE --add-set {thing.type}.read=team"
    if thing.type == "email":
        return f"espomail email share {thing.id} {user.name}"
    return f"assign it to {user.name}, or give it one of their teams"


def _yes(reason: str) -> dict[str, Any]:
    return {"allowed": True, "reason": reason, "fix": None}


def _no(reason: str, fix: str) -> dict[str, Any]:
    return {"allowed": False, "reason": reason, "fix": fix}
