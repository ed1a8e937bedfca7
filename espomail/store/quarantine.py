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


def ids_failed(db: Connection, *, account_ids: Sequence[int] | None = None, since: datetime | None = None) -> list[int]:
    """The receipts of all mail in quarantine, or of some accounts, or received since a moment."""
    rows = db.execute(
        """select id from receipts indexed by receipts_waiting
           where state in ('new', 'quarantined', 'parked') and state <> 'new'
                 and (:accounts is null or account_id in (select value from json_each(:accounts)))
                 and (:since is null or received_at >= :since) order by id""",
        {"accounts": None if account_ids is None else json.dumps(list(account_ids)), "since": times.to_text_or_none(since)},
    )
    return [row[0] for row in rows]


def ids_skipped(db: Connection, *, since: datetime | None = None) -> list[int]:
    """The receipts of mail that a filter skipped, and whose bytes are still kept."""
    rows = db.execute(
        """select id from receipts where state = 'filtered' and raw_id is not null
               and (:since is null or received_at >= :since) order by id""",
        {"since": times.to_text_or_none(since)},
    )
    return [row[0] for row in rows]


def wake(db: Connection, receipt_ids: Sequence[int], *, now: datetime) -> None:
    """Let mail that failed or was skipped be processed again at once, with all its attempts before it.

    Mail that the server refused to give is asked for again by the next round.
    """
    db.executemany(
        """update receipts set state = case when raw_id is null then 'quarantined' else 'new' end, attempts = 0, next_try_at = ?
           where id = ? and state in ('quarantined', 'parked', 'filtered')""",
        [(times.to_text(now), receipt_id) for receipt_id in receipt_ids],
    )


def discard(db: Connection, receipt_id: int) -> None:
    """Give a mail up for good: its receipt stays, its bytes go."""
    db.execute("update receipts set state = 'discarded', raw_id = null, next_try_at = null where id = ?", (receipt_id,))
