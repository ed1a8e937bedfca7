"""Notifications: what one user should know, once per cause, with whether they have read it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from espomail import times
from espomail.model import Thing
from espomail.store.db import Connection, Row

_ADD = """
    insert into notifications (user_id, type, cause, at, email_id, thing_type, thing_id, text)
    values (:user_id, :type, :cause, :at, :email_id, :thing_type, :thing_id, :text)
    on conflict (user_id, cause) do nothing
"""
_LIST = """
    select n.id, n.user_id, u.name as user, n.type, n.at, n.is_read, n.email_id, n.thing_type, n.thing_id, n.text
    from notifications n join users u on u.id = n.user_id
    where (:user is null or n.user_id = :user) and (not :unread or not n.is_read)
      and (:before is null or n.id < :before)
    order by n.id desc limit :limit
"""
_READ = """
    update notifications set is_read = 1
    where not is_read and (:user is null or user_id = :user)
      and (:ids is null or id in (select value from json_each(:ids)))
"""
_KNOWN = """
    select id from notifications
    where id in (select value from json_each(:ids)) and (:user is null or user_id = :user)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A notice to a user, as it was written: whether they may still read what it speaks of is judged when it is shown."""

    id: int
    user_id: int
    user: str
    type: str
    at: str
    is_read: bool
    email_id: int | None
    thing: Thing | None
    text: str


def add(
    db: Connection,
    user_id: int,
    type: str,
    cause: str,
    *,
    at: datetime,
    email_id: int | None = None,
    thing: Thing | None = None,
    text: str,
) -> bool:
    """Tell a user something; return False when they have been told of that cause before."""
    row = {
        "user_id": user_id,
        "type": type,
        "cause": cause,
        "at": times.to_text(at),
        "email_id": email_id,
        "thing_type": thing.type if thing else None,
        "thing_id": thing.id if thing else None,
        "text": text,
    }
    return db.execute(_ADD, row).rowcount > 0


def admins(db: Connection) -> list[int]:
    """The active administrators, by id: whom trouble is told to."""
    return [row[0] for row in db.execute("select id from users where is_admin and is_active order by id")]


def list_(
    db: Connection, *, user_id: int | None, unread: bool = False, before_id: int | None = None, limit: int
) -> list[Notification]:
    """The newest notifications of a user (None: of everybody), or those older than one; `unread` leaves out the read."""
    rows = db.execute(_LIST, {"user": user_id, "unread": int(unread), "before": before_id, "limit": limit})
    return [_notification(row) for row in rows]


def known(db: Connection, ids: Sequence[int], *, user_id: int | None) -> set[int]:
    """Which of the ids are notifications of the user (None: of anybody)."""
    return {row[0] for row in db.execute(_KNOWN, {"ids": json.dumps(list(ids)), "user": user_id})}


def mark_read(db: Connection, ids: Sequence[int] | None, *, user_id: int | None) -> int:
    """Mark those of the user (None: of everybody) as read, `ids` None meaning all; return how many were unread."""
    return db.execute(_READ, {"ids": None if ids is None else json.dumps(list(ids)), "user": user_id}).rowcount


def list_undelivered(db: Connection) -> list[Notification]:
    """Notifications that have not gone out by mail, command or webhook yet, of users who are active; by user, oldest first."""
    rows = db.execute(
        """select n.id, n.user_id, u.name as user, n.type, n.at, n.is_read, n.email_id, n.thing_type, n.thing_id, n.text
           from notifications n join users u on u.id = n.user_id
           where n.delivered_at is null and u.is_active order by n.user_id, n.id"""
    )
    return [_notification(row) for row in rows]


def set_delivered(db: Connection, ids: Sequence[int], *, now: datetime) -> None:
    db.executemany("update notifications set delivered_at = ? where id = ?", [(times.to_text(now), each) for each in ids])


def _notification(row: Row) -> Notification:
    return Notification(
        id=row["id"],
        user_id=row["user_id"],
        user=row["user"],
        type=row["type"],
        at=row["at"],
        is_read=bool(row["is_read"]),
        email_id=row["email_id"],
        thing=Thing(row["thing_type"], row["thing_id"]) if row["thing_type"] else None,
        text=row["text"],
    )
