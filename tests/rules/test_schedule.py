"""When what failed is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.rules import schedule
from espomail.rules.schedule import GiveUp, RetryAt

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def minutes(outcome: RetryAt | GiveUp) -> float | None:
    return (outcome.at - NOW).total_seconds() / 60 if isinstance(outcome, RetryAt) else None


@pytest.mark.parametrize(
    ("failures", "expected"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 60), (8, 60), (10_000, 60)]
)
def test_an_account_is_left_alone_twice_as_long_each_time_up_to_an_hour(failures: int, expected: float) -> None:
    assert minutes(schedule.account(failures, login_refusals=0, now=NOW, jitter=0.5)) == expected


@given(st.integers(1, 100), st.floats(0, 1))
def test_law_jitter_spreads_by_a_tenth_and_never_beyond_an_hour(failures: int, jitter: float) -> None:
    plain = minutes(schedule.account(failures, login_refusals=0, now=NOW, jitter=0.5))
    spread = minutes(schedule.account(failures, login_refusals=0, now=NOW, jitter=jitter))
    assert plain is not None
    assert spread is not None
    assert 0.9 * plain - 0.001 <= spread <= min(1.1 * plain, 60) + 0.001


@pytest.mark.parametrize(("refusals", "expected"), [(1, 15), (2, 15), (4, 15), (5, None), (6, None)])
def test_a_refused_log_in_waits_a_quarter_of_an_hour_and_the_fifth_disables(refusals: int, expected: float | None) -> None:
    assert minutes(schedule.account(refusals, login_refusals=refusals, now=NOW, jitter=0.5)) == expected


def test_a_refused_log_in_after_many_failures_waits_as_long_as_they_ask() -> None:
    assert minutes(schedule.account(7, login_refusals=1, now=NOW, jitter=0.5)) == 60


def test_giving_an_account_up_says_how_often_it_was_refused() -> None:
    assert schedule.account(5, login_refusals=5, now=NOW, jitter=0) == GiveUp("the log-in was refused 5 times in a row")


@pytest.mark.parametrize(("attempts", "expected"), [(1, 1), (2, 10), (3, 60), (4, None), (9, None)])
def test_a_mail_is_tried_three_times_more_and_then_parked(attempts: int, expected: float | None) -> None:
    assert minutes(schedule.mail(attempts, now=NOW)) == expected


@pytest.mark.parametrize(("attempts", "expected"), [(1, 1), (2, 5), (3, 15), (4, 60), (5, 120), (6, 240), (40, 240)])
def test_a_deferred_mail_waits_longer_each_time(attempts: int, expected: float) -> None:
    assert minutes(schedule.outbox(attempts, due_at=NOW, now=NOW)) == expected


def test_a_deferred_mail_has_its_last_try_after_three_days_and_is_then_given_up() -> None:
    end = NOW + timedelta(days=3)
    assert schedule.outbox(20, due_at=NOW, now=end - timedelta(hours=1)) == RetryAt(end)
    assert schedule.outbox(21, due_at=NOW, now=end) == GiveUp("deferred for 3 days, 21 attempts")
