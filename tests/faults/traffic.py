"""Generated mail and its oracle: what was put where, what the database must therefore hold, and what it does hold."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path

from espomail.store import db as store
from espomail.store import invariant
from espomail.store.db import Connection
from tests.shop import Shop, letter

AGENTS = ("ann", "bob", "cho")
SUPPORT = "--team support --create-case --distribution round-robin --target-team support --target-position agent"


@dataclass(frozen=True)
class Facts:
    """What must not depend on any fault. Emails are named by their subjects, which are unique.

    `emails` counts rows per subject, `cases` are the subjects on each case, `agents` those served by case number,
    `replies` counts automatic answers per subject, `receipts` counts UIDs with exactly one receipt in a final state per
    account, `breaches` are the broken laws of the invariant.
    """

    emails: dict[str, int]
    cases: frozenset[frozenset[str]]
    numbers: tuple[int, ...]
    agents: tuple[str, ...]
    replies: dict[str, int]
    receipts: dict[str, int]
    breaches: tuple[str, ...] = ()


@dataclass
class Traffic:
    """Makes questions, answers to them, mails for two accounts at once, and mails without Message-ID; remembers all.

    `delivered` says when (seconds since 1970) a subject was put into an account's mailbox.
    """

    shop: Shop
    accounts: tuple[str, ...]
    seed: int = 1
    without_id: float = 0.1
    answers: bool = True
    threads: dict[str, set[str]] = field(default_factory=dict)
    by_account: Counter[str] = field(default_factory=Counter)
    delivered: dict[tuple[str, str], float] = field(default_factory=dict)
    random: random.Random = field(init=False)
    made: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.homes: dict[str, tuple[str, str]] = {}

    def set_up(self, *, auto_reply: bool = True, smtp_port: int = 1) -> None:
        """Agents, and group accounts that share one rotation; their automatic answers wait in the outbox for `send`."""
        shop = self.shop
        shop.add_agents(*AGENTS)
        shop.run("settings set auto_reply_hourly_cap 100000")
        shop.run("template add thanks --subject 'Re: {{ email.subject }}' --body 'Your case is {{ case.number }}.'")
        reply = f"--auto-reply --reply-template thanks --smtp-host 127.0.0.1 --smtp-port {smtp_port} --smtp-security none"
        for name in self.accounts:
            shop.add_account(name, f"{SUPPORT} {reply if auto_reply else ''}")

    def put(self, count: int) -> None:
        """Put so many mails into the mailboxes: of ten about six questions, three answers, one question to two accounts."""
        for _ in range(count):
            dice = self.random.random()
            account = self.random.choice(self.accounts)
            if self.answers and dice < 0.3 and self.homes:
                self._answer()
            elif dice < 0.4 and len(self.accounts) > 1:
                self._question(*self.random.sample(self.accounts, 2))
            else:
                self._question(account)

    def _question(self, *accounts: str) -> None:
        self.made += 1
        subject = f"Question {self.made}"
        id = f"q{self.made}@client{self.made}.example"
        content = letter(
            id,
            sender=f"c{self.made}@client{self.made}.example",
            subject=subject,
            at=datetime.now(UTC),
            text=f"Text {self.made}",
        )
        if self.random.random() < self.without_id:
            content = content.replace(b"Message-ID: <" + id.encode() + b">\r\n", b"")
        else:
            self.homes[subject] = (accounts[0], id)
        self.threads[subject] = {subject}
        self._deliver(subject, content, *accounts)

    def _answer(self) -> None:
        self.made += 1
        root = self.random.choice(list(self.homes))
        account, id = self.homes[root]
        subject = f"Answer {self.made}"
        sender = id.replace("q", "c", 1)
        self.threads[root].add(subject)
        self._deliver(subject, letter(f"a{self.made}@x.example", sender=sender, subject=subject, answers=id), account)

    def _deliver(self, subject: str, content: bytes, *accounts: str) -> None:
        for account in accounts:
            self.shop.put(account, content)
            self.by_account[account] += 1
            self.delivered[account, subject] = time.time()

    def wanted(self) -> Facts:
        """What the database must hold once everything is fetched."""
        subjects = [subject for thread in self.threads.values() for subject in thread]
        count = len(self.threads)
        return Facts(
            emails=dict.fromkeys(subjects, 1),
            cases=frozenset(frozenset(thread) for thread in self.threads.values()),
            numbers=tuple(range(1, count + 1)),
            agents=tuple(islice(cycle(AGENTS), count)),
            replies=dict.fromkeys(self.threads, 1),
            receipts=dict(self.by_account),
        )


def found(path: Path) -> Facts:
    """What the database at `path` holds."""
    db = store.open_db(path, now=datetime.now(UTC))
    try:
        return Facts(
            emails=dict(_pairs(db, "select subject, count(*) from emails where direction = 'in' group by subject")),
            cases=_cases(db),
            numbers=tuple(number for number, _ in _pairs(db, "select number, number from cases order by number")),
            agents=tuple(
                name
                for name, _ in _pairs(
                    db, "select u.name, t.id from turns t join users u on u.id = user_id order by case_number"
                )
            ),
            replies=_replies(db),
            receipts=dict(_pairs(db, _RECEIPTS)),
            breaches=tuple(breach.law for breach in invariant.breaches(db)),
        )
    finally:
        db.close()


_RECEIPTS = """
    select a.name, count(*) from (
        select mailbox_id, uid from receipts where state in ('done', 'duplicate', 'oversize')
        group by mailbox_id, uid having count(*) = 1
    ) r join mailboxes m on m.id = r.mailbox_id join accounts a on a.id = m.account_id
    where m.epoch = (select max(epoch) from mailboxes n where n.account_id = m.account_id and n.folder = m.folder)
    group by a.name
"""


def _cases(db: Connection) -> frozenset[frozenset[str]]:
    threads: dict[int, set[str]] = {}
    for number, subject in _pairs(db, "select parent_id, subject from emails where parent_type = 'case' and direction = 'in'"):
        threads.setdefault(number, set()).add(subject)
    return frozenset(frozenset(thread) for thread in threads.values())


def _replies(db: Connection) -> dict[str, int]:
    rows = _pairs(db, "select subject, id from outbox where kind = 'auto-reply'")
    return dict(Counter(subject.rpartition("] ")[2].removeprefix("Re: ") for subject, _ in rows))


def _pairs(db: Connection, sql: str) -> list[tuple]:
    return [tuple(row) for row in db.execute(sql)]


def integrity(path: Path) -> str:
    """What `PRAGMA integrity_check` says; opening the database first rolls back what a killed process left."""
    db = store.open_db(path, now=datetime.now(UTC))
    try:
        return " ".join(row[0] for row in db.execute("pragma integrity_check"))
    finally:
        db.close()
