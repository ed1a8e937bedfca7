"""The server's UIDs start over at random points: what was held stays as it is, nothing is lost, nobody is answered again."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from espomail.store import db as store
from espomail.store.db import transaction
from tests.faults.traffic import found
from tests.shop import letter


@pytest.mark.parametrize("count", [pytest.param(6, id="short"), pytest.param(100, id="full", marks=pytest.mark.long)])
def test_uids_that_start_over_at_any_point_lose_nothing_and_answer_nobody_again(traffic, dovecot, tell, count):
    busy = traffic(2)
    dice = random.Random(5)
    renewed = 0
    for _ in range(count):
        busy.put(dice.randrange(6))
        busy.shop.run(f"fetch --now --limit {dice.choice((1, 3, 1000))}")
        busy.put(dice.randrange(4))
        for account in busy.accounts:
            if dice.random() < 0.7:
                dovecot.renew_uids(account)
                renewed += 1
    busy.put(1)
    dovecot.renew_uids(busy.accounts[0])
    busy.shop.run("fetch --now")
    assert found(busy.shop.folder / "espomail.db") == busy.wanted()
    tell(f"epochs: UIDVALIDITY changed {renewed + 1} times under {busy.made} mails, one in ten of them without Message-ID")


def test_a_deletion_still_due_when_uids_start_over_hits_no_other_mail(traffic, dovecot):
    busy = traffic(1, without_id=0.0, answers=False)
    (account,) = busy.accounts
    now = datetime.now(UTC)
    shop = busy.shop
    shop.run(f"group-account edit {account} --after-import keep-unread --fetch-since {now - timedelta(days=2):%Y-%m-%d}")
    busy.put(1)
    shop.run("fetch --now")
    shop.run(f"group-account edit {account} --after-import delete")
    db = store.open_db(shop.folder / "espomail.db", now=now)
    with transaction(db):
        db.execute("update receipts set server_action = 'due'")
    db.close()
    box = dovecot.make_folder(account, "INBOX")
    for part in ("new", "cur"):
        for mail in (box / part).iterdir():
            mail.unlink()
    dovecot.put(account, "INBOX", letter("old@x.example", subject="Old"), at=now - timedelta(days=900))
    dovecot.renew_uids(account)
    shop.run("fetch --now")
    assert dovecot.count(account, "INBOX") == 1
    assert found(shop.folder / "espomail.db").emails == busy.wanted().emails
