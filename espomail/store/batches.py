"""Batch markers: committed before a batch is processed, gone with its effects; one that is found means a process died."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from espomail import times
from espomail.store import receipts
from espomail.store.db import Connection
from espomail.store.receipts import Receipt

_DIED_ALONE = """
    select r.id from receipts r
    where r.id in (select first_receipt_id from batches where first_receipt_id = last_receipt_id)
      and r.is_suspect and r.state in ('new', 'quarantined')
"""


def add(db: Connection, batch: Sequence[Receipt], *, now: datetime) -> int:
    """Name the batch that is about to be processed; commit this before starting it."""
    cursor = db.execute(
        "insert into batches (first_receipt_id, last_receipt_id, started_at) values (?, ?, ?)",
        (batch[0].id, batch[-1].id, times.to_text(now)),
    )
    return int(cursor.lastrowid or 0)


def remove(db: Connection, batch_id: int) -> None:
    db.execute("delete from batches where id = ?", (batch_id,))


def died_alone(db: Connection) -> list[Receipt]:
    """The mail that was being tried alone when the process died."""
    rows = db.execute(_DIED_ALONE)
    return [receipts.get(db, row[0]) for row in rows.fetchall()]


def suspect_dead(db: Connection) -> None:
    """Mark the mails of batches that died as suspects, to be tried one by one, and forget the markers."""
    db.execute(
        """update receipts indexed by receipts_waiting set is_suspect = 1
           where state in ('new', 'quarantined', 'parked') and state <> 'parked'
             and exists (select 1 from batches b where receipts.id between b.first_receipt_id and b.last_receipt_id)"""
    )
    db.execute("delete from batches")
