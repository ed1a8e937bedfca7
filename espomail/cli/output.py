"""Rows to a table, JSON, JSON lines or CSV on stdout, and words on stderr: the one place that escapes for a terminal."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from espomail.cli import log
from espomail.cli.front import Front, asked
from espomail.errors import EspomailError

# C0, DEL, C1, soft hyphen, bidi controls, zero-width characters, line separators, surrogates, tags, controls of shorthand and
# music: all that can make a terminal show something else than what is there.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NARROWEST_COLUMN = 6
_LONGEST_LINE = 100
_TIME_WIDTH = 20
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Row = Mapping[str, Any]


def safe(text: object, *, keep: str = "") -> str:
    """Given anything, return its text with control, bidi and zero-width characters written as escapes; `keep` stays."""
    return _UNSAFE.sub(lambda match: match[0] if match[0] in keep else _escape(match[0]), str(text))


def _escape(character: str) -> str:
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def emit(value: Row | Iterable[Row], *, columns: Sequence[str] = (), fields: Sequence[str] = ()) -> None:
    """Print a row (`show`) or rows (`list`) in the format asked for; `columns` are what a table of rows shows.

    JSON and CSV carry every field, whatever the columns; `fields` are those of rows, where they are others than the
    columns, so that a CSV without rows has the same header.
    """
    rows = None if isinstance(value, Mapping) else value
    match asked().format or "table":
        case "json":
            write(json_text(value if isinstance(value, Mapping) else list(value), pretty=sys.stdout.isatty()) + "\n")
        case "jsonl":
            for row in [value] if rows is None else rows:
                write(json_text(row, pretty=False) + "\n")
        case "csv":
            write(csv_text([value] if isinstance(value, Mapping) else list(value), fields=fields or columns))
        case _ if isinstance(value, Mapping):
            write(sheet(value))
        case _:
            _print_table(list(value), columns=columns)


def json_text(value: object, *, pretty: bool) -> str:
    """The value as JSON in ASCII, so that nothing in it can reach a terminal raw."""
    style: dict[str, Any] = {"indent": 2} if pretty else {"separators": (",", ":")}
    return json.dumps(value, ensure_ascii=True, **style).replace("\x7f", "\\u007f")


def csv_text(rows: Sequence[Row], *, fields: Sequence[str] = ()) -> str:
    """The rows as CSV with a header line, that of `fields` where there is no row.

    A cell that a spreadsheet would take for a formula gets a `'` in front. So does one that looks like such a cell
    already: who reads the file takes one `'` off and has what was there.
    """
    names = list(rows[0]) if rows else list(fields)
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_csv_cell(row.get(name)) for name in names] for row in rows)
    return target.getvalue()


def _csv_cell(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    text = words_of(value)
    return safe(f"'{text}" if text.lstrip("'").startswith(_FORMULA_STARTS) else text, keep="\n\t")


def words_of(value: object) -> str:
    """A value as a cell shows it: nothing for None, yes and no, names for things, lists with commas; not yet escaped."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case {"name": name, "address": address}:
            return f"{name} <{address}>" if name else str(address)
        case {"type": kind, "id": key, "name": name}:
            return f"{kind}:{key} {name}"
        case {"type": kind, "id": key}:
            return f"{kind}:{key}"
        case {"team": team, "position": position, **rest} if not rest:
            return f"{team}:{position}" if position else str(team)
        case Mapping():
            return ", ".join(f"{key}={_part(item)}" for key, item in value.items())
        case list() | tuple():
            return ", ".join(words_of(item) for item in value)
        case _:
            return str(value)


def _part(value: object) -> str:
    """A value within a list of others, in brackets where it has several parts itself."""
    text = words_of(value)
    return f"({text})" if isinstance(value, Mapping | list | tuple) and ("=" in text or ", " in text) else text


def counted(count: int, noun: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def sheet(row: Row, *, indent: str = "") -> str:
    """One thing as lines of `field  value`; a list of things becomes a table of its own, what is long an indented block."""
    width = max((len(name) for name in row), default=0)
    return "".join(_field(name, value, width=width, indent=indent) for name, value in row.items())


def _field(name: str, value: object, *, width: int, indent: str) -> str:
    inner = indent + "  "
    if isinstance(value, list) and value and all(isinstance(item, Mapping) and len(item) > 3 for item in value):
        return f"{indent}{name}\n" + _indented(_table(value, columns=_columns_of(value), indent=len(inner)), inner)
    text = words_of(value)
    if isinstance(value, Mapping) and len(text) > _LONGEST_LINE:
        return f"{indent}{name}\n" + sheet(value, indent=inner)
    if "\n" in text.strip():
        return f"{indent}{name}\n" + _indented(safe(text.strip(), keep="\n"), inner)
    return f"{indent}{name:{width}}  {safe(text.strip())}".rstrip() + "\n"


def _indented(text: str, indent: str) -> str:
    return "".join(f"{indent}{line}\n" for line in text.splitlines())


def aligned(rows: Sequence[Row], *, columns: Sequence[str]) -> str:
    """The rows as plain text columns under a header line, for pipes and logs."""
    names = list(columns) or _columns_of(rows)
    lines = [[name.upper().replace("_", " ") for name in names]]
    lines += [[safe(words_of(row.get(name))) for name in names] for row in rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(names))]
    padded = ([f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)] for line in lines)
    return "".join("  ".join(cells).rstrip() + "\n" for cells in padded)


def _columns_of(rows: Sequence[Row]) -> list[str]:
    return list(rows[0]) if rows else []


def _print_table(rows: Sequence[Row], *, columns: Sequence[str]) -> None:
    if not rows and sys.stdout.isatty():
        say("nothing to show")
    elif rows or columns:
        write(_table(rows, columns=list(columns) or _columns_of(rows)))


def _table(rows: Sequence[Row], *, columns: Sequence[str], indent: int = 0) -> str:
    """The rows as a table: on a terminal as wide as that is, without the `indent` that it gets."""
    if not sys.stdout.isatty():
        return aligned(rows, columns=columns)
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # rich shows nothing at all of a column without room
    width = max(_terminal_width() - indent, _NARROWEST_COLUMN * len(columns))
    whole = _times_in_one_piece(rows, columns, width=width)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold", no_wrap=name in whole)
    for row in rows:
        table.add_row(*(Text(safe(words_of(row.get(name)))) for name in columns))
    target = io.StringIO()
    console = Console(file=target, force_terminal=colours_wanted(), no_color=False, width=width)
    console.print(table)
    return target.getvalue()


def _times_in_one_piece(rows: Sequence[Row], columns: Sequence[str], *, width: int) -> set[str]:
    """The columns of times, which stay on one line where that leaves the others some room."""
    times = {name for name in columns if f"_{name}".endswith("_at") and any(row.get(name) for row in rows)}
    needed = (_TIME_WIDTH + 2) * len(times) + (_NARROWEST_COLUMN + 1) * (len(columns) - len(times))
    return times if needed <= width else set()


def _terminal_width() -> int:
    import shutil

    return shutil.get_terminal_size().columns


def colours_wanted() -> bool:
    """Whether to colour: --color decides; on auto a terminal without NO_COLOR does."""
    match asked().color:
        case "always":
            return True
        case "never":
            return False
        case _:
            return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def write(text: str) -> None:
    """Put data on stdout, as it is: the caller has escaped it."""
    sys.stdout.write(text)
    sys.stdout.flush()


def silence_stdout() -> None:
    """Send what is still to be printed nowhere: who reads it is gone, or has no room for it."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_bytes(content: bytes) -> None:
    """Put raw bytes on stdout: only for `email raw` and its kin."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def note(words: str, *, level: str = "info", front: Front | None = None) -> None:
    """A line in the log, if there is one: `debug`, `info`, `warning` or `error`."""
    log.add(front or asked(), level, safe(words))


def said(words: str, *, level: str = "info") -> None:
    """One line that tells a person at a terminal, and the log, what was done; silence for scripts and with --quiet."""
    note(words, level=level)
    if sys.stderr.isatty() and not asked().quiet:
        say(safe(words))


def changed(words: str, value: Row | Iterable[Row], *, columns: Sequence[str] = (), level: str = "info") -> None:
    """After an acting command: the changed things as `show` gives them where a format was asked for, else one line."""
    if asked().format is not None:
        note(words, level=level)
        emit(value, columns=columns)
    else:
        said(words, level=level)


def removed(kind: str, name: object) -> None:
    """After a removal: what is gone, as a plan of `apply` tells it, where a format was asked for, else one line."""
    changed(f"{kind} {name} removed", {"change": "remove", "kind": kind.replace(" ", "-"), "name": name})


def say(words: str) -> None:
    """A line on stderr, escaped; always printed, unless --quiet."""
    if not asked().quiet:
        complain(words)


def complain(words: str) -> None:
    """A line on stderr, escaped, also with --quiet: for trouble."""
    sys.stderr.write(safe(words, keep="\n") + "\n")
    sys.stderr.flush()


def trouble(words: str) -> None:
    """One of several things that went wrong: a line on stderr; for a JSON reader a part of the error object to come."""
    note(words, level="warning")
    if asked().format in ("json", "jsonl"):
        asked().troubles.append(words)
    else:
        complain(safe(words))


def complain_about(error: EspomailError, *, as_json: bool, troubles: Sequence[str] = ()) -> None:
    """Tell an error: a line with its hint, or one JSON object that holds the troubles too, if there were any."""
    if as_json:
        document = {"code": error.code, "kind": error.kind, "message": error.message, "hint": error.hint}
        document |= {"troubles": list(troubles)} if troubles else {}
        complain(json_text({"error": document}, pretty=False))
        return
    message = safe(error.message, keep="\n" if error.is_list else "")
    complain(f"espomail: {message}" + (f"\n  {safe(error.hint)}" if error.hint else ""))
