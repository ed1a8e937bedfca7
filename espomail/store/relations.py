"""What ties a user to an email, case or record, in words: for `access explain`."""

from __future__ import annotations

from dataclasses import dataclass

from espomail.model import Thing
from espomail.store.db import Connection

_REASONS = {
    "address": "an address of theirs is in From, To or Cc",
    "assigned": "they are assigned",
    "personal-account": "their personal account brought it",
    "team-account": "it came for all users of the team",
    "group-folder": "it was put into a folder of their team",
    "shared": "it was shared with them",
    "author": "they wrote it",
}
_LINKS = "select reason from email_user_reasons where email_id = :id and user_id = :user order by reason"
_PEOPLE = {
    "email": "select assigned_user_id = :user as assigned, 0 as created from emails where id = :id",
    "case": "select assigned_user_id = :user as assigned, created_by_id = :user as created from cases where number = :id",
    "record": "select assigned_user_id = :user as assigned, created_by_id = :user as created from records where id = :id",
}
_TEAMS = {
    "email": "select team_id from email_teams where email_id = :id",
    "case": "select team_id from case_teams where case_number = :id",
    "record": "select team_id from record_teams where record_id = :id",
}


@dataclass(frozen=True, slots=True)
class Relations:
    """What makes a thing a user's own, in words, and the names of the teams that they share with it."""

    own: tuple[str, ...]
    teams: tuple[str, ...]


def of(db: Connection, user_id: int, thing: Thing) -> Relations:
    """What ties a user to a thing; nothing does to one that does not exist."""
    kind = thing.type if thing.type in _PEOPLE else "record"
    row = {"id": thing.id, "user": user_id}
    own = [_REASONS[each[0]] for each in db.execute(_LINKS, row)] if kind == "email" else []
    people = db.execute(_PEOPLE[kind], row).fetchone()
    if people is not None and people["assigned"] and _REASONS["assigned"] not in own:
        own.append(_REASONS["assigned"])
    if people is not None and people["created"]:
        own.append("they created it")
    teams = db.execute(
        f"""select t.name from team_members m join teams t on t.id = m.team_id
            where m.user_id = :user and m.team_id in ({_TEAMS[kind]}) order by t.name""",  # noqa: S608 (constants)
        row,
    )
    return Relations(tuple(own), tuple(each[0] for each in teams))
