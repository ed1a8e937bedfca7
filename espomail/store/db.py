"""One SQLite file: opening it safely, writing to it in one transaction, and what its errors mean.

WAL is used only on an SQLite that has the WAL-reset fix (3.51.3, 3.50.7, 3.44.6); before that a writer and a
checkpointer in two processes could lose committed transactions (sqlite.org/wal.html), so the rollback journal is used.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from espomail import times
from espomail.errors import BadInput, Damaged, EspomailError, NotSetUp, TryAgain

if TYPE_CHECKING:
    import sqlite3
else:
    try:
        import pysqlite3 as sqlite3
    except ImportError:
        import sqlite3

Connection = sqlite3.Connection
Row = sqlite3.Row
IntegrityError = sqlite3.IntegrityError
SqliteError = sqlite3.Error
connect = sqlite3.connect

SCHEMA_VERSION = 8
BUSY_TIMEOUT_MS = 20_000
TURN_POLL_S = (0.001, 0.003)
APPLICATION_ID = 0x6573706D  # "espm"

_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def has_wal_fix(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite has the WAL-reset fix."""
    if version >= (3, 51, 3):
        return True
    return any(version[:2] == branch[:2] and version >= branch for branch in ((3, 50, 7), (3, 44, 6)))


def create_db(path: Path, *, now: datetime) -> Connection:
    """Make a new database (mode 0600, its folder 0700 where it has to be made) and return it open."""
    make_folder_of(path)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600))
    path.chmod(0o600)
    with _opening(path) as db:
        pass
    migrate(db, path, now=now)
    return db


def make_folder_of(path: Path) -> None:
    """Make the folder that a database is to lie in, 0700, unless there is one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)


def is_made(path: Path) -> bool:
    """Whether there is a database; an empty file, as a killed `init` leaves it, is none."""
    if not path.exists():
        return False
    with translated(), contextlib.closing(connect(path)) as db:
        return db.execute("select 1 from sqlite_schema").fetchone() is not None


def open_db(path: Path, *, now: datetime) -> Connection:
    """Open an existing database, bring an older schema up to date, refuse a newer one.

    Raise NotSetUp without a database, with a newer one or another program's (which stays as it is), Damaged when it is no
    database at all, TryAgain when it is locked.
    """
    if not path.exists():
        raise NotSetUp(f"no database at {path}", "make one with: espomail init")
    with _opening(path) as db:
        _require_ours(db, path)
    if schema_version(db) != SCHEMA_VERSION:
        migrate(db, path, now=now)
    return db


def _require_ours(db: Connection, path: Path) -> None:
    if db.execute("pragma application_id").fetchone()[0] == APPLICATION_ID:
        return
    db.close()
    if is_made(path):
        raise NotSetUp(f"the database at {path} is another program's", "name another place with --db")
    raise NotSetUp(f"no database at {path}: the file is empty", "make one with: espomail init")


@contextmanager
def _opening(path: Path) -> Iterator[Connection]:
    """A connection with nothing set that stays in the file; its journal is readable by its owner only, and set up at the end."""
    with translated():
        old_mask = os.umask(0o077)
        try:
            db = sqlite3.connect(
                path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000, check_same_thread=False, cached_statements=512
            )
            db.row_factory = sqlite3.Row
            db.execute(f"pragma busy_timeout={BUSY_TIMEOUT_MS}")
            yield db
            for pragma in _pragmas():
                db.execute(pragma)
        finally:
            os.umask(old_mask)


def _pragmas() -> tuple[str, ...]:
    journal = (
        ("pragma journal_mode=wal", "pragma synchronous=full")
        if has_wal_fix()
        else ("pragma journal_mode=delete", "pragma synchronous=extra")
    )
    return (
        *journal,
        "pragma foreign_keys=on",
        "pragma trusted_schema=off",
        "pragma secure_delete=fast",
        "pragma cache_size=-32000",
        "pragma temp_store=memory",
    )


def give_memory_back(db: Connection) -> None:
    """Drop the pages that a connection has cached: one that lives for days would keep as many as the cache may hold."""
    with translated():
        db.execute("pragma shrink_memory")


def schema_version(db: Connection) -> int:
    with translated():
        return int(db.execute("pragma user_version").fetchone()[0])


def migrate(db: Connection, path: Path, *, now: datetime) -> None:
    """Apply what is missing of the schema in one transaction, after a backup of what was there.

    Killed anywhere, the old schema stays. Raise NotSetUp when the database is newer than this program.
    """
    found = schema_version(db)
    if found > SCHEMA_VERSION:
        raise NotSetUp(
            f"the database at {path} was written by a newer espomail (schema {found}, this one knows {SCHEMA_VERSION})",
            "install that version or a later one",
        )
    import sqlite_utils

    from espomail.store.migrations import migrations

    with transaction(db):
        found = schema_version(db)
        if found == SCHEMA_VERSION:
            return  # another process was first
        if found:
            _back_up_before_migration(path, found)
        migrations.apply(sqlite_utils.Database(db, execute_plugins=False))
        db.execute(
            "insert or ignore into instance (id, uuid, signing_key, created_at) values (1, ?, ?, ?)",
            (uuid.uuid4().hex, secrets.token_bytes(32), times.to_text(now)),
        )
        db.execute(f"pragma user_version={SCHEMA_VERSION}")
        db.execute(f"pragma application_id={APPLICATION_ID}")


def _back_up_before_migration(path: Path, version: int) -> None:
    """Called with the turn to write, so that only one process does; it is no obstacle to a second connection that reads."""
    from espomail.store import backups

    with contextlib.closing(connect(path)) as before:
        backups.copy_to(before, path.with_name(f"{path.name}.before-schema-{SCHEMA_VERSION}-from-{version}"))


@contextmanager
def transaction(db: Connection) -> Iterator[Connection]:
    """One write transaction: BEGIN IMMEDIATE, commit at the end, rollback on any exception.

    BEGIN IMMEDIATE because a deferred transaction that reads and then writes fails at once, whatever the
    busy timeout, when another process wrote in between (SQLITE_BUSY_SNAPSHOT).
    """
    with translated():
        _begin(db)
        try:
            yield db
            db.execute("commit")
        except BaseException:
            if db.in_transaction:  # also after a commit that failed: a reader may keep the rollback journal's lock too long
                db.execute("rollback")
            raise


@contextmanager
def rolled_back(db: Connection) -> Iterator[Connection]:
    """A write transaction that is always undone: what `--dry-run` and `explain` run in."""
    with translated():
        _begin(db)
        try:
            yield db
        finally:
            if db.in_transaction:
                db.execute("rollback")


def _begin(db: Connection) -> None:
    """Wait for the turn to write, asking every few milliseconds.

    SQLite's own wait sleeps up to 100 ms between two attempts, and so misses the moment between two transactions of a
    busy writer again and again: a round then waited most of its time for its own processing child.
    """
    give_up_at = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    db.execute("pragma busy_timeout=0")
    try:
        while True:
            try:
                db.execute("begin immediate")
                return
            except SqliteError as error:
                if not _is_busy(error) or time.monotonic() >= give_up_at:
                    raise
            time.sleep(random.uniform(*TURN_POLL_S))
    finally:
        db.execute(f"pragma busy_timeout={BUSY_TIMEOUT_MS}")


def _is_busy(error: SqliteError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@contextmanager
def savepoint(db: Connection) -> Iterator[None]:
    """A part of a transaction that can fail alone."""
    db.execute("savepoint part")
    try:
        yield
    except BaseException:
        if db.in_transaction:
            db.execute("rollback to part")
            db.execute("release part")
        raise
    db.execute("release part")


@contextmanager
def translated() -> Iterator[None]:
    """Turn what SQLite raises inside into the errors of espomail.errors."""
    try:
        yield
    except SqliteError as error:
        raise as_expected(error) from error


def as_expected(error: SqliteError) -> EspomailError:
    """Given what SQLite raised, return the error to show: TryAgain for lock, space and rights, Damaged for corruption."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    text = str(error)
    if _is_busy(error) or "locked" in text:
        return TryAgain("the database is busy with another long write", "try again in a moment")
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM) or "readonly" in text:
        return TryAgain("the database can't be written (read-only)", "check the owner and mode of the file and its folder")
    if primary == sqlite3.SQLITE_CANTOPEN or "unable to open" in text:
        return TryAgain(f"the database can't be written: {text}", "check that its folder can be written and the disk has space")
    if primary in _FULL or "disk is full" in text or "disk I/O" in text:
        return TryAgain(f"the database can't be written: {text}", "free some disk space, then run the command again")
    if primary in _BROKEN or "malformed" in text or "not a database" in text:
        return Damaged(f"the database is damaged: {text}", "restore a backup with: espomail restore FILE")
    if primary == sqlite3.SQLITE_TOOBIG:
        return BadInput("a value is too large to store", None)
    return EspomailError(f"the database refused: {text}", "this is a bug: please report it with the command you ran")


def mode_of(path: Path) -> int:
    """The permission bits of a file, such as 0o600."""
    return stat.S_IMODE(path.stat().st_mode)


def one(db: Connection, sql: str, parameters: dict[str, Any] | tuple[Any, ...] = ()) -> Any:
    """The first column of the first row, or None without a row."""
    row = db.execute(sql, parameters).fetchone()
    return None if row is None else row[0]
