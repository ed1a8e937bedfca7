"""One mail handed over by an MTA on standard input."""

from __future__ import annotations

from dataclasses import dataclass

from espomail import life
from espomail.desk import Desk
from espomail.errors import EspomailError
from espomail.model import Account
from espomail.rounds.child import Child
from espomail.store import emails, raw_mails, receipts
from espomail.store.db import transaction
from espomail.store.receipts import NewReceipt

_OUTCOMES = {"done": "imported", "oversize": "imported", "new": "waiting"}


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of the mail: `outcome` imported, duplicate, filtered, quarantined, parked, or waiting for the next round."""

    outcome: str
    email: int | None
    case: int | None


def deliver(desk: Desk, account: Account, content: bytes) -> Delivered:
    """Keep the mail and its receipt, then process it; once it is kept, nothing that goes wrong is an error for the MTA."""
    now = desk.now()
    packed = raw_mails.pack(content)
    new = NewReceipt(source="deliver", account_id=account.id, received_at=now, raw_id=None)
    with transaction(desk.db):
        receipt_id = life.take_in(desk.db, packed, new, now=now)
    child = Child(desk.db_path, now=desk.now)
    try:
        child.poke()
        child.finish()
    except EspomailError as error:
        desk.say(f"kept, but not processed yet: {error.message}")
    receipt = receipts.find(desk.db, receipt_id)
    if receipt is None:
        return Delivered("waiting", None, None)
    email = emails.find(desk.db, receipt.email_id) if receipt.email_id else None
    number = email.parent.id if email and email.parent and email.parent.type == "case" else None
    return Delivered(_OUTCOMES.get(receipt.state, receipt.state), receipt.email_id, number)
