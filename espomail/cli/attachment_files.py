"""Attachments written to disk: cleaned names, mode 0600, never over a file, never through a link."""

from __future__ import annotations

import os
import unicodedata
from itertools import count
from pathlib import Path

from espomail.errors import BadInput

NAME_MAX_BYTES = 200
_FORBIDDEN = frozenset('/\\:*?"<>|')


def save_all(folder: Path, files: list[tuple[str, bytes]]) -> list[Path]:
    """Write each (name, content) into a folder, which is made (0700) when it is missing; return the paths.

    A name that is taken gets a number. Raise BadInput when the folder is a link, is none, or can't be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise BadInput(f"can't save into {folder}: {error.strerror}", "name a folder that is no link") from error
    try:
        return [
            folder / _write(descriptor, clean_name(name, number), content) for number, (name, content) in enumerate(files, 1)
        ]
    except OSError as error:
        raise BadInput(f"can't save into {folder}: {error.strerror}", "check its mode and the free space") from error
    finally:
        os.close(descriptor)


def clean_name(name: str, number: int) -> str:
    """Given a name from a mail, return one for a file: no folders, no control or invisible characters, not hidden, no option.

    `number` names an attachment of which nothing is left: `attachment-1`.
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    visible = "".join(c for c in last if unicodedata.category(c)[0] != "C" and c not in _FORBIDDEN)
    trimmed = " ".join(visible.split()).strip(". ").lstrip("-. ")
    return _shortened(trimmed) or f"attachment-{number}"


def _shortened(name: str) -> str:
    ending = Path(name).suffix
    ending = ending if len(ending.encode()) <= 20 else ""
    room = NAME_MAX_BYTES - len(ending.encode())
    return name.removesuffix(ending).encode()[:room].decode(errors="ignore").rstrip(". ") + ending


def _write(descriptor: int, name: str, content: bytes) -> str:
    """Write a new file under the name, or the first numbered one that is free; return the name it has got."""
    stem, ending = Path(name).stem, Path(name).suffix
    for number in count(1):
        free = name if number == 1 else f"{stem} ({number}){ending}"
        try:
            target = os.open(free, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=descriptor)
        except FileExistsError:
            continue
        with os.fdopen(target, "wb") as file:
            file.write(content)
        return free
    raise AssertionError("count() never ends")
