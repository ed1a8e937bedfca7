"""A backup put in place of the database: looked at first, and what was there kept beside it."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from espomail.errors import BadInput, NotSetUp
from espomail.store import outbox, ownership
from espomail.store.db import APPLICATION_ID, SCHEMA_VERSION, SqliteError, connect, transaction, translated


def check(path: Path) -> None:
    """Raise BadInput unless the file is a whole database of ours that this program can open."""
    if not path.is_file():
        raise BadInput(f"no such file: {path}", "name a file that `espomail backup` wrote")
    try:
        copy = connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)
        try:
            application = copy.execute("pragma application_id").fetchone()[0]
            version = copy.execute("pragma user_version").fetchone()[0]
            problems = [row[0] for row in copy.execute("pragma integrity_check")]
        finally:
            copy.close()
    except SqliteError as error:
        raise BadInput(f"{path} is no database: {error}", "name a file that `espomail backup` wrote") from error
    if application != APPLICATION_ID:
        raise BadInput(f"{path} is no database of espomail", "name a file that `espomail backup` wrote")
    if problems != ["ok"]:
        raise BadInput(f"{path} is damaged: {problems[0]}", "try an older backup")
    if version > SCHEMA_VERSION:
        raise NotSetUp(f"{path} was written by a newer espomail (schema {version})", "install that version or a later one")


@dataclass(frozen=True, slots=True)
class Restored:
    """Where the database that was there is `kept` (None: there was none), and how much automatic mail is `doubted`."""

    kept: Path | None
    doubted: int


def put_in_place(backup: Path, path: Path, *, now: datetime) -> Restored:
    """Make a copy of the backup the database; nobody else may process or send meanwhile.

    A journal goes aside with its database, also one whose database is gone: SQLite would take it for the restored one's.
    Automatic mail that waited when the backup was made may have left since: it is of unknown fate, and not sent again.
    """
    fresh = path.with_name(path.name + ".restoring")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    ownership.give(descriptor, database=path)
    with os.fdopen(descriptor, "wb") as target, backup.open("rb") as source:
        shutil.copyfileobj(source, target)
        target.flush()
        os.fsync(target.fileno())
    doubted = _doubt_automatic(fresh, now=now)
    aside = path.with_name(f"{path.name}.before-restore-{now:%Y%m%dT%H%M%SZ}")
    moved = []
    for ending in ("", "-wal", "-shm", "-journal"):
        file = path.with_name(path.name + ending)
        if file.exists():
            moved.append(file.replace(aside.with_name(aside.name + ending)))
    fresh.replace(path)
    return Restored(aside if aside in moved else None, doubted)


def _doubt_automatic(path: Path, *, now: datetime) -> int:
    with translated(), closing(connect(path, isolation_level=None)) as db, transaction(db):
        return outbox.doubt_automatic(db, reply="it may have left before the backup was restored", now=now)
