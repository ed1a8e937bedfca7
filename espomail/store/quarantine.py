"""Mails that could not be processed: listed for a person, tried again, or given up; and skipped ones decided anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from espomail import times
from espomail.store.db import Connection


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


_SELECT = """
    select r.id, a.name as account, r.account_id, a.user_id, m.folder, r.uid, r.origin, r.state, r.attempts, r.next_try_at,
           r.error, r.size_bytes, r.raw_id
    from receipts r indexed by receipts_waiting
         left join accounts a on a.id = r.account_id left join mailboxes m on m.id = r.mailbox_id
    where r.state in ('new', 'quarantined', 'parked') and r.state <> 'new'
"""


def list_(db: Connection, *, account_id: int | None = None) -> list[Quarantined]:
    """Every mail in quarantine, newest first, of one account or of all."""
    rows = db.execute(
        _SELECT + " and (:account is null or r.account_id = :account) order by r.id desc", {"account": account_id}
    )
    return [Quarantined(**row) for row in rows]


def find(db: Connection, receipt_id: int) -> Quarantined | None:
    row = db.execute(_SELECT + " and r.id = ?", (receipt_id,)).fetchone()
    return None if row is None else Quarantined(**row)


def retry(db: Connection, receipt_id: int, *, now: datetime) -> None:
    """Let one mail be tried again at once, with all its attempts before it."""
    db.execute(
        """update receipts set state = case when raw_id is null then 'quarantined' else 'new' end, attempts = 0, next_try_at = ?
           where id = ? and state in ('quarantined', 'parked')""",
        (times.to_text(now), receipt_id),
    )


def retry_failed(db: Connection, account_ids: Sequence[int], *, now: datetime) -> int:
    """Let every quarantined or parked mail of the accounts be tried again at once; return how many."""
    return db.execute(
        """update receipts indexed by receipts_waiting
           set state = case when raw_id is null then 'quarantined' else 'new' end, attempts = 0, next_try_at = ?
           where state in ('new', 'quarantined', 'parked') and state <> 'new' and account_id in (select value from json_each(?))""",
        (times.to_text(now), json.dumps(list(account_ids))),
    ).rowcount


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
