"""What the state half may say, value by value, and the plan that leads from one state to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from espomail.rules import state, state_plan

GOOD: tuple[tuple[Callable[[Any], Any], Any, Any], ...] = (
    (state.name, "  support ", "support"),
    (state.day, "2026-03-01", "2026-03-01"),
    (state.flag, "yes", True),
    (state.flag, "off", False),
    (state.flag, True, True),
    (state.number, 0, 0),
    (state.level, True, "yes"),
    (state.level, "team", "team"),
    (state.size, "5M", "5M"),
    (state.headers, {"List-Id": "*"}, [["List-Id", "*"]]),
    (state.headers, [["X", "a"], ["X", "b"]], [["X", "a"], ["X", "b"]]),
    (
        state.memberships,
        ["b", {"team": "a", "position": "x"}],
        [{"team": "a", "position": "x"}, {"team": "b", "position": None}],
    ),
    (state.password, {"env": "V"}, {"env": "V"}),
    (state.password, {"stored": "yes"}, {"stored": True}),
)
BAD: tuple[tuple[Callable[[Any], Any], Any, str], ...] = (
    (state.text, 7, "must be text: write it in quotes, '7'"),
    (state.text, ["a"], "must be text"),
    (state.day, "yesterday", "must be a date: 2026-03-01"),
    (state.flag, 1.5, "must be yes or no"),
    (state.number, True, "must be a whole number"),
    (state.texts, "a", "must be a list: [first, second]"),
    (state.memberships, [{"team": "a", "postion": "x"}], "a team is a name, or {team: NAME, position: NAME}"),
    (state.headers, "List-Id", "must be header names with patterns: {List-Id: '*'}"),
    (state.folder_map, ["Sent"], "must be a mapping: {Sent: Sent}"),
    (state.password, {"stored": False}, "must be {stored: true}"),
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
        state.password(value)
    assert "hunter2" not in str(caught.value)
    assert "12345" not in str(caught.value)


def test_of_the_halves_every_key_stands_for_itself_and_all_else_is_whole() -> None:
    known = {"imap": {"host": "a", "port": 993}, "smtp": None, "cells": {"x": "all"}}
    told = {"imap": {"port": 143}, "smtp": {"host": "b"}, "cells": {"y": "own"}}
    assert state_plan.merged(known, told, halves=("imap", "smtp")) == {
        "imap": {"host": "a", "port": 143},
        "smtp": {"host": "b"},
        "cells": {"y": "own"},
    }


def test_the_plan_adds_and_changes_first_and_removes_the_dependent_first() -> None:
    before = {"users": {("ann",): {"name": "ann", "x": 1}, ("ben",): {"name": "ben"}}, "folders": {("ben", "News"): {}}}
    after = {
        "users": {("ann",): {"name": "ann", "x": 2}},
        "folders": {("ann", "New"): {"name": "New", "user": "ann", "y": False}},
    }
    nouns = {"users": "user", "folders": "folder"}
    assert state_plan.changes(before, after, nouns) == [
        {"change": "change", "kind": "user", "name": "ann", "fields": {"x": {"from": 1, "to": 2}}},
        {"change": "add", "kind": "folder", "name": "ann/New", "fields": {"user": "ann"}},
        {"change": "remove", "kind": "folder", "name": "ben/News", "fields": {}},
        {"change": "remove", "kind": "user", "name": "ben", "fields": {}},
    ]
    assert state_plan.changes(after, after, nouns) == []
