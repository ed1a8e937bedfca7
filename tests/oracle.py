"""An independent oracle of the access rules: who may do what, from plain facts; it shares no line with the program.

Written from the rules as they are told to people: a level per cell, merged over all roles of a user; own, team, all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

ORDER = ["no", "own", "team", "all"]
OK, NOT_FOUND, NOT_PERMITTED = 0, 66, 77


@dataclass(frozen=True)
class Person:
    """A user: their teams, and the cells of each role that reaches them by whatever way."""

    name: str
    teams: frozenset[str] = frozenset()
    roles: tuple[Mapping[str, str], ...] = ()
    is_admin: bool = False
    is_active: bool = True


@dataclass(frozen=True)
class Item:
    """An email, case or record: who it belongs to by its own facts, and its teams.

    `linked` have it in their inbox (an email), `creator` made it, `assignee` looks after it.
    """

    scope: str
    key: int
    linked: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    creator: str | None = None
    assignee: str | None = None


@dataclass(frozen=True)
class World:
    items: tuple[Item, ...] = field(default=())

    def readable(self, person: Person, scope: str) -> list[int]:
        return sorted(item.key for item in self.items if item.scope == scope and reads(person, item))


def widest(levels: Iterable[str]) -> str:
    """The most permissive of some levels."""
    best = "no"
    for level in levels:
        if ORDER.index(level) > ORDER.index(best):
            best = level
    return best


def level(person: Person, scope: str, action: str) -> str:
    """All roles together; no action goes further than reading."""
    if person.is_admin:
        return "all"
    wanted = widest(role.get(f"{scope}.{action}", "no") for role in person.roles)
    reading = widest(role.get(f"{scope}.read", "no") for role in person.roles)
    return wanted if ORDER.index(wanted) <= ORDER.index(reading) else reading


def is_own(person: Person, item: Item) -> bool:
    if item.scope == "email":
        return person.name in item.linked or person.name == item.assignee
    return person.name in (item.creator, item.assignee)


def within(person: Person, item: Item, reach: str) -> bool:
    """Whether a level reaches an item."""
    if reach == "all":
        return True
    if reach == "team":
        return is_own(person, item) or bool(person.teams & item.teams)
    return reach == "own" and is_own(person, item)


def reads(person: Person, item: Item) -> bool:
    return person.is_active and within(person, item, level(person, item.scope, "read"))


def may(person: Person, item: Item, action: str) -> bool:
    """An email at level own is deleted by who created it or is assigned to it alone: receiving it is not enough."""
    if not reads(person, item):
        return False
    reach = level(person, item.scope, action)
    if item.scope == "email" and action == "delete" and reach == "own":
        return person.name in (item.creator, item.assignee)
    return within(person, item, reach)


def outcome(person: Person, item: Item, action: str) -> int:
    """The exit code of a command that needs an action on an item: what can't be read does not exist."""
    if not person.is_active:
        return NOT_PERMITTED
    if not reads(person, item):
        return NOT_FOUND
    return OK if may(person, item, action) else NOT_PERMITTED
