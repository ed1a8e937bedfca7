"""What every round asks costs the same with many mails done as with few: SQLite's own steps are counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from espomail.store import batches, cases, mailboxes, outbox, quarantine, raw_mails, receipts
from espomail.store.db import Connection, transaction
from tests.conftest import NOW

STEPS_MAX = 400
ASKED: dict[str, Callable[[Connection], object]] = {
    "does any mail wait": lambda db: receipts.is_anything_waiting(db, now=NOW),
    "which mails wait": lambda db: receipts.list_waiting(db, now=NOW, limit=100),
    "what the server refused": lambda db: receipts.list_unread_refusals(db, 1, "INBOX", now=NOW),
    "what became of the newest": lambda db: receipts.states_between(db, 1, receipts.next_id(db), receipts.next_id(db)),
    "cases of the newest": lambda db: cases.count_opened(db, after_number=0, first_receipt_id=receipts.next_id(db)),
    "answers to the newest": lambda db: outbox.count_auto_replies_since(db, receipts.next_id(db)),
    "how often an account has answered of late": lambda db: outbox.count_of_account(db, 1, now=NOW),
    "what is to be sent": lambda db: outbox.list_due(db, now=NOW, limit=100),
    "what was being sent": lambda db: outbox.list_interrupted(db),
    "whose batch died": lambda db: batches.suspect_dead(db),
    "what is in quarantine": lambda db: quarantine.list_(db),
    "what may be tried again": lambda db: quarantine.ids_failed(db, account_ids=[1]),
}


def done(db: Connection, count: int) -> None:
    """So many mails of one mailbox have come, are processed and were answered long ago."""
    with transaction(db):
        db.execute("insert into accounts (id, kind, name, address, created_at) values (1, 'group', 'a', 'a@x.example', '')")
        mailbox = mailboxes.start_epoch(db, 1, "INBOX", uidvalidity=1, window_end_uid=0, since=NOW, is_sent=False, now=NOW).id
        packed = raw_mails.pack(b"Subject: x\n\n")
        for uid in range(1, count + 1):
            new = receipts.NewReceipt(
                source="imap", account_id=1, received_at=NOW, raw_id=raw_mails.add(db, packed), mailbox_id=mailbox, uid=uid
            )
            receipts.set_final(db, receipts.add(db, new, now=NOW), "done", email_id=uid)
            answered_at = NOW - timedelta(days=1)
            outbox.set_status(db, outbox.add(db, answer_to(uid), now=answered_at), "sent", reply=None, now=answered_at)


def answer_to(uid: int) -> outbox.NewOutgoing:
    return outbox.NewOutgoing(
        kind="auto-reply",
        cause=f"auto-reply:{uid}",
        envelope_from="",
        recipients=[f"{uid}@x.example"],
        subject="x",
        message_id=f"{uid}@x.example",
        content=b"",
        account_id=1,
    )


@pytest.mark.parametrize("name", ASKED)
def test_what_a_round_asks_does_not_grow_with_the_mails_that_are_done(db: Connection, name: str) -> None:
    done(db, 1000)
    steps = [0]

    def count() -> int:
        steps[0] += 1
        return 0

    db.set_progress_handler(count, 1)
    try:
        ASKED[name](db)
    finally:
        db.set_progress_handler(None, 1)
    assert steps[0] < STEPS_MAX
