"""Counts and times for reports, as far as the actor may see emails and cases; and plain counts for monitoring."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from espomail import times
from espomail.model import Actor
from espomail.store.db import Connection
from espomail.store.visibility import visible

_EMAIL_AT = "coalesce(t.received_at, t.sent_at, t.imported_at)"
_DAILY = {
    "received": ("email", "emails", _EMAIL_AT, "t.direction = 'in' and t.status = 'imported'"),
    "sent": ("email", "emails", _EMAIL_AT, "t.direction = 'out' and t.status in ('sent', 'imported')"),
    "cases_opened": ("case", "cases", "t.created_at", "1"),
    "cases_closed": ("case", "cases", "t.closed_at", "t.closed_at is not null"),
}
# An answer is mail of ours that no machine wrote.
_FIRST_ANSWER = """
    select min(coalesce(a.sent_at, a.imported_at)) from emails a
    where a.parent_type = 'case' and a.parent_id = t.number and a.direction = 'out' and a.is_auto_reply = 0
      and a.is_automatic = 0 and a.status in ('sent', 'imported') and coalesce(a.sent_at, a.imported_at) >= t.created_at
"""


@dataclass(frozen=True, slots=True)
class CaseTimes:
    """When a case was opened, first answered and closed; None for what has not happened."""

    opened_at: datetime
    answered_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Backlog:
    user: str | None
    open: int
    new: int
    assigned: int
    pending: int
    oldest_at: datetime


def daily_counts(db: Connection, actor: Actor, *, since: datetime, until: datetime) -> dict[str, dict[date, int]]:
    """How many of each kind there were on each day (UTC) that had any."""
    found: dict[str, dict[date, int]] = {}
    for name, (scope, table, at, condition) in _DAILY.items():
        clause = visible(actor, scope, alias="t")
        rows = db.execute(
            f"""select substr({at}, 1, 10), count(*) from {table} t
                where {at} >= :since and {at} <= :until and {condition} and ({clause.sql}) group by 1""",  # noqa: S608 (constants)
            {**clause.parameters, "since": times.to_text(since), "until": times.to_text(until)},
        )
        found[name] = {date.fromisoformat(row[0]): row[1] for row in rows}
    return found


def case_times(db: Connection, actor: Actor, *, since: datetime, until: datetime) -> list[CaseTimes]:
    """The cases opened in a time, except those that are Rejected or Duplicate: nobody waits for them.

    Answers that the actor may not read don't count.
    """
    clause, answers = visible(actor, "case", alias="t"), visible(actor, "email", alias="a", few=True)
    rows = db.execute(
        f"""select t.created_at, ({_FIRST_ANSWER} and ({answers.sql})), t.closed_at from cases t
            where t.created_at >= :since and t.created_at <= :until and t.status not in ('Rejected', 'Duplicate')
              and ({clause.sql})""",  # noqa: S608 (constants)
        {**clause.parameters, **answers.parameters, "since": times.to_text(since), "until": times.to_text(until)},
    )
    return [CaseTimes(times.from_text(row[0]), _moment(row[1]), _moment(row[2])) for row in rows]


def backlog(db: Connection, actor: Actor) -> list[Backlog]:
    """Who has how many open cases, the most first; those of nobody come first of all."""
    clause = visible(actor, "case", alias="t")
    rows = db.execute(
        f"""select u.name, count(*), sum(t.status = 'New'), sum(t.status = 'Assigned'), sum(t.status = 'Pending'),
                   min(t.created_at)
            from cases t left join users u on u.id = t.assigned_user_id
            where t.status in ('New', 'Assigned', 'Pending') and ({clause.sql})
            group by t.assigned_user_id order by u.name is not null, count(*) desc, u.name""",  # noqa: S608 (constants)
        clause.parameters,
    )
    return [Backlog(row[0], row[1], row[2], row[3], row[4], times.from_text(row[5])) for row in rows]


def _moment(text: str | None) -> datetime | None:
    return None if text is None else times.from_text(text)


def counts_by(db: Connection) -> dict[str, dict[str, int]]:
    """How many rows there are of each thing, by state: `emails`, `cases`, `receipts`, `outbox`, `notifications`."""
    asked = {
        "emails": "select direction, count(*) from emails group by 1",
        "cases": "select status, count(*) from cases group by 1",
        "receipts": "select state, count(*) from receipts group by 1",
        "outbox": "select status, count(*) from outbox group by 1",
        "notifications": "select iif(is_read, 'read', 'unread'), count(*) from notifications group by 1",
    }
    return {name: {row[0]: row[1] for row in db.execute(sql)} for name, sql in asked.items()}
