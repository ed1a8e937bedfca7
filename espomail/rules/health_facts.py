"""What the checks of an installation look at, and what they find. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from espomail.model import Account, Settings

Level = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know: an `error` needs a person now, a `warning` soon, an `info` is said to be complete."""

    level: Level
    check: str
    message: str
    fix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """A mail account with how its rounds go.

    `distribution_trouble` says why nobody would get a new case, "" when somebody would. `token_trouble` says why its OAuth
    token can't be used, `ca_trouble` the same of its file of certificates, `secret_trouble` of a password and
    `secret_hint` how to mend that; one that isn't kept here comes from the environment, which cron may have and this command not.
    """

    account: Account
    added_at: datetime
    last_success_at: datetime | None = None
    failures: int = 0
    next_try_at: datetime | None = None
    last_error: str | None = None
    breaker_until: datetime | None = None
    distribution_trouble: str = ""
    token_saved_at: datetime | None = None
    token_trouble: str = ""
    ca_trouble: str = ""
    secret_trouble: str = ""
    secret_hint: str = ""
    is_secret_kept_here: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterState:
    """An active filter and whether any mail ever hit it; `lost_target` when the folder it moves to is gone.

    `mails_tried` is how many mails that it could have met it was tried on, since no hit is recorded.
    """

    name: str
    created_at: datetime
    is_hit: bool
    mails_tried: int = 0
    lost_target: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """A file that holds mail or secrets, with its permission bits."""

    what: str
    path: str
    mode: int
    is_ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the checks look at.

    `sender` is the system's own sender as if it were an account, where it has a server of its own.
    Of the outbox, what failed or is of unknown fate is that of a week, and `stuck` is what was tried in vain several times.
    """

    now: datetime
    settings: Settings
    accounts: tuple[AccountState, ...] = ()
    sender: AccountState | None = None
    filters: tuple[FilterState, ...] = ()
    has_admin: bool = True
    unknown_settings: tuple[str, ...] = ()
    role_names: frozenset[str] = frozenset()
    template_names: frozenset[str] = frozenset()
    empty_teams: tuple[tuple[int, str], ...] = ()
    other_owners: tuple[tuple[str, str, str], ...] = ()
    fetch_patience: timedelta = timedelta(minutes=30)
    files: tuple[FileState, ...] = ()
    log_trouble: str = ""
    key_path: str = ""
    key_exists: bool = True
    free_bytes: int = 10**12
    database_bytes: int = 0
    sqlite_version: str = ""
    has_wal_fix: bool = True
    journal_mode: str = "wal"
    outbox_failed: int = 0
    outbox_unknown: int = 0
    outbox_overdue: int = 0
    outbox_stuck: int = 0
    outbox_stuck_reply: str = ""
    parked: int = 0
    retrying: int = 0
    oldest_waiting_at: datetime | None = None
    dead_batches: int = 0
    integrity: tuple[str, ...] = ()
    breaches: tuple[tuple[str, int, tuple[int, ...]], ...] = ()
    connections: tuple[tuple[Account, str], ...] = ()

    @property
    def with_sender(self) -> tuple[AccountState, ...]:
        """The accounts, and last the system's own sender: all that has servers."""
        return self.accounts if self.sender is None else (*self.accounts, self.sender)
