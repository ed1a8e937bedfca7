"""The Date header as a moment in UTC (RFC 5322 section 3.3, with the old and the broken forms). Pure; never fails."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_ZONES = {"ut": 0, "gmt": 0, "utc": 0, "z": 0, "edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7, "pdt": -7, "pst": -8,
          "bst": 1, "cet": 1, "met": 1, "cest": 2, "eet": 2, "eest": 3, "msk": 3, "jst": 9, "ist": 5.5}  # fmt: skip
_DATE = re.compile(
    r"(\d{1,2})[\s.-]{1,3}([a-z]{3})[a-z]{0,6}[\s.,-]{1,3}(\d{2,4})(?:[\s,]+(?:at\s+)?(\d{1,2})[:.](\d{1,2})(?:[:.](\d{1,2}))?)?"
    r"(?:\.\d{1,9})?\s*([ap]m)?\s*([+-]\s?\d{1,2}:?\d{2}|[a-z]{1,5})?",
    re.IGNORECASE,
)
_AMERICAN = re.compile(r"([a-z]{3})[a-z]*\s+(\d{1,2})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s+(?:([a-z]{2,5})\s+)?(\d{4})", re.IGNORECASE)
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})[T\s]+(\d{2}):(\d{2})(?::(\d{2}))?(?:\.\d{1,9})?\s*(Z|[+-]\d{2}:?\d{2})?", re.IGNORECASE)


def read_date(value: str) -> datetime | None:
    """Given a Date value, return the moment in UTC, None when it says none; a missing or unknown zone counts as UTC."""
    text = re.sub(r"\([^()]{0,200}\)", " ", value[:500])
    for pattern, read in ((_DATE, _rfc), (_ISO, _iso), (_AMERICAN, _american)):
        match = pattern.search(text)
        if match is not None:
            try:
                return read(match).astimezone(UTC)
            except (ValueError, OverflowError, KeyError):
                continue
    return None


def _rfc(match: re.Match[str]) -> datetime:
    day, month, year = int(match[1]), _MONTHS[match[2].lower()], int(match[3])
    year += (2000 if year < 50 else 1900) if year < 100 else (1900 if year < 1000 else 0)
    hour, minute, second = (int(part or 0) for part in match.group(4, 5, 6))
    if match[7] and match[7].lower() == "pm" and hour < 12:
        hour += 12
    return _moment(year, month, day, hour, minute, second, match[8] or "")


def _iso(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(part or 0) for part in match.group(1, 2, 3, 4, 5, 6))
    return _moment(year, month, day, hour, minute, second, match[7] or "")


def _american(match: re.Match[str]) -> datetime:
    month, day, hour, minute, second = match.group(1, 2, 3, 4, 5)
    return _moment(int(match[7]), _MONTHS[month.lower()], int(day), int(hour), int(minute), int(second or 0), match[6] or "")


def _moment(year: int, month: int, day: int, hour: int, minute: int, second: int, zone: str) -> datetime:
    """A leap second counts as the last second; `24:00` does not exist."""
    return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=_zone(zone))


def _zone(text: str) -> timezone:
    text = text.replace(" ", "").replace(":", "").lower()
    if text[:1] in ("+", "-") and text[1:].isdigit():
        digits = text[1:].rjust(4, "0")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]))
        return timezone(offset if text[0] == "+" else -offset)
    return timezone(timedelta(hours=_ZONES.get(text, 0)))
