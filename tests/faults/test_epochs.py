"""The server's UIDs start over at random points: what was held stays as it is, nothing is lost, nobody is answered again."""

from __future__ import annotations

import random

import pytest

from tests.faults.traffic import found


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
