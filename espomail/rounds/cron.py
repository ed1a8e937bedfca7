"""Everything that is due, in one run for cron: fetch, send, notify, tidy; each under its own lock, within one time budget."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from espomail.desk import Desk
from espomail.errors import EspomailError
from espomail.rounds import fetch as fetching
from espomail.rounds import locks, notify, send, settling, tidying
from espomail.store import accounts, ownership

TIDY_EVERY = timedelta(days=1)
FETCH_SHARE = 0.8
HOOKS_SHARE = 0.1


@dataclass(slots=True)
class Ran:
    """What each task came to, by its name, and the troubles of those that failed; the others ran all the same."""

    fetch: fetching.Report | None = None
    send: settling.Sent | None = None
    notify: notify.Notified | None = None
    tidied: bool = False
    troubles: list[EspomailError] = field(default_factory=list)


def run(desk: Desk, hooks: notify.Hooks, *, seconds: float, jobs: int) -> Ran:
    """Run what is due; a task that fails leaves the others alone."""
    started = desk.monotonic()
    ran = Ran()

    def fetch() -> None:
        chosen = tuple(a for a in accounts.list_(desk.db) if a.imap is not None)
        ran.fetch = fetching.fetch(desk, fetching.Request(accounts=chosen, jobs=jobs, max_time_s=seconds * FETCH_SHARE))

    def post() -> None:
        ran.notify = notify.notify(desk, hooks, hooks_s=seconds * HOOKS_SHARE)
        left = max(5.0, seconds - (desk.monotonic() - started))
        ran.send = send.send(desk, max_time_s=left)

    for task in (fetch, post, lambda: _tidy(desk, ran)):
        _attempt(task, ran)
    return ran


def _attempt(task: Callable[[], None], ran: Ran) -> None:
    try:
        task()
    except EspomailError as error:
        ran.troubles.append(error)


def _tidy(desk: Desk, ran: Ran) -> None:
    """Once a day; the time of the last one that came to its end is the age of a file beside the locks."""
    done = desk.lock_dir / "tidy.done"
    if done.exists() and desk.now().timestamp() - done.stat().st_mtime < TIDY_EVERY.total_seconds():
        return
    with locks.hold(desk.lock_dir / "tidy.lock") as is_held:
        if is_held:
            tidying.tidy(desk)
            os.close(ownership.open_or_make(done, os.O_WRONLY, database=desk.db_path))
            os.utime(done)
            ran.tidied = True
