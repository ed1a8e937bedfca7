"""Mails of ours that have not been sent off: whose they are, to whom they go, and how one becomes a mail that leaves."""

from __future__ import annotations

from datetime import datetime

from espomail import times
from espomail.model import Mail
from espomail.store.db import Connection, one

_RELEASE = """
    update emails set content_key = :content_key, status = :status, sent_at = :sent_at, imported_at = :now, raw_id = :raw_id,
        size_bytes = :size_bytes
    where id = :id and status = 'draft'
"""


def next_email_id(db: Connection) -> int:
    """The id that the next email will have; true as long as the caller's transaction lasts."""
    return int(one(db, "select coalesce((select seq from sqlite_sequence where name = 'emails'), 0) + 1"))


def list_ids(db: Connection, *, user_id: int | None) -> list[int]:
    """The drafts of a user, or of everybody, newest first."""
    rows = db.execute(
        "select id from emails where status = 'draft' and (:user is null or created_by_id = :user) order by id desc",
        {"user": user_id},
    )
    return [row[0] for row in rows]


def recipients(db: Connection, email_id: int) -> list[str]:
    """The addresses in To, Cc and Bcc of an email, each once."""
    rows = db.execute(
        """select address from email_addresses where email_id = ? and role in ('to', 'cc', 'bcc')
           order by case role when 'to' then 0 when 'cc' then 1 else 2 end, position""",
        (email_id,),
    )
    return list(dict.fromkeys(row[0] for row in rows))


def release(db: Connection, email_id: int, mail: Mail, *, raw_id: int, status: str, now: datetime) -> None:
    """Make a draft a mail that leaves, as the bytes that `mail` was read from."""
    db.execute(
        _RELEASE,
        {
            "content_key": mail.content_key,
            "status": status,
            "sent_at": times.to_text_or_none(mail.sent_at),
            "now": times.to_text(now),
            "raw_id": raw_id,
            "size_bytes": mail.size_bytes,
            "id": email_id,
        },
    )
