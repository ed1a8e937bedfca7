"""What of a mail's decisions a user is told: their own part, and nothing of others or of what they may not see."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import pytest

from espomail.model import Step, Thing
from espomail.rules.explaining import TELLERS, for_user, things_of

CASE = Step("case", "joined", "answers a mail of the case", {"case": 7, "follows": 3, "new_to_it": "x@y.example"})
LINK = Step(
    "link",
    "linked",
    "parent: answers",
    {"step": "parent", "parent": "account:4", "passed": {"subject-token": "[#9]: no such case"}},
)
GIVEN = Step("distribute", "assigned", "ann has 2, ben 5", {"user_id": 1, "rule": "least-busy", "candidates": [{"user_id": 2}]})
NOTICES = Step(
    "notify",
    "notified",
    "2 told, 1 not",
    {"told": [{"user_id": 1, "why": "in their inbox"}], "not_told": [{"user_id": 2, "why": "inactive"}]},
)
FILTERED = Step("filter", "passed", "no filter matches", {"tried": {"secret filter": "subject"}})

OWN = {"user_id": 1, "filter": "news", "action": "skip", "tried": {"bills": "subject: bill"}}
INBOXES = Step("filter", "passed", "no filters", {"tried": {}, "inboxes": [{"user_id": 2, "filter": "hers"}, OWN]})


def told(step: Step, *, user_id: int = 1, seen: bool = True) -> Step | None:
    found = for_user([step], user_id=user_id, seen=lambda thing: seen)
    return found[0] if found else None


@pytest.mark.parametrize(
    ("step", "user_id", "seen", "expected"),
    [
        pytest.param(CASE, 1, True, ("joined", {"case": 7}), id="a case that they see"),
        pytest.param(CASE, 1, False, None, id="a case that they don't"),
        pytest.param(LINK, 1, True, ("linked", {"step": "parent", "parent": "account:4"}), id="a record that they see"),
        pytest.param(LINK, 1, False, None, id="a record that they don't"),
        pytest.param(GIVEN, 1, True, ("assigned", {"user_id": 1}), id="a case given to them"),
        pytest.param(GIVEN, 2, True, None, id="a case given to another"),
        pytest.param(NOTICES, 1, True, ("notified", {"user_id": 1}), id="they were told"),
        pytest.param(NOTICES, 2, True, ("not notified", {"user_id": 2}), id="they were not"),
        pytest.param(NOTICES, 3, True, None, id="it was not about them"),
        pytest.param(FILTERED, 1, True, ("passed", {}), id="filters of others are not named"),
        pytest.param(INBOXES, 1, True, ("passed", {"inboxes": [OWN]}), id="their own filters are"),
    ],
)
def test_a_step_is_told(step: Step, user_id: int, seen: bool, expected: tuple[str, dict[str, Any]] | None) -> None:
    found = told(step, user_id=user_id, seen=seen)
    assert (None if found is None else (found.outcome, found.details)) == expected


def test_no_reason_names_a_case_that_they_do_not_see() -> None:
    """Case 5 is hidden: it did not become the mail's parent, and it is the one that case 7 follows up on."""
    passed = "References leads to case:5, but the sender is new to it"
    link = Step("link", "linked", f"address: From x@y.example; {passed}", {"parent": "account:4", "passed": {"parent": passed}})
    case = Step("case", "opened", "case 5 is Closed and its account opens a new case", {"case": 7, "follows": 5})
    found = for_user([link, case], user_id=1, seen=lambda thing: thing != Thing("case", 5))
    assert [step.reason for step in found] == ["address: From x@y.example", "it follows up on a closed case"]
    assert Thing("case", 5) in things_of([case])


def test_every_step_has_a_teller() -> None:
    assert set(TELLERS) == set(get_args(get_type_hints(Step)["step"]))


def test_the_things_that_steps_speak_of_can_be_asked_about() -> None:
    assert things_of([CASE, LINK, GIVEN]) == {Thing("case", 7), Thing("case", 3), Thing("account", 4)}
