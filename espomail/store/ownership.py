"""Files that root makes beside a database belong to its owner, as the journals that SQLite makes there do."""

from __future__ import annotations

import os
from pathlib import Path


def open_or_make(path: Path, flags: int, *, database: Path) -> int:
    """A descriptor of a file (0600, never through a link), which is made if need be and then the database owner's."""
    flags |= os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # somebody else's is never given away
        return os.open(path, flags | os.O_CREAT, 0o600)
    give(descriptor, database=database)
    return descriptor


def make_folder(path: Path, *, database: Path) -> None:
    """Make a folder (0700) unless there is one; a new one is the database owner's."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        give(descriptor, database=database)
    finally:
        os.close(descriptor)


def give(descriptor: int, *, database: Path) -> None:
    """Give what was just made to the owner of the database; only root can have made it for somebody else."""
    if os.geteuid() == 0 and database.exists():
        owner = database.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
