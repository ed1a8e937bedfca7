"""The same corridor, rolled back or walked again: what would happen to a mail, and what today's rules make of stored ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from espomail import life
from espomail.desk import Desk
from espomail.gather.arrangements import Arrangements, arrangements
from espomail.model import Account, Step
from espomail.store import decisions, emails, quarantine, raw_mails, receipts
from espomail.store.db import Connection, rolled_back, transaction
from espomail.store.receipts import NewReceipt


def explain(desk: Desk, account: Account, content: bytes, *, received_at: datetime) -> list[Step]:
    """Given the bytes of a mail, return every step it would take if it came to the account now; nothing is kept."""
    now = desk.now()
    packed = raw_mails.pack(content)
    new = NewReceipt(source="deliver", account_id=account.id, received_at=received_at, raw_id=None)
    with rolled_back(desk.db):
        receipt = receipts.get(desk.db, life.take_in(desk.db, packed, new, now=now))
        life.process(desk.db, receipt, arrangements(desk.db), now=now)
        return decisions.steps_of_receipt(desk.db, receipt.id)


@dataclass(frozen=True, slots=True)
class Change:
    """What today's rules change about a stored email: one field, before and after."""

    email: int
    field: str
    before: Any
    after: Any


def revisit(desk: Desk, email_ids: Sequence[int], *, dry_run: bool) -> list[Change]:
    """Decide anew about stored emails, in their order; return what changes, or with `dry_run` would change."""
    with rolled_back(desk.db) if dry_run else transaction(desk.db):
        arranged = arrangements(desk.db)
        return [change for email_id in email_ids for change in _revisit_one(desk.db, email_id, arranged, desk.now())]


def _revisit_one(db: Connection, email_id: int, arranged: Arrangements, now: datetime) -> Iterable[Change]:
    email = emails.get(db, email_id)
    steps: list[Step] = []
    for receipt in receipts.list_of_email(db, email_id):
        steps += life.revisit(db, emails.get(db, email_id), receipt, arranged, now=now)
    after = emails.get(db, email_id)
    if after.parent != email.parent:
        yield Change(email_id, "parent", _word(email.parent), _word(after.parent))
    for step in steps:
        if step.step == "filter" and step.outcome == "skipped":
            yield Change(email_id, "filter", None, step.reason)
        if step.step == "distribute" and step.outcome == "assigned":
            yield Change(email_id, "assigned_user", None, step.reason)


def _word(thing: object) -> str | None:
    return None if thing is None else str(thing)


def skipped_again(desk: Desk, *, since: datetime | None) -> list[Change]:
    """What today's rules would make of mails that a filter skipped, and whose bytes are still kept; nothing is kept of it."""
    changes = []
    with rolled_back(desk.db):
        arranged = arrangements(desk.db)
        for receipt_id in quarantine.retry_skipped(desk.db, since=since):
            receipt = receipts.get(desk.db, receipt_id)
            life.process(desk.db, receipt, arranged, now=desk.now())
            after = receipts.get(desk.db, receipt_id)
            if after.state != "filtered":
                changes.append(Change(receipt_id, "skipped", "filtered", after.state))
    return changes
