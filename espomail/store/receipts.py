"""Receipts: what became of every UID and every delivered or imported mail.

The invariant (docs/reliability.md): in each mailbox epoch, each listed UID at or below the cursor has exactly one receipt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime

from espomail import times
from espomail.errors import NotFound
from espomail.store.db import Connection, one


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
_SHOWN = f"select {_COLUMNS}, coalesce(m.folder, '') as folder, coalesce(m.is_sent, 0) as is_sent "
_MAILBOX = "left join mailboxes m on m.id = r.mailbox_id "
_SELECT = _SHOWN + "from receipts r " + _MAILBOX
_SELECT_WAITING = (
    _SHOWN + "from receipts r indexed by receipts_waiting " + _MAILBOX + "where r.state in ('new', 'quarantined', 'parked') "
)
_VANISHED = "select uid, id from receipts where mailbox_id = ? and state = 'vanished'"
WAITING = "receipts r indexed by receipts_waiting where r.state in ('new', 'quarantined', 'parked')"
"""What to select from so that only mail that waits is looked at: SQLite takes a partial index where its words stand in the query."""


def uids_with_receipt(db: Connection, mailbox_id: int) -> set[int]:
    return {row[0] for row in db.execute("select uid from receipts where mailbox_id = ?", (mailbox_id,))}


def sizes_and_dates(db: Connection, mailbox_id: int) -> dict[int, tuple[int, str]]:
    """UID to size and INTERNALDATE of the mails that were read from a mailbox."""
    rows = db.execute(
        "select uid, size_bytes, received_at from receipts where mailbox_id = ? and size_bytes > 0", (mailbox_id,)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


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
        _SELECT_WAITING
        + """and r.raw_id is not null and r.is_suspect = :suspects
               and (r.state = 'new' or (r.state = 'quarantined' and r.next_try_at <= :now))
             order by r.id limit :limit""",
        {"now": times.to_text(now), "limit": limit, "suspects": int(suspects)},
    )
    return [Receipt(**row) for row in rows]


def list_unread_refusals(db: Connection, account_id: int, folder: str, *, now: datetime) -> list[Receipt]:
    """Quarantined receipts of a folder, in any epoch, whose bytes the server refused, and whose time to ask again has come."""
    rows = db.execute(
        _SELECT_WAITING
        + """and r.state = 'quarantined' and r.raw_id is null and r.next_try_at <= :now
               and m.account_id = :account and m.folder = :folder order by r.next_try_at, r.id""",
        {"now": times.to_text(now), "account": account_id, "folder": folder},
    )
    return [Receipt(**row) for row in rows]


def list_vanished(db: Connection, mailbox_id: int) -> dict[int, int]:
    """UID to receipt of the mails that were gone when they were to be read."""
    return {row[0]: row[1] for row in db.execute(_VANISHED, (mailbox_id,))}


def ask_again(db: Connection, receipt_ids: Iterable[int], *, now: datetime) -> None:
    """Mails that were called gone are there after all: they are due as mails that the server refused."""
    db.executemany(
        "update receipts set state = 'quarantined', error = 'the server did not have it', next_try_at = ? where id = ?",
        [(times.to_text(now), receipt_id) for receipt_id in receipt_ids],
    )


def set_taken_in(db: Connection, receipt_id: int, *, raw_id: int, size_bytes: int) -> None:
    """The bytes that the server first refused have come."""
    db.execute(
        "update receipts set raw_id = ?, size_bytes = ?, state = 'new', error = null where id = ?",
        (raw_id, size_bytes, receipt_id),
    )


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
            f"""select exists (select 1 from {WAITING} and r.raw_id is not null
                    and (r.state = 'new' or (r.state = 'quarantined' and r.next_try_at <= ?)))""",  # noqa: S608 (our own words)
            (times.to_text(now),),
        )
    )


def states_between(db: Connection, mailbox_id: int, first_id: int, last_id: int) -> dict[str, int]:
    """How many receipts of a mailbox, from an id up to another, are in each state."""
    rows = db.execute(
        "select state, count(*) from receipts where +mailbox_id = ? and id between ? and ? group by state",
        (mailbox_id, first_id, last_id),
    )
    return {row[0]: row[1] for row in rows}


def next_id(db: Connection) -> int:
    """The id that the next receipt will have at the least."""
    return int(one(db, "select coalesce((select seq from sqlite_sequence where name = 'receipts'), 0)")) + 1
