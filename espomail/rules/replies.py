"""Whether a mail gets an auto-reply, and if not why not (RFC 3834, and what helpdesks learned the hard way). Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """All that decides. `sent_to` counts what the address got in the period, `in_case` in this case, `this_hour` what the account sent.

    `sent_at` and `received_at` are None when unknown; `limits` come from the settings.
    """

    wants_replies: bool
    has_template: bool
    per_case: bool
    opened_case: bool
    address: str
    is_ours: bool
    automatic: str | None
    is_bounce: bool
    quotes_our_reply: bool
    is_import: bool
    was_quarantined: bool
    is_answered: bool
    sent_at: datetime | None
    received_at: datetime | None
    now: datetime
    max_age: timedelta
    sent_to: int
    limit: int
    period: timedelta
    in_case: int
    case_limit: int
    this_hour: int
    hourly_cap: int
    breaker_until: datetime | None


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer this address; `trips_breaker` when it is the last of this hour."""

    address: str
    trips_breaker: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    reason: str


def decide(question: Question) -> Reply | Silence:
    """Given the facts, return the reply or the first reason against it."""
    for reason_against in RULES:
        reason = reason_against(question)
        if reason:
            return Silence(reason)
    return Reply(question.address, trips_breaker=question.this_hour + 1 >= question.hourly_cap)


def _not_wanted(q: Question) -> str:
    if not q.wants_replies:
        return "the account sends no auto-replies"
    return "" if q.has_template else "the account has no template to answer with"


def _no_occasion(q: Question) -> str:
    if q.per_case and not q.opened_case:
        return "the mail opened no case"
    return "this mail is answered already" if q.is_answered else ""


def _nobody_to_answer(q: Question) -> str:
    if not q.address:
        return "no address to answer to"
    return "the address is one of ours" if q.is_ours else ""


def _machine(q: Question) -> str:
    if q.is_bounce:
        return "a bounce is never answered"
    if q.automatic:
        return f"automatic mail is never answered ({q.automatic})"
    return "it answers an auto-reply of ours" if q.quotes_our_reply else ""


def _not_fresh(q: Question) -> str:
    if q.is_import:
        return "imported mail is never answered"
    if q.was_quarantined:
        return "mail out of quarantine is never answered"
    oldest = min((moment for moment in (q.sent_at, q.received_at) if moment is not None), default=q.now)
    return "the mail is too old to be answered" if q.now - oldest > q.max_age else ""


def _limits(q: Question) -> str:
    if q.in_case >= q.case_limit:
        return f"the address has had {q.in_case} auto-replies in this case"
    if q.sent_to >= q.limit:
        return f"the address has had {q.sent_to} auto-replies in the last {q.period}"
    if q.breaker_until is not None and q.breaker_until > q.now:
        return "the account's breaker holds back auto-replies: too many in an hour"
    return f"the account has sent {q.this_hour} auto-replies in an hour" if q.this_hour >= q.hourly_cap else ""


RULES: Sequence[Callable[[Question], str]] = (_not_wanted, _nobody_to_answer, _machine, _no_occasion, _not_fresh, _limits)
