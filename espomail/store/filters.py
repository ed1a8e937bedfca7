"""Filters as they are kept: whose they are, what they look for and what they do. Deciding is not done here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from espomail import times
from espomail.errors import BadInput, NotFound
from espomail.store.db import Connection, Row, one

_SELECT = """
    select f.id, f.name, f.kind, f.account_id, f.user_id, f.position, f.criteria, f.action, f.folder_id,
           f.group_folder_id, f.mark_read, f.important, f.skip_notification, f.is_active, f.created_at
    from filters f
"""
_OF_ONE = """
    where :user is null or f.user_id = :user
       or f.account_id in (select id from accounts where kind = 'personal' and user_id = :user)
    order by f.id desc
"""
_ADD = """
    insert into filters (name, kind, account_id, user_id, position, criteria, action, folder_id, group_folder_id,
                         mark_read, important, skip_notification, is_active, created_at)
    values (:name, :kind, :account_id, :user_id, :position, :criteria, :action, :folder_id, :group_folder_id,
            :mark_read, :important, :skip_notification, :is_active, :created_at)
"""
_SET = """
    update filters set name = :name, kind = :kind, account_id = :account_id, user_id = :user_id, position = :position,
        criteria = :criteria, action = :action, folder_id = :folder_id, group_folder_id = :group_folder_id,
        mark_read = :mark_read, important = :important, skip_notification = :skip_notification, is_active = :is_active
    where id = :id
"""
_NAMES = """
    select f.id, coalesce(a.name, u.name) as owner, coalesce(d.name, g.name) as target
    from filters f left join accounts a on a.id = f.account_id left join users u on u.id = f.user_id
        left join folders d on d.id = f.folder_id left join group_folders g on g.id = f.group_folder_id
"""
_MAILS = """
    select e.id, e.raw_id, e.received_at, e.from_address, e.subject, e.size_bytes from emails e
    where e.status = 'imported' and coalesce(e.received_at, e.imported_at) >= :since
      and (:of_account is null or e.id in (select email_id from email_accounts where account_id = :of_account))
      and (:of_user is null or e.id in (select email_id from email_users where user_id = :of_user))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterRow:
    """One filter. Kinds: `global`, `group-account`, `personal-account` (of `account_id`), `user` (of `user_id`).

    `position` None comes after every given position. The id is 0 and `created_at` "" before it is kept.
    """

    id: int = 0
    name: str
    kind: str
    account_id: int | None = None
    user_id: int | None = None
    position: int | None = None
    criteria: Mapping[str, Any]
    action: str
    folder_id: int | None = None
    group_folder_id: int | None = None
    mark_read: bool = False
    important: bool = False
    skip_notification: bool = False
    is_active: bool = True
    created_at: str = ""


def find(db: Connection, filter_id: int) -> FilterRow | None:
    return _filter(db.execute(_SELECT + "where f.id = ?", (filter_id,)).fetchone())


def list_named(db: Connection, name: str) -> list[FilterRow]:
    """The filters of that name: at most one that is not a user's, and each user's own."""
    return _filters(db.execute(_SELECT + "where f.name = ? order by f.id", (name,)).fetchall())


def list_(db: Connection, *, user_id: int | None = None) -> list[FilterRow]:
    """All filters, or those of a user's inbox and personal accounts; newest first."""
    rows = db.execute(
        _SELECT + _OF_ONE,
        {"user": user_id},
    )
    return _filters(rows.fetchall())


def names(db: Connection) -> dict[int, tuple[str | None, str | None]]:
    """For each filter the name of its account or user (None: global) and of the folder it moves to (None: none)."""
    return {row["id"]: (row["owner"], row["target"]) for row in db.execute(_NAMES)}


@dataclass(frozen=True, slots=True)
class OldMail:
    """An email as a preview of a filter needs it."""

    id: int
    raw_id: int | None
    received_at: str | None
    from_address: str
    subject: str
    size_bytes: int


def list_mails(
    db: Connection, *, since: str, account_id: int | None, user_id: int | None, where: str, parameters: Mapping[str, object]
) -> list[OldMail]:
    """The imported emails since a moment, of an account or a user's inbox where one is given, newest first.

    `where` is a condition on `e` made of constants (see visibility.py).
    """
    rows = db.execute(
        f"{_MAILS} and {where} order by e.id desc",
        {**parameters, "since": since, "of_account": account_id, "of_user": user_id},
    )
    return [OldMail(**row) for row in rows]


def add(db: Connection, new: FilterRow, *, now: datetime) -> int:
    """Keep a new filter and return its id; raise BadInput when the name is taken where it counts."""
    _refuse_taken(db, new)
    return int(db.execute(_ADD, {**_row(new), "created_at": times.to_text(now)}).lastrowid or 0)


def set_(db: Connection, changed: FilterRow) -> None:
    """Replace a filter; its age stays."""
    _refuse_taken(db, changed)
    db.execute(_SET, _row(changed))


def remove(db: Connection, filter_id: int) -> None:
    if db.execute("delete from filters where id = ?", (filter_id,)).rowcount == 0:
        raise NotFound("filter", filter_id)


def _refuse_taken(db: Connection, row: FilterRow) -> None:
    taken = one(
        db,
        """select 1 from filters where name = :name and id <> :id
           and ((:kind = 'user' and kind = 'user' and user_id = :user_id) or (:kind <> 'user' and kind <> 'user'))""",
        {"name": row.name, "id": row.id, "kind": row.kind, "user_id": row.user_id},
    )
    if taken:
        raise BadInput(f"there is already a filter named {row.name}", f"see: espomail filter show {row.name}")


def _row(row: FilterRow) -> dict[str, Any]:
    return {**asdict(row), "criteria": json.dumps(dict(row.criteria), ensure_ascii=False)}


def _filters(rows: Sequence[Row]) -> list[FilterRow]:
    return [row for each in rows if (row := _filter(each))]


def _filter(row: Row | None) -> FilterRow | None:
    if row is None:
        return None
    values = dict(row)
    for flag in ("mark_read", "important", "skip_notification", "is_active"):
        values[flag] = bool(values[flag])
    return FilterRow(**{**values, "criteria": json.loads(row["criteria"])})
