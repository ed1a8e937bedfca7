"""Mails from files, through the same door as fetched mail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from espomail import life
from espomail.desk import Desk
from espomail.model import Account
from espomail.rounds.child import Child
from espomail.rounds.mail_files import FoundMail
from espomail.store import raw_mails, receipts
from espomail.store.db import transaction
from espomail.store.raw_mails import Packed
from espomail.store.receipts import NewReceipt

BATCH_MAILS = 200
BATCH_BYTES = 8 * 1024 * 1024
_OUTCOMES = {"done": "imported", "oversize": "imported", "duplicate": "duplicate", "filtered": "filtered"}


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one mail: `outcome` imported, duplicate, filtered or failed; `email` the id of the email we hold."""

    path: str
    outcome: str
    email: int | None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """For which account, and whether the mails may open cases and notify; an import never replies by itself."""

    account: Account
    with_case: bool = True
    with_notices: bool = True


def import_mails(
    desk: Desk, mails: Iterable[FoundMail], wish: Wish, *, progress: Callable[[int, int], None] = lambda taken, done: None
) -> list[Imported]:
    """Take in and process mails from files; return what became of each, in the order they came."""
    child = Child(desk.db_path, now=desk.now, done=lambda count: progress(0, count))
    taken: list[tuple[str, str | None, int | None]] = []
    for batch in _batches(mails):
        packed = [None if mail.problem else raw_mails.pack(mail.content) for mail in batch]
        with transaction(desk.db):
            ids = [
                None if content is None else _take_in(desk, mail, content, wish)
                for mail, content in zip(batch, packed, strict=True)
            ]
        taken += [(mail.path, mail.problem, receipt_id) for mail, receipt_id in zip(batch, ids, strict=True)]
        child.poke()
        progress(len(batch), 0)
    child.finish()
    return [_imported(desk, *each) for each in taken]


def _take_in(desk: Desk, mail: FoundMail, content: Packed, wish: Wish) -> int:
    receipt = NewReceipt(
        source="import",
        account_id=wish.account.id,
        received_at=mail.at,
        raw_id=None,
        origin=mail.path,
        with_case=wish.with_case,
        with_notices=wish.with_notices,
        with_auto_reply=False,
    )
    return life.take_in(desk.db, content, receipt, now=desk.now())


def _imported(desk: Desk, path: str, problem: str | None, receipt_id: int | None) -> Imported:
    receipt = receipts.find(desk.db, receipt_id) if receipt_id else None
    if receipt is None:
        return Imported(path, "failed", None, problem)
    return Imported(path, _OUTCOMES.get(receipt.state, "failed"), receipt.email_id, receipt.error)


def _batches(mails: Iterable[FoundMail]) -> Iterator[list[FoundMail]]:
    batch: list[FoundMail] = []
    size = 0
    for mail in mails:
        batch.append(mail)
        size += len(mail.content)
        if len(batch) >= BATCH_MAILS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
