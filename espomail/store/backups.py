"""Copies of the whole database, written while it is in use and checked. restoring.py puts them back."""

from __future__ import annotations

import os
from pathlib import Path

from espomail.errors import Damaged
from espomail.store.db import Connection, connect, translated


def copy_to(db: Connection, target: Path) -> None:
    """Write an online copy of the whole database to `target` (0600); an existing file is replaced whole or not at all.

    One copy to a target at a time. A disk that was too full for it is left as it was.
    """
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        _copy(db, partial)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(target)


def _copy(db: Connection, partial: Path) -> None:
    with translated():
        copy = connect(partial, isolation_level=None)
        try:
            db.backup(copy)
            copy.execute("pragma journal_mode=delete")
            problems = [row[0] for row in copy.execute("pragma quick_check")]
        finally:
            copy.close()
    if problems != ["ok"]:
        raise Damaged(f"the copy failed its integrity check: {problems[0]}", "run: espomail doctor")
    descriptor = os.open(partial, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
