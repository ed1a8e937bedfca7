"""Run for a long time under steady traffic, faults and kills, and ask an oracle at the end.

    python -m tests.faults.soak [--minutes 60] [--accounts 20] [--rate 10] [--faults 0.05] [--kill-every 60]

Mail comes into real mailboxes; fetching and sending rounds run as cron runs them, a `watch` beside them. One connection in
twenty is cut, and once a minute somebody is killed. The exit code is 1 when anything was lost or doubled, when memory or
descriptors grew, or when an account had to wait too long.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from espomail.store import db as store
from tests import servers
from tests.conftest import NOW
from tests.faults.proxy import Proxy, proxy
from tests.faults.soak_watch import Killer, Rounds, Sample, Sampler, start
from tests.faults.traffic import Traffic, found, integrity
from tests.shop import Shop

WATCHED = 4
LONGEST_WAIT_S = 900.0
GROWTH_MAX = 1.15


@dataclass(frozen=True)
class Plan:
    """How long, how many accounts, mails a second, which part of the connections is cut, seconds between two kills."""

    minutes: float
    accounts: int
    rate: float
    faults: float
    kill_every: float


@dataclass
class Through:
    """A mail server that programs reach through a proxy, and mail without it."""

    host: str
    port: int
    put: Callable[..., None]


def cutting(part: float, *, server: int, client: int) -> Callable[[], tuple[int | None, int | None]]:
    """For each connection: mostly no limit, for `part` of them a cut within so many bytes, one way or the other."""
    dice = random.Random(server)

    def draw() -> tuple[int | None, int | None]:
        if dice.random() >= part:
            return None, None
        return (dice.randrange(1, server), None) if dice.random() < 0.6 else (None, dice.randrange(1, client))

    return draw


@contextlib.contextmanager
def stage(plan: Plan, folder: Path) -> Iterator[tuple[Traffic, Proxy, Proxy, servers.SmtpServer]]:
    """Servers, proxies before them, and a shop with all its accounts; nothing is cut yet."""
    names = tuple(f"box{n}" for n in range(plan.accounts))
    with contextlib.ExitStack() as stack:
        dovecot = stack.enter_context(servers.dovecot(users=dict.fromkeys(names, servers.PASSWORD)))
        post = stack.enter_context(servers.smtp())
        imap = stack.enter_context(proxy((dovecot.host, dovecot.port)))
        smtp = stack.enter_context(proxy((post.host, post.port)))
        traffic = Traffic(Shop(folder, Through(imap.host, imap.port, dovecot.put)), names)
        traffic.set_up(smtp_port=smtp.port)
        yield traffic, imap, smtp, post


def deliver(traffic: Traffic, plan: Plan, began: float) -> None:
    """Put mail at a steady rate until the time is over; a late moment is made good at once."""
    while (spent := time.monotonic() - began) < plan.minutes * 60:
        due = int(spent * plan.rate) - traffic.made
        if due > 0:
            traffic.put(due)
        time.sleep(0.05)


def settle(traffic: Traffic) -> None:
    """Fetch and send without faults until nothing waits any more."""
    for _ in range(20):
        traffic.shop.run("fetch --now --retry-failed")
        if not traffic.shop.ask("quarantine list"):
            break
    for _ in range(20):
        for each in traffic.shop.ask("outbox list --status deferred --limit 100000"):
            traffic.shop.run(f"outbox retry {each['id']}")
        traffic.shop.try_("send")
        counts = traffic.shop.ask("status")["outbox"]
        if not any(counts.get(status) for status in ("queued", "deferred", "sending")):
            break


def waits(traffic: Traffic) -> dict[str, float]:
    """The longest time from delivery to import of each account, in seconds."""
    longest: dict[str, float] = {}
    db = store.open_db(traffic.shop.folder / "espomail.db", now=NOW)
    rows = db.execute(
        """select a.name, e.subject, max(r.taken_in_at, e.imported_at) from receipts r
           join emails e on e.id = r.email_id join mailboxes m on m.id = r.mailbox_id join accounts a on a.id = m.account_id"""
    )
    for name, subject, at in rows.fetchall():
        waited = datetime.fromisoformat(at).timestamp() - traffic.delivered[name, subject]
        longest[name] = max(longest.get(name, 0.0), waited)
    db.close()
    return longest


def wrong(traffic: Traffic, post: servers.SmtpServer) -> list[str]:
    """What is not as it must be; empty when nothing was lost, doubled or torn."""
    path = traffic.shop.folder / "espomail.db"
    wanted, is_ = traffic.wanted(), found(path)
    troubles = [] if (state := integrity(path)) == "ok" else [f"integrity: {state}"]
    for name in ("emails", "cases", "numbers", "agents", "receipts", "breaches"):
        if getattr(wanted, name) != getattr(is_, name):
            troubles.append(f"{name} differ: {_difference(getattr(wanted, name), getattr(is_, name))}")
    for thread in wanted.cases:
        if (count := sum(is_.replies.get(subject, 0) for subject in thread)) != 1:
            troubles.append(f"{count} automatic answers to {sorted(thread)}")
    return troubles + _wrong_answers(traffic, post)


def _difference(wanted: Any, is_: Any) -> str:
    """A few of the things that are on one side only."""
    if isinstance(wanted, dict):
        wanted, is_ = set(wanted.items()), set(is_.items())
    if isinstance(wanted, tuple):
        return f"{len(wanted)} wanted, {len(is_)} found"
    return f"lost {[*(wanted - is_)][:5]}, extra {[*(is_ - wanted)][:5]}"


def _wrong_answers(traffic: Traffic, post: servers.SmtpServer) -> list[str]:
    """Automatic answers that the server took twice, or not although they count as sent."""
    taken = Counter(mail.content.split(b"Message-ID: <")[1].split(b">")[0].decode() for mail in post.mails)
    rows = traffic.shop.ask("outbox list --limit 1000000")
    troubles = [f"{id} was sent {count} times" for id, count in taken.items() if count > 1]
    troubles += [f"{row['message_id']} is {row['status']}" for row in rows if row["status"] not in ("sent", "unknown")]
    troubles += [
        f"{row['message_id']} was not sent" for row in rows if row["status"] == "sent" and not taken[row["message_id"]]
    ]
    return troubles


def grown(samples: list[Sample], what: str) -> tuple[float, float]:
    """The middle value of the second sixth of the time and of the last sixth."""
    length = len(samples)
    early, late = samples[length // 6 : length // 3], samples[-(length // 6) :]
    return (
        statistics.median(getattr(each, what) for each in early),
        statistics.median(getattr(each, what) for each in late),
    )


def steady(samples: list[Sample], name: str) -> list[str]:
    """Print how memory and descriptors went; say what grew by more than the tolerance."""
    troubles = []
    for what, unit, scale in (("rss_bytes", "MB resident", 1e6), ("descriptors", "open descriptors", 1)):
        early, late = grown(samples, what)
        highest = max(getattr(each, what) for each in samples)
        print(
            f"{name}: {early / scale:.1f} -> {late / scale:.1f} {unit}, at most {highest / scale:.1f}, {len(samples)} samples"
        )
        if late > early * GROWTH_MAX + (4 if what == "descriptors" else 0):
            troubles.append(f"{name} grew: {early / scale:.1f} -> {late / scale:.1f} {unit}")
    return troubles


def soak(plan: Plan, folder: Path) -> list[str]:
    """The whole run; what was wrong at its end."""
    with stage(plan, folder) as (traffic, imap, smtp, post):
        over = threading.Event()
        imap.draw, smtp.draw = cutting(plan.faults, server=4000, client=400), cutting(plan.faults, server=500, client=2500)
        watched = " ".join(traffic.accounts[:WATCHED])
        watching = start(f"watch {watched}", traffic.shop.environment)
        fetching = Rounds("fetch --max-time 50", traffic.shop.environment, 10, over)
        sending = Rounds("send --max-time 50", traffic.shop.environment, 10, over)
        killer = Killer(fetching, sending, watching, plan.kill_every, over)
        sampler = Sampler(watching, fetching, over)
        threads = (fetching, sending, killer, sampler)
        try:
            for thread in threads:
                thread.start()
            deliver(traffic, plan, time.monotonic())
            troubles = [] if watching.poll() is None else [f"watch ended with {watching.returncode}"]
        finally:
            over.set()
            for thread in threads:
                thread.join()
            end(watching)
        imap.draw = smtp.draw = None
        settle(traffic)
        print(f"faults: {imap.cuts} of {imap.taken} IMAP and {smtp.cuts} of {smtp.taken} SMTP connections cut")
        print(f"kills: {sum(killer.hits.values())} ({', '.join(f'{n} {kind}' for kind, n in sorted(killer.hits.items()))})")
        print(f"rounds by exit code: fetch {dict(fetching.codes)}, send {dict(sending.codes)}")
        return troubles + judged(traffic, post, sampler)


def judged(traffic: Traffic, post: servers.SmtpServer, sampler: Sampler) -> list[str]:
    """Print the counts; everything that is wrong."""
    troubles = wrong(traffic, post)
    print(f"mails: {sum(traffic.by_account.values())} delivered of {traffic.made} different, {len(traffic.threads)} cases")
    print(f"automatic answers taken by the server: {len(post.mails)}; outbox {traffic.shop.ask('status')['outbox']}")
    longest = waits(traffic)
    print("longest wait from delivery to import, in seconds:", " ".join(f"{k}={v:.0f}" for k, v in sorted(longest.items())))
    troubles += [f"{name} waited {wait:.0f} s" for name, wait in longest.items() if wait > LONGEST_WAIT_S]
    return troubles + steady(sampler.watch, "watch") + steady(sampler.rounds, "fetch")


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, as a service manager does."""
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for field, default in (("minutes", 60.0), ("rate", 10.0), ("faults", 0.05), ("kill-every", 60.0)):
        parser.add_argument(f"--{field}", type=float, default=default)
    parser.add_argument("--accounts", type=int, default=20)
    folder = Path(tempfile.mkdtemp(prefix="soak"))
    try:
        troubles = soak(Plan(**vars(parser.parse_args())), folder / "shop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(*(troubles[:50] or ["nothing lost, nothing doubled, nobody starved, nothing grew"]), sep="\n")
    raise SystemExit(1 if troubles else 0)


if __name__ == "__main__":
    main()
