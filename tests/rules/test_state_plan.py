"""The plan that leads from one state to another."""

from __future__ import annotations

from espomail.rules import state_plan


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
