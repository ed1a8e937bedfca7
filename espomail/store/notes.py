"""Notes: the entries of a stream, of a case, a record or an email; per email one of each type on each thing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from espomail import times
from espomail.model import Thing
from espomail.store.db import Connection, one

_ADD = """
    insert into notes (thing_type, thing_id, type, at, user_id, email_id, text, data)
    values (:thing_type, :thing_id, :type, :at, :user_id, :email_id, :text, :data)
    on conflict (email_id, type, thing_type, thing_id) where email_id is not null do nothing
"""
_LIST = """
    select n.id, n.type, n.at, n.user_id, u.name as user, n.email_id, n.text, n.data
    from notes n left join users u on u.id = n.user_id
    where n.thing_type = :type and n.thing_id = :id order by n.type <> 'create', n.id
"""
_OF_EMAIL = """
    select id from notes where email_id = :email and type in ('email-received', 'email-sent')
    order by thing_type = :thing_type and thing_id = :thing_id desc, id desc limit 1
"""
_MOVE = """
    update notes set type = :type, thing_type = :thing_type, thing_id = :thing_id, text = :text, data = :data
    where id = :id and (thing_type <> :thing_type or thing_id <> :thing_id)
"""
_BY_HAND = """
    select 1 from notes where email_id = :email and thing_type = :type and thing_id = :id and json_extract(data, '$.by_hand')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """An entry of a stream. `user` is who did it, None for the system; `data` depends on `type`.

    `assign` and `status` have `from` and `to` (names of users, or None; statuses).
    """

    id: int
    type: str
    at: str
    user_id: int | None
    user: str | None
    email_id: int | None
    text: str
    data: Mapping[str, Any]


def list_(db: Connection, thing: Thing) -> list[Note]:
    """The stream of a thing, oldest first; `create` leads it, also before the mail that opened the case."""
    rows = db.execute(_LIST, {"type": thing.type, "id": thing.id})
    return [Note(**{**dict(row), "data": json.loads(row["data"])}) for row in rows]


def add(
    db: Connection,
    thing: Thing,
    type: str,
    *,
    at: datetime,
    user_id: int | None = None,
    email_id: int | None = None,
    text: str = "",
    data: Mapping[str, Any] | None = None,
) -> int | None:
    """Write an entry and return its id; None when this email already has an entry of that type on that thing."""
    cursor = db.execute(
        _ADD,
        {
            "thing_type": thing.type,
            "thing_id": thing.id,
            "type": type,
            "at": times.to_text(at),
            "user_id": user_id,
            "email_id": email_id,
            "text": text,
            "data": _json(data),
        },
    )
    return int(cursor.lastrowid or 0) if cursor.rowcount else None


def move_or_add(
    db: Connection,
    thing: Thing,
    type: str,
    *,
    at: datetime,
    email_id: int,
    user_id: int | None = None,
    text: str = "",
    data: Mapping[str, Any] | None = None,
) -> int:
    """Have the email's one entry, `email-received` or `email-sent`, stand on `thing`: moved there, or written; return its id."""
    row = {"email": email_id, "thing_type": thing.type, "thing_id": thing.id}
    found = one(db, _OF_EMAIL, row)
    if found is None:
        return add(db, thing, type, at=at, user_id=user_id, email_id=email_id, text=text, data=data) or 0
    db.execute(_MOVE, {**row, "type": type, "text": text, "data": _json(data), "id": found})
    return int(found)


def is_by_hand(db: Connection, thing: Thing, email_id: int) -> bool:
    """Whether a person hung the email on the thing."""
    return one(db, _BY_HAND, {"email": email_id, "type": thing.type, "id": thing.id}) is not None


def remove_of_email(db: Connection, email_id: int) -> None:
    """Take an email out of every stream, when it is deleted for everybody."""
    db.execute("delete from notes where email_id = ?", (email_id,))


def _json(data: Mapping[str, Any] | None) -> str:
    return json.dumps(dict(data or {}), ensure_ascii=False, separators=(",", ":"))
