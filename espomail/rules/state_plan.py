"""Two states compared: what a file adds to what is there, and the plan that leads from one state to the other. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from espomail.rules.state import Identity

State = Mapping[str, Mapping[Identity, Mapping[str, Any]]]
"""By section what there is, each by what tells it from the others of its section."""


def merged(known: Mapping[str, Any], told: Mapping[str, Any], *, halves: tuple[str, ...]) -> dict[str, Any]:
    """A thing as it is with what the file tells of it; of the halves every key stands for itself, all else is whole."""
    found = {**known, **told}
    for half in halves:
        if isinstance(known.get(half), Mapping) and isinstance(told.get(half), Mapping):
            found[half] = {**known[half], **told[half]}
    return found


def changes(before: State, after: State, nouns: Mapping[str, str]) -> list[dict[str, Any]]:
    """What led from one state to the other: first what is new or not as it was, then what is gone, the dependent first."""
    plan: list[dict[str, Any]] = []
    for section, noun in nouns.items():
        for identity, item in after[section].items():
            known = before[section].get(identity)
            if item != known:
                change = "add" if known is None else "change"
                plan.append(step(change, noun, "/".join(identity), difference(known, item)))
    for section in reversed(list(nouns)):
        gone = [identity for identity in before[section] if identity not in after[section]]
        plan += [step("remove", nouns[section], "/".join(identity), {}) for identity in gone]
    return plan


def step(change: str, kind: str, name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """One line of a plan."""
    return {"change": change, "kind": kind, "name": name, "fields": fields}


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, Any]:
    """What a change is about: for something new its fields that are not empty, else each field `{from, to}`."""
    if before is None:
        return {key: value for key, value in after.items() if value not in (None, "", [], {}, False) and key != "name"}
    return {key: {"from": before.get(key), "to": value} for key, value in after.items() if before.get(key) != value}
