"""IMAP's words: answers into values, values into arguments (RFC 3501 section 9). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, timezone

from espomail.errors import BadInput

Value = str | bytes | None | list["Value"]
"""An atom, a string (quoted or literal), NIL, or a list in parentheses."""

UID_MAX = 2**32 - 1

_TOKEN = re.compile(rb' *(?:([()])|"((?:[^"\\]|\\.)*)"|([^\s()"\[]+(?:\[[^\]]*\])?(?:<\d+>)?))')
_ESCAPED = re.compile(rb"\\(.)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOMENT = re.compile(r" ?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", re.ASCII)


def values(parts: Sequence[bytes]) -> list[Value]:
    """Given an answer as line, literal, line, literal …, line, return its values; raise ValueError if it isn't one."""
    stack: list[list[Value]] = [[]]
    for index, part in enumerate(parts):
        if index % 2:
            stack[-1].append(part)
            continue
        if index and part[:1] not in (b")", b" "):
            raise ValueError("no space after a literal")
        _read_line(part, stack)
    if len(stack) != 1:
        raise ValueError("a parenthesis is missing")
    return stack[0]


def _read_line(line: bytes, stack: list[list[Value]]) -> None:
    """Append the values of one line to the innermost open list."""
    at, end = 0, len(line.rstrip(b" "))
    while at < end:
        token = _TOKEN.match(line, at)
        if token is None:
            raise ValueError(f"not IMAP at byte {at}")
        at = token.end()
        bracket, quoted, atom = token.groups()
        if atom is not None:
            text = atom.decode("latin-1")
            stack[-1].append(None if text.upper() == "NIL" else text)
        elif quoted is not None:
            stack[-1].append(_ESCAPED.sub(rb"\1", quoted) if b"\\" in quoted else quoted)
        elif bracket == b"(":
            inner: list[Value] = []
            stack[-1].append(inner)
            stack.append(inner)
        elif len(stack) > 1:
            stack.pop()
        else:
            raise ValueError("a parenthesis too many")


def pairs(items: Value) -> dict[str, Value]:
    """Given the list of a FETCH answer, return it as key (upper case) to value; raise ValueError if it is no such list."""
    if not isinstance(items, list) or len(items) % 2:
        raise ValueError("not a list of pairs")
    found: dict[str, Value] = {}
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, str):
            raise ValueError("a key that is no atom")
        found[key.upper()] = value
    return found


def number(value: Value, *, most: int = UID_MAX) -> int:
    """Given an atom of digits, return the number; raise ValueError for anything else or above `most`."""
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 20:
        raise ValueError("not a number")
    result = int(value)
    if result > most:
        raise ValueError("a number too large")
    return result


def moment(value: Value) -> datetime:
    """Given an INTERNALDATE, return it in UTC; raise ValueError for anything else. Month names are English everywhere."""
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    found = _MOMENT.fullmatch(text)
    if found is None or found[2].title() not in _MONTHS:
        raise ValueError("not a date and time")
    offset = timedelta(hours=int(found[8]), minutes=int(found[9])) * (-1 if found[7] == "-" else 1)
    month = _MONTHS.index(found[2].title()) + 1
    day, year, hour, minute, second = (int(part) for part in found.group(1, 3, 4, 5, 6))
    local = datetime(year, month, day, hour, minute, second, tzinfo=timezone(offset))
    try:
        return local.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside of the calendar") from error


def moment_argument(at: datetime) -> bytes:
    """An aware moment as APPEND wants it, in UTC."""
    utc = at.astimezone(UTC)
    text = f'"{utc.day:2}-{_MONTHS[utc.month - 1]}-{utc.year:04} {utc.hour:02}:{utc.minute:02}:{utc.second:02} +0000"'
    return text.encode("ascii")


def day_argument(day: date) -> bytes:
    """A day as SEARCH wants it."""
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year:04}".encode("ascii")


def quoted(text: bytes) -> bytes:
    """A quoted string; raise BadInput for what can't stand in one (control characters, 8-bit)."""
    if any(byte < 0x20 or byte > 0x7E for byte in text):
        raise BadInput("a control or non-ASCII character can't be sent to an IMAP server here")
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def uid_set(uids: Iterable[int]) -> bytes:
    """UIDs as a set, neighbours joined (`1:3,7`): it names no UID that was not given. Raise BadInput when there is none."""
    text = ",".join(str(low) if low == high else f"{low}:{high}" for low, high in _runs(sorted(set(uids))))
    if not text:
        raise BadInput("an empty set of UIDs")
    return text.encode("ascii")


def _runs(ascending: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Neighbours joined: [1, 2, 3, 7] is (1, 3), (7, 7)."""
    starts = [index for index, uid in enumerate(ascending) if index == 0 or uid != ascending[index - 1] + 1]
    for start, stop in zip(starts, [*starts, len(ascending)][1:], strict=True):
        yield ascending[start], ascending[stop - 1]
