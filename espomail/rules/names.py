"""What a name and a typed address must look like. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from espomail.errors import BadInput
from espomail.mail.addresses import normalise, read_addresses
from espomail.mail.encode import refuse_controls
from espomail.model import Address

PLACES = ("inbox", "sent", "trash", "archive")
_LONGEST = 200


def check_name(noun: str, name: str) -> str:
    """Given the name of a user, team, account …, return it without outer spaces; raise BadInput for one that can't be used.

    Digits alone would be taken for an id, ":" and "/" separate a type or an owner from a name.
    """
    trimmed = name.strip()
    problem = _problem(trimmed)
    if problem:
        raise BadInput(f"not a name for a {noun}: {name!r} {problem}", "use a short word such as support or anna.b")
    return trimmed


def check_folder_name(noun: str, name: str) -> str:
    """As `check_name`; raise BadInput also for the name of a place that everybody has, which would stand in its way."""
    trimmed = check_name(noun, name)
    if trimmed.lower() in PLACES:
        raise BadInput(f"{trimmed} is everybody's own already", f"not: {', '.join(PLACES)}")
    return trimmed


def check_display_name(what: str, name: str) -> str:
    """Given the name that goes into From, return it; raise BadInput for one that no header can hold.

    Raise UnicodeEncodeError, which the front door explains, for what is no text.
    """
    name.encode()
    return refuse_controls(what, name)


def check_address(text: str) -> str:
    """Given an address that somebody typed, return it normalised; raise BadInput when it is none."""
    address = normalise(text.strip())
    local, _, domain = address.rpartition("@")
    if not local or not domain:
        raise BadInput(f"not an e-mail address: {text!r}", "write it as name@example.com")
    return address


def check_addresses(texts: Iterable[str]) -> tuple[str, ...]:
    """The typed addresses normalised, each once, in their order; raise BadInput for one that is none."""
    return tuple(dict.fromkeys(check_address(text) for text in texts))


def check_people(texts: Iterable[str]) -> tuple[Address, ...]:
    """Given what somebody typed, `bob@x.example`, `Bob Roe <bob@x.example>` or several with commas, return each mailbox once.

    Raise BadInput where any of it is none.
    """
    found: dict[str, Address] = {}
    for text in texts:
        boxes = read_addresses(text)
        if not boxes or not all(box.address for box in boxes):
            raise BadInput(f"not an e-mail address: {text!r}", "write it as name@example.com")
        for box in boxes:
            found.setdefault(box.address, box)
    return tuple(found.values())


def _problem(name: str) -> str | None:
    if not name:
        return "is empty"
    if len(name) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    if name.isdigit():
        return "has only digits"
    if name.startswith("-"):
        return "starts with a hyphen"
    if any(mark in name for mark in ":/"):
        return 'holds ":" or "/"'
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in name):
        return "holds an invisible character"
    return None
