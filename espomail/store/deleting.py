"""Emails deleted for everybody, and what `tidy` purges: trash, bytes of skipped mail, bytes that nothing needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from espomail import times
from espomail.errors import BadInput
from espomail.model import Settings
from espomail.store import emails, notes, raw_mails
from espomail.store.db import Connection, one

_TRASHED = """
    select h.email_id from email_users h
    where not exists (select 1 from outbox o where o.email_id = h.email_id and o.status in ('queued', 'deferred', 'sending'))
    group by h.email_id having min(h.in_trash) = 1 and max(coalesce(h.trashed_at, :until)) <= :until
"""
_SKIPPED = "select id, raw_id from receipts where state = 'filtered' and raw_id is not null and taken_in_at <= ?"
_ORPHANS = """
    delete from raw_mails
    where id not in (select raw_id from emails where raw_id is not null)
      and id not in (select raw_id from receipts
                     where raw_id is not null and state in ('new', 'quarantined', 'parked', 'filtered'))
"""
_LEAVING = """
    select id from outbox where email_id = ? and status in ('queued', 'deferred', 'sending') order by id limit 1
"""


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many emails were purged from everybody's trash, skipped mails lost their bytes, and bytes had no owner."""

    purged: int
    skipped: int
    orphans: int


def delete(db: Connection, email_id: int, *, now: datetime) -> None:
    """Delete an email for everybody: bytes, attachments, index, notes, notices and decisions; a tombstone stays.

    Cases that it opened stay. Raise BadInput while it waits to be sent.
    """
    leaving = one(db, _LEAVING, (email_id,))
    if leaving is not None:
        raise BadInput(f"email {email_id} is about to be sent", f"first: espomail outbox cancel {leaving}")
    _forget_words_too(db)
    raw_id = _bury(db, email_id, now=now)
    notes.remove_of_email(db, email_id)
    db.execute("delete from notifications where email_id = ?", (email_id,))
    db.execute("delete from decisions where email_id = ?", (email_id,))
    db.execute("update outbox set content = x'', subject = '' where email_id = ?", (email_id,))
    raw_mails.remove_unused(db, raw_id)


def _bury(db: Connection, email_id: int, *, now: datetime) -> int | None:
    """Delete an email for everybody and leave its tombstone; return the id of its raw mail, None when it has none."""
    email = emails.find(db, email_id)
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


def _forget_words_too(db: Connection) -> None:
    """Have pages that come free wiped, and FTS5 take the words of a deleted text out of its own at once, not at its next merge.

    SQLite before 3.42 can't do the latter; there they go with the merge.
    """
    db.execute("pragma secure_delete=on")  # fast leaves whole pages as they are, for a backup to carry along
    version = str(one(db, "select sqlite_version()")).split(".")
    if [int(part) for part in version[:2]] >= [3, 42]:
        db.execute("insert into email_texts (email_texts, rank) values ('secure-delete', 1)")


def tidy(db: Connection, settings: Settings, *, now: datetime) -> Tidied:
    """Purge what its time is over for: mail that everybody who had it trashed, and bytes of skipped mail."""
    until = times.to_text(now - timedelta(days=settings.trash_days))
    trashed = [row[0] for row in db.execute(_TRASHED, {"until": until})]
    for email_id in trashed:
        delete(db, email_id, now=now)
    skipped = db.execute(_SKIPPED, (times.to_text(now - timedelta(days=settings.skipped_keep_days)),)).fetchall()
    for receipt_id, raw_id in skipped:
        db.execute("update receipts set raw_id = null where id = ?", (receipt_id,))
        raw_mails.remove_unused(db, raw_id)
    return Tidied(len(trashed), len(skipped), db.execute(_ORPHANS).rowcount)
