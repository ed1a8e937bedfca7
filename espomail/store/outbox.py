"""The outbox: everything that leaves is a row written with its cause, its bytes frozen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from espomail import times
from espomail.store.db import Connection, Row, one


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
        "insert into outbox_recipients (outbox_id, address) values (?, ?)",
        [(outbox_id, a) for a in dict.fromkeys(new.recipients)],
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
    """How many auto-replies an account has queued in the last hour; looked for from the newest row back to the first older one."""
    sql = """select count(*) from outbox where account_id = :account and kind = 'auto-reply' and id >
             coalesce((select id from outbox where created_at < :since order by id desc limit 1), 0)"""
    return int(one(db, sql, {"account": account_id, "since": times.to_text(now - timedelta(hours=1))}))


def count_auto_replies_since(db: Connection, first_receipt_id: int) -> int:
    """How many auto-replies were caused by mails whose receipts have an id from this one on."""
    sql = """select count(*) from outbox o where o.kind = 'auto-reply' and o.cause in
             (select 'auto-reply:' || email_id from receipts where id >= ? and +email_id is not null)"""
    return int(one(db, sql, (first_receipt_id,)))


def went_to(db: Connection, email_id: int, address: str) -> bool:
    """Whether a mail of ours was addressed to somebody, in its header or only in its envelope."""
    sql = """select exists (select 1 from email_addresses where email_id = :email and address = :address)
                or exists (select 1 from outbox o join outbox_recipients r on r.outbox_id = o.id
                           where o.email_id = :email and r.address = :address)"""
    return bool(one(db, sql, {"email": email_id, "address": address}))


# ---------------------------------------------------------------- sending


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One row of the outbox; `due_at` is when it was to leave, which is the Date that it carries."""

    id: int
    kind: str
    status: str
    phase: str | None
    email_id: int | None
    account_id: int | None
    envelope_from: str
    subject: str
    message_id: str
    created_at: str
    due_at: str
    created_by_id: int | None
    attempts: int
    next_try_at: str
    last_reply: str | None
    finished_at: str | None
    to: tuple[str, ...]


_SHOWN = """
    select o.id, o.kind, o.status, o.phase, o.email_id, o.account_id, o.envelope_from, o.subject, o.message_id, o.created_at,
           coalesce((select e.sent_at from emails e where e.id = o.email_id), o.created_at) as due_at, o.created_by_id,
           o.attempts, o.next_try_at, o.last_reply, o.finished_at,
           (select json_group_array(address) from (select address from outbox_recipients where outbox_id = o.id order by address)
           ) as "to"
"""
_SELECT = _SHOWN + "from outbox o "
# SQLite takes a partial index only where its words stand in the query.
_SELECT_WAITING = _SHOWN + "from outbox o indexed by outbox_due where o.status in ('queued', 'deferred', 'sending') "


def find(db: Connection, outbox_id: int) -> Outgoing | None:
    return _outgoing(db.execute(_SELECT + "where o.id = ?", (outbox_id,)).fetchone())


def list_(db: Connection, *, status: str | None, created_by_id: int | None, limit: int) -> list[Outgoing]:
    """Newest first; of one status or all, of one user or everybody."""
    rows = db.execute(
        _SELECT
        + """where (:status is null or o.status = :status) and (:user is null or o.created_by_id = :user)
             order by o.id desc limit :limit""",
        {"status": status, "user": created_by_id, "limit": limit},
    )
    return [each for row in rows if (each := _outgoing(row))]


def list_due(db: Connection, *, now: datetime, limit: int) -> list[Outgoing]:
    """What is to be sent now, by account, oldest first."""
    rows = db.execute(
        _SELECT_WAITING + "and o.status <> 'sending' and o.next_try_at <= ? order by o.account_id, o.id limit ?",
        (times.to_text(now), limit),
    )
    return [each for row in rows if (each := _outgoing(row))]


def list_interrupted(db: Connection) -> list[Outgoing]:
    """Mails that were being sent when the process died. Only the holder of the sending lock may ask."""
    rows = db.execute(_SELECT_WAITING + "and o.status = 'sending' order by o.id")
    return [each for row in rows if (each := _outgoing(row))]


def content_of(db: Connection, outbox_id: int) -> bytes:
    return bytes(one(db, "select content from outbox where id = ?", (outbox_id,)))


def waiting_recipients(db: Connection, outbox_id: int) -> list[str]:
    rows = db.execute(
        "select address from outbox_recipients where outbox_id = ? and status in ('queued', 'deferred') order by address",
        (outbox_id,),
    )
    return [row[0] for row in rows]


def failed_recipients(db: Connection, outbox_id: int) -> list[str]:
    rows = db.execute(
        "select address from outbox_recipients where outbox_id = ? and status = 'failed' order by address", (outbox_id,)
    )
    return [row[0] for row in rows]


def begin(db: Connection, outbox_id: int) -> bool:
    """Claim a mail before the conversation about it: phase `rcpt`, one attempt more. False when it no longer waits (cancelled)."""
    sql = """update outbox set status = 'sending', phase = 'rcpt', attempts = attempts + 1
             where id = ? and status in ('queued', 'deferred')"""
    return db.execute(sql, (outbox_id,)).rowcount > 0


def set_in_data(db: Connection, outbox_id: int) -> None:
    """Phase `data`, before the first byte of the mail."""
    db.execute("update outbox set phase = 'data' where id = ? and status = 'sending'", (outbox_id,))


def has_arrived(db: Connection, outbox_id: int) -> bool:
    """Whether a server has taken the mail over for any of its recipients."""
    return bool(one(db, "select 1 from outbox_recipients where outbox_id = ? and status = 'sent' limit 1", (outbox_id,)))


def set_recipient(db: Connection, outbox_id: int, address: str, status: str, reply: str | None) -> None:
    db.execute(
        "update outbox_recipients set status = ?, reply = ? where outbox_id = ? and address = ?",
        (status, reply, outbox_id, address),
    )


def set_status(
    db: Connection, outbox_id: int, status: str, *, reply: str | None, now: datetime, next_try_at: datetime | None = None
) -> None:
    """Where the mail stands now; the email's own row follows."""
    is_final = status in ("sent", "failed", "unknown", "cancelled")
    db.execute(
        """update outbox set status = ?, phase = null, last_reply = ?, next_try_at = coalesce(?, next_try_at), finished_at = ?
           where id = ?""",
        (
            status,
            reply[:500] if reply else None,
            times.to_text_or_none(next_try_at),
            times.to_text(now) if is_final else None,
            outbox_id,
        ),
    )
    shown = {"deferred": "queued", "sending": "queued"}.get(status, status)
    db.execute("update emails set status = ? where id = (select email_id from outbox where id = ?)", (shown, outbox_id))


def cancel(db: Connection, outbox_id: int, *, now: datetime) -> None:
    """Send it to nobody who has not got it. One that nobody has takes its note back; one that somebody has was sent."""
    if has_arrived(db, outbox_id):
        db.execute(
            "update outbox_recipients set status = 'failed', reply = 'cancelled' where outbox_id = ? and status <> 'sent'",
            (outbox_id,),
        )
        set_status(db, outbox_id, "sent", reply="cancelled for whoever had not got it", now=now)
        return
    set_status(db, outbox_id, "cancelled", reply="cancelled", now=now)
    db.execute(
        "delete from notes where type = 'email-sent' and email_id = (select email_id from outbox where id = ?)", (outbox_id,)
    )


def retry(db: Connection, outbox_id: int, *, now: datetime) -> None:
    """Queue it again for everybody who has not got it."""
    db.execute(
        "update outbox_recipients set status = 'queued' where outbox_id = ? and status in ('deferred', 'failed')", (outbox_id,)
    )
    set_status(db, outbox_id, "queued", reply=None, now=now, next_try_at=now)


def doubt_automatic(db: Connection, *, reply: str, now: datetime) -> int:
    """Automatic mail that waits becomes of unknown fate, so that it is not sent: nobody knows whether it was; return how much."""
    waiting = db.execute(
        "select id from outbox where kind <> 'user' and status in ('queued', 'deferred', 'sending')"
    ).fetchall()
    for (outbox_id,) in waiting:
        set_status(db, outbox_id, "unknown", reply=reply, now=now)
    return len(waiting)


def _outgoing(row: Row | None) -> Outgoing | None:
    return None if row is None else Outgoing(**{**dict(row), "to": tuple(json.loads(row["to"]))})
