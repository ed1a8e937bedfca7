"""Stored, skipped and failed mail once more, by today's rules, told as a diff; on a copy it is what would change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from espomail import life
from espomail.desk import Desk
from espomail.gather.arrangements import Arrangements, arrangements
from espomail.model import Step, Thing
from espomail.reading import recognise
from espomail.rounds.child import Child
from espomail.store import emails, quarantine, receipts, users
from espomail.store.db import Connection, transaction

CHUNK_MAILS = 100


@dataclass(frozen=True, slots=True)
class Change:
    """A field before and after: of a stored email, or the state of a mail that was skipped or failed.

    `email` is None while a mail is none.
    """

    email: int | None
    subject: str
    field: str
    before: str | None
    after: str | None


def decide_anew(desk: Desk, email_ids: Sequence[int]) -> list[Change]:
    """Decide about stored emails, in their order, in short transactions; raise NotFound for one that is gone."""
    changes: list[Change] = []
    for start in range(0, len(email_ids), CHUNK_MAILS):
        with transaction(desk.db):
            arranged = arrangements(desk.db)
            names = {user.id: user.name for user in users.list_(desk.db)}
            for email_id in email_ids[start : start + CHUNK_MAILS]:
                changes += _decide(desk.db, email_id, arranged, names, desk.now())
    return changes


def _decide(db: Connection, email_id: int, arranged: Arrangements, names: dict[int, str], now: datetime) -> Iterator[Change]:
    before = emails.get(db, email_id)
    steps: list[Step] = []
    for receipt in receipts.list_of_email(db, email_id):
        steps += life.revisit(db, emails.get(db, email_id), receipt, arranged, now=now)
    after = emails.get(db, email_id)
    if after.parent != before.parent:
        yield Change(email_id, before.subject, "parent", _word(before.parent), _word(after.parent))
    for step in steps:
        match step:
            case Step("filter", "skipped", reason):
                yield Change(email_id, before.subject, "filter", None, reason)
            case Step("distribute", "assigned", _, details):
                yield Change(email_id, before.subject, "assigned_user", None, names[details["user_id"]])


def _word(thing: Thing | None) -> str | None:
    return None if thing is None else str(thing)


def process_anew(desk: Desk, *, skipped: bool, failed: bool, since: datetime | None) -> list[Change]:
    """Take mail that a filter skipped, or that failed, through the whole pipeline, in the processing child."""
    with transaction(desk.db):
        ids = quarantine.ids_skipped(desk.db, since=since) if skipped else []
        ids += quarantine.ids_failed(desk.db, since=since) if failed else []
        before = [receipts.get(desk.db, each) for each in ids]
        subjects = [recognise(desk.db, each.raw_id).subject for each in before]
        quarantine.wake(desk.db, ids, now=desk.now())
    if not ids:
        return []
    child = Child(desk.db_path, now=desk.now)
    child.poke()
    child.finish()
    after = [receipts.get(desk.db, each) for each in ids]
    return [
        Change(now.email_id, subject, "state", was.state, now.state)
        for was, now, subject in zip(before, after, subjects, strict=True)
        if now.state != was.state
    ]
