"""Whose turn a new case would be."""

from __future__ import annotations

from datetime import datetime

from espomail.model import Account
from espomail.rules.distribution import Situation
from espomail.store import agents, turns
from espomail.store.db import Connection


def situation(db: Connection, account: Account, *, now: datetime) -> Situation:
    """What an account's distribution would look at if a case came now."""
    team, day = account.target_team_id, now.date()
    return Situation(
        agents=agents.list_(db, team, day=day) if team else (),
        position=account.target_position,
        last_served=turns.last_served(db, team, account.target_position) if team else None,
        assign_to=agents.find(db, account.assign_to_user_id, day=day) if account.assign_to_user_id else None,
    )
