"""Which of some things an actor may see, and what they are called: the predicate of visibility.py for a whole list at once."""

from __future__ import annotations

import json
from collections.abc import Iterable

from espomail.model import Actor, Thing
from espomail.store import people, roles
from espomail.store.db import Connection
from espomail.store.visibility import visible

_TABLES = {"email": ("emails", "id"), "case": ("cases", "number")}


def seen(db: Connection, actor: Actor, scope: str, ids: Iterable[int]) -> set[int]:
    """Those of the ids (case numbers) of a scope that exist and that the actor may read."""
    wanted = sorted(set(ids))
    if not wanted:
        return set()
    table, key = _TABLES.get(scope, ("records", "id"))
    clause = visible(actor, scope, alias="t", few=True)
    of_type = "t.type = :scope" if table == "records" else "1"
    rows = db.execute(
        f"select t.{key} from {table} t "  # noqa: S608 (constants)
        f"where t.{key} in (select value from json_each(:wanted)) and {of_type} and ({clause.sql})",
        {**clause.parameters, "wanted": json.dumps(wanted), "scope": scope},
    )
    return {row[0] for row in rows}


def things_seen(db: Connection, actor: Actor, things: Iterable[Thing]) -> dict[Thing, str]:
    """Those of the things that exist and that the actor may read, each with its name."""
    found: dict[Thing, str] = {}
    wanted = list(things)
    for scope in sorted({thing.type for thing in wanted}):
        ids = seen(db, actor, scope, (thing.id for thing in wanted if thing.type == scope))
        found |= {Thing(scope, id): name for id, name in _names(db, scope, ids).items()}
    return found


def _names(db: Connection, scope: str, ids: Iterable[int]) -> dict[int, str]:
    table, key = _TABLES.get(scope, ("records", "id"))
    column = "subject" if scope == "email" else "name"
    rows = db.execute(
        f"select {key}, {column} from {table} where {key} in (select value from json_each(?))",  # noqa: S608 (constants)
        (json.dumps(list(ids)),),
    )
    return {row[0]: row[1] for row in rows}


def as_actor(db: Connection, user_id: int) -> Actor:
    """A user as the one who acts, to judge what they may see of what is meant for them."""
    is_admin = people.is_admin(db, user_id)
    teams = db.execute("select team_id from team_members where user_id = ?", (user_id,))
    return Actor(
        user_id=user_id,
        name="",
        is_admin=is_admin,
        team_ids=frozenset(row[0] for row in teams),
        levels=() if is_admin else roles.levels_of(db, user_id),
    )
