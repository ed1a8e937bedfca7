"""When what failed is tried again, and when it is given up. Pure.

Each function takes how often it has failed so far (from 1) and returns `RetryAt` or `GiveUp`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST_PAUSE = timedelta(minutes=60)
LOGIN_PAUSE = timedelta(minutes=15)
LOGIN_REFUSALS_MAX = 5
JITTER = 0.2
MAIL_PAUSES = tuple(timedelta(minutes=m) for m in (1, 10, 60))
OUTBOX_PAUSES = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 120, 240))
OUTBOX_PATIENCE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class RetryAt:
    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    reason: str


Next = RetryAt | GiveUp


def next_try(decision: Next) -> datetime | None:
    """When to try again, None for never."""
    return decision.at if isinstance(decision, RetryAt) else None


def account(failures: int, *, login_refusals: int, now: datetime, jitter: float) -> Next:
    """When an account is tried again after `failures` in a row: 1, 2, 4 … 60 minutes, spread by `jitter` (0 to 1).

    `login_refusals` counts those of the failures, up to the last one, where the server refused the log-in: the pause is
    15 minutes at once (more knocking would lock the account), and the fifth one gives up, which disables the account.
    The spread is 10 % to either side, never beyond an hour.
    """
    if login_refusals >= LOGIN_REFUSALS_MAX:
        return GiveUp(f"the log-in was refused {login_refusals} times in a row")
    pause = min(timedelta(minutes=1) * 2 ** min(max(failures, 1) - 1, 10), LONGEST_PAUSE)
    if login_refusals:
        pause = max(pause, LOGIN_PAUSE)
    return RetryAt(now + min(pause * (1 + JITTER * (jitter - 0.5)), LONGEST_PAUSE))


def mail(attempts: int, *, now: datetime) -> Next:
    """When a mail that could not be processed is tried again: after 1, 10, 60 minutes; then it is parked for a person."""
    if attempts > len(MAIL_PAUSES):
        return GiveUp(f"failed {attempts} times")
    return RetryAt(now + MAIL_PAUSES[max(attempts, 1) - 1])


def outbox(attempts: int, *, due_at: datetime, now: datetime) -> Next:
    """When a mail that a server deferred is sent again: after 1, 5, 15, 60, 120 minutes, then every 4 hours, for 3 days from `due_at`."""
    pause = OUTBOX_PAUSES[min(max(attempts, 1), len(OUTBOX_PAUSES)) - 1]
    if now >= due_at + OUTBOX_PATIENCE:
        return GiveUp(f"deferred for {OUTBOX_PATIENCE.days} days, {attempts} attempts")
    return RetryAt(min(now + pause, due_at + OUTBOX_PATIENCE))
