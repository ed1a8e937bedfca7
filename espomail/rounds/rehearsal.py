"""The same corridor without a trace: one mail in a transaction that is rolled back, more on a copy of the database."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from espomail import life
from espomail.desk import Desk
from espomail.errors import TryAgain
from espomail.gather.arrangements import arrangements
from espomail.model import Account, Step
from espomail.rounds import locks
from espomail.store import backups, decisions, raw_mails, receipts
from espomail.store.db import open_db, rolled_back
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


@contextlib.contextmanager
def on_copy(desk: Desk) -> Iterator[Desk]:
    """A desk whose database is a copy that is thrown away, for what writes from several processes or in many transactions.

    Needs as much free space as the database takes. Raise TryAgain without it, or while another dry run is under way.
    """
    with _only_one(desk) as is_held:
        if not is_held:
            raise TryAgain("another dry run is under way", "try again in a moment")
        folder = _folder_of_copy(desk)
        folder.mkdir(mode=0o700)
        try:
            path = folder / desk.db_path.name
            backups.copy_to(desk.db, path)
            with contextlib.closing(open_db(path, now=desk.now())) as copy:
                yield dataclasses.replace(desk, db=copy, db_path=path)
        finally:
            shutil.rmtree(folder)


def forget_killed(desk: Desk) -> None:
    """Remove the copy that a killed dry run left, unless one is under way."""
    with _only_one(desk):
        pass


@contextlib.contextmanager
def _only_one(desk: Desk) -> Iterator[bool]:
    """Whether this is the only dry run; then nothing of an earlier one is left."""
    with locks.hold(desk.lock_dir / "dry-run.lock") as is_held:
        if is_held and _folder_of_copy(desk).exists():
            shutil.rmtree(_folder_of_copy(desk))
        yield is_held


def _folder_of_copy(desk: Desk) -> Path:
    return desk.db_path.with_name(f"{desk.db_path.name}.dry-run")
