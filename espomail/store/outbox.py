"""The outbox: everything that leaves is a row written with its cause, its bytes frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from espomail import times
from espomail.store.db import Connection, one


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOutgoing:
    """A mail that is to leave: `kind` user, auto-reply or notice; `cause` is unique, so that one cause sends once."""

    kind: str
    cause: str
    envelope_from: str
    recipients: Sequence[str]
    subject: str
    message_id: str
    content: bytes
    email_id: int | None = None
    account_id: int | None = None
    created_by_id: int | None = None
    not_before: datetime | None = None


def add(db: Connection, new: NewOutgoing, *, now: datetime) -> int:
    """Queue the mail with its recipients, each once; return its id."""
    cursor = db.execute(
        """insert into outbox (kind, status, cause, email_id, account_id, envelope_from, subject, message_id, content, created_at,
               created_by_id, next_try_at)
           values (?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            new.kind,
            new.cause,
            new.email_id,
            new.account_id,
            new.envelope_from,
            new.subject,
            new.message_id,
            new.content,
            times.to_text(now),
            new.created_by_id,
            times.to_text(new.not_before or now),
        ),
    )
    outbox_id = int(cursor.lastrowid or 0)
    db.executemany(
        "insert into outbox_recipients (outbox_id, address) values (?, ?)", [(outbox_id, a) for a in dict.fromkeys(new.recipients)]
    )
    return outbox_id


def has_cause(db: Connection, cause: str) -> bool:
    return bool(one(db, "select 1 from outbox where cause = ?", (cause,)))


def count_to(db: Connection, address: str, *, since: datetime) -> int:
    """How many auto-replies an address was given since a moment."""
    sql = """select count(*) from outbox_recipients r join outbox o on o.id = r.outbox_id
             where r.address = ? and o.kind = 'auto-reply' and o.created_at >= ?"""
    return int(one(db, sql, (address, times.to_text(since))))


def count_in_case(db: Connection, address: str, case_number: int) -> int:
    """How many auto-replies an address was given in a case."""
    sql = """select count(*) from outbox_recipients r join outbox o on o.id = r.outbox_id join emails e on e.id = o.email_id
             where r.address = ? and o.kind = 'auto-reply' and e.parent_type = 'case' and e.parent_id = ?"""
    return int(one(db, sql, (address, case_number)))


def count_of_account(db: Connection, account_id: int, *, now: datetime) -> int:
    """How many auto-replies an account has queued in the last hour."""
    sql = "select count(*) from outbox where account_id = ? and kind = 'auto-reply' and created_at >= ?"
    return int(one(db, sql, (account_id, times.to_text(now - timedelta(hours=1)))))


def count_auto_replies_since(db: Connection, first_receipt_id: int) -> int:
    """How many auto-replies were caused by mails whose receipts have an id from this one on."""
    sql = """select count(*) from outbox o where o.kind = 'auto-reply' and o.cause in
             (select 'auto-reply:' || email_id from receipts where id >= ? and email_id is not null)"""
    return int(one(db, sql, (first_receipt_id,)))


def went_to(db: Connection, email_id: int, address: str) -> bool:
    """Whether a mail of ours was addressed to somebody, in its header or only in its envelope."""
    sql = """select exists (select 1 from email_addresses where email_id = :email and address = :address)
                or exists (select 1 from outbox o join outbox_recipients r on r.outbox_id = o.id
                           where o.email_id = :email and r.address = :address)"""
    return bool(one(db, sql, {"email": email_id, "address": address}))
