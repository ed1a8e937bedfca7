"""The query language of `email search`, read into terms. Pure and total: any text is a query.

Words, "phrases", prefix*, and fields: from: to: subject: has:attachment before: after: is:unread is:read is:important
case: account:. A field whose value makes no sense (`before:soon`) is searched for as words. Everything must match.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime

from espomail import times
from espomail.errors import BadInput

LENGTH_MAX = 2000
TERMS_MAX = 40
_PIECE = re.compile(r'(?:([A-Za-z]+):)?(?:"([^"]*)"?(\*?)|([^\s"]+))')
_TEXT_FIELDS = ("subject", "from", "to")
_STATES = ("unread", "read", "important")


@dataclass(frozen=True, slots=True)
class Words:
    """Words that must follow each other; with `is_prefix` the last may go on. `field` "" is anywhere."""

    text: str
    is_prefix: bool = False
    field: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for; None, False and empty ask nothing. The mail came at `after` or later, and before `before`."""

    words: tuple[Words, ...] = ()
    before: datetime | None = None
    after: datetime | None = None
    has_attachment: bool = False
    states: tuple[str, ...] = ()
    case_numbers: tuple[int, ...] = ()
    accounts: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self == Query()


def fold(text: str) -> str:
    """Given any text, return it without case and accents, as the index compares it."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text in order: runs of letters and digits, folded."""
    folded = "".join(c if unicodedata.category(c)[0] in "LN" or unicodedata.category(c) == "Co" else " " for c in fold(text))
    return tuple(folded.split())


def holds(text: str, wanted: Words) -> bool:
    """Whether the words stand in the text, one after the other."""
    words, (*first, last) = words_of(text), words_of(wanted.text)
    for start in range(len(words) - len(first)):
        *before, at_end = words[start : start + len(first) + 1]
        if before == first and (at_end.startswith(last) if wanted.is_prefix else at_end == last):
            return True
    return False


def read_query(text: str, *, now: datetime) -> Query:
    """Given what a person typed, return the query; at most TERMS_MAX terms of the first LENGTH_MAX characters count."""
    clean = text[:LENGTH_MAX].encode("utf-8", "ignore").decode().replace("\0", " ")
    query = Query()
    for match in list(_PIECE.finditer(clean))[:TERMS_MAX]:
        query = _with_piece(query, match, now=now)
    return query


def _with_piece(query: Query, match: re.Match[str], *, now: datetime) -> Query:
    field, phrase, star, word = (match[1] or "").lower(), match[2], match[3], match[4] or ""
    value = phrase if phrase is not None else word.rstrip("*")
    is_prefix = bool(star) if phrase is not None else word.endswith("*")
    if field in _TEXT_FIELDS:
        return _with_words(query, value, is_prefix=is_prefix, field=field)
    narrowed = _with_field(query, field, value, now=now) if field and value else None
    if narrowed is not None:
        return narrowed
    return _with_words(query, f"{field} {value}" if field else value, is_prefix=is_prefix)


def _with_words(query: Query, text: str, *, is_prefix: bool, field: str = "") -> Query:
    return replace(query, words=(*query.words, Words(text, is_prefix, field))) if words_of(text) else query


def _with_field(query: Query, field: str, value: str, *, now: datetime) -> Query | None:
    """The query narrowed by a field, None when field and value make no sense together."""
    match field:
        case "has" if value.lower() in ("attachment", "attachments"):
            return replace(query, has_attachment=True)
        case "is" if value.lower() in _STATES:
            return replace(query, states=(*query.states, value.lower()))
        case "case" if value.lstrip("#").isascii() and value.lstrip("#").isdigit() and len(value) < 18:
            return replace(query, case_numbers=(*query.case_numbers, int(value.lstrip("#"))))
        case "account":
            return replace(query, accounts=(*query.accounts, value))
        case "before" if (moment := _moment(value, now=now)) is not None:
            return replace(query, before=moment if query.before is None else min(moment, query.before))
        case "after" if (moment := _moment(value, now=now)) is not None:
            return replace(query, after=moment if query.after is None else max(moment, query.after))
        case _:
            return None


def _moment(value: str, *, now: datetime) -> datetime | None:
    try:
        return times.parse_moment(value, now=now)
    except BadInput:
        return None
