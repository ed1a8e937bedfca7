"""Followers: who wants to know what happens to a case or record."""

from __future__ import annotations

from espomail.model import Thing
from espomail.store.db import Connection

_NAMES = """
    select u.name from followers f join users u on u.id = f.user_id
    where f.thing_type = ? and f.thing_id = ? order by u.name
"""


def list_(db: Connection, thing: Thing) -> list[int]:
    """The users who follow a thing, by id."""
    rows = db.execute("select user_id from followers where thing_type = ? and thing_id = ? order by user_id", thing)
    return [row[0] for row in rows]


def names(db: Connection, thing: Thing) -> list[str]:
    """The names of those who follow a thing, in their order."""
    return [row[0] for row in db.execute(_NAMES, thing)]


def add(db: Connection, thing: Thing, user_id: int) -> bool:
    """Have a user follow a thing; return whether they did not already."""
    cursor = db.execute(
        "insert or ignore into followers (thing_type, thing_id, user_id) values (?, ?, ?)", (thing.type, thing.id, user_id)
    )
    return cursor.rowcount > 0


def remove(db: Connection, thing: Thing, user_id: int) -> bool:
    """Have a user follow a thing no longer; return whether they did."""
    cursor = db.execute(
        "delete from followers where thing_type = ? and thing_id = ? and user_id = ?", (thing.type, thing.id, user_id)
    )
    return cursor.rowcount > 0
