"""What the state half may say, value by value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from espomail.rules import state_values as values

GOOD: tuple[tuple[Callable[[Any], Any], Any, Any], ...] = (
    (values.name, "  support ", "support"),
    (values.day, "2026-03-01", "2026-03-01"),
    (values.flag, "yes", True),
    (values.flag, "off", False),
    (values.flag, True, True),
    (values.number, 0, 0),
    (
        values.cells,
        {"email.create": True, "Email.Read": "team", "case.read": None},
        {"email.create": "yes", "email.read": "team"},
    ),
    (values.size, "5M", "5M"),
    (values.headers, {"List-Id": "*"}, [["List-Id", "*"]]),
    (values.headers, [["X", "a"], ["X", "b"]], [["X", "a"], ["X", "b"]]),
    (
        values.memberships,
        ["b", {"team": "a", "position": "x"}],
        [{"team": "a", "position": "x"}, {"team": "b", "position": None}],
    ),
    (values.password, {"env": "V"}, {"env": "V"}),
    (values.password, {"stored": "yes"}, {"stored": True}),
)
BAD: tuple[tuple[Callable[[Any], Any], Any, str], ...] = (
    (values.text, 7, "must be text: write it in quotes, '7'"),
    (values.text, ["a"], "must be text"),
    (values.day, "yesterday", "must be a date: 2026-03-01"),
    (values.flag, 1.5, "must be yes or no"),
    (values.number, True, "must be a whole number"),
    (values.cells, ["email.read"], "must be a mapping: {email.read: team}"),
    (values.texts, "a", "must be a list: [first, second]"),
    (values.memberships, [{"team": "a", "postion": "x"}], "a team is a name, or {team: NAME, position: NAME}"),
    (values.headers, "List-Id", "must be header names with patterns: {List-Id: '*'}"),
    (values.folder_map, ["Sent"], "must be a mapping: {Sent: Sent}"),
    (values.password, {"stored": False}, "must be {stored: true}"),
)


@pytest.mark.parametrize(("read", "value", "result"), GOOD, ids=lambda each: getattr(each, "__name__", None))
def test_a_value_of_the_file_is_read(read: Callable[[Any], Any], value: Any, result: Any) -> None:
    assert read(value) == result


@pytest.mark.parametrize(("read", "value", "words"), BAD, ids=lambda each: getattr(each, "__name__", None))
def test_a_value_that_does_not_fit_is_refused(read: Callable[[Any], Any], value: Any, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        read(value)
    assert str(caught.value) == words


@pytest.mark.parametrize("value", ["hunter2", 12345, {"password": "hunter2"}, {"env": "A", "file": "hunter2"}, ["hunter2"]])
def test_a_password_itself_is_refused_and_not_repeated(value: Any) -> None:
    with pytest.raises(ValueError, match="must be a reference") as caught:
        values.password(value)
    assert "hunter2" not in str(caught.value)
    assert "12345" not in str(caught.value)
