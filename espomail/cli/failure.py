"""How a command ends that did not succeed: every failure to one of our errors, and from that the exit code."""

from __future__ import annotations

import errno
import itertools
import os
import sys
from collections.abc import Sequence

import click

from espomail.errors import BadInput, EspomailError, NotPermitted, TryAgain, UsageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG}


def expected() -> tuple[type[BaseException], ...]:
    """The kinds of exception that may be an expected failure; SQLite's only once a database was opened."""
    store = sys.modules.get("espomail.store.db")
    of_sqlite: tuple[type[BaseException], ...] = (store.SqliteError,) if store else ()
    return (EspomailError, click.ClickException, OSError, UnicodeEncodeError, *of_sqlite)


def as_expected(error: BaseException, words: Sequence[str] = ()) -> EspomailError | None:
    """Given what a command raised, return the error to show, or None for what nobody foresaw (a bug).

    `words` are those of the command line: one that is no UTF-8 is fine as a path and nowhere else.
    """
    if isinstance(error, EspomailError):
        return error
    if isinstance(error, click.ClickException):
        return _from_click(error)
    if isinstance(error, OSError):
        return _from_system(error)
    if isinstance(error, UnicodeEncodeError):
        return _from_encoding(error, words)
    return _from_sqlite(error)


def _from_click(error: click.ClickException) -> EspomailError:
    if isinstance(error, click.FileError):
        return BadInput(f"{error.ui_filename}: {error.message}", None)
    if isinstance(error, click.UsageError):
        return UsageError(_on_one_line(error.format_message()), _help_of(error.ctx))
    return EspomailError(error.format_message())


def _on_one_line(message: str) -> str:
    """The message without the breaks that click puts between choices."""
    return " ".join(line.strip() for line in message.splitlines())


def _help_of(context: click.Context | None) -> str | None:
    return f"see: {context.command_path} -h" if context else "see: espomail -h"


def _from_system(error: OSError) -> EspomailError | None:
    """A file that the command line or the configuration named, or a disk that is full; None for anything else."""
    where = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    if error.errno in _FULL:
        return TryAgain(f"can't write: {where}", "free some disk space, then run the command again")
    if isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError | FileExistsError):
        return BadInput(where, "check the path")
    if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        return BadInput(where, "check the path")
    if isinstance(error, PermissionError):
        return NotPermitted(where, "check the owner and mode of the file and its folder")
    return None


def _from_encoding(error: UnicodeEncodeError, words: Sequence[str]) -> EspomailError | None:
    """A word of the command line that is no text; None where no word holds what can't be written."""
    broken = error.object[error.start : error.end]
    for word in words:
        if error.encoding == "utf-8" and broken in word:
            shown = os.fsencode(word).decode("utf-8", "backslashreplace")
            return BadInput(f"no text in UTF-8: {shown}", "write it in UTF-8; only paths may be other bytes")
    return None


def _from_sqlite(error: BaseException) -> EspomailError | None:
    store = sys.modules.get("espomail.store.db")
    return store.as_expected(error) if store and isinstance(error, store.SqliteError) else None


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether JSON was asked for, read from the bare words: for errors that come before the options are known."""
    words = list(arguments)
    return (
        "--json" in words
        or any(word in ("--format=json", "--format=jsonl") for word in words)
        or any(word == "--format" and value in ("json", "jsonl") for word, value in itertools.pairwise(words))
    )
