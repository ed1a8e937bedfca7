"""The same corridor, rolled back: what would happen to a mail, without a byte written."""

from __future__ import annotations

from datetime import datetime

from espomail import gather, life
from espomail.desk import Desk
from espomail.model import Account, Step
from espomail.store import decisions, raw_mails, receipts
from espomail.store.db import rolled_back
from espomail.store.receipts import NewReceipt


def explain(desk: Desk, account: Account, content: bytes, *, received_at: datetime) -> list[Step]:
    """Given the bytes of a mail, return every step it would take if it came to the account now; nothing is kept."""
    now = desk.now()
    packed = raw_mails.pack(content)
    new = NewReceipt(source="deliver", account_id=account.id, received_at=received_at, raw_id=None)
    with rolled_back(desk.db):
        receipt = receipts.find(desk.db, life.take_in(desk.db, packed, new, now=now))
        assert receipt is not None
        life.process(desk.db, receipt, gather.arrangements(desk.db), now=now)
        return decisions.steps_of_receipt(desk.db, receipt.id)
