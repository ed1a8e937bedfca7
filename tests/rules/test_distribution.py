"""Who gets a new case."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.errors import BadInput
from espomail.model import Agent
from espomail.rules import distribution
from espomail.rules.distribution import Assigned, Nobody, Situation, Turn


def agent(user_id: int, **facts: Any) -> Agent:
    known = {"is_active": True, "is_absent": False, "position": None, "open_cases": 0, "last_turn": 0}
    return Agent(user_id=user_id, name=f"user{user_id}", **{**known, **facts})


def situation(agents: list[Agent], **facts: Any) -> Situation:
    return Situation(**{"agents": agents, "position": None, "last_served": None, "assign_to": None, **facts})


def choose(rule: str, agents: list[Agent], **facts: Any) -> Assigned | Nobody:
    return distribution.choose(rule, situation(agents, **facts))


def chosen(outcome: Assigned | Nobody) -> int | None:
    return outcome.user_id if isinstance(outcome, Assigned) else None


ROUND_ROBIN = {
    "the first turn goes to the lowest id": ([3, 1, 2], None, 1),
    "then to the next": ([1, 2, 3], 1, 2),
    "after the last comes the first": ([1, 2, 3], 3, 1),
    "one who left keeps the place in turn": ([1, 3], 2, 3),
    "the highest who left is followed by the first": ([1, 2], 9, 1),
    "a newcomer with a higher id has the turn after": ([1, 2, 7], 2, 7),
    "a team of one is always next": ([4], 4, 4),
}


@pytest.mark.parametrize(("ids", "last", "expected"), ROUND_ROBIN.values(), ids=ROUND_ROBIN)
def test_round_robin_serves_the_next_by_id(ids: list[int], last: int | None, expected: int) -> None:
    assert chosen(choose("round-robin", [agent(i) for i in ids], last_served=last)) == expected


LEAST_BUSY = {
    "the fewest open cases": ([agent(1, open_cases=3), agent(2, open_cases=1), agent(3, open_cases=2)], 2),
    "of several who was served longest ago": ([agent(1, last_turn=9), agent(2, last_turn=4), agent(3, last_turn=5)], 2),
    "never served comes before served": ([agent(1, last_turn=1), agent(2)], 2),
    "of equals the lowest id": ([agent(3), agent(2)], 2),
    "load counts before turns": ([agent(1, open_cases=1), agent(2, open_cases=0, last_turn=99)], 2),
}


@pytest.mark.parametrize(("agents", "expected"), LEAST_BUSY.values(), ids=LEAST_BUSY)
@pytest.mark.parametrize("rule", ["least-busy", "less-busy"])
def test_least_busy_serves_who_has_the_least_to_do(rule: str, agents: list[Agent], expected: int) -> None:
    outcome = choose(rule, agents)
    assert (chosen(outcome), isinstance(outcome, Assigned) and outcome.rule) == (expected, "least-busy")


DIRECT = {
    "in the team": ([agent(1), agent(2)], agent(2), 2),
    "outside the team": ([agent(1)], agent(5), 5),
    "without any team": ([], agent(5), 5),
    "inactive": ([agent(1)], agent(1, is_active=False), None),
    "absent": ([agent(1)], agent(1, is_absent=True), None),
    "nobody given": ([agent(1)], None, None),
}


@pytest.mark.parametrize(("agents", "user", "expected"), DIRECT.values(), ids=DIRECT)
def test_direct_assignment_serves_the_given_user_or_nobody(
    agents: list[Agent], user: Agent | None, expected: int | None
) -> None:
    assert chosen(choose("direct-assignment", agents, assign_to=user)) == expected


def test_direct_assignment_minds_no_position() -> None:
    assert chosen(choose("direct-assignment", [], assign_to=agent(5), position="lead")) == 5


@pytest.mark.parametrize("rule", ["round-robin", "least-busy"])
@pytest.mark.parametrize(
    ("agents", "position", "expected"),
    [
        pytest.param([agent(1, is_active=False), agent(2)], None, 2, id="the inactive are passed over"),
        pytest.param([agent(1, is_absent=True), agent(2)], None, 2, id="the absent are passed over"),
        pytest.param([agent(1), agent(2, position="night")], "night", 2, id="only those with the position"),
        pytest.param([agent(1, position="day")], "night", None, id="nobody has the position"),
        pytest.param([agent(1, position="night", is_absent=True)], "night", None, id="the one with the position is absent"),
        pytest.param([agent(1, is_active=False), agent(2, is_absent=True)], None, None, id="nobody is there"),
        pytest.param([], None, None, id="an empty team"),
    ],
)
def test_only_present_members_with_the_position_are_served(
    rule: str, agents: list[Agent], position: str | None, expected: int | None
) -> None:
    assert chosen(choose(rule, agents, position=position)) == expected


def test_a_refusal_names_every_member_and_what_is_in_the_way() -> None:
    outcome = choose(
        "round-robin", [agent(1, is_active=False), agent(2, is_absent=True), agent(3, position="day")], position="night"
    )
    assert outcome == Nobody(
        "no member of the target team can be served: user1 is not night, user2 is not night, user3 is not night",
        {"candidates": [], "left_out": {"user1": "not night", "user2": "not night", "user3": "not night"}},
    )


def test_a_choice_carries_the_candidates_and_their_counts() -> None:
    outcome = choose("least-busy", [agent(1, open_cases=2, last_turn=7), agent(2, open_cases=1), agent(3, is_absent=True)])
    assert outcome == Assigned(
        2,
        "least-busy",
        "user2 has the fewest open cases (1)",
        {
            "candidates": [
                {"user": "user1", "open_cases": 2, "last_turn": 7},
                {"user": "user2", "open_cases": 1, "last_turn": 0},
            ],
            "left_out": {"user3": "absent"},
        },
    )


def test_without_distribution_the_case_stays_with_nobody() -> None:
    assert choose("none", [agent(1)], assign_to=agent(1)) == Nobody("no distribution")


def test_an_unknown_rule_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no distribution is called at-random"):
        choose("at-random", [agent(1)])


def test_a_preview_takes_each_turn_into_account() -> None:
    agents = [agent(1, open_cases=1), agent(2), agent(3, is_absent=True)]
    turns = distribution.preview("least-busy", situation(agents), turns=3)
    assert [(t.turn, t.user_id) for t in turns] == [(1, 2), (2, 1), (3, 2)]


def test_a_preview_ends_where_nobody_would_be_served() -> None:
    turns = distribution.preview("round-robin", situation([]), turns=10)
    assert turns == [Turn(1, None, "the target team has no members")]


# ---------------------------------------------------------------- laws

members = st.lists(
    st.builds(
        agent,
        st.integers(1, 40),
        is_active=st.booleans(),
        is_absent=st.booleans(),
        position=st.sampled_from([None, "day", "night"]),
        open_cases=st.integers(0, 9),
        last_turn=st.integers(0, 50),
    ),
    unique_by=lambda a: a.user_id,
    max_size=8,
)
present = st.lists(st.integers(1, 40), unique=True, min_size=1, max_size=8).map(lambda ids: [agent(i) for i in ids])


@given(members, st.sampled_from(["round-robin", "least-busy"]), st.sampled_from([None, "day"]), st.none() | st.integers(1, 40))
def test_law_nobody_inactive_absent_or_of_another_position_is_served(
    agents: list[Agent], rule: str, position: str | None, last: int | None
) -> None:
    eligible = {a.user_id for a in agents if a.is_active and not a.is_absent and position in (None, a.position)}
    outcome = chosen(choose(rule, agents, position=position, last_served=last))
    assert outcome in eligible if eligible else outcome is None


@given(present, st.none() | st.integers(1, 40), st.integers(1, 5))
def test_law_round_robin_gives_everybody_the_same_number_of_turns(agents: list[Agent], last: int | None, rounds: int) -> None:
    turns = distribution.preview("round-robin", situation(agents, last_served=last), turns=rounds * len(agents))
    assert Counter(t.user_id for t in turns) == {a.user_id: rounds for a in agents}


@given(present, st.integers(1, 30))
def test_law_least_busy_keeps_equal_agents_within_one_case_of_each_other(agents: list[Agent], cases: int) -> None:
    turns = distribution.preview("least-busy", situation(agents), turns=cases)
    served = Counter({a.user_id: 0 for a in agents}) + Counter()
    served.update(t.user_id for t in turns)
    counts = [served[a.user_id] for a in agents]
    assert max(counts) - min(counts) <= 1


@given(present, st.lists(st.tuples(st.sampled_from(["serve", "join", "leave"]), st.integers(1, 40)), max_size=40))
def test_law_between_two_turns_of_one_member_every_member_who_stayed_has_had_one(
    agents: list[Agent], events: list[tuple[str, int]]
) -> None:
    """The pointer survives joins and leaves: nobody who stays is passed over."""
    team = {a.user_id: a for a in agents}
    last: int | None = None
    waiting: dict[int, set[int]] = {}
    for kind, user_id in events:
        if kind == "join":
            team.setdefault(user_id, agent(user_id))
        elif kind == "leave":
            team.pop(user_id, None)
            waiting.pop(user_id, None)
            for others in waiting.values():
                others.discard(user_id)
        elif team:
            served = chosen(choose("round-robin", list(team.values()), last_served=last))
            assert served is not None
            assert waiting.get(served, set()) == set()
            last = served
            for others in waiting.values():
                others.discard(served)
            waiting[served] = set(team) - {served}
