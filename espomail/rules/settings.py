"""What each setting takes and how it is written: the registry behind `espomail settings`. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from espomail import times
from espomail.errors import BadInput
from espomail.model import Settings
from espomail.rules.names import check_address, check_name

YES = frozenset(("yes", "true", "on", "1"))
NO = frozenset(("no", "false", "off", "0"))
_SIZE = re.compile(r"(\d{1,12})\s*([kmg]?)(?:i?b)?", re.ASCII | re.IGNORECASE)
_SIZE_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_SPAN_UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60))


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: what it is for, how its text is read (raises BadInput) and how its value is written."""

    meaning: str
    parse: Callable[[str], Any]
    write: Callable[[Any], Any]


def parse_yes_no(text: str) -> bool:
    """Given yes or no in any usual spelling, return it as a bool; raise BadInput on anything else."""
    word = text.strip().lower()
    if word not in YES | NO:
        raise BadInput(f"neither yes nor no: {text!r}", "write yes or no")
    return word in YES


def parse_size(text: str) -> int:
    """Given `50M`, `800k` or a number of bytes, return bytes (1k = 1024); raise BadInput on anything else."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise BadInput(f"not a size: {text!r}", "write a number of bytes, or 800k, 50M, 1G")
    return int(match[1]) * _SIZE_UNITS[match[2].lower()]


def write_size(size_bytes: int) -> str:
    """Given bytes, return the shortest exact text: `50M`, `1500` …"""
    for unit in ("g", "m", "k"):
        if size_bytes and size_bytes % _SIZE_UNITS[unit] == 0:
            return f"{size_bytes // _SIZE_UNITS[unit]}{unit.upper()}"
    return str(size_bytes)


def write_span(span: timedelta) -> str:
    """Given a time span of whole seconds, return it as `parse_span` reads it: `2h`, `2d`, `90s` …

    One day is `24h` and one week `7d`, as people say it and as the defaults are written.
    """
    seconds = int(span.total_seconds())
    for unit, length_s in _SPAN_UNITS:
        count, rest = divmod(seconds, length_s)
        if not rest and (count > 1 or (count == 1 and unit in "hm")):
            return f"{count}{unit}"
    return f"{seconds}s"


def parse_number(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers between two bounds, both allowed; it raises BadInput on anything else."""

    def parse(text: str) -> int:
        word = text.strip()
        if not (word.isascii() and word.isdigit() and len(word) < 10 and low <= int(word) <= high):
            raise BadInput(f"not a whole number from {low} to {high}: {text!r}", "write it in digits alone")
        return int(word)

    return parse


def _or_none(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """The reader, which also takes `none` or nothing for None."""
    return lambda text: None if text.strip().lower() in ("", "none") else parse(text)


def _written_or_none(value: Any) -> Any:
    return value


def _yes_no(meaning: str) -> Key:
    return Key(meaning, parse_yes_no, bool)


def _number(meaning: str, low: int, high: int) -> Key:
    return Key(meaning, parse_number(low, high), int)


def _span(meaning: str) -> Key:
    return Key(meaning, times.parse_span, write_span)


def _text(meaning: str, parse: Callable[[str], str] = str.strip) -> Key:
    return Key(meaning, _or_none(parse), _written_or_none)


def _role_name(text: str) -> str:
    return check_name("role", text)


KEYS: Mapping[str, Key] = {
    "baseline_role": _text("a role that every user has besides their own", _role_name),
    "b2c_mode": _yes_no("customers are persons: mail of a contact hangs on the contact, not on its account"),
    "link_to_open_opportunity": _yes_no("mail hangs on the one open opportunity of the contact or account, if there is one"),
    "reopen_days": Key(
        "an answer to a case that has been closed for longer opens a new case",
        _or_none(parse_number(0, 36500)),
        _written_or_none,
    ),
    "trash_days": _number("tidy purges mail that everybody trashed after so many days", 0, 36500),
    "skipped_keep_days": _number("the bytes of mail that a filter skipped are kept for so many days", 0, 36500),
    "personal_accounts_max": _number("how many personal accounts a user may have", 0, 1000),
    "auto_reply_limit": _number("how many auto-replies one address gets in auto_reply_period", 0, 1000),
    "auto_reply_period": _span("the time in which auto_reply_limit counts"),
    "auto_reply_per_case": _number("how many auto-replies one address gets in one case", 0, 1000),
    "auto_reply_hourly_cap": _number("how many auto-replies one account sends in an hour before it holds them back", 0, 100000),
    "mail_size_max": Key("of a larger mail only headers and text are taken in", parse_size, write_size),
    "notify_max_age": _span("nobody is notified of older mail"),
    "auto_reply_max_age": _span("older mail is not answered by itself"),
    "allow_private_hosts": _yes_no("users who are not admins may point accounts at private addresses"),
    "trusted_authserv_id": _text("the server whose Authentication-Results count"),
}
OUTBOUND_KEYS: Mapping[str, Key] = {
    "outbound_address": _text("the group account that notices and system mail leave from", check_address),
    "outbound_from_name": _text("the name in From of system mail"),
    "outbound_shared": _yes_no("users may send from the system address"),
    "outbound_server": _text("an SMTP server used instead of the account's own"),
}


def key_of(name: str) -> Key:
    """The setting of that name; raise BadInput, with the nearest name, when there is none."""
    key = KEYS.get(name.strip().lower().replace("-", "_"))
    if key is None:
        near = difflib.get_close_matches(name, KEYS, n=1)
        raise BadInput(f"no setting is called {name}", f"did you mean {near[0]}?" if near else "see: espomail settings list")
    return key


def parse(name: str, text: str) -> Any:
    """Given the name of a setting and what somebody typed, return its value; raise BadInput."""
    return key_of(name).parse(text)


def written(settings: Settings) -> dict[str, Any]:
    """All settings as they are shown: spans and sizes as text (`2h`, `50M`), yes/no as booleans, absent as None."""
    return {name: key.write(getattr(settings, name)) for name, key in KEYS.items()}
