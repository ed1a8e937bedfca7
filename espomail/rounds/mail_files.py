"""Mails in files: eml, mbox (mboxrd quoting) and Maildir, in name order."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from espomail.errors import BadInput

SEPARATOR_BYTES_MAX = 500
NO_MBOX = "is no mbox: its first line doesn't start with 'From '"
# The separator of mails in an mbox (RFC 4155) holds a sender and a time; programs write the time in many ways, but all with a year and
# a clock. A line of a text that merely begins with "From " is none.
_SEPARATOR = re.compile(rb"From \S(?=.*\b\d{1,2}:\d{2})(?=.*\b(?:19|20)\d{2}\b)")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FoundMail:
    """One mail of a file: where it lay (`FILE#n` in an mbox), its bytes and the time of its file; or why it can't be read."""

    path: str
    content: bytes
    at: datetime
    problem: str | None = None


def find(paths: Sequence[str], *, format_: str, stdin: BinaryIO) -> Iterator[FoundMail]:
    """The mails in files and folders; folders are searched for *.eml, mbox files and Maildirs, other files are passed over.

    The path `-` is what `stdin` gives: a mail, or an mbox. `format_` is auto, eml, mbox or maildir.
    Raise BadInput, before the first mail, for a path that is not there or not of the format asked for. What can't be read
    below a folder is a mail with a problem, and holds up none of the others.
    """
    for name in paths:
        if name == "-":
            continue
        if not os.path.exists(name):  # noqa: PTH110 (Path.exists raises where the folder is closed to us)
            raise BadInput(f"no such file or folder: {name}", "check the path")
        _require_format(Path(name), name, format_)
    return _in_paths(paths, format_, stdin)


def _require_format(path: Path, name: str, format_: str) -> None:
    with contextlib.suppress(OSError):  # who may not read it is told when its turn comes
        if format_ == "maildir" and not _is_maildir(path):
            raise BadInput(
                f"{name} is no Maildir (it has no folders cur and new)", "leave out --format to search what it holds"
            )
        if path.is_file() and _is_mbox(path, format_) and _begins_otherwise(path):
            raise BadInput(f"{name} {NO_MBOX}", "leave out --format mbox, or mend the file")


def _in_paths(paths: Sequence[str], format_: str, stdin: BinaryIO) -> Iterator[FoundMail]:
    for name in paths:
        path = Path(name)
        if name == "-":
            yield from _in_stdin(stdin, format_)
        elif path.is_dir():
            yield from _as_far_as_readable(path, _in_folder(path, format_, seen=set()))
        else:
            yield from _as_far_as_readable(path, _in_file(path, format_))


def _as_far_as_readable(path: Path, mails: Iterator[FoundMail]) -> Iterator[FoundMail]:
    """The mails of a file or folder, and where reading it broke off, at last one that says why."""
    try:
        yield from mails
    except OSError as error:
        yield _with_problem(path, f"can't be read: {error.strerror}")


def _with_problem(path: Path, problem: str) -> FoundMail:
    return FoundMail(str(path), b"", datetime.fromtimestamp(0, UTC), problem)


def _in_stdin(stdin: BinaryIO, format_: str) -> Iterator[FoundMail]:
    """The mails of standard input, kept in a file for as long as they are read, since an mbox is read from one."""
    with tempfile.TemporaryDirectory(prefix="espomail-import-") as folder:
        file = Path(folder) / "-"
        with file.open("wb") as target:
            shutil.copyfileobj(stdin, target)
        if not file.stat().st_size:
            raise BadInput("no mail on standard input", "pipe mail into the command")
        _require_format(file, "standard input", format_)
        for mail in _in_file(file, format_):
            yield replace(mail, path=mail.path.replace(str(file), "-", 1))


def _in_folder(folder: Path, format_: str, *, seen: set[Path]) -> Iterator[FoundMail]:
    """The mails below a folder; each of its folders is searched once, however many links lead to it or round in a circle."""
    seen.add(folder.resolve())
    is_maildir = _is_maildir(folder)
    if is_maildir and format_ in ("auto", "maildir"):
        yield from _in_maildir(folder)
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            is_part = is_maildir and path.name in ("cur", "new", "tmp")
            if not is_part and path.resolve() not in seen:
                yield from _as_far_as_readable(path, _in_folder(path, format_, seen=seen))
        elif path.is_file() and _looks_like_mail(path, format_):
            yield from _as_far_as_readable(path, _in_file(path, format_))


def _is_maildir(folder: Path) -> bool:
    return (folder / "cur").is_dir() and (folder / "new").is_dir()


def _in_maildir(folder: Path) -> Iterator[FoundMail]:
    mails = [path for part in ("cur", "new") for path in (folder / part).iterdir() if path.is_file()]
    for path in sorted(mails, key=lambda p: p.name):
        if not path.name.startswith("."):
            yield from _as_far_as_readable(path, _in_eml(path))


def _looks_like_mail(path: Path, format_: str) -> bool:
    suffix = path.suffix.lower()
    is_mbox = suffix == ".mbox" or (suffix == "" and _starts_with_from(path))
    return (format_ in ("auto", "eml") and suffix == ".eml") or (format_ in ("auto", "mbox") and is_mbox)


def _in_file(path: Path, format_: str) -> Iterator[FoundMail]:
    yield from _in_mbox(path) if _is_mbox(path, format_) else _in_eml(path)


def _is_mbox(path: Path, format_: str) -> bool:
    """Whether a file is to be read as an mbox: as asked for, else by its ending, else by its first line."""
    suffix = path.suffix.lower()
    return format_ == "mbox" or (format_ == "auto" and (suffix == ".mbox" or (suffix != ".eml" and _starts_with_from(path))))


def _starts_with_from(path: Path) -> bool:
    try:
        return _first_bytes(path) == b"From "
    except OSError:
        return False


def _begins_otherwise(path: Path) -> bool:
    """Whether a file has a first line, and it is none that an mbox begins with."""
    return _first_bytes(path) not in (b"", b"From ")


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(5)


def _in_eml(path: Path) -> Iterator[FoundMail]:
    yield FoundMail(str(path), path.read_bytes(), _time_of(path))


def _in_mbox(path: Path) -> Iterator[FoundMail]:
    if _begins_otherwise(path):
        yield _with_problem(path, NO_MBOX)
        return
    at = _time_of(path)
    for number, content in enumerate(_between_separators(path), start=1):
        yield FoundMail(f"{path}#{number}", _QUOTED_FROM.sub(rb"\1", content), at)


def _time_of(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _between_separators(path: Path) -> Iterator[bytes]:
    """What stands between the separators of an mbox, without the empty line before the next; the file's first line is one."""
    lines: list[bytes] = []
    with path.open("rb") as file:
        next(file, None)
        for line in file:
            if _SEPARATOR.match(line[:SEPARATOR_BYTES_MAX]):
                yield _joined(lines)
                lines = []
            else:
                lines.append(line)
    if path.stat().st_size:
        yield _joined(lines)


def _joined(lines: Sequence[bytes]) -> bytes:
    return b"".join(lines[:-1] if lines and not lines[-1].strip() else lines)
