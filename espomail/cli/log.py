"""The log file of the configuration: a line for each round and each change that a command made, and for every trouble.

Lines are appended whole, so that commands which run at once don't mix theirs, and the file is opened for each, so that it can be
rotated at any time. A log that can't be written is told once on stderr and stops nothing.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from espomail import times
from espomail.errors import EspomailError
from espomail.store import ownership

if TYPE_CHECKING:
    from pathlib import Path

    from espomail.cli.front import Front

LEVELS = ("debug", "info", "warning", "error")


def add(front: Front, level: str, line: str) -> None:
    """Add a line (escaped by the caller) if a command is running and the log wants its level."""
    place = _place(front, level)
    if place is None:
        return
    text = f"{times.to_text(front.now())} {level} {front.running}[{os.getpid()}] {front.actor_name}: {line}\n"
    if trouble := write(place, text, database=front.db_path):
        front.running = ""  # the rest of this command goes unlogged, and this is told once
        sys.stderr.write(f"espomail: {trouble}\n")


def _place(front: Front, level: str) -> Path | None:
    """The log file, None where this command or level has none; a bad configuration is told by whom it concerns."""
    if not front.running:
        return None
    try:
        log = front.configuration.log
    except EspomailError:
        return None
    return log.file if LEVELS.index(level) >= LEVELS.index(log.level) else None


def trouble(front: Front) -> str:
    """Why the configured log could not be written, "" when it could or none is wanted."""
    place = front.configuration.log.file
    if place is None or os.access(place, os.W_OK) or (os.access(place.parent, os.W_OK) and not place.exists()):
        return ""
    return f"the log {place} can't be written"


def write(place: Path, text: str, *, database: Path) -> str:
    """Append to the log, where it is new made for the database's owner only; return what went wrong, "" when nothing did."""
    try:
        descriptor = ownership.open_or_make(place, os.O_WRONLY | os.O_APPEND, database=database)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        return f"the log {place} can't be written: {error.strerror}"
    return ""
