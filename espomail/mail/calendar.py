"""A calendar invitation in a few lines a person can read: what, when, where, who. Pure.

A small reader of RFC 5545 content lines (unfolding, parameters, escapes) for the one event an invitation carries. Times stay
in the zone the invitation names: turning them into UTC would need a database of zones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from espomail.mail.text import clean

CONTENT_CHARS_MAX: Final = 1_000_000
_GUESTS_SHOWN = 20
_VALUE_CHARS_MAX = 500

_FOLD = re.compile(r"\n[ \t]")
_LINE = re.compile(r"""([A-Za-z0-9-]{1,60})((?:;[^";:]*+(?:"[^"]*+"[^";:]*+)*+)*+):(.*)""", re.DOTALL)
_PARAMETER = re.compile(r""";([A-Za-z0-9-]{1,60})=("[^"]*+"|[^";]*+)""")
_ESCAPE = re.compile(r"\\([nN,;\\])")
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(?:\d\d)?(Z?))?")
_DURATION = re.compile(r"\+?P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,4})M)?(?:\d{1,5}S)?)?")
_TITLES = {"CANCEL": "Cancelled", "REPLY": "Reply to invitation", "COUNTER": "Counter-proposal", "PUBLISH": "Event"}
_ANSWERS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative", "DELEGATED": "delegated"}


@dataclass(frozen=True, slots=True)
class Property:
    """One content line: `DTSTART;TZID=Europe/Berlin:20260301T090000`; names and parameter names in capitals."""

    value: str
    parameters: dict[str, str] = field(default_factory=dict)


def describe_invite(content: str | bytes) -> str | None:
    """Given the content of a text/calendar part, return its `Invitation:`, `When:`, `Where:`, `Who:`; None without event."""
    content = content[:CONTENT_CHARS_MAX]
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    method, event = _first_event(_FOLD.sub("", clean(text)).split("\n"))
    if event is None:
        return None
    lines = [f"{_TITLES.get(method, 'Invitation')}: {_text(event, 'SUMMARY') or '(no title)'}"]
    lines.extend(f"{label}: {shown}" for label, shown in _details(event) if shown)
    return "\n".join(lines)


def _details(event: dict[str, list[Property]]) -> tuple[tuple[str, str], ...]:
    repeats = event.get("RRULE", [Property("")])[0].value
    return (
        ("When", _when(event)),
        ("Repeats", _one_line(repeats).lower().replace(";", ", ")),
        ("Where", _text(event, "LOCATION")),
        ("Who", _who(event)),
    )


def _first_event(lines: list[str]) -> tuple[str, dict[str, list[Property]] | None]:
    """The calendar's METHOD and the properties of its first VEVENT, those of alarms inside it left out."""
    method = ""
    event: dict[str, list[Property]] | None = None
    inner = 0
    for line in lines:
        name, entry = _read_line(line)
        mark = entry.value.strip().upper()
        if name == "METHOD" and event is None:
            method = mark
        elif name == "BEGIN" and event is not None:
            inner += 1
        elif name == "BEGIN" and mark == "VEVENT":
            event = {}
        elif name == "END" and event is not None and not inner:
            break
        elif name == "END" and inner:
            inner -= 1
        elif event is not None and not inner:
            event.setdefault(name, []).append(entry)
    return method, event


def _read_line(line: str) -> tuple[str, Property]:
    match = _LINE.fullmatch(line.rstrip())
    if match is None:
        return "", Property("")
    parameters = {found[1].upper(): found[2].strip('"') for found in _PARAMETER.finditer(match[2][:2000])}
    return match[1].upper(), Property(match[3], parameters)


def _text(event: dict[str, list[Property]], name: str) -> str:
    entries = event.get(name, [])
    return _one_line(_ESCAPE.sub(lambda match: " " if match[1] in "nN" else match[1], entries[0].value)) if entries else ""


def _one_line(value: str) -> str:
    return " ".join(value[:_VALUE_CHARS_MAX].split())


def _when(event: dict[str, list[Property]]) -> str:
    entry = event.get("DTSTART", [Property("")])[0]
    start = _moment(entry.value)
    if start is None:
        return _one_line(entry.value)
    end = _end(event, start)
    if not isinstance(start, datetime):
        last = end - timedelta(days=1) if end and end > start else start
        return f"{start.isoformat()} – {last.isoformat()}" if last != start else f"{start.isoformat()} (all day)"
    zone = "UTC" if entry.value.strip().endswith("Z") else _one_line(entry.parameters.get("TZID", ""))
    return f"{start:%Y-%m-%d %H:%M}{_until(start, end)} {zone}".rstrip()


def _until(start: datetime, end: date | None) -> str:
    if not isinstance(end, datetime) or end <= start:
        return ""
    return f"–{end:%H:%M}" if end.date() == start.date() else f" – {end:%Y-%m-%d %H:%M}"


def _end(event: dict[str, list[Property]], start: date) -> date | None:
    """DTEND, or DTSTART and DURATION; None where there is neither or they are not of the start's kind."""
    end = _moment(event.get("DTEND", [Property("")])[0].value)
    if end is not None:
        return end if isinstance(end, datetime) == isinstance(start, datetime) else None
    span = _DURATION.fullmatch(event.get("DURATION", [Property("")])[0].value.strip())
    if span is None:
        return None
    weeks, days, hours, minutes = (int(number or 0) for number in span.groups())
    try:
        return start + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)
    except OverflowError:
        return None


def _moment(value: str) -> date | None:
    """A DATE or DATE-TIME as it stands, without its zone; None when it is neither."""
    match = _MOMENT.fullmatch(value.strip())
    if match is None:
        return None
    year, month, day, hour, minute = (int(number or 0) for number in match.groups()[:5])
    try:
        return datetime(year, month, day, hour, minute) if match[4] else date(year, month, day)
    except ValueError:
        return None


def _who(event: dict[str, list[Property]]) -> str:
    """The organizer and the guests, with their answers where they gave one."""
    shown = [f"{_person(entry)} (organizer)" for entry in event.get("ORGANIZER", [])[:1]]
    guests = event.get("ATTENDEE", [])
    for entry in guests[:_GUESTS_SHOWN]:
        answer = _ANSWERS.get(entry.parameters.get("PARTSTAT", "").upper())
        shown.append(f"{_person(entry)} ({answer})" if answer else _person(entry))
    if len(guests) > _GUESTS_SHOWN:
        shown.append(f"and {len(guests) - _GUESTS_SHOWN} more")
    return ", ".join(shown)


def _person(entry: Property) -> str:
    name = _one_line(entry.parameters.get("CN", ""))
    value = _one_line(entry.value)
    address = value[7:] if value[:7].lower() == "mailto:" else value
    return f"{name} <{address}>" if name and name != address else address
