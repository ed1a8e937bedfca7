"""The same mail in two to five accounts that are fetched at once, in any order: one email, one case, one answer, all accounts."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.traffic import found
from tests.shop import letter

ACCOUNTS = 5


@pytest.mark.parametrize(
    ("mails", "rounds"), [pytest.param(24, 3, id="short"), pytest.param(500, 8, id="full", marks=pytest.mark.long)]
)
def test_one_mail_in_many_accounts_at_once_is_one_email_of_all_of_them(traffic, tell, mails, rounds):
    busy = traffic(ACCOUNTS, answers=False)
    dice = random.Random(9)
    homes = {}
    for n in range(mails):
        subject = f"Mail {n}"
        homes[subject] = frozenset(dice.sample(busy.accounts, 2 + n % (ACCOUNTS - 1)))
        content = letter(f"m{n}@c{n}.example", sender=f"c{n}@c{n}.example", subject=subject)
        if n % 10 == 0:
            content = content.replace(b"Message-ID: <m%d@c%d.example>\r\n" % (n, n), b"")
        busy.threads[subject] = {subject}
        for account in dice.sample(sorted(homes[subject]), len(homes[subject])):
            trace = f"Received: from x by {account}; Mon, 2 Mar 2026 09:00:00 +0000\r\nDelivered-To: {account}@team.example\r\n"
            busy.shop.put(account, trace.encode() + content)
            busy.by_account[account] += 1
    lines = [" ".join(["fetch", *dice.sample(busy.accounts, ACCOUNTS), "--now"]) for _ in range(rounds)]
    with ThreadPoolExecutor(rounds) as pool:
        codes = [done.returncode for done in pool.map(busy.shop.try_, lines)]
    assert codes == [0] * rounds
    busy.shop.run("fetch --now")
    assert found(busy.shop.folder / "espomail.db") == busy.wanted()
    held = [each for each in busy.shop.emails() if each["direction"] == "in"]
    assert {each["subject"]: frozenset(each["group_accounts"]) for each in held} == homes
    copies = sum(map(len, homes.values()))
    tell(f"same mail: {copies} copies of {mails} mails in {ACCOUNTS} accounts, {rounds} rounds at once: {mails} emails")
