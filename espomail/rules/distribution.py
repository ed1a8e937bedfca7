"""Who gets a new case: the given user, the next in turn, or the least busy of a team. Pure.

A new rule is a function from `Situation` to a choice, and its line in RULES.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from espomail.errors import BadInput
from espomail.model import Agent


@dataclass(frozen=True, slots=True)
class Assigned:
    """The case goes to a user; `rule` by its own name (never an alias), `details` are the candidates it chose among."""

    user_id: int
    rule: str
    reason: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Nobody:
    """The case stays with nobody, and why."""

    reason: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a preview, counted from 1; `user_id` None where nobody would be served."""

    turn: int
    user_id: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a rule looks at: the team's members, the position asked for (None: any), and whom this team's turn served last."""

    agents: Sequence[Agent]
    position: str | None
    last_served: int | None
    assign_to: Agent | None

    @property
    def eligible(self) -> list[Agent]:
        """The active, present members with the position, by user id."""
        return sorted((a for a in self.agents if not self.obstacle(a)), key=lambda agent: agent.user_id)

    def obstacle(self, agent: Agent) -> str:
        """Why a member of the team can't be served, "" when nothing is in the way."""
        if self.position is not None and agent.position != self.position:
            return f"not {self.position}"
        return unavailable(agent)

    @property
    def details(self) -> dict[str, Any]:
        candidates = [{"user": a.name, "open_cases": a.open_cases, "last_turn": a.last_turn} for a in self.eligible]
        return {"candidates": candidates, "left_out": {a.name: why for a in self.agents if (why := self.obstacle(a))}}


def unavailable(agent: Agent) -> str:
    """Why a user can't be served whatever the team, "" when they can."""
    if not agent.is_active:
        return "inactive"
    return "absent" if agent.is_absent else ""


def choose(rule: str, situation: Situation) -> Assigned | Nobody:
    """Given a rule's name and what it looks at, return who gets the case; raise BadInput for a rule that isn't known."""
    if rule not in RULES:
        raise BadInput(f"no distribution is called {rule}", f"one of: {', '.join(RULES)}")
    return RULES[rule](situation)


def preview(rule: str, situation: Situation, *, turns: int) -> list[Turn]:
    """The next turns if nothing else happened meanwhile; the list ends at the first turn that would serve nobody."""
    found: list[Turn] = []
    for number in range(1, turns + 1):
        match choose(rule, situation):
            case Assigned(user_id=user_id, reason=reason):
                found.append(Turn(number, user_id, reason))
                members = _served(situation.agents, user_id)
                situation = dataclasses.replace(situation, agents=members, last_served=user_id)
            case Nobody(reason=reason):
                return [*found, Turn(number, None, reason)]
    return found


def _served(members: Sequence[Agent], user_id: int) -> list[Agent]:
    """The members after one of them got a case."""
    latest = max((a.last_turn for a in members), default=0) + 1
    return [
        dataclasses.replace(a, open_cases=a.open_cases + 1, last_turn=latest) if a.user_id == user_id else a for a in members
    ]


# ---------------------------------------------------------------- rules


def none(situation: Situation) -> Assigned | Nobody:
    """New cases stay with nobody."""
    return Nobody("no distribution")


def direct_assignment(situation: Situation) -> Assigned | Nobody:
    """The given user, in the team or not; nobody while that user is inactive or absent."""
    user = situation.assign_to
    if user is None:
        return Nobody("no user is given to assign to")
    if why := unavailable(user):
        return Nobody(f"{user.name}, to whom cases go, is {why}", {"left_out": {user.name: why}})
    return Assigned(user.user_id, "direct-assignment", f"all cases go to {user.name}", {"candidates": [{"user": user.name}]})


def round_robin(situation: Situation) -> Assigned | Nobody:
    """Members by id: the next after the one served last, who need not be a member any more."""
    candidates = situation.eligible
    if not candidates:
        return _nobody(situation)
    last = situation.last_served
    following = [a for a in candidates if last is not None and a.user_id > last]
    chosen = (following or candidates)[0]
    details = {**situation.details, "last_served": _name_of(situation.agents, last)}
    return Assigned(chosen.user_id, "round-robin", _turn_reason(situation, chosen, wraps=not following), details)


def least_busy(situation: Situation) -> Assigned | Nobody:
    """Who has the fewest open cases; of several the least recently served, then the lowest id."""
    candidates = situation.eligible
    if not candidates:
        return _nobody(situation)
    chosen = min(candidates, key=lambda a: (a.open_cases, a.last_turn, a.user_id))
    as_busy = [a for a in candidates if a.open_cases == chosen.open_cases]
    tie = f", like {len(as_busy) - 1} other; served least recently" if len(as_busy) > 1 else ""
    reason = f"{chosen.name} has the fewest open cases ({chosen.open_cases}{tie})"
    return Assigned(chosen.user_id, "least-busy", reason, situation.details)


def _turn_reason(situation: Situation, chosen: Agent, *, wraps: bool) -> str:
    last = situation.last_served
    if last is None:
        return f"{chosen.name} is the first in turn; nobody has been served yet"
    after = _name_of(situation.agents, last) or "one who has left the team"
    return f"{chosen.name} is next after {after}" + (", from the start again" if wraps else "")


def _name_of(agents: Sequence[Agent], user_id: int | None) -> str | None:
    return next((a.name for a in agents if a.user_id == user_id), None)


def _nobody(situation: Situation) -> Nobody:
    if not situation.agents:
        return Nobody("the target team has no members")
    obstacles = ", ".join(f"{a.name} is {situation.obstacle(a)}" for a in situation.agents)
    return Nobody(f"no member of the target team can be served: {obstacles}", situation.details)


RULES: Mapping[str, Callable[[Situation], Assigned | Nobody]] = {
    "none": none,
    "direct-assignment": direct_assignment,
    "round-robin": round_robin,
    "least-busy": least_busy,
    "less-busy": least_busy,
}
