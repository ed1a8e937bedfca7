"""What a single value of the wanted state may be, as people write it in YAML; ValueError says why not. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from espomail.errors import BadInput
from espomail.rules.access import check_cell
from espomail.rules.accounts import check_port
from espomail.rules.settings import parse_size

Check = Callable[[Any], Any]


def text(value: Any) -> str:
    """Text, as it is."""
    if not isinstance(value, str):
        raise ValueError(f"must be text: write it in quotes, {str(value)!r}" if _is_plain(value) else "must be text")
    return value


def name(value: Any) -> str:
    """A name, without the spaces around it."""
    return text(value).strip()


def day(value: Any) -> str:
    """A date such as 2026-03-01, and no word that means another day tomorrow."""
    try:
        return date.fromisoformat(text(value).strip()).isoformat()
    except ValueError as error:
        raise ValueError("must be a date: 2026-03-01") from error


def flag(value: Any) -> bool:
    """yes or no, true or false."""
    if isinstance(value, bool):
        return value
    if value in ("yes", "Yes", "on"):
        return True
    if value in ("no", "No", "off"):
        return False
    raise ValueError("must be yes or no")


def number(value: Any) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


def texts(value: Any) -> list[str]:
    """A list of texts."""
    if not isinstance(value, list):
        raise ValueError("must be a list: [first, second]")
    return [text(item) for item in value]


def cells(value: Any) -> dict[str, str]:
    """Cells of a role with their levels; a level that is null is none, and what is wrong with any is told together."""
    if not isinstance(value, dict):
        raise ValueError("must be a mapping: {email.read: team}")
    found = {str(cell).strip().lower(): _level(level) for cell, level in value.items() if level is not None}
    wrong = [words for cell, level in found.items() if (words := _obstacle(check_cell, cell, level))]
    if wrong:
        raise ValueError("; ".join(wrong))
    return found


def _level(value: Any) -> str:
    """A level of a role's cell; yes and no may come as booleans."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else text(value)


def scalar(value: Any) -> Any:
    """Text, a number, yes or no."""
    if not _is_plain(value):
        raise ValueError("must be a single value")
    return value


def size(value: Any) -> int | str:
    """A number of bytes, or 50M."""
    return value if isinstance(value, int) and not isinstance(value, bool) else str(passing(parse_size)(value))


def headers(value: Any) -> list[list[str]]:
    """Header criteria: {List-Id: "*"}, or [[name, pattern], …] where a name comes twice."""
    pairs = list(value.items()) if isinstance(value, dict) else value
    if not isinstance(pairs, list) or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise ValueError("must be header names with patterns: {List-Id: '*'}")
    return [[text(name), text(pattern)] for name, pattern in pairs]


def memberships(value: Any) -> list[dict[str, str | None]]:
    """Teams of a user: names, or {team: support, position: agent}; by team."""
    if not isinstance(value, list):
        raise ValueError("must be a list: [support, {team: sales, position: agent}]")
    found = [_membership(item) for item in value]
    return sorted(found, key=lambda item: str(item["team"]))


def _membership(item: Any) -> dict[str, str | None]:
    if isinstance(item, str):
        return {"team": item, "position": None}
    if not isinstance(item, dict) or "team" not in item or not set(item) <= {"team", "position"}:
        raise ValueError("a team is a name, or {team: NAME, position: NAME}")
    position = item.get("position")
    return {"team": text(item["team"]), "position": None if position is None else text(position)}


def folder_map(value: Any) -> dict[str, str]:
    """Folders of the server with the folders their mail goes to."""
    if not isinstance(value, dict):
        raise ValueError("must be a mapping: {Sent: Sent}")
    return {text(source): text(target) for source, target in value.items()}


SECRETS = ("env", "file", "command", "credential", "stored", "oauth")


def password(value: Any) -> dict[str, Any]:
    """A reference to a password, never the password."""
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= set(SECRETS):
        raise ValueError("must be a reference: {env: V}, {file: F}, {command: C}, {credential: N} or {stored: true}")
    ((kind, what),) = value.items()
    if kind in ("stored", "oauth"):
        if flag(what) is not True:
            raise ValueError(f"must be {{{kind}: true}}")
        return {kind: True}
    return {kind: text(what)}


def passing(check: Callable[[str], Any]) -> Check:
    """Text that a check of the command line lets pass, as it is written."""

    def passed(value: Any) -> str:
        written = text(value)
        if words := _obstacle(check, written):
            raise ValueError(words)
        return written

    return passed


def _obstacle(check: Callable[..., Any], *values: str) -> str:
    """What a check of the command line has against the values, with its hint; nothing where it lets them pass."""
    try:
        check(*values)
    except BadInput as error:
        return f"{error.message} ({error.hint})" if error.hint else error.message
    return ""


def each(check: Check) -> Check:
    """A list of what a check lets pass; what is wrong with any of it is told together."""

    def passed(value: Any) -> list[Any]:
        found, wrong = [], []
        for item in texts(value):
            try:
                found.append(check(item))
            except ValueError as error:
                wrong.append(str(error))
        if wrong:
            raise ValueError("; ".join(wrong))
        return found

    return passed


def one_of(*words: str) -> Check:
    """One of these words, in any case."""

    def passed(value: Any) -> str:
        word = text(value).strip().lower()
        if word not in words:
            raise ValueError(f"can't be {word}; one of: {', '.join(words)}")
        return word

    return passed


def port(value: Any) -> int:
    """The number of a port."""
    passing(check_port)(str(number(value)))
    return int(value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int)
