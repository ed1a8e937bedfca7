"""`espomail email explain`: why each step did what it did to a mail."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from espomail.cli.frame import asked, command, emit, pass_desk
from espomail.cli.numbers import ID
from espomail.model import Step, Thing
from espomail.rules import explaining
from espomail.store import decisions, sight, users, visibility

if TYPE_CHECKING:
    from espomail.desk import Desk


@command(
    "explain",
    help="Why each step did what it did to a mail; a user who is no admin learns what is about themselves.",
    epilog="Example: espomail email explain 12",
)
@click.argument("id_", metavar="ID", type=ID)
@pass_desk
def explain(desk: Desk, id_: int) -> None:
    visibility.require(desk.db, desk.actor, Thing("email", id_))
    rows = [step_json(step, user_names(desk)) for step in _steps(desk, id_)]
    if asked().format in ("json", "jsonl"):
        emit({"email": id_, "steps": rows})
    else:
        emit(rows, columns=("step", "outcome", "reason"))


def _steps(desk: Desk, email_id: int) -> list[Step]:
    steps = decisions.steps_of(desk.db, email_id)
    if desk.actor.is_admin or desk.actor.user_id is None:
        return steps
    seen = sight.things_seen(desk.db, desk.actor, explaining.things_of(steps))
    return explaining.for_user(steps, user_id=desk.actor.user_id, seen=seen.__contains__)


def user_names(desk: Desk) -> dict[int, str]:
    """The users' names by id, for `step_json`."""
    return {each.id: each.name for each in users.list_(desk.db)}


def step_json(step: Step, names: dict[int, str]) -> dict[str, Any]:
    """A step as it is printed, with the names of users in its details."""
    return {**dataclasses.asdict(step), "details": _named(step.details, names)}


def _named(value: Any, names: dict[int, str]) -> Any:
    """The facts of a step with each user's name instead of their id."""
    match value:
        case dict():
            return dict(_named_item(key, item, names) for key, item in value.items())
        case list():
            return [_named(item, names) for item in value]
        case _:
            return value


def _named_item(key: str, item: Any, names: dict[int, str]) -> tuple[str, Any]:
    return ("user", names.get(item)) if key == "user_id" else (key, _named(item, names))
