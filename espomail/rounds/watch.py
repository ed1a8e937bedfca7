"""Mail within a second: an IDLE connection per account says when there is news, and an ordinary round then takes it in.

One thread per account, each with a desk and a database connection of its own. Where a server has no IDLE, and for folders
beyond the first, a round is made every minute.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from queue import Empty, SimpleQueue

from espomail.desk import Desk, Mailbox
from espomail.errors import Damaged, EspomailError, TryAgain
from espomail.model import Account
from espomail.rounds import fetch as rounds
from espomail.store import accounts
from espomail.store.db import give_memory_back, open_db, translated

IDLE_S = 25 * 60.0
POLL_S = 60.0
SESSION_S = 23 * 3600.0
LOCKED_S = 1.0
LOCKED_TRIES = 60
RECONNECT_S = 1.0
LOOK_S = 0.5
GRACE_S = 1.5


@dataclass(slots=True)
class Watch:
    """Watches accounts until `stop` is set. `names` are the accounts asked for, none for all that read a mailbox.

    `tell` gets the report of every round, in the thread that runs `run`.
    """

    desk: Desk
    names: Sequence[str]
    tell: Callable[[rounds.Report], None]
    stop: threading.Event = field(default_factory=threading.Event)
    _threads: dict[int, threading.Thread] = field(default_factory=dict)
    _busy: set[int] = field(default_factory=set)
    _reports: SimpleQueue[rounds.Report] = field(default_factory=SimpleQueue)
    _fatal: EspomailError | None = None

    def run(self) -> bool:
        """Watch until `stop` is set; return whether every round that was under way has ended (waits 1.5 s for them).

        Raise what no account can be watched with: a damaged database, a program that was changed under us.
        """
        look_at = self.desk.monotonic()
        while not self.stop.is_set():
            if self.desk.monotonic() >= look_at:
                self._start_threads()
                look_at = self.desk.monotonic() + POLL_S
            self._require_alive()
            self._pass_on(timeout_s=LOOK_S)
        give_up = self.desk.monotonic() + GRACE_S
        while self._busy and self.desk.monotonic() < give_up:
            self._pass_on(timeout_s=0.05)
        if self._fatal is not None:
            raise self._fatal
        return not self._busy

    def _pass_on(self, *, timeout_s: float) -> None:
        with contextlib.suppress(Empty):
            self.tell(self._reports.get(timeout=timeout_s))

    def _require_alive(self) -> None:
        dead = [thread.name for thread in self._threads.values() if not thread.is_alive()]
        if dead and not self.stop.is_set():
            self.stop.set()
            raise EspomailError(f"watching {dead[0]} ended by a bug", "report the lines above")

    def _start_threads(self) -> None:
        """One thread for each account that has none yet: accounts may be added while we watch."""
        try:
            with translated():
                wanted = self._wanted()
        except TryAgain as error:
            self.desk.say(error.message)
            return
        for account in wanted:
            if account.id not in self._threads:
                thread = threading.Thread(target=self._tend, args=(account.id,), name=account.name, daemon=True)
                self._threads[account.id] = thread
                thread.start()

    def _wanted(self) -> list[Account]:
        if self.names:
            return [accounts.get_by_name(self.desk.db, name) for name in self.names]
        return [each for each in accounts.list_(self.desk.db) if each.imap is not None and each.is_active]

    # ------------------------------------------------------------ one account, in its thread

    def _tend(self, account_id: int) -> None:
        """Watch until `stop` is set. Storage that is busy or full for a while is waited for, as a lost connection is."""
        while not self.stop.is_set():
            try:
                with translated(), contextlib.closing(open_db(self.desk.db_path, now=self.desk.now())) as db:
                    self._keep_listening(dataclasses.replace(self.desk, db=db), account_id)
            except TryAgain as error:
                self.desk.say(error.message)
                self.stop.wait(POLL_S)
            except EspomailError as error:
                self._end_by(error)

    def _keep_listening(self, desk: Desk, account_id: int) -> None:
        losses = 0
        while not self.stop.is_set():
            account = accounts.find(desk.db, account_id)
            if account is None or not account.is_active:
                self.stop.wait(POLL_S)
                continue
            began = desk.monotonic()
            try:
                self._listen(desk, account)
                losses = 0
            except (TryAgain, Damaged):
                raise  # our own storage, no loss of the line
            except EspomailError as error:
                losses = 1 if desk.monotonic() - began > POLL_S else losses + 1
                desk.say(f"{account.name}: {error.message}")
                self._recover(desk, account, losses)

    def _end_by(self, error: EspomailError) -> None:
        self._fatal = error
        self.stop.set()

    def _listen(self, desk: Desk, account: Account) -> None:
        """One session: open the folder, then make a round (what comes meanwhile is news), then wait for news."""
        with desk.open_mailbox(account, SESSION_S + IDLE_S) as box:
            has_idle = "IDLE" in box.capabilities
            if has_idle:
                box.select(_listened(account))
                self._idle(desk, account, box)
        if not has_idle:
            self._round(desk, account)
            self.stop.wait(POLL_S)

    def _idle(self, desk: Desk, account: Account, box: Mailbox) -> None:
        timeout_s = IDLE_S if len(account.folders) == 1 else POLL_S
        ends = desk.monotonic() + SESSION_S
        while not self.stop.is_set() and desk.monotonic() < ends:
            self._round(desk, account)
            if self.stop.is_set() or accounts.find(desk.db, account.id) != account:
                return
            box.idle(timeout_s=timeout_s)

    def _round(self, desk: Desk, account: Account) -> None:
        """An ordinary round of one account; one that another process holds is waited for, since it may have looked already."""
        for _ in range(LOCKED_TRIES):
            with self._at_work(account.id):
                if self.stop.is_set():
                    return
                report = self._fetched(desk, account)
            if report is None or report.accounts[0].skipped != "locked":
                return
            self.stop.wait(LOCKED_S)

    def _fetched(self, desk: Desk, account: Account) -> rounds.Report | None:
        """The round's report; None when the database was busy or full, which a later round makes good."""
        try:
            report = rounds.fetch(desk, rounds.Request(accounts=(account,), jobs=1))
        except TryAgain as error:
            desk.say(f"{account.name}: {error.message}")
            return None
        except EspomailError as error:
            self._end_by(error)
            return None
        give_memory_back(desk.db)
        self._reports.put(report)
        return report

    @contextlib.contextmanager
    def _at_work(self, account_id: int) -> Iterator[None]:
        self._busy.add(account_id)
        try:
            yield
        finally:
            self._busy.discard(account_id)

    def _recover(self, desk: Desk, account: Account, losses: int) -> None:
        """After a lost session: wait 1, 2, 4 … 60 s, and let a round find out whether the server is there.

        A round that fails keeps the account's back-off, with notices and all; it is waited for.
        """
        self.stop.wait(min(RECONNECT_S * 2 ** min(losses - 1, 10), POLL_S))
        self._round(desk, account)
        again = accounts.round_of(desk.db, account.id).next_try_at
        if again is not None:
            self.stop.wait(max(0.0, (again - desk.now()) / timedelta(seconds=1)))


def _listened(account: Account) -> str:
    """The folder whose news we hear at once: INBOX where it is monitored, else the first."""
    return next((folder for folder in account.folders if folder.upper() == "INBOX"), account.folders[0])
