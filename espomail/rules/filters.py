"""Which filter a mail hits first, and why those before it did not. Pure.

A new criterion is a line in CRITERIA, a new action one in ACTIONS: what the command line offers comes from there.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from espomail.errors import BadInput
from espomail.mail.text import html_to_text
from espomail.model import Address, Head, Mail
from espomail.rules.wildcards import folded, wildcard

Form = Literal["pattern", "phrases", "headers", "flag", "bytes", "choice"]
AUTH_VERDICTS = ("pass", "fail", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A filter as it decides. `criteria` maps names of CRITERIA to what is looked for; `position` None comes last."""

    id: int
    name: str
    kind: str
    position: int | None
    criteria: Mapping[str, Any]
    action: str
    folder_id: int | None = None
    group_folder_id: int | None = None
    mark_read: bool = False
    important: bool = False
    skip_notification: bool = False
    created_at: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The filter that a mail hits, None when none does; `tried` are (name, why not) of those before it, in their order."""

    hit: Filter | None
    tried: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One thing a filter can look for.

    `form` says what is written in the filter: a wildcard pattern, a list of phrases, a list of [header, pattern], yes,
    a number of bytes, or one of `choices`. `holds` judges it on what `judged_by` names: the header, or the whole mail.
    """

    form: Form
    judged_by: Literal["head", "body"]
    holds: Callable[[Any, Any], bool]
    help: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """What a filter does with a mail it hits; `target` names the kind of folder it needs, "" for none."""

    help: str
    target: str = ""


# ---------------------------------------------------------------- deciding


def first_hit(filters: Sequence[Filter], head: Head, mail: Callable[[], Mail]) -> Verdict:
    """Given filters of one kind in any order, return the first that a mail hits.

    `mail` parses the whole mail; it is called only for a filter whose header criteria all hold and that looks further.
    """
    tried: list[tuple[str, str]] = []
    for each in sorted(filters, key=order):
        obstacle = why_not(each.criteria, head, mail)
        if not obstacle:
            return Verdict(each, tuple(tried))
        tried.append((each.name, obstacle))
    return Verdict(None, tuple(tried))


def why_not(criteria: Mapping[str, Any], head: Head, mail: Callable[[], Mail]) -> str:
    """Given a filter's criteria, return the first that a mail does not meet (`subject: *invoice*`), "" when it meets all."""
    given = _given(criteria)
    if not given:
        return "no criteria"
    for name, wanted in sorted(given, key=lambda pair: CRITERIA[pair[0]].judged_by == "body"):
        criterion = CRITERIA[name]
        if not criterion.holds(wanted, head if criterion.judged_by == "head" else mail()):
            return f"{name.replace('_', '-')}: {_written(wanted)}"
    return ""


def order(each: Filter) -> tuple[int | float, int, str, int]:
    """The sort key of filters: position, then skip before move before none, then the older first."""
    position = float("inf") if each.position is None else each.position
    return position, tuple(ACTIONS).index(each.action), each.created_at, each.id


def _given(criteria: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The criteria that look for something: an empty text or list and a flag that is off look for nothing."""
    return [(name, wanted) for name, wanted in criteria.items() if wanted or (wanted == 0 and wanted is not False)]


def _written(wanted: Any) -> str:
    match wanted:
        case True:
            return "yes"
        case list() | tuple():
            return ", ".join("=".join(item) if isinstance(item, list | tuple) else str(item) for item in wanted)
        case _:
            return str(wanted)


# ---------------------------------------------------------------- checking


def validate(kind: str, criteria: Mapping[str, Any], action: str) -> None:
    """Raise BadInput for a filter that its kind may not be, that looks for nothing, or whose criteria can't be read."""
    if kind not in KINDS:
        raise BadInput(f"no such kind of filter: {kind}", f"one of: {', '.join(KINDS)}")
    if action not in KINDS[kind]:
        article = {"global": "a global filter", "user": "a filter of an inbox"}.get(
            kind, f"a filter of a {kind.replace('-', ' ')}"
        )
        raise BadInput(f"{article} may not {action}", f"its actions: {', '.join(KINDS[kind])}")
    for name, wanted in criteria.items():
        _check(name, wanted)
    if not _given(criteria):
        raise BadInput(
            "a filter without criteria would hit every mail", f"give one of: {', '.join(_option(n) for n in CRITERIA)}"
        )


def _check(name: str, wanted: Any) -> None:
    criterion = CRITERIA.get(name)
    if criterion is None:
        near = difflib.get_close_matches(name, CRITERIA, n=1)
        raise BadInput(f"no such criterion: {name}", f"did you mean {near[0]}?" if near else f"one of: {', '.join(CRITERIA)}")
    if wanted is not None and not _FORMS[criterion.form](wanted):
        raise BadInput(f"{_option(name)} can't be {wanted!r}", criterion.help)
    if criterion.choices and wanted not in (None, *criterion.choices):
        raise BadInput(f"{_option(name)} can't be {wanted!r}", f"one of: {', '.join(criterion.choices)}")


def _option(name: str) -> str:
    return "header" if name == "headers" else name.replace("_", "-")


def _are_phrases(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(phrase, str) and phrase.strip() for phrase in value)


def _are_headers(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(word, str) for word in pair) and pair[0].strip()
        for pair in value
    )


_FORMS: Mapping[Form, Callable[[Any], bool]] = {
    "pattern": lambda value: isinstance(value, str),
    "phrases": _are_phrases,
    "headers": _are_headers,
    "flag": lambda value: isinstance(value, bool),
    "bytes": lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
    "choice": lambda value: isinstance(value, str),
}


# ---------------------------------------------------------------- comparing


def _fits(pattern: str, value: str) -> bool:
    return wildcard(pattern)(value)


def _fits_any(pattern: str, addresses: Iterable[Address]) -> bool:
    fits = wildcard(pattern)
    return any(fits(address.address) for address in addresses)


def _fits_sender(pattern: str, head: Head) -> bool:
    return _fits(pattern, head.sender.address if head.sender else "")


def _fits_headers(pairs: Sequence[Sequence[str]], head: Head) -> bool:
    """Whether each of the headers occurs with a value that fits its pattern."""
    return all(
        any(key == name.strip().lower() and _fits(pattern, value) for key, value in head.headers) for name, pattern in pairs
    )


def _found(phrases: Sequence[str], mail: Mail) -> Iterator[bool]:
    """For each phrase whether it is in the text or in the text of the HTML; the HTML is read only when it has to be."""
    for phrase in phrases:
        wanted = _one_line(phrase)
        yield wanted in _one_line(mail.text) or (mail.html is not None and wanted in _one_line(_text_of(mail.html)))


@lru_cache(maxsize=8)
def _one_line(text: str) -> str:
    """The text folded, every run of white space one space: a phrase is found across the end of a line too."""
    return " ".join(folded(text).split())


@lru_cache(maxsize=2)
def _text_of(html: str) -> str:
    return html_to_text(html)


CRITERIA: Mapping[str, Criterion] = {
    "from": Criterion(form="pattern", judged_by="head", holds=_fits_sender, help="the sender's address, * for any text"),
    "to": Criterion(
        form="pattern", judged_by="head", holds=lambda p, head: _fits_any(p, head.to), help="an address in To, * for any text"
    ),
    "cc": Criterion(
        form="pattern", judged_by="head", holds=lambda p, head: _fits_any(p, head.cc), help="an address in Cc, * for any text"
    ),
    "subject": Criterion(
        form="pattern", judged_by="head", holds=lambda p, head: _fits(p, head.subject), help="the subject, * for any text"
    ),
    "headers": Criterion(form="headers", judged_by="head", holds=_fits_headers, help="a header, written NAME=PATTERN"),
    "automatic": Criterion(
        form="flag", judged_by="head", holds=lambda _, head: head.automatic is not None, help="mail that no person wrote"
    ),
    "sender_auth": Criterion(
        form="choice",
        judged_by="head",
        holds=lambda verdict, head: head.sender_auth == verdict,
        help="what the trusted server says of the sender",
        choices=AUTH_VERDICTS,
    ),
    "larger_than": Criterion(
        form="bytes", judged_by="body", holds=lambda size, mail: mail.size_bytes > size, help="a size such as 5M"
    ),
    "has_attachment": Criterion(
        form="flag",
        judged_by="body",
        holds=lambda _, mail: any(not attachment.is_inline for attachment in mail.attachments),
        help="mail with a file attached",
    ),
    "body_contains": Criterion(
        form="phrases", judged_by="body", holds=lambda phrases, mail: any(_found(phrases, mail)), help="any of these phrases"
    ),
    "body_contains_all": Criterion(
        form="phrases", judged_by="body", holds=lambda phrases, mail: all(_found(phrases, mail)), help="all of these phrases"
    ),
}
ACTIONS: Mapping[str, Action] = {
    "skip": Action("don't import it through the account; of an inbox: put it into the user's trash"),
    "move-to-folder": Action("put it into a folder of the user", target="folder"),
    "move-to-group-folder": Action("put it into a group folder", target="group folder"),
    "none": Action("leave it where it is, and look at no further filter"),
}
KINDS: Mapping[str, tuple[str, ...]] = {
    "global": ("skip",),
    "group-account": ("skip", "move-to-group-folder"),
    "personal-account": ("skip",),
    "user": ("skip", "move-to-folder", "none"),
}
