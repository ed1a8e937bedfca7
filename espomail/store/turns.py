"""Turns: which case distribution gave to whom; the last one of a team and position is its pointer."""

from __future__ import annotations

from datetime import datetime

from espomail import times
from espomail.store.db import Connection, one

_LAST = """
    select user_id from turns where team_id = :team and position = :position and rule = 'round-robin' order by id desc limit 1
"""
_ADD = """
    insert into turns (rule, team_id, position, user_id, case_number, at)
    values (:rule, :team, :position, :user, :case, :at)
"""


def last_served(db: Connection, team_id: int, position: str | None) -> int | None:
    """The user whom round-robin served last in a team and position, a member still or not; None before the first turn."""
    found = one(db, _LAST, {"team": team_id, "position": position or ""})
    return None if found is None else int(found)


def add(db: Connection, *, rule: str, team_id: int, position: str | None, user_id: int, case_number: int, at: datetime) -> None:
    """Remember a turn; a case has one at most (IntegrityError). `team_id` 0 is a turn without a team."""
    db.execute(
        _ADD,
        {
            "rule": rule,
            "team": team_id,
            "position": position or "",
            "user": user_id,
            "case": case_number,
            "at": times.to_text(at),
        },
    )
