"""What a round may take: as many mails as asked for, and as many as can be processed in its time."""

from __future__ import annotations

import pytest

from espomail.rounds.budget import FIRST_PACE, Budget


def spent_at(*, stop_at: float, now: float, taken: int = 0, done: int = 0, mails: int | None = None) -> bool:
    """Whether a round that began to take in at second 1 takes no more at `now`."""
    clock = iter((1.0, *[now] * 10))
    budget = Budget(mails, stop_at, lambda: next(clock))
    budget.note_taken(taken)
    budget.note_done(done)
    return budget.is_spent()


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"stop_at": 10, "now": 9.9}, False, id="there is time"),
        pytest.param({"stop_at": 10, "now": 10}, True, id="the time is over"),
        pytest.param({"stop_at": 10, "now": 2, "mails": 0}, True, id="as many as asked for"),
        pytest.param({"stop_at": 10, "now": 2, "mails": 1}, False, id="one more is asked for"),
        pytest.param(
            {"stop_at": 41, "now": 11, "taken": 5900, "done": 2000}, False, id="3,900 at 200 a second are done in 20 s"
        ),
        pytest.param({"stop_at": 41, "now": 11, "taken": 8100, "done": 2000}, True, id="6,100 at 200 a second are not in 30 s"),
        pytest.param({"stop_at": 41, "now": 11, "taken": 3000, "done": 50}, False, id="a pace not shown yet is a usual one"),
        pytest.param({"stop_at": 12, "now": 11, "taken": int(FIRST_PACE) + 1}, True, id="and no faster than that"),
        pytest.param({"stop_at": 10, "now": 9.9, "taken": 10, "done": 5000}, False, id="mail of an earlier round was done too"),
    ],
)
def test_a_round_takes_no_more_than_it_can_process_in_its_time(facts: dict[str, float], expected: bool) -> None:
    assert spent_at(**facts) is expected


def test_accounts_that_are_read_side_by_side_share_the_mails_of_a_round() -> None:
    budget = Budget(5, 10.0, lambda: 0.0)
    assert [budget.claim(3), budget.claim(3), budget.claim(3)] == [3, 2, 0]
