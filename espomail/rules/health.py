"""What is wrong with an installation, how bad it is, and what to do about it. Pure.

Each check takes the facts and yields findings. A new one is a function and a line in CHECKS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from espomail.model import Account, Server, Settings
from espomail.rules import accounts as account_rules

Level = Literal["error", "warning", "info"]
FAILING_AT = 3
STALE_TOKEN = timedelta(days=60)
YOUNG_FILTER = timedelta(days=30)
WAITING_LONG = timedelta(minutes=30)
LOW_DISK_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know: an `error` needs a person now, a `warning` soon, an `info` is said to be complete."""

    level: Level
    check: str
    message: str
    fix: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """A mail account with how its rounds go. `distribution_trouble` says why nobody would get a new case, "" when somebody would.

    `token_trouble` says why its OAuth token can't be used, "" when it can; `ca_trouble` the same of its file of certificates.
    `secret_trouble` says why a password can't be had.
    """

    account: Account
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterState:
    """An active filter and whether any mail ever hit it; `lost_target` when the folder it moves to is gone."""

    name: str
    created_at: datetime
    is_hit: bool
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
    """All that the checks look at. `mails_tried` is how many mails the filters were tried on."""

    now: datetime
    settings: Settings
    accounts: tuple[AccountState, ...] = ()
    filters: tuple[FilterState, ...] = ()
    mails_tried: int = 0
    has_admin: bool = True
    unknown_settings: tuple[str, ...] = ()
    role_names: frozenset[str] = frozenset()
    template_names: frozenset[str] = frozenset()
    shared_addresses: tuple[tuple[str, str], ...] = ()
    other_owners: tuple[tuple[str, str, str], ...] = ()
    fetch_patience: timedelta = timedelta(minutes=30)
    files: tuple[FileState, ...] = ()
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
    parked: int = 0
    retrying: int = 0
    oldest_waiting_at: datetime | None = None
    dead_batches: int = 0
    integrity: tuple[str, ...] = ()
    breaches: tuple[tuple[str, int, tuple[int, ...]], ...] = ()
    connections: tuple[tuple[str, str], ...] = field(default=())


Check = Callable[[Facts], Iterable[Finding]]


def examine(facts: Facts) -> list[Finding]:
    """Every finding, errors first, in the order of CHECKS; `integrity` and `invariant` are always among them."""
    found = [finding for check in CHECKS.values() for finding in check(facts)]
    return sorted(found, key=lambda finding: ("error", "warning", "info").index(finding.level))


def exit_code(findings: Iterable[Finding]) -> int:
    """1 with an error, 3 with warnings only, 0 when there is nothing but information."""
    levels = {finding.level for finding in findings}
    return 1 if "error" in levels else 3 if "warning" in levels else 0


# ---------------------------------------------------------------- the database


def integrity(facts: Facts) -> Iterator[Finding]:
    if not facts.integrity:
        yield Finding("info", "integrity", "pages, indexes, foreign keys and search index are whole")
    for problem in facts.integrity:
        yield Finding("error", "integrity", problem, "restore a backup: espomail restore FILE")


def invariant(facts: Facts) -> Iterator[Finding]:
    if not facts.breaches:
        yield Finding("info", "invariant", "every mail has its receipt, every receipt its effects, every effect its cause")
    for law, count, examples in facts.breaches:
        ids = ", ".join(str(each) for each in examples)
        fix = "make a backup, then report this; espomail reconcile ACCOUNT fetches what is missing"
        yield Finding("error", "invariant", f"{law} ({count}: {ids}{' …' if count > len(examples) else ''})", fix)


def sqlite(facts: Facts) -> Iterator[Finding]:
    if facts.has_wal_fix:
        return
    words = f"SQLite {facts.sqlite_version} may lose commits in WAL mode"
    if facts.journal_mode == "wal":
        yield Finding("error", "sqlite", f"{words}, and the database is in that mode", "install pysqlite3 0.6.1 or later")
    else:
        yield Finding("info", "sqlite", f"{words}, so the slower rollback journal is used", "pip install pysqlite3")


def batches(facts: Facts) -> Iterator[Finding]:
    if facts.dead_batches:
        yield Finding(
            "warning", "batches", f"processing died in {facts.dead_batches} batches", "the next espomail fetch tries each mail alone"
        )


# ---------------------------------------------------------------- files


def file_modes(facts: Facts) -> Iterator[Finding]:
    for each in facts.files:
        forbidden = 0o022 if each.what == "folder" else 0o077
        if each.mode & forbidden:
            level: Level = "warning" if each.what == "folder" else "error"
            wanted = "go-w" if each.what == "folder" else "600"
            message = f"the {each.what} {each.path} is open to others ({each.mode:03o})"
            yield Finding(level, "file-mode", message, f"chmod {wanted} {each.path}")
        if not each.is_ours and each.what != "folder":
            message = f"the {each.what} {each.path} belongs to somebody else than who runs this"
            yield Finding("warning", "file-owner", message, "run espomail as the owner of the database")


def key_file(facts: Facts) -> Iterator[Finding]:
    if facts.key_exists:
        return
    uses = any(
        server and server.secret and server.secret.kind in ("stored", "oauth")
        for state in facts.accounts
        for server in (state.account.imap, state.account.smtp)
    )
    message = f"the key file {facts.key_path} is missing" + (", and stored passwords need it" if uses else "")
    yield Finding("error" if uses else "warning", "key-file", message, "put the key file back, or run: espomail init --yes")


def disk(facts: Facts) -> Iterator[Finding]:
    if facts.free_bytes < LOW_DISK_BYTES:
        yield Finding("error", "disk", f"only {facts.free_bytes // 2**20} MB are free for the database", "free some disk space")
    elif facts.free_bytes < 2 * facts.database_bytes:
        message = f"{facts.free_bytes // 2**20} MB are free: too little for a backup beside the database and a migration"
        yield Finding("warning", "disk", message, "free some disk space")


# ---------------------------------------------------------------- settings


def settings(facts: Facts) -> Iterator[Finding]:
    for key in facts.unknown_settings:
        yield Finding("warning", "settings", f"this program knows no setting {key}", "see: espomail settings list")
    role = facts.settings.baseline_role
    if role and role not in facts.role_names:
        fix = "espomail settings set baseline_role ROLE"
        yield Finding("error", "settings", f"the baseline role {role} does not exist", fix)
    if not facts.has_admin:
        message = "no active user is an admin, so nobody hears of trouble"
        yield Finding("warning", "settings", message, "espomail user edit NAME --admin")
    yield from _outbound(facts)


def _outbound(facts: Facts) -> Iterator[Finding]:
    address = facts.settings.outbound_address
    if not address or facts.settings.outbound_server:
        return
    able = [s for s in facts.accounts if s.account.address == address and s.account.kind == "group" and s.account.smtp]
    if not any(state.account.is_active for state in able):
        message = f"no active group account with SMTP has {address}, which system mail should leave from"
        yield Finding("error", "settings", message, "espomail settings outbound --address OTHER")


def templates(facts: Facts) -> Iterator[Finding]:
    for state in facts.accounts:
        account = state.account
        if not account.auto_reply:
            continue
        fix = f"espomail group-account edit {account.name} --reply-template TEMPLATE"
        if account.reply_template is None:
            yield Finding("warning", "auto-reply", f"{account.name} answers by itself but has no template", fix)
        elif account.reply_template not in facts.template_names:
            yield Finding("error", "auto-reply", f"the template {account.reply_template} of {account.name} is gone", fix)
        if account.smtp is None and facts.settings.outbound_server is None:
            message = f"{account.name} answers by itself but has no SMTP server"
            yield Finding("warning", "auto-reply", message, f"espomail group-account edit {account.name} --smtp-host HOST")


def distribution(facts: Facts) -> Iterator[Finding]:
    for state in facts.accounts:
        if state.distribution_trouble and state.account.is_active and state.account.create_case:
            message = f"new cases of {state.account.name} get nobody: {state.distribution_trouble}"
            fix = f"see: espomail case distribution preview {state.account.name}"
            yield Finding("warning", "distribution", message, fix)


def filters(facts: Facts) -> Iterator[Finding]:
    for each in facts.filters:
        if each.lost_target:
            fix = f"espomail filter edit {each.name} --target FOLDER"
            yield Finding("warning", "filter", f"the folder that {each.name} moves mail to is gone", fix)
        if each.is_hit or not facts.mails_tried:
            continue
        is_young = facts.now - each.created_at < YOUNG_FILTER
        message = f"no mail has ever matched {each.name}, nor do any of the newest {facts.mails_tried}"
        fix = f"see: espomail filter preview {each.name}, espomail filter remove {each.name}"
        yield Finding("info" if is_young else "warning", "filter", message, fix)


def addresses(facts: Facts) -> Iterator[Finding]:
    for address, names in facts.shared_addresses:
        message = f"{address} is the address of several accounts: {names}"
        yield Finding("warning", "address", message, "give each account an address of its own, or remove one")
    for account, address, owner in facts.other_owners:
        message = f"{address} of {account} is not an address of {owner}, who can't send from it"
        yield Finding("warning", "address", message, f"espomail user edit {owner} --add-email {address}")


# ---------------------------------------------------------------- accounts


def accounts(facts: Facts) -> Iterator[Finding]:
    for state in facts.accounts:
        account = state.account
        show = f"espomail {account.kind}-account test {account.name}"
        if not account.is_active:
            why = f" after: {state.last_error}" if state.last_error else ""
            level: Level = "warning" if state.last_error else "info"
            fix = f"{show}; then espomail {account.kind}-account enable {account.name}"
            yield Finding(level, "account-disabled", f"{account.name} is disabled{why}", fix)
        elif state.failures:
            failing = state.failures >= FAILING_AT
            until = f"; backing off until {state.next_try_at:%Y-%m-%d %H:%M} UTC" if state.next_try_at else ""
            message = f"{account.name} failed {state.failures} times in a row{until}: {state.last_error}"
            yield Finding("error" if failing else "warning", "account-failing", message, f"see: {show}")


def rounds(facts: Facts) -> Iterator[Finding]:
    """Whether cron runs: accounts that are read, none of which any round has read for a while."""
    read = [state for state in facts.accounts if state.account.imap is not None and state.account.is_active]
    if not read:
        return
    newest = max((state.last_success_at for state in read if state.last_success_at), default=None)
    fix = "is cron running? see crontab.example; try: espomail fetch"
    if newest is None:
        yield Finding("warning", "fetch-round", "no fetch round has ever succeeded", fix)
    elif facts.now - newest > facts.fetch_patience:
        minutes = int((facts.now - newest).total_seconds() // 60)
        yield Finding("error", "fetch-round", f"no fetch round has succeeded for {minutes} minutes", fix)


def tls(facts: Facts) -> Iterator[Finding]:
    for state in facts.accounts:
        for half, server in (("imap", state.account.imap), ("smtp", state.account.smtp)):
            if server is not None and _is_in_the_clear(server):
                message = f"{state.account.name} sends passwords and mail to {server.host} in plain text"
                fix = f"espomail {state.account.kind}-account edit {state.account.name} --{half}-security tls"
                yield Finding("warning", "tls", message, fix)
        if state.ca_trouble:
            fix = f"espomail {state.account.kind}-account edit {state.account.name} --tls-ca-file FILE"
            yield Finding("error", "tls", f"{state.account.name}: {state.ca_trouble}", fix)


def _is_in_the_clear(server: Server) -> bool:
    return server.security == "none" and not account_rules.is_loopback_host(server.host)


def secrets(facts: Facts) -> Iterator[Finding]:
    for state in facts.accounts:
        name, kind = state.account.name, state.account.kind
        if state.secret_trouble:
            yield Finding("warning", "secret", f"{name}: {state.secret_trouble}", f"espomail {kind}-account secret {name}")
        if state.token_trouble:
            yield Finding("error", "token", f"{name}: {state.token_trouble}", f"espomail oauth login {name}")
        elif state.token_saved_at and facts.now - state.token_saved_at > STALE_TOKEN:
            days = (facts.now - state.token_saved_at).days
            message = f"the OAuth token of {name} was last renewed {days} days ago; providers end unused ones after 90"
            yield Finding("warning", "token", message, f"espomail oauth login {name}")


def breakers(facts: Facts) -> Iterator[Finding]:
    for state in facts.accounts:
        if state.breaker_until and state.breaker_until > facts.now:
            message = f"auto-replies of {state.account.name} are held back until {state.breaker_until:%Y-%m-%d %H:%M} UTC: too many"
            fix = "look for a loop: espomail email list --limit 20; raise auto_reply_hourly_cap if they are real"
            yield Finding("warning", "auto-reply-breaker", message, fix)


def connections(facts: Facts) -> Iterator[Finding]:
    for name, trouble in facts.connections:
        yield Finding("error", "connection", f"{name}: {trouble}", "check host, port, security and password")


# ---------------------------------------------------------------- queues


def outbox(facts: Facts) -> Iterator[Finding]:
    if facts.outbox_failed:
        fix = "see: espomail outbox list --status failed"
        yield Finding("warning", "outbox", f"{facts.outbox_failed} mails could not be sent", fix)
    if facts.outbox_unknown:
        message = f"of {facts.outbox_unknown} mails nobody knows whether they arrived: the connection broke in the middle"
        yield Finding("warning", "outbox", message, "see: espomail outbox list --status unknown")
    if facts.outbox_overdue:
        message = f"{facts.outbox_overdue} mails should have left by now"
        yield Finding("warning", "outbox", message, "is cron running? try: espomail send")


def quarantine(facts: Facts) -> Iterator[Finding]:
    if facts.parked:
        message = f"{facts.parked} mails could not be processed and need a person"
        yield Finding("warning", "quarantine", message, "see: espomail quarantine list")
    if facts.retrying:
        yield Finding("info", "quarantine", f"{facts.retrying} mails failed and are tried again", "see: espomail quarantine list")


def waiting(facts: Facts) -> Iterator[Finding]:
    if facts.oldest_waiting_at and facts.now - facts.oldest_waiting_at > WAITING_LONG:
        message = f"a mail taken in at {facts.oldest_waiting_at:%Y-%m-%d %H:%M} UTC has not been processed"
        yield Finding("error", "waiting", message, "try: espomail fetch; then see: espomail status")


CHECKS: Mapping[str, Check] = {
    "integrity": integrity,
    "invariant": invariant,
    "sqlite": sqlite,
    "batches": batches,
    "file-mode": file_modes,
    "key-file": key_file,
    "disk": disk,
    "settings": settings,
    "auto-reply": templates,
    "distribution": distribution,
    "filter": filters,
    "address": addresses,
    "account": accounts,
    "fetch-round": rounds,
    "tls": tls,
    "secret": secrets,
    "auto-reply-breaker": breakers,
    "connection": connections,
    "outbox": outbox,
    "quarantine": quarantine,
    "waiting": waiting,
}
