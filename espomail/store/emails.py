"""Emails as processing writes and finds them: one row each with its addresses, references, attachments and text.

Who has them is in email_users.py, which teams in email_teams.py, what they answer in threads.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime

from espomail import times
from espomail.errors import NotFound
from espomail.model import Mail, Thing
from espomail.store import email_teams
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
    is_taken_off: int

    @property
    def parent(self) -> Thing | None:
        return None if self.parent_type is None or self.parent_id is None else Thing(self.parent_type, self.parent_id)

    @property
    def note_type(self) -> str:
        """The type of its entry in a stream."""
        return "email-sent" if self.direction == "out" else "email-received"


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
        raise NotFound("email", email_id, "see: espomail email list")
    return found


def list_by_message_id(db: Connection, message_id: str) -> list[Email]:
    rows = db.execute(_SELECT + "where message_id = ? and status not in ('draft', 'cancelled') order by id", (message_id,))
    return [Email(**row) for row in rows]


def list_variants(db: Connection, email: Email) -> list[Email]:
    """The emails that are the same mail as this one with more or less text around it."""
    first = email.variant_of_id or email.id
    namesakes = list_by_message_id(db, email.message_id)
    return [each for each in namesakes if each.id != email.id and (each.variant_of_id or each.id) == first]


def find_tombstone(db: Connection, content_key: str) -> Tombstone | None:
    row = db.execute(
        "select content_key, message_id, thread_id, parent_type, parent_id from tombstones where content_key = ?",
        (content_key,),
    ).fetchone()
    return None if row is None else Tombstone(**row)


def is_id_of_deleted(db: Connection, message_id: str) -> bool:
    """Whether a mail with this Message-ID was deleted for everybody."""
    return db.execute("select 1 from tombstones where message_id = ?", (message_id,)).fetchone() is not None


def ids_since(db: Connection, since: datetime) -> list[int]:
    """The emails taken in from mailboxes since a moment, oldest first."""
    rows = db.execute(
        "select id from emails where status = 'imported' and imported_at >= ? order by id", (times.to_text(since),)
    )
    return [row[0] for row in rows]


def _first(db: Connection, where: str, value: object) -> Email | None:
    row = db.execute(_SELECT + where, (value,)).fetchone()
    return None if row is None else Email(**row)


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


def set_content(db: Connection, email_id: int, mail: Mail) -> None:
    """Keep what a mail has attached and its words for the search instead of what was known of them."""
    db.execute("delete from attachments where email_id = ?", (email_id,))
    db.execute("delete from email_texts where rowid = ?", (email_id,))
    _add_attachments(db, email_id, mail)
    _add_text(db, email_id, mail)


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
    """Keep what a mail has attached, the bytes apart: `raw_mails` has them."""
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


def link_account(db: Connection, email_id: int, account_id: int) -> None:
    db.execute("insert or ignore into email_accounts (email_id, account_id) values (?, ?)", (email_id, account_id))


def set_parent(db: Connection, email_id: int, parent: Thing, *, account_id: int | None) -> None:
    """Hang the email on a record or case; `account_id` is the company it concerns, None leaves what was known."""
    db.execute(
        "update emails set parent_type = ?, parent_id = ?, account_id = coalesce(?, account_id), is_taken_off = 0 where id = ?",
        (parent.type, parent.id, account_id, email_id),
    )


def has_account(db: Connection, email_id: int, account_id: int) -> bool:
    """Whether an account has brought this email before."""
    return bool(one(db, "select 1 from email_accounts where email_id = ? and account_id = ?", (email_id, account_id)))


def set_assigned_user(db: Connection, email_id: int, user_id: int) -> None:
    """Give the email to a user unless it has one."""
    db.execute("update emails set assigned_user_id = ? where id = ? and assigned_user_id is null", (user_id, email_id))


def set_case_account(db: Connection, email_id: int, account_id: int) -> None:
    """Remember which account was entitled to the email's case: a second one changes nothing."""
    db.execute("update emails set case_account_id = ? where id = ? and case_account_id is null", (account_id, email_id))


def set_group_folder(db: Connection, email_id: int, group_folder_id: int) -> list[int]:
    """Put an email that is in none into a group folder: its teams gain the mail; return them."""
    db.execute("update emails set group_folder_id = ? where id = ? and group_folder_id is null", (group_folder_id, email_id))
    rows = db.execute("select team_id from group_folder_teams where group_folder_id = ? order by team_id", (group_folder_id,))
    team_ids = [row[0] for row in rows]
    email_teams.link(db, email_id, team_ids)
    return team_ids


def add_flag(db: Connection, email_id: int, flag: str) -> None:
    flags = json.loads(one(db, "select flags from emails where id = ?", (email_id,)))
    if flag not in flags:
        db.execute("update emails set flags = ? where id = ?", (json.dumps([*flags, flag]), email_id))


def text_of(db: Connection, email_id: int) -> str:
    return str(one(db, "select body from email_texts where rowid = ?", (email_id,)) or "")
