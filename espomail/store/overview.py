"""How much of everything there is, as far as the actor may see it."""

from __future__ import annotations

from typing import Any

from espomail.model import Actor
from espomail.store import receipts
from espomail.store.db import Connection, one
from espomail.store.visibility import visible

OUTBOX_STATES = ("queued", "sending", "deferred", "sent", "failed", "unknown", "cancelled")

_IN_QUARANTINE = f"select count(*) from {receipts.WAITING} and r.state <> 'new'"  # noqa: S608 (our own words)


def counts(db: Connection, actor: Actor) -> dict[str, Any]:
    """`outbox` by status and `quarantine` for admins (nothing of them for others), open cases and emails in sight."""
    states = dict(db.execute("select status, count(*) from outbox group by status").fetchall()) if actor.is_admin else {}
    waiting = one(db, _IN_QUARANTINE) if actor.is_admin else 0
    return {
        "outbox": {state: states.get(state, 0) for state in OUTBOX_STATES},
        "quarantine": waiting,
        "cases_open": _count(db, actor, "case", "cases", "t.status not in ('Closed', 'Rejected', 'Duplicate')"),
        "emails": _count(db, actor, "email", "emails", "1"),
    }


def _count(db: Connection, actor: Actor, scope: str, table: str, condition: str) -> int:
    clause = visible(actor, scope, alias="t")
    sql = f"select count(*) from {table} t where {condition} and ({clause.sql})"  # noqa: S608 (constants)
    return int(one(db, sql, clause.parameters))
