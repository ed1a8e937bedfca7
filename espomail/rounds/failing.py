"""An account that failed in a round: when it is tried again, when it is given up, and who is told."""

from __future__ import annotations

import hashlib

from espomail import times
from espomail.desk import Desk
from espomail.errors import EspomailError, FolderMissing, LoginRefused
from espomail.model import Account
from espomail.rules import schedule
from espomail.store import accounts, notifications, people

TELL_AT_FAILURES = 5


def keep(desk: Desk, account: Account, error: EspomailError) -> None:
    """Count the failure, inside the caller's transaction: it prolongs the back-off, the fifth refused log-in disables the account.

    A missing folder brings no back-off: the server is well, and the other folders go on.
    """
    now = desk.now()
    before = accounts.round_of(desk.db, account.id)
    is_refused = isinstance(error, LoginRefused)
    refusals = before.login_refusals + 1 if is_refused else 0
    decision = schedule.account(before.failures + 1, login_refusals=refusals, now=now, jitter=_jitter(desk))
    again = None if isinstance(error, FolderMissing) else schedule.next_try(decision)
    after = accounts.note_failure(
        desk.db, account.id, now=now, error=error.message, next_try_at=again, is_login_refused=is_refused
    )
    if isinstance(decision, schedule.GiveUp):
        accounts.set_active(desk.db, account.id, is_active=False)
        _tell(
            desk, account, "account-disabled", f"{account.name} is disabled after {refusals} refused log-ins: {error.message}"
        )
    elif after.failures == TELL_AT_FAILURES:
        _tell(desk, account, "account-failing", f"{account.name} has failed {after.failures} times: {error.message}")


def _jitter(desk: Desk) -> float:
    """A number in [0, 1) from the desk's tokens, so that tests can fix it."""
    return int(hashlib.sha256(desk.new_token().encode()).hexdigest()[:8], 16) / 2**32


def _tell(desk: Desk, account: Account, kind: str, text: str) -> None:
    """Tell the admins, and the owner of a personal account, once for each failure in a row."""
    cause = f"{kind}:{account.id}:{times.to_text(desk.now())}"
    for user_id in {*notifications.admins(desk.db), *people.owner_of_account(desk.db, account.id)}:
        notifications.add(desk.db, user_id, kind, cause, at=desk.now(), text=text)
