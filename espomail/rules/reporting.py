"""What a report says of a time: volumes per day, how long customers waited, who has how much to do. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

COUNTED = ("received", "sent", "cases_opened", "cases_closed")
DAYS_SHOWN_MAX = 62
WEEKS_SHOWN_MAX = 60


@dataclass(frozen=True, slots=True)
class Day:
    """How many mails came and left, and how many cases began and ended, on a day (UTC) or in the days that it begins."""

    day: date
    received: int = 0
    sent: int = 0
    cases_opened: int = 0
    cases_closed: int = 0


@dataclass(frozen=True, slots=True)
class Waits:
    """How long something took in seconds: of how many, the median, and what nine of ten did not exceed; None without any."""

    count: int
    median_s: int | None
    p90_s: int | None


@dataclass(frozen=True, slots=True)
class Burden:
    """The open cases of a user, None for those of nobody; the oldest of them opened at."""

    user: str | None
    open: int
    new: int
    assigned: int
    pending: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """A time and what happened in it. `unanswered` open cases, opened in it, have had no answer yet."""

    since: datetime
    until: datetime
    days: tuple[Day, ...]
    first_response: Waits
    unanswered: int
    resolution: Waits
    backlog: tuple[Burden, ...]

    def total(self, name: str) -> int:
        return sum(getattr(day, name) for day in self.days)


def days_of(counts: Mapping[str, Mapping[date, int]], *, since: date, until: date) -> tuple[Day, ...]:
    """Given counts by name and day, return every day of the time; days before the first event are left out."""
    seen = {day for of_days in counts.values() for day in of_days}
    first = max(since, min(seen, default=until))
    return tuple(
        Day(day, **{name: counts.get(name, {}).get(day, 0) for name in COUNTED})
        for day in (first + timedelta(days=n) for n in range((until - first).days + 1))
    )


def waits(seconds: Iterable[float]) -> Waits:
    """The median and the ninetieth percentile (nearest rank, both), in whole seconds."""
    ordered = sorted(seconds)
    if not ordered:
        return Waits(0, None, None)
    return Waits(len(ordered), _nearest_rank(ordered, 50), _nearest_rank(ordered, 90))


def _nearest_rank(ordered: Sequence[float], percent: int) -> int:
    rank = -(-len(ordered) * percent // 100)
    return round(ordered[max(rank, 1) - 1])


def for_chart(days: Sequence[Day]) -> tuple[str, tuple[Day, ...]]:
    """The days as a chart can show them: one by one, or by the week or month; and which of these it is."""
    if len(days) <= DAYS_SHOWN_MAX:
        return "day", tuple(days)
    if len(days) <= WEEKS_SHOWN_MAX * 7:
        return "week", _merged(days, lambda day: day - timedelta(days=day.weekday()))
    return "month", _merged(days, lambda day: day.replace(day=1))


def _merged(days: Sequence[Day], start_of: Callable[[date], date]) -> tuple[Day, ...]:
    groups = [(start, list(group)) for start, group in groupby(days, key=lambda each: start_of(each.day))]
    return tuple(Day(start, **{name: sum(getattr(d, name) for d in group) for name in COUNTED}) for start, group in groups)


def in_words(seconds: int | None) -> str:
    """A time span as a person says it: `45 s`, `12 min`, `3.5 h`, `2.1 d`; a dash for none."""
    if seconds is None:
        return "–"
    for size, unit in ((86400, "d"), (3600, "h")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"
