"""How fast a user with level `team` lists and searches 100,000 emails, with the query plans checked for full scans.

    python benchmarks/access.py [--emails 100000] [--limit-ms 100] [--database FILE]

Prints CPU milliseconds (best of five, in this process, so without start-up) of each question for users who see much,
some and almost nothing; exit 1 when one is over the limit or a plan scans a whole table. With --database the emails are
kept for the next run.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from espomail import times
from espomail.model import Actor, Thing
from espomail.store import emails_read, search, visibility
from espomail.store.db import Connection, create_db, open_db, transaction
from espomail.store.emails_read import Wanted

START = datetime(2026, 1, 1, tzinfo=UTC)
TEAMS = 10
USERS = 50
COMMON = ("order delivery invoice broken screen refund password account payment thanks regards question urgent help").split()
VOCABULARY = [
    f"{a}{b}{c}" for a in "bdfgklmnprst" for b in ("a", "e", "i", "o", "ul", "an") for c in ("rin", "to", "mus", "sel", "ka")
]
WALKS = ("SCAN t", "SCAN emails", "SCAN email_", "SCAN x", "SCAN h")
UNLIMITED = ("count", "search 6 prefixes")
"""Measured without a limit: a count is no list, and each prefix more is another walk through the words of the index."""
LEVELS = tuple((f"{scope}.{action}", "team") for scope in ("email", "case") for action in ("read", "edit"))


def fill(db: Connection, emails: int) -> None:
    """Users 1–50 in teams 1–10, five a team; user 1 in five teams, user 50 in none with 20 old mails."""
    rng = random.Random(7)
    now = times.to_text(START)
    with transaction(db):
        db.executemany("insert into teams (id, name) values (?, ?)", [(t, f"team{t}") for t in range(1, TEAMS + 1)])
        db.executemany(
            "insert into users (id, name, created_at) values (?, ?, ?)", [(u, f"user{u}", now) for u in range(1, USERS + 1)]
        )
        db.executemany(
            "insert into user_addresses (address, user_id, position) values (?, ?, 0)",
            [(f"user{u}@team.example", u) for u in range(1, USERS + 1)],
        )
        members = {(u % TEAMS + 1, u) for u in range(1, USERS)} | {(t, 1) for t in range(1, 6)}
        db.executemany("insert into team_members (team_id, user_id) values (?, ?)", sorted(members))
        for first in range(1, emails + 1, 5000):
            _add(db, rng, range(first, min(first + 5000, emails + 1)))
    db.execute("analyze")


def _add(db: Connection, rng: random.Random, ids: range) -> None:
    emails, addresses, users, teams, texts = [], [], [], [], []
    for id_ in ids:
        subject = f"{rng.choice(COMMON)} {rng.choice(VOCABULARY)} {id_}"
        sender = f"c{id_ % 5000}@customer.example"
        at = times.to_text(START + timedelta(minutes=id_))
        emails.append((id_, f"key{id_}", f"{id_}@customer.example", subject, sender, at, at, at, id_))
        to = 50 if id_ <= 20 else rng.randrange(1, USERS)
        addresses.append((id_, "to", 0, f"User {to}", f"user{to}@team.example"))
        users += [(id_, user) for user in {to, rng.randrange(1, USERS)}]
        teams.append((id_, rng.randrange(1, TEAMS + 1)))
        body = " ".join([*rng.choices(COMMON, k=30), *rng.choices(VOCABULARY, k=60)])
        texts.append((id_, subject, f"Customer {id_ % 5000} {sender} user{to}@team.example", body, ""))
    db.executemany(
        """insert into emails (id, content_key, message_id, direction, status, subject, from_name, from_address, sent_at,
               received_at, imported_at, thread_id, size_bytes)
           values (?, ?, ?, 'in', 'imported', ?, '', ?, ?, ?, ?, ?, 30000)""",
        emails,
    )
    db.executemany("insert into email_addresses (email_id, role, position, name, address) values (?, ?, ?, ?, ?)", addresses)
    db.executemany("insert into email_users (email_id, user_id) values (?, ?)", users)
    db.executemany("insert into email_teams (email_id, team_id) values (?, ?)", teams)
    db.executemany("insert into email_texts (rowid, subject, people, body, attachments) values (?, ?, ?, ?, ?)", texts)


def actor(user_id: int, *, level: str = "team") -> Actor:
    return Actor(user_id=user_id, name=f"user{user_id}", is_admin=False, levels=tuple((cell, level) for cell, _ in LEVELS))


def questions(db: Connection, who: Actor, emails: int) -> dict[str, Callable[[], object]]:
    """What is measured, by name."""
    assert who.user_id is not None
    own = who.user_id
    return {
        "list": lambda: emails_read.list_(db, who, limit=50),
        "inbox": lambda: emails_read.list_(db, who, Wanted(user_id=own, folder="inbox"), limit=50),
        "unread": lambda: emails_read.list_(db, who, Wanted(unread_by=own), limit=50),
        "count": lambda: emails_read.count(db, who),
        "one": lambda: visibility.may(db, who, Thing("email", emails // 2)),
        "search rare": lambda: search.search(db, who, f"{emails // 2}", limit=50, now=START),
        "search word": lambda: search.search(db, who, "barin deto", limit=50, now=START),
        "search common": lambda: search.search(db, who, "order refund", limit=50, now=START),
        "search prefix": lambda: search.search(db, who, "pay*", limit=50, now=START),
        "search 6 prefixes": lambda: search.search(db, who, "ord* ref* pay* que* ba* d*", limit=50, now=START),
        "search from": lambda: search.search(db, who, "from:c77@customer.example", limit=50, now=START),
        "search subject": lambda: search.search(db, who, "subject:invoice after:2026-02-01 is:unread", limit=50, now=START),
    }


def cpu_ms(question: Callable[[], object], *, times_: int = 5) -> float:
    best = float("inf")
    for _ in range(times_):
        start = time.process_time()
        question()
        best = min(best, time.process_time() - start)
    return best * 1000


def scans(db: Connection, question: Callable[[], object]) -> list[str]:
    """The steps of the plans of every statement of a question that walk a whole table of the store."""
    seen: list[str] = []
    db.set_trace_callback(seen.append)
    question()
    db.set_trace_callback(None)
    found = []
    for statement in seen:
        if statement.lstrip().startswith("--"):
            continue
        for row in db.execute(f"explain query plan {statement}"):
            step = str(row["detail"])
            if step.startswith(WALKS) and "VIRTUAL TABLE INDEX" not in step:
                found.append(step)
    return found


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--emails", type=int, default=100_000)
    options.add_argument("--limit-ms", type=float, default=100)
    options.add_argument("--database", type=Path)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = asked.database or Path(folder) / "espomail.db"
        exists = path.exists()
        db = open_db(path, now=START) if exists else create_db(path, now=START)
        if not exists:
            fill(db, asked.emails)
        return _report(db, asked.emails, asked.limit_ms)


def _report(db: Connection, emails: int, limit_ms: float) -> int:
    slow = 0
    for name, who in (
        ("much (5 teams)", actor(1)),
        ("some (1 team)", actor(7)),
        ("20 old mails", actor(50)),
        ("all", actor(1, level="all")),
    ):
        visible = emails_read.count(db, who)
        print(f"\n{name}: sees {visible} of {emails}")
        for question, ask in questions(db, who, emails).items():
            spent, walked = cpu_ms(ask), scans(db, ask)
            bad = (spent > limit_ms and question not in UNLIMITED) or (walked and who.level("email.read") != "all")
            slow += bool(bad)
            print(
                f"  {question:18} {spent:8.1f} ms CPU{'  TOO SLOW' if bad else ''}{'  ' + '; '.join(walked) if walked else ''}"
            )
    print(f"\n{'over the limit: ' + str(slow) if slow else f'all under {limit_ms:g} ms, no full scans'}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
