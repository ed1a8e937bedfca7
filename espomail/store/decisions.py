"""What each step decided about a mail, and why, as data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from espomail import times
from espomail.model import Step
from espomail.store.db import Connection


def add(db: Connection, steps: Sequence[Step], *, receipt_id: int | None, email_id: int | None, now: datetime) -> None:
    rows = [{"step": s.step, "outcome": s.outcome, "reason": s.reason, "details": s.details} for s in steps]
    db.execute(
        "insert into decisions (receipt_id, email_id, at, steps) values (?, ?, ?, ?)",
        (receipt_id, email_id, times.to_text(now), json.dumps(rows, ensure_ascii=False, separators=(",", ":"))),
    )


def steps_of(db: Connection, email_id: int) -> list[Step]:
    """All steps recorded for an email, oldest decision first; a mail that several accounts brought has several runs."""
    rows = db.execute("select steps from decisions where email_id = ? order by id", (email_id,))
    return [Step(**step) for row in rows for step in json.loads(row["steps"])]


def steps_of_receipt(db: Connection, receipt_id: int) -> list[Step]:
    """The steps recorded for one receipt, such as a skipped mail that became no email."""
    rows = db.execute("select steps from decisions where receipt_id = ? order by id", (receipt_id,))
    return [Step(**step) for row in rows for step in json.loads(row["steps"])]
