"""The processing child: takes waiting mails through life.process in batches, under limits of CPU and memory.

It is a process of its own so that a mail that hangs, eats memory or kills the interpreter takes nothing with it: the
round sees the child die and starts it again, the batch's marker names the suspects, each suspect is then tried alone, and the one
that kills again and again is parked. Started as `python -m espomail.rounds.worker DATABASE`; each line on its
standard input says that more mail was taken in, its end that no more comes; it prints the number of mails done.
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from espomail import life, times
from espomail.errors import Damaged, EspomailError, TryAgain
from espomail.gather.arrangements import Arrangements, arrangements
from espomail.reading import recognise
from espomail.rounds import locks
from espomail.rules import schedule
from espomail.store import batches, notifications, people, receipts
from espomail.store.db import Connection, SqliteError, as_expected, open_db, savepoint, transaction
from espomail.store.receipts import Receipt

BATCH_MAILS = 100
CPU_PER_MAIL_S = 10
MEMORY_BYTES = 1024**3
DEATHS_ALONE = 3
LOCK_WAIT_S = 600

Clock = Callable[[], datetime]


def main(database: str) -> None:
    """Work until standard input ends and nothing waits; failures that concern all mail end it with their exit code."""
    path = Path(database)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        work(path, more=sys.stdin, done=_report, now=lambda: datetime.now(UTC))
    except EspomailError as error:
        print(json.dumps({"code": error.code, "message": error.message, "hint": error.hint}), file=sys.stderr)
        raise SystemExit(error.code) from error


def work(path: Path, *, more: TextIO, done: Callable[[int], None], now: Clock) -> None:
    db = open_db(path, now=now())
    with contextlib.closing(db):
        while True:
            with locks.wait_for(locks.folder_of(path) / "process.lock", timeout_s=LOCK_WAIT_S):
                process_waiting(db, done=done, now=now)
            if not more.readline():
                break
        with locks.wait_for(locks.folder_of(path) / "process.lock", timeout_s=LOCK_WAIT_S):
            process_waiting(db, done=done, now=now)


def process_waiting(db: Connection, *, done: Callable[[int], None], now: Clock) -> None:
    """Process everything that waits, suspects first and alone. The caller holds the processing lock."""
    with transaction(db):
        batches.suspect_dead(db)
    for next_batch in (_suspects, _batches):
        while batch := next_batch(db, now()):
            _process_batch(db, batch, now=now)
            done(len(batch))


def _suspects(db: Connection, now: datetime) -> list[Receipt]:
    return receipts.list_waiting(db, now=now, limit=1, suspects=True)


def _batches(db: Connection, now: datetime) -> list[Receipt]:
    return receipts.list_waiting(db, now=now, limit=BATCH_MAILS)


def _process_batch(db: Connection, batch: Sequence[Receipt], *, now: Clock) -> None:
    """Name the batch, then do it: all of its effects and the end of its marker are one transaction."""
    with transaction(db):
        marker = batches.add(db, batch, now=now())
    with transaction(db):
        arranged = arrangements(db)
        for receipt in batch:
            with _limited_cpu():
                _process_one(db, receipt, arranged, now=now())
        batches.remove(db, marker)


def _process_one(db: Connection, receipt: Receipt, arranged: Arrangements, *, now: datetime) -> None:
    """One mail in a savepoint of its own; what fails is undone and kept for another attempt, storage trouble ends the batch."""
    try:
        with savepoint(db):
            life.process(db, receipt, arranged, now=now)
    except SqliteError as error:
        expected = as_expected(error)
        if isinstance(expected, TryAgain | Damaged):
            raise
        quarantine(db, receipt, f"{type(error).__name__}: {error}", now=now)
    except (TryAgain, Damaged):
        raise
    except Exception as error:  # noqa: BLE001 (the one planned: any mail may raise anything, and none may stop the others)
        quarantine(db, receipt, f"{type(error).__name__}: {error}", now=now)


def quarantine(db: Connection, receipt: Receipt, error: str, *, now: datetime) -> None:
    """Keep a mail that failed: tried again after 1, 10 and 60 minutes, then parked with a notice."""
    decision = schedule.mail(receipt.attempts + 1, now=now)
    again = decision.at if isinstance(decision, schedule.RetryAt) else None
    receipts.set_failed(db, receipt.id, error=error, next_try_at=again)
    if again is None:
        tell_parked(db, receipt, error, now=now)


def note_death(db: Connection, *, how: str, now: datetime) -> None:
    """The round saw the child die: count it against the mail that was being tried alone, and park that mail at the third.

    A child that was killed together with its round counts against nobody.
    """
    with transaction(db):
        for receipt in batches.died_alone(db):
            deaths = receipt.attempts + 1
            parked = deaths >= DEATHS_ALONE
            error = f"processing this mail killed the process ({how})"
            receipts.set_failed(db, receipt.id, error=error, next_try_at=None if parked else now)
            if parked:
                tell_parked(db, receipt, error, now=now)


def tell_parked(db: Connection, receipt: Receipt, error: str, *, now: datetime) -> None:
    """Tell the admins, and the owner of a personal mailbox, that a mail needs a person."""
    seen = recognise(db, receipt.raw_id)
    mail = f"The mail “{seen.subject}” from {seen.sender}" if seen.sender or seen.subject else "A mail"
    for user_id in {*notifications.admins(db), *people.owner_of_account(db, receipt.account_id)}:
        notifications.add(
            db,
            user_id,
            "mail-parked",
            f"parked:{receipt.id}:{times.to_text(now)}",
            at=now,
            thing=None,
            text=f"{mail} could not be processed ({error[:200]}); see: espomail quarantine show {receipt.id}",
        )


@contextlib.contextmanager
def _limited_cpu() -> Iterator[None]:
    """Inside, the process may use so many seconds of CPU; then SIGPROF ends it, and the mail is a suspect."""
    signal.setitimer(signal.ITIMER_PROF, CPU_PER_MAIL_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _report(count: int) -> None:
    print(count, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
