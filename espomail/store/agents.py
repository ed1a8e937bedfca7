"""Agents: the members of a team as distribution sees them on a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from espomail.model import Agent
from espomail.store.db import Connection

_SELECT = """
    select u.id as user_id, u.name, u.is_active,
           (u.absent_from is not null or u.absent_until is not null)
               and coalesce(u.absent_from, :day) <= :day and coalesce(u.absent_until, :day) >= :day as is_absent,
           (select count(*) from cases c where c.assigned_user_id = u.id
               and c.status in ('New', 'Assigned', 'Pending')) as open_cases,
           coalesce((select max(t.id) from turns t where t.user_id = u.id), 0) as last_turn
"""
_OF_TEAM = f"{_SELECT}, m.position from team_members m join users u on u.id = m.user_id where m.team_id = :team order by u.id"
_ONE = f"{_SELECT}, null as position from users u where u.id = :user"


def list_(db: Connection, team_id: int, *, day: date) -> tuple[Agent, ...]:
    """The members of a team by user id, as distribution sees them on that day; both ends of an absence count."""
    rows = db.execute(_OF_TEAM, {"team": team_id, "day": day.isoformat()})
    return tuple(_agent(row) for row in rows)


def find(db: Connection, user_id: int, *, day: date) -> Agent | None:
    """One user as distribution sees them on that day, without a position; None for an unknown id."""
    row = db.execute(_ONE, {"user": user_id, "day": day.isoformat()}).fetchone()
    return None if row is None else _agent(row)


def _agent(row: Mapping[str, Any]) -> Agent:
    return Agent(
        user_id=row["user_id"],
        name=row["name"],
        is_active=bool(row["is_active"]),
        is_absent=bool(row["is_absent"]),
        position=row["position"],
        open_cases=row["open_cases"],
        last_turn=row["last_turn"],
    )
