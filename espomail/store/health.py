"""Whether the database file is whole, and the facts about it that `doctor` judges."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from espomail import times
from espomail.store.db import Connection, SqliteError, mode_of, one, rolled_back

PROBLEMS_MAX = 20
_INDEX_CHECKED_BY_PRAGMA = (3, 44, 0)


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file that holds mail or secrets: what it is, its permission bits, and whether it belongs to the owner of the database."""

    what: str
    path: str
    mode: int
    is_ours: bool


@dataclass(frozen=True, slots=True)
class DiskFact:
    """Free and needed bytes: a backup or a migration writes the database once more."""

    free_bytes: int
    database_bytes: int


@dataclass(frozen=True, slots=True)
class Queues:
    """What waits or failed, in counts, and the oldest moment of it; `stuck_reply` is the last word about the newest stuck mail."""

    failed: int
    unknown: int
    overdue: int
    stuck: int
    stuck_reply: str
    parked: int
    retrying: int
    waiting: int
    oldest_waiting_at: datetime | None
    dead_batches: int


def integrity_problems(db: Connection) -> list[str]:
    """What the database's own checks say is wrong: pages, indexes, foreign keys, search index; at most 20 of them."""
    found: list[str] = []
    try:
        found += [str(row[0]) for row in db.execute(f"pragma integrity_check({PROBLEMS_MAX})") if row[0] != "ok"]
        found += [
            f"row {row['rowid']} of {row['table']} refers to a missing row of {row['parent']}"
            for row in db.execute("pragma foreign_key_check").fetchmany(PROBLEMS_MAX)
        ]
        found += _search_index_problems(db)
    except SqliteError as error:
        found.append(str(error))
    return found[:PROBLEMS_MAX]


def _search_index_problems(db: Connection) -> list[str]:
    """The search index against its own texts; since SQLite 3.44 integrity_check has looked at it already."""
    version = tuple(int(part) for part in str(one(db, "select sqlite_version()")).split("."))
    if version >= _INDEX_CHECKED_BY_PRAGMA:
        return []
    with rolled_back(db):
        db.execute("insert into email_texts (email_texts) values ('integrity-check')")
    return []


def files(database: Path, key_file: Path) -> list[FileFact]:
    """The database, what lies beside it, the key file and the folder, as far as they are there."""
    beside = [("journal", f"{database.name}{ending}") for ending in ("-journal", "-wal", "-shm")]
    named = [("database", database), *((what, database.with_name(name)) for what, name in beside), ("key file", key_file)]
    named.append(("folder", database.parent))
    owner = database.stat().st_uid
    return [FileFact(what, str(path), mode_of(path), path.stat().st_uid == owner) for what, path in named if path.exists()]


def disk(database: Path) -> DiskFact:
    return DiskFact(shutil.disk_usage(database.parent).free, database.stat().st_size)


def queues(db: Connection, *, overdue_before: datetime, ended_since: datetime, stuck_at: int) -> Queues:
    """Counts of what waits, and of what failed since a moment.

    `overdue` mails should have left before the moment given; `stuck` ones have been tried in vain so often.
    """
    outbox = dict(
        db.execute(
            "select status, count(*) from outbox where finished_at >= ? group by status", (times.to_text(ended_since),)
        ).fetchall()
    )
    stuck = [
        row[0]
        for row in db.execute(
            "select last_reply from outbox where status = 'deferred' and attempts >= ? order by id desc", (stuck_at,)
        )
    ]
    receipts = dict(db.execute("select state, count(*) from receipts group by state").fetchall())
    oldest = one(db, "select min(taken_in_at) from receipts where state = 'new'")
    overdue = one(
        db,
        """select count(*) from outbox
           where status in ('queued', 'deferred', 'sending') and next_try_at < ?""",
        (times.to_text(overdue_before),),
    )
    return Queues(
        failed=outbox.get("failed", 0),
        unknown=outbox.get("unknown", 0),
        overdue=int(overdue),
        stuck=len(stuck),
        stuck_reply=next(iter(stuck), None) or "",
        parked=receipts.get("parked", 0),
        retrying=receipts.get("quarantined", 0),
        waiting=receipts.get("new", 0),
        oldest_waiting_at=times.from_text(oldest) if oldest else None,
        dead_batches=int(one(db, "select count(*) from batches where started_at < ?", (times.to_text(overdue_before),))),
    )


def sqlite_version(db: Connection) -> str:
    return str(one(db, "select sqlite_version()"))


def journal_mode(db: Connection) -> str:
    return str(one(db, "pragma journal_mode"))


def unknown_settings(db: Connection, known: Iterable[str]) -> list[str]:
    """Keys of rows in `settings` that this program does not know."""
    names = set(known)
    return sorted(row[0] for row in db.execute("select key from settings") if row[0] not in names)


def hits_of_filters(db: Connection) -> set[tuple[int | None, str]]:
    """(user whose inbox it filters or None, name) of each filter that any receipt or decision says a mail has hit."""
    rows = db.execute(
        """select null, filter from receipts where filter is not null
           union select null, s.value ->> '$.details.filter' from decisions d, json_each(d.steps) s
                 where d.steps like '%"filter":"%' and s.value ->> 'step' = 'filter'
                   and s.value ->> '$.details.filter' is not null
           union select i.value ->> 'user_id', i.value ->> 'filter'
                 from decisions d, json_each(d.steps) s, json_each(s.value, '$.details.inboxes') i
                 where d.steps like '%"filter":"%' and s.value ->> 'step' = 'filter' and i.value ->> 'filter' is not null"""
    )
    return {(row[0], row[1]) for row in rows}


def newest_mails(db: Connection, *, account_id: int | None, user_id: int | None, limit: int, size_max: int) -> list[int]:
    """The ids of the raw mails of the newest emails that are no larger than `size_max` bytes.

    Those of an account or of a user's inbox where one is given.
    """
    rows = db.execute(
        """select raw_id from emails e where e.status = 'imported' and e.raw_id is not null and e.size_bytes <= :size_max
               and (:account is null or e.id in (select email_id from email_accounts where account_id = :account))
               and (:user is null or e.id in (select email_id from email_users where user_id = :user))
           order by e.id desc limit :limit""",
        {"account": account_id, "user": user_id, "size_max": size_max, "limit": limit},
    )
    return [row[0] for row in rows]


def accounts_added_at(db: Connection) -> dict[int, datetime]:
    return {row[0]: times.from_text(row[1]) for row in db.execute("select id, created_at from accounts")}


def empty_teams(db: Connection) -> list[tuple[int, str]]:
    """(id, name) of each team without an active member."""
    rows = db.execute(
        """select t.id, t.name from teams t
           where not exists (select 1 from team_members m join users u on u.id = m.user_id
                             where m.team_id = t.id and u.is_active)
           order by t.name"""
    )
    return [(row[0], row[1]) for row in rows]


def other_owners(db: Connection) -> list[tuple[str, str, str]]:
    """(account, address, owner) of each personal account whose address is not one of its owner's."""
    rows = db.execute(
        """select a.name, a.address, u.name from accounts a join users u on u.id = a.user_id
           where not exists (select 1 from user_addresses x where x.user_id = a.user_id and x.address = a.address)
           order by a.name"""
    )
    return [(row[0], row[1], row[2]) for row in rows]
