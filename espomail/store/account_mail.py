"""What a mail account still has to do: mail that waits for it, for which it must stay, and what else would go with it."""

from __future__ import annotations

from dataclasses import dataclass

from espomail.errors import BadInput
from espomail.model import Account
from espomail.store import receipts
from espomail.store.db import Connection, one

_WAITING = f"select r.id, r.state from {receipts.WAITING} and r.account_id = ?"  # noqa: S608 (our own words)
# SQLite takes a partial index only where its words stand in the query.
_LEAVING = """
    select id from outbox indexed by outbox_due
    where status in ('queued', 'deferred', 'sending') and account_id = ? order by id
"""
_READ = """
    select count(*) from receipts where mailbox_id in (select id from mailboxes where account_id = :account) and state = :state
           and (state <> 'filtered' or raw_id is not null)
"""


@dataclass(frozen=True, slots=True)
class GoesAlong:
    """How many filters go with an account, skipped mails that could still be processed, and mails never read whole."""

    filters: int
    skipped: int
    partial: int


def goes_along(db: Connection, account_id: int) -> GoesAlong:
    """What a removal takes along besides the account's place in its mailbox; mail handed over by an MTA stays."""
    return GoesAlong(
        filters=one(db, "select count(*) from filters where account_id = ?", (account_id,)),
        skipped=one(db, _READ, {"account": account_id, "state": "filtered"}),
        partial=one(db, _READ, {"account": account_id, "state": "oversize"}),
    )


def refuse_losing_mail(db: Connection, account: Account) -> None:
    """Raise BadInput while mail of the account is in no final state: what came is nowhere else, what leaves has no other way."""
    states = [row["state"] for row in db.execute(_WAITING, (account.id,))]
    leaving = [row["id"] for row in db.execute(_LEAVING, (account.id,))]
    new, kept = states.count("new"), len(states) - states.count("new")
    parts = (
        (new, "to be processed", "espomail fetch"),
        (kept, "in quarantine", f"espomail quarantine list --account {account.name}, then retry, or export and discard it"),
        (
            len(leaving),
            "in the outbox",
            f"espomail outbox list, then espomail send, or outbox cancel {min(leaving, default=0)}",
        ),
    )
    held = [(f"{count} {where}", step) for count, where, step in parts if count]
    if held:
        words, steps = ", ".join(part for part, _ in held), "; ".join(step for _, step in held)
        raise BadInput(f"the account {account.name} still has mail: {words}", f"first: {steps}")
