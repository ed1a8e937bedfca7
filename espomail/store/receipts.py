"""Receipts: what became of every UID and every delivered or imported mail; mailboxes with their cursors; batch markers.

The invariant (docs/reliability.md): in each mailbox epoch, each listed UID at or below the cursor has exactly one receipt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime

from espomail import times
from espomail.errors import NotFound
from espomail.store.db import Connection, one

FINAL = ("done", "filtered", "duplicate", "parked", "vanished", "oversize", "discarded")


@dataclass(frozen=True, slots=True)
class MailboxRow:
    """One folder of one account in one UIDVALIDITY epoch; `window_end_uid` ends the UIDs to which `since` applies."""

    id: int
    account_id: int
    folder: str
    uidvalidity: int
    epoch: int
    last_uid: int
    window_end_uid: int
    since: str | None
    is_sent: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """One row of `receipts`, with what processing needs of its mailbox (`folder` "" and `is_sent` 0 without one)."""

    id: int
    source: str
    account_id: int | None
    mailbox_id: int | None
    uid: int | None
    origin: str
    state: str
    raw_id: int | None
    email_id: int | None
    size_bytes: int
    received_at: str
    is_aged: int
    with_case: int
    with_notices: int
    with_auto_reply: int
    is_suspect: int
    attempts: int
    next_try_at: str | None
    error: str | None
    folder: str
    is_sent: int


_COLUMNS = ", ".join(f"r.{f.name}" for f in fields(Receipt) if f.name not in ("folder", "is_sent"))
_SELECT = (
    f"select {_COLUMNS}, coalesce(m.folder, '') as folder, coalesce(m.is_sent, 0) as is_sent "  # noqa: S608 (field names)
    "from receipts r left join mailboxes m on m.id = r.mailbox_id "
)
_MAILBOX = "select id, account_id, folder, uidvalidity, epoch, last_uid, window_end_uid, since, is_sent from mailboxes "

# ---------------------------------------------------------------- mailboxes


def current_mailbox(db: Connection, account_id: int, folder: str) -> MailboxRow | None:
    """The newest epoch of a folder, None when it was never read."""
    row = db.execute(
        _MAILBOX + "where account_id = ? and folder = ? order by epoch desc limit 1", (account_id, folder)
    ).fetchone()
    return None if row is None else MailboxRow(**row)


def start_epoch(
    db: Connection,
    account_id: int,
    folder: str,
    *,
    uidvalidity: int,
    window_end_uid: int,
    since: date | None,
    is_sent: bool,
    now: datetime,
) -> MailboxRow:
    """Begin a new epoch of a folder: UIDs start over, and up to `window_end_uid` only mail received since `since` counts."""
    before = current_mailbox(db, account_id, folder)
    db.execute(
        """insert into mailboxes
               (account_id, folder, uidvalidity, epoch, last_uid, window_end_uid, since, is_sent, started_at)
           values (?, ?, ?, ?, 0, ?, ?, ?, ?)""",
        (
            account_id,
            folder,
            uidvalidity,
            before.epoch + 1 if before else 1,
            window_end_uid,
            since.isoformat() if since else None,
            int(is_sent),
            times.to_text(now),
        ),
    )
    started = current_mailbox(db, account_id, folder)
    assert started is not None
    return started


def reset_mailboxes(db: Connection, account_id: int, since: date) -> None:
    """Let the next round walk every folder again from `since`: a UIDVALIDITY of -1 never equals the server's."""
    db.execute("update accounts set fetch_since = ? where id = ?", (since.isoformat(), account_id))
    db.execute(
        """update mailboxes set uidvalidity = -1
           where account_id = :account
             and epoch = (select max(epoch) from mailboxes n
                          where n.account_id = mailboxes.account_id and n.folder = mailboxes.folder)""",
        {"account": account_id},
    )


def set_cursor(db: Connection, mailbox_id: int, last_uid: int) -> None:
    db.execute("update mailboxes set last_uid = ? where id = ? and last_uid < ?", (last_uid, mailbox_id, last_uid))


def first_read_at(db: Connection, account_id: int) -> datetime | None:
    """When any folder of an account was first read, None when none was."""
    started = one(db, "select min(started_at) from mailboxes where account_id = ?", (account_id,))
    return None if started is None else times.from_text(started)


def uids_with_receipt(db: Connection, mailbox_id: int) -> set[int]:
    return {row[0] for row in db.execute("select uid from receipts where mailbox_id = ?", (mailbox_id,))}


# ---------------------------------------------------------------- taking in


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReceipt:
    """What is known of a mail when its bytes are taken in, before anything reads them."""

    source: str
    account_id: int | None
    received_at: datetime
    raw_id: int | None
    mailbox_id: int | None = None
    uid: int | None = None
    origin: str = ""
    state: str = "new"
    size_bytes: int = 0
    is_aged: bool = False
    with_case: bool = True
    with_notices: bool = True
    with_auto_reply: bool = True
    error: str | None = None
    next_try_at: datetime | None = None


def refused(receipt: NewReceipt, *, error: str, next_try_at: datetime | None) -> NewReceipt:
    """The same receipt for a mail whose bytes the server would not give: asked for again later."""
    return replace(receipt, state="quarantined", error=error[:500], next_try_at=next_try_at)


def vanished(receipt: NewReceipt) -> NewReceipt:
    """The same receipt for a mail that was listed and is gone."""
    return replace(receipt, state="vanished")


def add(db: Connection, receipt: NewReceipt, *, now: datetime) -> int:
    cursor = db.execute(
        """insert into receipts (source, account_id, mailbox_id, uid, origin, state, raw_id, size_bytes, received_at,
               taken_in_at, is_aged, with_case, with_notices, with_auto_reply, attempts, next_try_at, error)
           values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            receipt.source,
            receipt.account_id,
            receipt.mailbox_id,
            receipt.uid,
            receipt.origin,
            receipt.state,
            receipt.raw_id,
            receipt.size_bytes,
            times.to_text(receipt.received_at),
            times.to_text(now),
            int(receipt.is_aged),
            int(receipt.with_case),
            int(receipt.with_notices),
            int(receipt.with_auto_reply),
            int(receipt.state == "quarantined"),
            times.to_text_or_none(receipt.next_try_at),
            receipt.error,
        ),
    )
    return int(cursor.lastrowid or 0)


# ---------------------------------------------------------------- processing


def find(db: Connection, receipt_id: int) -> Receipt | None:
    row = db.execute(_SELECT + "where r.id = ?", (receipt_id,)).fetchone()
    return None if row is None else Receipt(**row)


def get(db: Connection, receipt_id: int) -> Receipt:
    found = find(db, receipt_id)
    if found is None:
        raise NotFound("receipt", receipt_id)
    return found


def list_of_email(db: Connection, email_id: int) -> list[Receipt]:
    """The receipts by which an email came, oldest first."""
    return [Receipt(**row) for row in db.execute(_SELECT + "where r.email_id = ? order by r.id", (email_id,))]


def list_waiting(db: Connection, *, now: datetime, limit: int, suspects: bool = False) -> list[Receipt]:
    """Mails that are to be processed now, oldest first: new ones, and quarantined ones whose time has come.

    Suspects (a batch with them died) are listed apart, so that each can be tried alone.
    """
    rows = db.execute(
        _SELECT
        + """where r.state in ('new', 'quarantined') and r.raw_id is not null and r.is_suspect = :suspects
               and (r.state = 'new' or r.next_try_at <= :now)
             order by r.id limit :limit""",
        {"now": times.to_text(now), "limit": limit, "suspects": int(suspects)},
    )
    return [Receipt(**row) for row in rows]


def list_unread_refusals(db: Connection, mailbox_id: int, *, now: datetime) -> list[Receipt]:
    """Quarantined receipts of a mailbox whose bytes the server refused, and whose time to ask again has come."""
    rows = db.execute(
        _SELECT
        + "where r.mailbox_id = ? and r.state = 'quarantined' and r.raw_id is null and r.next_try_at <= ? order by r.uid",
        (mailbox_id, times.to_text(now)),
    )
    return [Receipt(**row) for row in rows]


def set_taken_in(db: Connection, receipt_id: int, *, raw_id: int) -> None:
    """The bytes that the server first refused have come."""
    db.execute("update receipts set raw_id = ?, state = 'new', error = null where id = ?", (raw_id, receipt_id))


def set_final(
    db: Connection,
    receipt_id: int,
    state: str,
    *,
    email_id: int | None,
    filter_name: str | None = None,
    server_action: bool = False,
) -> None:
    """The mail is processed: its state, its email, and whether the server is still to be told (mark, move, delete)."""
    db.execute(
        """update receipts set state = ?, email_id = ?, filter = ?, server_action = ?, error = null, next_try_at = null,
               is_suspect = 0
           where id = ?""",
        (state, email_id, filter_name, "due" if server_action else None, receipt_id),
    )


def set_failed(db: Connection, receipt_id: int, *, error: str, next_try_at: datetime | None) -> None:
    """One more attempt failed: quarantined until `next_try_at`, parked when there is none."""
    db.execute(
        "update receipts set state = ?, attempts = attempts + 1, error = ?, next_try_at = ? where id = ?",
        (
            "quarantined" if next_try_at else "parked",
            error[:500],
            times.to_text_or_none(next_try_at),
            receipt_id,
        ),
    )


def is_anything_waiting(db: Connection, *, now: datetime) -> bool:
    """Whether `list_waiting` would give anything, suspects included."""
    return bool(
        one(
            db,
            """select exists (select 1 from receipts where raw_id is not null
                   and (state = 'new' or (state = 'quarantined' and next_try_at <= ?)))""",
            (times.to_text(now),),
        )
    )


def retry_failed(db: Connection, account_ids: Sequence[int], *, now: datetime) -> int:
    """Let every quarantined or parked mail of the accounts be tried again at once; return how many."""
    return db.execute(
        """update receipts set state = case when raw_id is null then 'quarantined' else 'new' end, attempts = 0, next_try_at = ?
           where state in ('quarantined', 'parked') and account_id in (select value from json_each(?))""",
        (times.to_text(now), json.dumps(list(account_ids))),
    ).rowcount


# ---------------------------------------------------------------- batch markers


def add_batch(db: Connection, receipts: Sequence[Receipt], *, now: datetime) -> int:
    """Name the batch that is about to be processed; commit this before starting it."""
    cursor = db.execute(
        "insert into batches (first_receipt_id, last_receipt_id, started_at) values (?, ?, ?)",
        (receipts[0].id, receipts[-1].id, times.to_text(now)),
    )
    return int(cursor.lastrowid or 0)


def remove_batch(db: Connection, batch_id: int) -> None:
    db.execute("delete from batches where id = ?", (batch_id,))


_DIED_ALONE = """where r.id in (select first_receipt_id from batches where first_receipt_id = last_receipt_id)
    and r.is_suspect and r.state in ('new', 'quarantined')"""


def died_alone(db: Connection) -> list[Receipt]:
    """The mail that was being tried alone when the process died."""
    return [Receipt(**row) for row in db.execute(_SELECT + _DIED_ALONE)]


def suspect_dead_batches(db: Connection) -> None:
    """Mark the mails of batches that died as suspects, to be tried one by one, and forget the markers."""
    db.execute(
        """update receipts set is_suspect = 1
           where state in ('new', 'quarantined')
             and exists (select 1 from batches b where receipts.id between b.first_receipt_id and b.last_receipt_id)"""
    )
    db.execute("delete from batches")


# ---------------------------------------------------------------- telling the server, and counting


@dataclass(frozen=True, slots=True)
class DueAction:
    receipt_id: int
    mailbox_id: int
    folder: str
    uidvalidity: int
    uid: int


def list_due_actions(db: Connection, account_id: int) -> list[DueAction]:
    rows = db.execute(
        """select r.id as receipt_id, m.id as mailbox_id, m.folder, m.uidvalidity, r.uid
           from receipts r join mailboxes m on m.id = r.mailbox_id
           where r.server_action = 'due' and m.account_id = ? order by m.id, r.uid""",
        (account_id,),
    )
    return [DueAction(**row) for row in rows]


def set_actions_done(db: Connection, receipt_ids: Iterable[int]) -> None:
    db.executemany("update receipts set server_action = 'done' where id = ?", [(i,) for i in receipt_ids])


def states_since(db: Connection, mailbox_id: int, first_id: int) -> dict[str, int]:
    """How many receipts of a mailbox, from an id on, are in each state."""
    rows = db.execute(
        "select state, count(*) from receipts where mailbox_id = ? and id >= ? group by state", (mailbox_id, first_id)
    )
    return {row[0]: row[1] for row in rows}


def next_id(db: Connection) -> int:
    """The id that the next receipt will have at the least."""
    return int(one(db, "select coalesce((select seq from sqlite_sequence where name = 'receipts'), 0)")) + 1


def count_waiting(db: Connection) -> int:
    return int(one(db, "select count(*) from receipts where state = 'new'"))


# ---------------------------------------------------------------- quarantine


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A mail that could not be processed: waiting for another attempt (`quarantined`) or for a person (`parked`)."""

    id: int
    account: str | None
    account_id: int | None
    user_id: int | None
    folder: str | None
    uid: int | None
    origin: str
    state: str
    attempts: int
    next_try_at: str | None
    error: str | None
    size_bytes: int
    raw_id: int | None


_QUARANTINED = """
    select r.id, a.name as account, r.account_id, a.user_id, m.folder, r.uid, r.origin, r.state, r.attempts, r.next_try_at,
           r.error, r.size_bytes, r.raw_id
    from receipts r left join accounts a on a.id = r.account_id left join mailboxes m on m.id = r.mailbox_id
    where r.state in ('quarantined', 'parked')
"""


def list_quarantined(db: Connection, *, account_id: int | None = None) -> list[Quarantined]:
    """Every mail in quarantine, newest first, of one account or of all."""
    rows = db.execute(
        _QUARANTINED + " and (:account is null or r.account_id = :account) order by r.id desc", {"account": account_id}
    )
    return [Quarantined(**row) for row in rows]


def find_quarantined(db: Connection, receipt_id: int) -> Quarantined | None:
    row = db.execute(_QUARANTINED + " and r.id = ?", (receipt_id,)).fetchone()
    return None if row is None else Quarantined(**row)


def retry(db: Connection, receipt_id: int, *, now: datetime) -> None:
    """Let one mail be tried again at once, with all its attempts before it."""
    db.execute(
        """update receipts set state = case when raw_id is null then 'quarantined' else 'new' end, attempts = 0, next_try_at = ?
           where id = ? and state in ('quarantined', 'parked')""",
        (times.to_text(now), receipt_id),
    )


def retry_skipped(db: Connection, *, since: datetime | None) -> list[int]:
    """Let mails that a filter skipped, and whose bytes are still kept, be decided anew; return their receipts."""
    rows = db.execute(
        """update receipts set state = 'new' where state = 'filtered' and raw_id is not null
               and (:since is null or received_at >= :since) returning id""",
        {"since": times.to_text_or_none(since)},
    )
    return [row[0] for row in rows.fetchall()]


def discard(db: Connection, receipt_id: int) -> None:
    """Give a mail up for good: its receipt stays, its bytes go."""
    db.execute("update receipts set state = 'discarded', raw_id = null, next_try_at = null where id = ?", (receipt_id,))
