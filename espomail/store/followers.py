"""Followers: who wants to know what happens to a case or record."""

from __future__ import annotations

import json
from collections.abc import Iterable

from espomail.model import Thing
from espomail.store.db import Connection

_NAMES = """
    select u.name from followers f join users u on u.id = f.user_id
    where f.thing_type = ? and f.thing_id = ? order by u.name
"""
_COMPANIES = """
    select e.id, e.account_id from emails e
    join followers f on f.thing_type = 'account' and f.thing_id = e.account_id and f.user_id = ?
    where e.id in (select value from json_each(?))
"""


def list_(db: Connection, thing: Thing) -> list[int]:
    """The users who follow a thing, by id."""
    rows = db.execute("select user_id from followers where thing_type = ? and thing_id = ? order by user_id", thing)
    return [row[0] for row in rows]


def names(db: Connection, thing: Thing) -> list[str]:
    """The names of those who follow a thing, in their order."""
    return [row[0] for row in db.execute(_NAMES, thing)]


def companies(db: Connection, user_id: int, email_ids: Iterable[int]) -> dict[int, Thing]:
    """The company that each of the emails concerns, of those that the user follows."""
    rows = db.execute(_COMPANIES, (user_id, json.dumps(list(email_ids))))
    return {row[0]: Thing("account", row[1]) for row in rows}


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
