"""Locks between processes: flock on small files, which the kernel frees when a process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from espomail.errors import TryAgain
from espomail.store import ownership

_PAUSE_S = 0.02
_ENDING = ".locks"


def folder_of(database: Path) -> Path:
    """Where the lock files of a database lie."""
    return database.with_name(database.name + _ENDING)


def of_account(folder: Path, account_id: int) -> Path:
    return folder / f"account-{account_id}.lock"


@contextmanager
def hold(path: Path) -> Iterator[bool]:
    """Hold a lock for as long as the block runs; give False at once when somebody else holds it."""
    descriptor = _open(path)
    try:
        yield _try(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def wait_for(path: Path, *, timeout_s: float, what: str = "processing mail") -> Iterator[None]:
    """Hold a lock, waiting for it; raise TryAgain, saying `what` its holder is at, when it isn't free in time."""
    descriptor = _open(path)
    try:
        give_up = time.monotonic() + timeout_s
        while not _try(descriptor):
            if time.monotonic() > give_up:
                raise TryAgain(f"another espomail is still {what}", "try again in a moment")
            time.sleep(_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    database = path.parent.with_name(path.parent.name.removesuffix(_ENDING))
    ownership.make_folder(path.parent, database=database)
    return ownership.open_or_make(path, os.O_RDWR, database=database)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
