"""A fetch round: which accounts, how many at once, for how long; and what came of it.

Each account has a lock that the kernel frees when a process dies, a back-off, and a session of its own in a thread with a
database connection of its own; one child processes what they take in; then the servers are told what to do with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from espomail.desk import Desk, Mailbox
from espomail.errors import Damaged, EspomailError, FolderMissing, SessionLost, TryAgain
from espomail.model import Account
from espomail.rounds import failing, locks, reconcile
from espomail.rounds.acting import act_on_server
from espomail.rounds.budget import Budget
from espomail.rounds.child import Child
from espomail.rounds.session import FolderTaken, Session
from espomail.store import accounts, cases, outbox, quarantine, receipts
from espomail.store import settings as settings_store
from espomail.store.db import Connection, open_db, transaction

NO_LIMIT_S = 365 * 86400.0
ACCOUNT_S = 3600.0
LEAST_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to fetch: named accounts or all; `now` tries those in back-off too; limits in mails and seconds.

    `dry_run` leaves the servers as they are; the database is then a copy (`rounds.rehearsal`).
    """

    accounts: tuple[Account, ...]
    named: bool = False
    jobs: int = 4
    max_time_s: float | None = None
    limit: int | None = None
    now: bool = False
    retry_failed: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class FolderReport:
    folder: str
    listed: int = 0
    imported: int = 0
    duplicates: int = 0
    filtered: int = 0
    quarantined: int = 0
    vanished: int = 0
    pending: int = 0
    last_uid: int = 0


@dataclass(slots=True)
class AccountReport:
    """What one account's part came to; `error` is None when `ok`, `skipped` says why it was left out."""

    account: str
    kind: str
    ok: bool = True
    error: str | None = None
    skipped: str | None = None
    backlog: int = 0
    folders: list[FolderReport] = field(default_factory=list)
    failure: EspomailError | None = None


@dataclass(slots=True)
class Report:
    accounts: list[AccountReport]
    cases_created: int
    auto_replies_queued: int
    seconds: float

    def total(self, name: str) -> int:
        return sum(getattr(folder, name) for account in self.accounts for folder in account.folders)

    @property
    def locked(self) -> list[str]:
        return [a.account for a in self.accounts if a.skipped == "locked"]

    @property
    def failed(self) -> list[AccountReport]:
        return [a for a in self.accounts if not a.ok]


@dataclass(slots=True)
class Part:
    """One account's part of a round, filled by its thread; `is_tried` once its server was asked for."""

    account: Account
    report: AccountReport
    taken: list[FolderTaken] = field(default_factory=list)
    is_tried: bool = False

    def fail(self, error: EspomailError) -> None:
        self.report.ok, self.report.error, self.report.failure = False, error.message, error

    def forget(self) -> None:
        """The account was removed while the round went on: what came of it went with it."""
        self.is_tried = False
        self.report = AccountReport(self.account.name, self.account.kind, skipped="disabled")


def fetch(desk: Desk, request: Request, *, progress: Callable[[int, int], None] = lambda taken, done: None) -> Report:
    """Take in what is new and process it; return when all of it is processed. `progress` gets counts: taken in, done."""
    started = desk.monotonic()
    first_receipt, last_case = receipts.next_id(desk.db), cases.last_number(desk.db)
    time_s = request.max_time_s or NO_LIMIT_S
    budget = Budget(request.limit, started + time_s, desk.monotonic, least_s=min(LEAST_S, time_s / 4))

    def done(count: int) -> None:
        budget.note_done(count)
        progress(0, count)

    def taken_in(count: int) -> None:
        budget.note_taken(count)
        child.poke()
        progress(count, 0)

    child = Child(desk.db_path, now=desk.now, done=done)
    _wake_what_waits(desk, request, child)

    parts = [Part(account, AccountReport(account.name, account.kind)) for account in _oldest_attempt_first(desk.db, request)]
    try:
        with ThreadPoolExecutor(max_workers=max(1, request.jobs)) as pool:
            for outcome in [pool.submit(_take_part, desk, request, part, budget, taken_in) for part in parts]:
                outcome.result()
    except EspomailError:
        child.finish()
        raise
    child.finish()
    for part in parts:
        part.report.folders = [_folder_report(desk.db, folder) for folder in part.taken]
        part.report.backlog = _backlog(desk.db, part)
    _keep_outcomes(desk, parts)
    if not request.dry_run:
        for part in parts:
            if part.is_tried and (part.report.ok or isinstance(part.report.failure, FolderMissing)):
                _act_for(desk, part, budget)
    return Report(
        accounts=sorted((part.report for part in parts), key=lambda report: report.account),
        cases_created=cases.count_opened(desk.db, after_number=last_case, first_receipt_id=first_receipt),
        auto_replies_queued=outbox.count_auto_replies_since(desk.db, first_receipt),
        seconds=round(desk.monotonic() - started, 3),
    )


def _wake_what_waits(desk: Desk, request: Request, child: Child) -> None:
    """Mail of an earlier round that was cut short, or whose next attempt is due, is processed in this one."""
    if request.retry_failed:
        with transaction(desk.db):
            failed = quarantine.ids_failed(desk.db, account_ids=[account.id for account in request.accounts])
            quarantine.wake(desk.db, failed, now=desk.now())
    if receipts.is_anything_waiting(desk.db, now=desk.now()):
        child.poke()


def _oldest_attempt_first(db: Connection, request: Request) -> list[Account]:
    rounds = accounts.rounds(db)

    def last_attempt(account: Account) -> tuple[float, int]:
        before = rounds.get(account.id)
        return (before.last_attempt_at.timestamp() if before and before.last_attempt_at else 0.0, account.id)

    return sorted(request.accounts, key=last_attempt)


# ---------------------------------------------------------------- one account


def _take_part(desk: Desk, request: Request, part: Part, budget: Budget, taken_in: Callable[[int], None]) -> None:
    """Take in one account's new mail, unless it is disabled, backs off, or another round holds it.

    Raise TryAgain or Damaged when the database can't be written.
    """
    db = open_db(desk.db_path, now=desk.now())
    with contextlib.closing(db), locks.hold(locks.of_account(desk.lock_dir, part.account.id)) as is_held:
        current = accounts.find(db, part.account.id)
        part.report.skipped = _why_skipped(db, desk.now(), request, current, is_held=is_held)
        if current is None or part.report.skipped is not None or budget.is_spent() or budget.is_too_late():
            return
        part.account = current
        part.is_tried = True
        with transaction(db):
            accounts.note_attempt(db, part.account.id, now=desk.now())
        try:
            with desk.open_mailbox(part.account, _seconds_left(desk, budget)) as box:
                _walk(desk, part, box, db, budget, taken_in)
        except (TryAgain, Damaged):
            raise  # our own storage: no failure of the account, so no back-off, and the whole round says so
        except SessionLost as error:
            if not (budget.is_over() and any(folder.taken for folder in part.taken)):
                part.fail(error)  # else it was our time that was over: the next round reads on
        except EspomailError as error:
            part.fail(error)


def _walk(desk: Desk, part: Part, box: Mailbox, db: Connection, budget: Budget, taken_in: Callable[[int], None]) -> None:
    session = Session(
        account=part.account,
        box=box,
        db=db,
        budget=budget,
        size_max=settings_store.load(db).mail_size_max,
        now=desk.now,
        taken_in=taken_in,
        folders=part.taken,
    )
    refusal = session.walk()
    if reconcile.is_due(db, part.account.id, now=desk.now()) and not budget.is_over():
        reconcile.compare(session)
    if refusal is not None:
        raise refusal


def _why_skipped(db: Connection, now: datetime, request: Request, account: Account | None, *, is_held: bool) -> str | None:
    if account is None or not account.is_active:  # somebody may have removed or disabled it while it waited for its turn
        return "disabled"
    if not is_held:
        return "locked"
    next_try = accounts.round_of(db, account.id).next_try_at
    if next_try is not None and next_try > now and not (request.now or request.named):
        return "backoff"
    return None


def _seconds_left(desk: Desk, budget: Budget) -> float:
    return max(1.0, min(ACCOUNT_S, budget.stop_at - desk.monotonic()))


# ---------------------------------------------------------------- outcomes


def _keep_outcomes(desk: Desk, parts: Sequence[Part]) -> None:
    """Write how each account's part went; a success ends its back-off."""
    for part in parts:
        if not part.is_tried:
            continue
        with transaction(desk.db):
            if accounts.find(desk.db, part.account.id) is None:
                part.forget()
            elif part.report.failure is None:
                accounts.note_success(desk.db, part.account.id, now=desk.now(), backlog=part.report.backlog)
            else:
                failing.keep(desk, part.account, part.report.failure)


def _folder_report(db: Connection, taken: FolderTaken) -> FolderReport:
    """Count what became of the folder's new mails; a mail that is still to be processed is pending."""
    if taken.mailbox_id is None:
        return FolderReport(taken.folder, listed=taken.listed, pending=taken.listed, last_uid=taken.last_uid)
    states = receipts.states_between(db, taken.mailbox_id, taken.first_receipt_id, taken.last_receipt_id)
    return FolderReport(
        folder=taken.folder,
        listed=taken.listed,
        imported=states.get("done", 0) + states.get("oversize", 0),
        duplicates=states.get("duplicate", 0),
        filtered=states.get("filtered", 0),
        quarantined=states.get("quarantined", 0) + states.get("parked", 0),
        vanished=states.get("vanished", 0),
        pending=taken.pending + states.get("new", 0),
        last_uid=taken.last_uid,
    )


def _backlog(db: Connection, part: Part) -> int:
    """What the round left on the server; of an account that it did not come to, what the round before left."""
    if not part.is_tried:
        return accounts.round_of(db, part.account.id).backlog
    return sum(folder.pending for folder in part.report.folders)


# ---------------------------------------------------------------- after the import


def _act_for(desk: Desk, part: Part, budget: Budget) -> None:
    """Say so when the server refuses what the account wants done; the mail is in, so that is no reason to back off."""
    try:
        act_on_server(desk, part.account, seconds=_seconds_left(desk, budget))
    except (TryAgain, Damaged):
        raise
    except EspomailError as error:
        part.fail(error)
        with transaction(desk.db):
            accounts.note_error(desk.db, part.account.id, f"after the import: {error.message}")
