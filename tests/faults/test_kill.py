"""kill -9 of a fetching process and its child, again and again, while mail keeps coming: nothing lost, nothing twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from espomail.store import db as store
from tests.conftest import NOW
from tests.faults.traffic import Traffic, found, integrity


def start(traffic: Traffic) -> subprocess.Popen[bytes]:
    """A fetch as the leader of a process group, so that it and its child can be killed as one."""
    return subprocess.Popen(
        [sys.executable, "-m", "espomail", "fetch", "--now"],
        env=traffic.shop.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def where_it_died(path: Path, *, last_batch: int) -> str:
    """The furthest that a killed round had come: nothing taken in yet, taken in and waiting, or in the middle of a batch."""
    db = store.open_db(path, now=NOW)
    try:
        if store.one(db, "select count(*) from batches where id > ?", (last_batch,)):
            return "in a batch"
        if store.one(db, "select count(*) from receipts where state = 'new'"):
            return "before a batch"
        return "with nothing waiting"
    finally:
        db.close()


def newest_batch(path: Path) -> int:
    """The id of the last marker that was ever written."""
    db = store.open_db(path, now=NOW)
    try:
        return int(store.one(db, "select coalesce(max(seq), 0) from sqlite_sequence where name = 'batches'"))
    finally:
        db.close()


def wait_for_batch(path: Path, round_: subprocess.Popen[bytes], *, last_batch: int) -> None:
    """Until a batch of mails is being processed, or the round is over: kills at any moment seldom hit the few milliseconds."""
    db = store.open_db(path, now=NOW)
    try:
        while round_.poll() is None and not store.one(db, "select count(*) from batches where id > ?", (last_batch,)):
            time.sleep(0.001)
    finally:
        db.close()


def kill_again_and_again(traffic: Traffic, *, kills: int, mails: int) -> Counter[str]:
    """Put mail, start a round, kill it at a random moment, until so many kills hit a live round after the first commit.

    Every second kill waits for a batch.
    """
    path = traffic.shop.folder / "espomail.db"
    dice = random.Random(7)
    hits: Counter[str] = Counter()
    longest = 2.0
    portion = mails // (kills + 1)
    while sum(hits.values()) < kills:
        if traffic.made < mails:
            traffic.put(min(portion, mails - traffic.made))
        last_batch = newest_batch(path)
        round_ = start(traffic)
        began = time.monotonic()
        if sum(hits.values()) % 2:
            wait_for_batch(path, round_, last_batch=last_batch)
            time.sleep(dice.uniform(0, 0.04))
        else:
            time.sleep(dice.uniform(0.2, longest))
        if round_.poll() is not None:
            longest = max(0.6, 0.8 * longest + 0.1 * (time.monotonic() - began))
            continue
        os.killpg(round_.pid, signal.SIGKILL)
        round_.wait()
        assert integrity(path) == "ok"
        hits[where_it_died(path, last_batch=last_batch)] += 1
    traffic.put(mails - traffic.made)
    return hits


@pytest.mark.parametrize(
    ("kills", "mails", "accounts"),
    [pytest.param(12, 150, 3, id="short"), pytest.param(200, 2000, 5, id="full", marks=pytest.mark.long)],
)
def test_rounds_killed_at_any_moment_lose_nothing_and_do_nothing_twice(traffic, tell, kills, mails, accounts):
    busy = traffic(accounts)
    busy.put(5)
    busy.shop.run("fetch --now")
    hits = kill_again_and_again(busy, kills=kills, mails=mails)
    busy.shop.run("fetch --now")
    assert found(busy.shop.folder / "espomail.db") == busy.wanted()
    where = ", ".join(f"{count} {place}" for place, count in sorted(hits.items()))
    tell(f"kill: {sum(hits.values())} kills hit a live round ({where}), {busy.made} mails, {accounts} accounts")
