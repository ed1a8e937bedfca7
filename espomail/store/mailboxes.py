"""Mailboxes: one row per folder of an account and UIDVALIDITY epoch, with the cursor that a round moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from espomail import times
from espomail.store.db import Connection, one


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


_SELECT = "select id, account_id, folder, uidvalidity, epoch, last_uid, window_end_uid, since, is_sent from mailboxes "


def current(db: Connection, account_id: int, folder: str) -> MailboxRow | None:
    """The newest epoch of a folder, None when it was never read."""
    row = db.execute(
        _SELECT + "where account_id = ? and folder = ? order by epoch desc limit 1", (account_id, folder)
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
    before = current(db, account_id, folder)
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
    started = current(db, account_id, folder)
    assert started is not None
    return started


def reset(db: Connection, account_id: int, since: date) -> None:
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
