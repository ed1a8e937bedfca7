"""Emails as they are read: lists, one, a thread, what belongs to each; all of it as the actor may see it.

Every function here takes the actor and asks visibility.py, so no caller can forget to. A list is one statement; a second
one tells which of the cases and records that it names the actor may see.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from espomail import times
from espomail.model import Actor, Address, Thing
from espomail.store import sight, visibility
from espomail.store.db import Connection, Row
from espomail.store.visibility import Clause


@dataclass(frozen=True, slots=True)
class Ref:
    """A case or record as an email refers to it."""

    type: str
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Holder:
    """A user who has the email: `folder` None is the inbox."""

    user_id: int
    user: str
    folder: str | None
    is_read: bool
    is_important: bool
    in_trash: bool
    in_archive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEmail:
    """An email with all that a list shows; names instead of ids. Moments are text as the database holds them.

    `parent` and `account` are None when the actor may not see them; of other people's folders, and of the Bcc of mail that
    others wrote here, a user who is not admin sees nothing. `snippet` is what a search found.
    """

    id: int
    message_id: str
    direction: str
    status: str
    subject: str
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    sent_at: str | None
    received_at: str | None
    imported_at: str
    in_reply_to: str | None
    references: tuple[str, ...]
    thread_id: int
    answers_email_id: int | None
    created_by_id: int | None
    parent: Ref | None
    account: Ref | None
    holders: tuple[Holder, ...]
    teams: tuple[str, ...]
    assigned_user: str | None
    group_accounts: tuple[str, ...]
    personal_accounts: tuple[str, ...]
    group_folder: str | None
    is_auto_reply: bool
    is_automatic: bool
    is_bounce: bool
    is_partial: bool
    flags: tuple[str, ...]
    raw_id: int | None
    size_bytes: int
    has_attachment: bool
    snippet: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAttachment:
    """One attachment of a stored email; `position` finds its bytes in the raw mail."""

    id: int
    position: int
    name: str
    content_type: str
    size_bytes: int
    sha256: str
    is_inline: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which emails to list; a None asks nothing.

    `user_id` asks for the mail of one user without their trash, `folder` for a place in it (see PLACES) or `folder` with
    `folder_id` for a folder of theirs. `unread_by` asks for what a user has and has not read.
    """

    user_id: int | None = None
    folder: str | None = None
    folder_id: int | None = None
    group_folder_id: int | None = None
    parent: Thing | None = None
    unread_by: int | None = None
    since: datetime | None = None


_PLAIN = (
    "id", "message_id", "direction", "status", "subject", "sent_at", "received_at", "imported_at", "in_reply_to", "thread_id",
    "answers_email_id", "created_by_id", "raw_id", "size_bytes",
)  # fmt: skip
_FLAGS = ("is_auto_reply", "is_automatic", "is_bounce", "is_partial", "has_attachment")
_COLUMNS = ", ".join(
    f"t.{name}" for name in (*_PLAIN, *_FLAGS, "flags", "from_name", "from_address", "parent_type", "parent_id")
)
_SELECT = f"""
    select {_COLUMNS},
           (select json_group_array(json_array(role, name, address)) from (
                select role, name, address from email_addresses where email_id = t.id order by role, position)) as addresses,
           (select json_group_array(message_id) from (
                select message_id from email_references where email_id = t.id order by position)) as "references",
           case when t.parent_type = 'case' then (select name from cases where number = t.parent_id)
                else (select name from records where id = t.parent_id and type = t.parent_type) end as parent_name,
           (select json_array(type, id, name) from records where id = t.account_id) as account,
           (select json_group_array(json_array(user_id, name, folder, is_read, is_important, in_trash, in_archive)) from (
                select h.user_id, u.name, f.name as folder, h.is_read, h.is_important, h.in_trash, h.in_archive
                from email_users h join users u on u.id = h.user_id left join folders f on f.id = h.folder_id
                where h.email_id = t.id order by h.user_id)) as holders,
           (select json_group_array(name) from (
                select x.name from email_teams k join teams x on x.id = k.team_id where k.email_id = t.id order by x.name)
           ) as teams,
           (select name from users where id = t.assigned_user_id) as assigned_user,
           (select json_group_array(json_array(kind, name)) from (
                select a.kind, a.name from email_accounts k join accounts a on a.id = k.account_id
                where k.email_id = t.id order by a.name)) as accounts,
           (select name from group_folders where id = t.group_folder_id) as group_folder
    from emails t
"""  # noqa: S608 (field names, no values)

_HELD = "exists (select 1 from email_users h where h.email_id = t.id and h.user_id = :user_id and {state})"
_IS_MINE = """(t.created_by_id is :user_id
            or t.from_address in (select address from user_addresses where user_id = :user_id))"""
_TO_ME = """exists (select 1 from email_addresses x join user_addresses mine on mine.address = x.address
            where x.email_id = t.id and x.role in ('to', 'cc') and mine.user_id = :user_id)"""
_IN_INBOX = _HELD.format(state="h.folder_id is null and not h.in_trash and not h.in_archive")
PLACES = {
    "inbox": f"{_IN_INBOX} and t.status in ('imported', 'sent') and not ({_IS_MINE} and not {_TO_ME})",
    "sent": f"{_HELD.format(state='not h.in_trash')} and t.status in ('imported', 'sent') and {_IS_MINE}",
    "trash": _HELD.format(state="h.in_trash"),
    "archive": _HELD.format(state="h.in_archive and not h.in_trash"),
    "all": _HELD.format(state="not h.in_trash"),
    "folder": _HELD.format(state="h.folder_id = :folder_id and not h.in_trash and not h.in_archive"),
}
"""The places of a user's mail, as conditions on an email `t` and `:user_id`."""
_OF_USER = "t.id in (select email_id from email_users where user_id = :user_id) and "


def list_(db: Connection, actor: Actor, wanted: Wanted | None = None, *, limit: int, offset: int = 0) -> list[ReadEmail]:
    """The newest emails that the actor may see."""
    where, parameters = _conditions(actor, wanted or Wanted())
    rows = db.execute(
        f"{_SELECT} where {where} order by t.id desc limit :limit offset :offset",
        {**parameters, "limit": limit, "offset": offset},
    )
    return _shown(db, actor, rows)


def _conditions(actor: Actor, wanted: Wanted) -> Clause:
    """What is asked for as one condition on `t`; the narrowest part leads, so that no list walks the whole table."""
    parts: list[str] = []
    parameters: dict[str, object] = {}
    if wanted.user_id is not None:
        parts.append(_OF_USER + PLACES[wanted.folder or "all"])
        parameters |= {"user_id": wanted.user_id, "folder_id": wanted.folder_id}
    if wanted.group_folder_id is not None:
        parts.append("t.group_folder_id = :group_folder_id")
        parameters["group_folder_id"] = wanted.group_folder_id
    if wanted.parent is not None:
        parts.append("t.parent_type = :parent_type and t.parent_id = :parent_id")
        parameters |= {"parent_type": wanted.parent.type, "parent_id": wanted.parent.id}
    if wanted.unread_by is not None:
        parts.append("t.id in (select email_id from email_users where user_id = :unread_by and not is_read and not in_trash)")
        parameters["unread_by"] = wanted.unread_by
    access = visibility.visible(actor, "email", few=bool(parts))
    if wanted.since is not None:
        parts.append("coalesce(t.received_at, t.sent_at, t.imported_at) >= :since")
        parameters["since"] = times.to_text(wanted.since)
    return Clause(" and ".join([*parts, access.sql]), {**parameters, **access.parameters})


def get(db: Connection, actor: Actor, email_id: int) -> ReadEmail:
    """One email; raise NotFound when the actor may not see it, as when there is none."""
    visibility.require(db, actor, Thing("email", email_id))
    return list_ids(db, actor, [email_id])[0]


def list_ids(db: Connection, actor: Actor, ids: Sequence[int]) -> list[ReadEmail]:
    """Those of the emails that the actor may see, in the order of the ids."""
    access = visibility.visible(actor, "email", few=True)
    rows = db.execute(
        f"{_SELECT} where t.id in (select value from json_each(:ids)) and {access.sql}",  # noqa: S608 (constants)
        {**access.parameters, "ids": json.dumps(list(ids))},
    )
    found = {email.id: email for email in _shown(db, actor, rows)}
    return [found[email_id] for email_id in ids if email_id in found]


def thread(db: Connection, actor: Actor, email_id: int) -> list[ReadEmail]:
    """The emails of the thread that the actor may see, oldest first; raise NotFound unless this one is among them."""
    visibility.require(db, actor, Thing("email", email_id))
    access = visibility.visible(actor, "email", few=True)
    rows = db.execute(
        f"""{_SELECT} where t.thread_id = (select thread_id from emails where id = :id) and {access.sql}
            order by coalesce(t.sent_at, t.received_at, t.imported_at), t.id""",  # noqa: S608 (constants)
        {**access.parameters, "id": email_id},
    )
    return _shown(db, actor, rows)


def count(db: Connection, actor: Actor, wanted: Wanted | None = None) -> int:
    """How many emails the actor may see."""
    where, parameters = _conditions(actor, wanted or Wanted())
    return int(db.execute(f"select count(*) from emails t where {where}", parameters).fetchone()[0])  # noqa: S608 (constants)


def attachments_of(db: Connection, email_id: int) -> list[ReadAttachment]:
    """The attachments of an email that the caller has asked for by `get`."""
    columns = ", ".join(f.name for f in fields(ReadAttachment))
    rows = db.execute(f"select {columns} from attachments where email_id = ? order by position", (email_id,))  # noqa: S608 (field names)
    return [ReadAttachment(**{**dict(row), "is_inline": bool(row["is_inline"])}) for row in rows]


def _shown(db: Connection, actor: Actor, rows: Iterable[Row]) -> list[ReadEmail]:
    found = [_email(row) for row in rows]
    if actor.is_admin:
        return found
    things = {Thing(ref.type, ref.id) for email in found for ref in (email.parent, email.account) if ref}
    seen = sight.things_seen(db, actor, things)
    return [_without_hidden(email, actor, seen) for email in found]


def _without_hidden(email: ReadEmail, actor: Actor, seen: Container[Thing]) -> ReadEmail:
    return replace(
        email,
        bcc=email.bcc if email.status == "imported" or email.created_by_id == actor.user_id else (),
        parent=email.parent if email.parent and Thing(email.parent.type, email.parent.id) in seen else None,
        account=email.account if email.account and Thing(email.account.type, email.account.id) in seen else None,
        holders=tuple(h if h.user_id == actor.user_id else replace(h, folder=None) for h in email.holders),
    )


def _email(row: Row) -> ReadEmail:
    plain: dict[str, Any] = {name: row[name] for name in _PLAIN} | {name: bool(row[name]) for name in _FLAGS}
    addresses: dict[str, list[Address]] = {"to": [], "cc": [], "bcc": [], "reply-to": []}
    for role, name, address in json.loads(row["addresses"]):
        addresses[role].append(Address(name, address))
    accounts = json.loads(row["accounts"])
    return ReadEmail(
        **plain,
        sender=Address(row["from_name"], row["from_address"]),
        to=tuple(addresses["to"]),
        cc=tuple(addresses["cc"]),
        bcc=tuple(addresses["bcc"]),
        reply_to=tuple(addresses["reply-to"]),
        references=tuple(json.loads(row["references"])),
        parent=Ref(row["parent_type"], row["parent_id"], row["parent_name"] or "") if row["parent_type"] else None,
        account=Ref(*json.loads(row["account"])) if row["account"] else None,
        holders=tuple(_holder(each) for each in json.loads(row["holders"])),
        teams=tuple(json.loads(row["teams"])),
        assigned_user=row["assigned_user"],
        group_accounts=tuple(name for kind, name in accounts if kind == "group"),
        personal_accounts=tuple(name for kind, name in accounts if kind == "personal"),
        group_folder=row["group_folder"],
        flags=tuple(json.loads(row["flags"])),
    )


def _holder(each: Sequence[Any]) -> Holder:
    user_id, user, folder, *marks = each
    return Holder(user_id, user, folder, *(bool(mark) for mark in marks))
