"""Moments as UTC text and back. Pure.

Inside, every moment is an aware UTC datetime; in the database and in JSON it is ISO 8601 with a Z,
whole seconds (`2026-03-01T09:00:00Z`), so that text order is time order.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from espomail.errors import BadInput

_SPAN = re.compile(r"(\d+)\s*(s|m|h|d|w)", re.ASCII)
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DAY_WORDS = {"today": 0, "yesterday": -1, "tomorrow": 1}


def to_text(moment: datetime) -> str:
    """Given an aware moment, return it as `2026-03-01T09:00:00Z`; years before 1000 keep four digits."""
    utc = moment.astimezone(UTC)
    return f"{utc.year:04}-{utc.month:02}-{utc.day:02}T{utc.hour:02}:{utc.minute:02}:{utc.second:02}Z"


def to_text_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else to_text(moment)


def from_text(text: str) -> datetime:
    """Given what `to_text` made, return the moment; raise ValueError on anything else."""
    return datetime.fromisoformat(text)


def parse_span(text: str) -> timedelta:
    """Given `90s`, `15m`, `2h`, `3d` or `1w`, return the time span; raise BadInput on anything else."""
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None or len(match[1]) > 9:
        raise BadInput(f"not a time span: {text!r}", "write a number and a unit: 90s, 15m, 2h, 3d, 1w")
    return timedelta(seconds=int(match[1]) * _UNIT_S[match[2]])


def parse_moment(text: str, *, now: datetime) -> datetime:
    """Given what a person typed, return the moment in UTC.

    ISO 8601 (without an offset it is UTC), a date (its first second), `today`, `yesterday`, `tomorrow`,
    `now`, or a span such as `2h`, which means that long ago. Raise BadInput on anything else.
    """
    word = text.strip().lower()
    if word == "now":
        return now
    if word in _DAY_WORDS:
        return _start_of(now.astimezone(UTC).date() + timedelta(days=_DAY_WORDS[word]))
    try:
        if _SPAN.fullmatch(word):
            return now - parse_span(word)
        parsed = datetime.fromisoformat(text.strip())
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"not a time: {text!r}", "write 2026-03-01, 2026-03-01T09:00:00Z, 2h, 3d or yesterday") from error


def parse_day(text: str) -> date:
    """Given `2026-03-01`, return the day; raise BadInput on anything else."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadInput(f"not a date: {text!r}", "write it as 2026-03-01") from error


def _start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
