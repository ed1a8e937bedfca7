"""The teams that an email belongs to."""

from __future__ import annotations

from collections.abc import Iterable

from espomail.store.db import Connection


def link(db: Connection, email_id: int, team_ids: Iterable[int]) -> None:
    for team_id in team_ids:
        db.execute("insert or ignore into email_teams (email_id, team_id) values (?, ?)", (email_id, team_id))


def spread(db: Connection, email_id: int) -> None:
    """Give the teams of an email to all that answer it, however deep: an answer has the teams of the mail it answers."""
    db.execute(
        """with recursive below (id) as (
               select id from emails where answers_email_id = :id
               union select e.id from emails e join below b on e.answers_email_id = b.id)
           insert or ignore into email_teams (email_id, team_id)
           select b.id, t.team_id from below b, email_teams t where t.email_id = :id""",
        {"id": email_id},
    )


def list_(db: Connection, email_id: int) -> list[int]:
    return [row[0] for row in db.execute("select team_id from email_teams where email_id = ? order by team_id", (email_id,))]
