"""Emails as they are written: one row each, who is linked and why, teams, accounts, parents, tombstones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from espomail import times
from espomail.errors import NotFound
from espomail.model import Mail, Thing
from espomail.store.db import Connection, one

INDEXED_TEXT_MAX = 2_000_000


@dataclass(frozen=True, slots=True)
class Email:
    """What processing needs of a stored email."""

    id: int
    content_key: str
    message_id: str
    direction: str
    status: str
    subject: str
    from_address: str
    sent_at: str | None
    received_at: str | None
    thread_id: int
    answers_email_id: int | None
    parent_type: str | None
    parent_id: int | None
    account_id: int | None
    created_by_id: int | None
    with_case: int
    with_notices: int
    case_account_id: int | None
    variant_of_id: int | None
    raw_id: int | None
    flags: str

    @property
    def parent(self) -> Thing | None:
        return None if self.parent_type is None or self.parent_id is None else Thing(self.parent_type, self.parent_id)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What is left of a deleted email: enough not to take it in again and to lead its replies to their case."""

    content_key: str
    message_id: str
    thread_id: int
    parent_type: str | None
    parent_id: int | None


_COLUMNS = ", ".join(f.name for f in fields(Email))
_SELECT = f"select {_COLUMNS} from emails "  # noqa: S608 (field names, no values)


def find(db: Connection, email_id: int) -> Email | None:
    return _first(db, "where id = ?", email_id)


def get(db: Connection, email_id: int) -> Email:
    found = find(db, email_id)
    if found is None:
        raise NotFound("email", email_id)
    return found


def find_by_key(db: Connection, content_key: str) -> Email | None:
    return _first(db, "where content_key = ? and status not in ('draft', 'cancelled')", content_key)


def list_by_message_id(db: Connection, message_id: str) -> list[Email]:
    rows = db.execute(_SELECT + "where message_id = ? and status not in ('draft', 'cancelled') order by id", (message_id,))
    return [Email(**row) for row in rows]


def find_tombstone(db: Connection, content_key: str) -> Tombstone | None:
    row = db.execute(
        "select content_key, message_id, thread_id, parent_type, parent_id from tombstones where content_key = ?",
        (content_key,),
    ).fetchone()
    return None if row is None else Tombstone(**row)


def ids_since(db: Connection, since: datetime) -> list[int]:
    """The emails taken in from mailboxes since a moment, oldest first."""
    rows = db.execute(
        "select id from emails where status = 'imported' and imported_at >= ? order by id", (times.to_text(since),)
    )
    return [row[0] for row in rows]


def _first(db: Connection, where: str, value: object) -> Email | None:
    row = db.execute(_SELECT + where, (value,)).fetchone()
    return None if row is None else Email(**row)


# ---------------------------------------------------------------- adding


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEmail:
    """A mail and what is decided about its row; `thread_id` None starts a thread of its own."""

    mail: Mail
    direction: str
    status: str
    received_at: datetime | None
    raw_id: int | None
    thread_id: int | None = None
    answers_email_id: int | None = None
    created_by_id: int | None = None
    variant_of_id: int | None = None
    with_case: bool = True
    with_notices: bool = True
    flags: tuple[str, ...] = ()


_INSERT = """
    insert into emails (content_key, message_id, direction, status, subject, from_name, from_address, sent_at, received_at,
        imported_at, in_reply_to, thread_id, answers_email_id, created_by_id, is_automatic, is_auto_reply, is_bounce,
        is_partial, variant_of_id, flags, with_case, with_notices, raw_id, size_bytes, has_attachment)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
        coalesce(?, (select seq + 1 from sqlite_sequence where name = 'emails'), 1),
        ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


def add(db: Connection, new: NewEmail, *, now: datetime) -> int:
    """Write the email with its addresses, references, attachments and search text; return its id."""
    mail = new.mail
    sender = mail.sender
    cursor = db.execute(
        _INSERT,
        (
            mail.content_key,
            mail.message_id,
            new.direction,
            new.status,
            mail.subject,
            sender.name if sender else "",
            sender.address if sender else "",
            times.to_text_or_none(mail.sent_at),
            times.to_text_or_none(new.received_at),
            times.to_text(now),
            mail.in_reply_to[0] if mail.in_reply_to else None,
            new.thread_id,
            new.answers_email_id,
            new.created_by_id,
            int(mail.automatic is not None),
            int(mail.is_auto_reply),
            int(mail.bounce is not None),
            int(mail.is_partial),
            new.variant_of_id,
            json.dumps([*mail.flags, *new.flags]),
            int(new.with_case),
            int(new.with_notices),
            new.raw_id,
            mail.size_bytes,
            int(any(not a.is_inline for a in mail.attachments)),
        ),
    )
    email_id = int(cursor.lastrowid or 0)
    _add_addresses(db, email_id, mail)
    _add_references(db, email_id, mail)
    _add_attachments(db, email_id, mail)
    _add_text(db, email_id, mail)
    return email_id


def _add_addresses(db: Connection, email_id: int, mail: Mail) -> None:
    roles = (("to", mail.to), ("cc", mail.cc), ("bcc", mail.bcc), ("reply-to", mail.reply_to))
    db.executemany(
        "insert into email_addresses (email_id, role, position, name, address) values (?, ?, ?, ?, ?)",
        [(email_id, role, n, a.name, a.address) for role, addresses in roles for n, a in enumerate(addresses)],
    )


def _add_references(db: Connection, email_id: int, mail: Mail) -> None:
    cited = dict.fromkeys((*mail.references, *mail.in_reply_to))
    if cited:
        db.executemany(
            "insert into email_references (email_id, position, message_id) values (?, ?, ?)",
            [(email_id, n, message_id) for n, message_id in enumerate(cited)],
        )


def _add_attachments(db: Connection, email_id: int, mail: Mail) -> None:
    if mail.attachments:
        db.executemany(
            """insert into attachments (email_id, position, name, content_type, size_bytes, sha256, is_inline, content_id)
               values (?, ?, ?, ?, ?, ?, ?, ?)""",
            [
                (email_id, a.position, a.name, a.content_type, a.size_bytes, a.sha256, int(a.is_inline), a.content_id)
                for a in mail.attachments
            ],
        )


def _add_text(db: Connection, email_id: int, mail: Mail) -> None:
    people = " ".join(
        f"{a.name} {a.address}" for a in (*((mail.sender,) if mail.sender else ()), *mail.to, *mail.cc, *mail.reply_to)
    )
    db.execute(
        "insert into email_texts (rowid, subject, people, body, attachments) values (?, ?, ?, ?, ?)",
        (email_id, mail.subject, people, mail.text[:INDEXED_TEXT_MAX], " ".join(a.name for a in mail.attachments)),
    )


# ---------------------------------------------------------------- links


def link_user(
    db: Connection, email_id: int, user_id: int, reason: str, *, folder_id: int | None = None, is_read: bool = False
) -> bool:
    """Put the email into a user's inbox (or a folder of theirs) for a reason; return whether it is new to them."""
    added = db.execute(
        "insert or ignore into email_users (email_id, user_id, folder_id, is_read) values (?, ?, ?, ?)",
        (email_id, user_id, folder_id, int(is_read)),
    ).rowcount
    db.execute(
        "insert or ignore into email_user_reasons (email_id, user_id, reason) values (?, ?, ?)", (email_id, user_id, reason)
    )
    return added > 0


def set_user_state(
    db: Connection,
    email_id: int,
    user_id: int,
    *,
    folder_id: int | None,
    is_read: bool,
    is_important: bool,
    in_trash: bool,
    at: datetime,
) -> None:
    """Apply what a user's filter or folder map says about a mail that has just reached them."""
    db.execute(
        """update email_users set folder_id = coalesce(?, folder_id), is_read = max(is_read, ?),
               is_important = max(is_important, ?), in_trash = max(in_trash, ?),
               trashed_at = case when ? then ? else trashed_at end
           where email_id = ? and user_id = ?""",
        (folder_id, int(is_read), int(is_important), int(in_trash), int(in_trash), times.to_text(at), email_id, user_id),
    )


def link_teams(db: Connection, email_id: int, team_ids: Iterable[int]) -> None:
    for team_id in team_ids:
        db.execute("insert or ignore into email_teams (email_id, team_id) values (?, ?)", (email_id, team_id))


def adopt_answers(db: Connection, email_id: int, message_id: str) -> None:
    """Emails that came before the mail they answer are told which email it is."""
    db.execute(
        """update emails set answers_email_id = :email
           where id in (select email_id from email_references where message_id = :id)
             and in_reply_to = :id and answers_email_id is null and id <> :email""",
        {"email": email_id, "id": message_id},
    )


def spread_teams(db: Connection, email_id: int) -> None:
    """Give the teams of an email to all that answer it, however deep: an answer has the teams of the mail it answers."""
    db.execute(
        """with recursive below (id) as (
               select id from emails where answers_email_id = :id
               union select e.id from emails e join below b on e.answers_email_id = b.id)
           insert or ignore into email_teams (email_id, team_id)
           select b.id, t.team_id from below b, email_teams t where t.email_id = :id""",
        {"id": email_id},
    )


def link_account(db: Connection, email_id: int, account_id: int) -> None:
    db.execute("insert or ignore into email_accounts (email_id, account_id) values (?, ?)", (email_id, account_id))


def set_parent(db: Connection, email_id: int, parent: Thing, *, account_id: int | None) -> None:
    """Hang the email on a record or case; `account_id` is the company it concerns, None leaves what was known."""
    db.execute(
        "update emails set parent_type = ?, parent_id = ?, account_id = coalesce(?, account_id) where id = ?",
        (parent.type, parent.id, account_id, email_id),
    )


def has_account(db: Connection, email_id: int, account_id: int) -> bool:
    """Whether an account has brought this email before."""
    return bool(one(db, "select 1 from email_accounts where email_id = ? and account_id = ?", (email_id, account_id)))


def set_assigned_user(db: Connection, email_id: int, user_id: int) -> None:
    """Give the email to a user unless it has one."""
    db.execute("update emails set assigned_user_id = ? where id = ? and assigned_user_id is null", (user_id, email_id))


def set_folder_if_in_inbox(db: Connection, email_id: int, user_id: int, folder_id: int) -> None:
    db.execute(
        "update email_users set folder_id = ? where email_id = ? and user_id = ? and folder_id is null and not in_trash",
        (folder_id, email_id, user_id),
    )


def set_company(db: Connection, email_id: int, account_id: int) -> None:
    db.execute("update emails set account_id = ? where id = ?", (account_id, email_id))


def set_case_account(db: Connection, email_id: int, account_id: int) -> None:
    """Remember which account was entitled to the email's case: a second one changes nothing."""
    db.execute("update emails set case_account_id = ? where id = ? and case_account_id is null", (account_id, email_id))


def set_group_folder(db: Connection, email_id: int, group_folder_id: int) -> list[int]:
    """Put an email that is in none into a group folder: its teams gain the mail; return them."""
    db.execute("update emails set group_folder_id = ? where id = ? and group_folder_id is null", (group_folder_id, email_id))
    rows = db.execute("select team_id from group_folder_teams where group_folder_id = ? order by team_id", (group_folder_id,))
    team_ids = [row[0] for row in rows]
    link_teams(db, email_id, team_ids)
    return team_ids


def add_flag(db: Connection, email_id: int, flag: str) -> None:
    flags = json.loads(one(db, "select flags from emails where id = ?", (email_id,)))
    if flag not in flags:
        db.execute("update emails set flags = ? where id = ?", (json.dumps([*flags, flag]), email_id))


def teams_of(db: Connection, email_id: int) -> list[int]:
    return [row[0] for row in db.execute("select team_id from email_teams where email_id = ? order by team_id", (email_id,))]


def users_of(db: Connection, email_id: int) -> dict[int, bool]:
    """The users linked to an email, each with whether it needs their attention (unread, not in the trash)."""
    rows = db.execute("select user_id, is_read = 0 and in_trash = 0 from email_users where email_id = ?", (email_id,))
    return {row[0]: bool(row[1]) for row in rows}


def text_of(db: Connection, email_id: int) -> str:
    return str(one(db, "select body from email_texts where rowid = ?", (email_id,)) or "")


def relink_addresses(db: Connection, user_id: int) -> None:
    """Work out anew which emails a user is linked to by address: after their addresses changed, or they were enabled.

    An inactive user keeps no link by address; other reasons stay. A link without any reason left goes.
    """
    db.execute("delete from email_user_reasons where user_id = ? and reason = 'address'", (user_id,))
    found = """
        select e.id from emails e join user_addresses a on a.address = e.from_address
            join users u on u.id = a.user_id where a.user_id = :user and u.is_active
        union
        select x.email_id from email_addresses x join user_addresses a on a.address = x.address
            join users u on u.id = a.user_id where a.user_id = :user and u.is_active and x.role in ('to', 'cc')
    """
    db.execute(f"insert or ignore into email_users (email_id, user_id) select id, :user from ({found})", {"user": user_id})  # noqa: S608
    db.execute(
        f"insert or ignore into email_user_reasons (email_id, user_id, reason) select id, :user, 'address' from ({found})",  # noqa: S608
        {"user": user_id},
    )
    db.execute(
        """delete from email_users where user_id = :user and not exists
               (select 1 from email_user_reasons r where r.email_id = email_users.email_id and r.user_id = :user)""",
        {"user": user_id},
    )


# ---------------------------------------------------------------- threads


@dataclass(frozen=True, slots=True)
class Held:
    """An email (or what is left of a deleted one, `email_id` None) that a message id stands for."""

    message_id: str
    email_id: int | None
    thread_id: int
    parent_type: str | None
    parent_id: int | None

    @property
    def parent(self) -> Thing | None:
        return None if self.parent_type is None or self.parent_id is None else Thing(self.parent_type, self.parent_id)


_HELD = """
    select message_id, id as email_id, thread_id, parent_type, parent_id
    from emails where message_id = :id and status not in ('draft', 'cancelled')
    union all
    select message_id, null, thread_id, parent_type, parent_id from tombstones where message_id = :id
    order by email_id nulls last limit 1
"""
_CITING = """
    select r.message_id, e.id as email_id, e.thread_id, e.parent_type, e.parent_id
    from email_references r join emails e on e.id = r.email_id
    where r.message_id = :id and e.id is not :besides and e.status not in ('draft', 'cancelled')
    order by e.parent_type is 'case' desc, e.id limit 1
"""


def held(db: Connection, message_ids: Sequence[str]) -> dict[str, Held]:
    """Which of the ids we hold; of several emails with one id, the first that came."""
    rows = ((i, db.execute(_HELD, {"id": i}).fetchone()) for i in message_ids)
    return {message_id: Held(**row) for message_id, row in rows if row is not None}


def citing(db: Connection, message_ids: Sequence[str], *, besides: int | None = None) -> dict[str, Held]:
    """For each id, an email that cites it: one that hangs on a case before one that doesn't, then the oldest."""
    rows = ((i, db.execute(_CITING, {"id": i, "besides": besides}).fetchone()) for i in message_ids)
    return {message_id: Held(**row) for message_id, row in rows if row is not None}


def list_waiting_replies(db: Connection, message_id: str) -> list[Email]:
    """Emails that answer a message id and hang on no case yet, oldest first."""
    columns = ", ".join(f"e.{f.name}" for f in fields(Email))
    rows = db.execute(
        f"""select distinct {columns} from email_references r join emails e on e.id = r.email_id
            where r.message_id = ? and e.parent_type is not 'case' and e.status not in ('draft', 'cancelled')
              and e.with_case and not e.is_bounce order by e.id""",  # noqa: S608 (field names, no values)
        (message_id,),
    )
    return [Email(**row) for row in rows]


# ---------------------------------------------------------------- deleting


def remove(db: Connection, email_id: int, *, now: datetime) -> int | None:
    """Delete an email for everybody and leave its tombstone; return the id of its raw mail for `raw_mails.remove_unused`."""
    email = find(db, email_id)
    if email is None:
        return None
    db.execute(
        """insert or replace into tombstones (content_key, message_id, thread_id, parent_type, parent_id, deleted_at)
           values (?, ?, ?, ?, ?, ?)""",
        (email.content_key, email.message_id, email.thread_id, email.parent_type, email.parent_id, times.to_text(now)),
    )
    db.execute("delete from email_texts where rowid = ?", (email_id,))
    db.execute("update receipts set raw_id = null where email_id = ?", (email_id,))
    db.execute("delete from emails where id = ?", (email_id,))
    return email.raw_id
