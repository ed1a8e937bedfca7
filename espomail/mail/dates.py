"""The Date header as a moment in UTC (RFC 5322 section 3.3, with the old and the broken forms). Pure; never fails."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from espomail.mail.headers import text_of

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}
_ZONES = {
    "ut": 0, "gmt": 0, "utc": 0, "z": 0, "wet": 0, "edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7,
    "pdt": -7, "pst": -8, "bst": 1, "cet": 1, "met": 1, "cest": 2, "mest": 2, "eet": 2, "eest": 3, "msk": 3, "jst": 9,
    "ist": 5.5,
}  # fmt: skip
_COMMENT = re.compile(r"\([^()]{0,200}\)")
_COMMENTS_DEEP = 3
_USUAL = re.compile(
    r"(?:[A-Za-z]{3}, {1,2})?(\d{1,2}) ([A-Za-z]{3}) ([12]\d{3}) (\d\d):(\d\d):([0-5]\d|60) ([+-])(\d\d)(\d\d)(?![\d:])"
)
_DATE = re.compile(
    r"(\d{1,2})[ .-]{1,3}([a-z]{3})[a-z]{0,6}[ .,-]{1,3}(\d{2,4})"
    r"(?:[ ,]{1,3}(?:at )?(\d{1,2}) ?[:.] ?(\d{1,2})(?: ?[:.] ?(\d{1,2}))?)?"
    r"(?:\.\d{1,9})? ?([ap]m)? ?((?:gmt|utc|ut) ?)?([+-] ?\d{1,2}:?\d{2}|[a-z]{1,5})?",
    re.IGNORECASE,
)
_AMERICAN = re.compile(
    r"([a-z]{3})[a-z]{0,6} (\d{1,2}),? (\d{1,2}):(\d{2})(?::(\d{2}))? (?:([a-z]{2,5}) )?(\d{4})", re.IGNORECASE
)
_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2}))?(?:\.\d{1,9})? ?(Z|[+-]\d{2}:?\d{2})?", re.IGNORECASE
)


def read_date(value: str) -> datetime | None:
    """Given a Date value, return the moment in UTC, None when it says none; a missing or unknown zone counts as UTC."""
    usual = _USUAL.match(value)
    if usual is not None:
        return _usual(usual)
    text = text_of(value[:1000])
    for _ in range(_COMMENTS_DEEP if "(" in text else 0):
        text = _COMMENT.sub(" ", text)
    text = " ".join(text.split())
    for pattern, read in ((_DATE, _rfc), (_ISO, _iso), (_AMERICAN, _american)):
        match = pattern.search(text)
        if match is not None:
            try:
                return read(match).astimezone(UTC)
            except (ValueError, OverflowError, KeyError):
                continue
    return None


def _usual(match: re.Match[str]) -> datetime | None:
    month = _MONTHS.get(match[2].lower())
    hours, minutes = int(match[8]), int(match[9])
    if month is None or hours > 23:
        return None
    offset = timedelta(hours=hours, minutes=minutes)
    try:
        local = datetime(int(match[3]), month, int(match[1]), int(match[4]), int(match[5]), min(int(match[6]), 59), tzinfo=UTC)
        return local - offset if match[7] == "+" else local + offset
    except (ValueError, OverflowError):
        return None


def _rfc(match: re.Match[str]) -> datetime:
    """Two-digit years before 50 are of this century, three-digit ones count from 1900 (RFC 5322 section 4.3)."""
    day, month, year = int(match[1]), _MONTHS[match[2].lower()], int(match[3])
    if len(match[3]) < 4:
        year += 2000 if year < 50 else 1900
    hour, minute, second = (int(part or 0) for part in match.group(4, 5, 6))
    if match[7] and hour <= 12:
        hour = hour % 12 + (12 if match[7].lower() == "pm" else 0)
    return _moment((year, month, day, hour, minute, second), match[9] or "")


def _iso(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(part or 0) for part in match.group(1, 2, 3, 4, 5, 6))
    return _moment((year, month, day, hour, minute, second), match[7] or "")


def _american(match: re.Match[str]) -> datetime:
    month, day, hour, minute, second = match.group(1, 2, 3, 4, 5)
    numbers = (int(match[7]), _MONTHS[month.lower()], int(day), int(hour), int(minute), int(second or 0))
    return _moment(numbers, match[6] or "")


def _moment(numbers: tuple[int, int, int, int, int, int], zone: str) -> datetime:
    """A leap second counts as the last second; `24:00` does not exist."""
    year, month, day, hour, minute, second = numbers
    return datetime(year, month, day, hour, minute, 59 if second == 60 else second, tzinfo=_zone(zone))


def _zone(text: str) -> timezone:
    """The zone for `+0100`, `+1:00`, `CET`; raise ValueError for an offset of a day or more."""
    text = text.replace(" ", "").replace(":", "").lower()
    if text[:1] in ("+", "-") and text[1:].isdigit():
        digits = text[1:].rjust(4, "0")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]))
        return timezone(offset if text[0] == "+" else -offset)
    return timezone(timedelta(hours=_ZONES.get(text, 0)))
