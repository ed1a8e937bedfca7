"""What is wrong with an installation, how bad it is, and what to do about it. Pure.

Each check takes the facts and yields findings. A new one is a function and a line in CHECKS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from shlex import quote

from espomail.rules import health_accounts as of_accounts
from espomail.rules.health_facts import Facts, Finding, Level

WAITING_LONG = timedelta(minutes=30)
LOW_DISK_BYTES = 200 * 1024 * 1024

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
        fix = "the next espomail fetch tries each of their mails alone"
        yield Finding("warning", "batches", f"processing died in {facts.dead_batches} batches", fix)


# ---------------------------------------------------------------- files


def file_modes(facts: Facts) -> Iterator[Finding]:
    for each in facts.files:
        forbidden = 0o022 if each.what == "folder" else 0o077
        if each.mode & forbidden:
            level: Level = "warning" if each.what == "folder" else "error"
            wanted = "go-w" if each.what == "folder" else "600"
            message = f"the {each.what} {each.path} is open to others ({each.mode:03o})"
            yield Finding(level, "file-mode", message, f"chmod {wanted} {quote(each.path)}")
        if not each.is_ours and each.what != "folder":
            message = f"the {each.what} {each.path} belongs to somebody else than the database"
            yield Finding("warning", "file-owner", message, "give it to the owner of the database (chown)")


def key_file(facts: Facts) -> Iterator[Finding]:
    if facts.key_exists:
        return
    uses = any(
        server and server.secret and server.secret.kind in ("stored", "oauth")
        for state in facts.with_sender
        for server in (state.account.imap, state.account.smtp)
    )
    message = f"the key file {facts.key_path} is missing" + (", and stored passwords need it" if uses else "")
    yield Finding("error" if uses else "warning", "key-file", message, "put the key file back, or run: espomail init --yes")


def log(facts: Facts) -> Iterator[Finding]:
    if facts.log_trouble:
        fix = "make its folder (mkdir) and give it to who runs espomail (chown), or change log in the configuration"
        yield Finding("warning", "log", facts.log_trouble, fix)


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
        message = "no active user is an admin, so nobody is notified of trouble"
        yield Finding("info", "settings", message, "espomail user edit NAME --admin")
    yield from _outbound(facts)


def _outbound(facts: Facts) -> Iterator[Finding]:
    address = facts.settings.outbound_address
    if not address or facts.settings.outbound_server:
        return
    able = [s for s in facts.accounts if s.account.address == address and s.account.kind == "group" and s.account.smtp]
    if not any(state.account.is_active for state in able):
        message = f"no active group account with SMTP has {address}, which system mail should leave from"
        yield Finding("error", "settings", message, "espomail settings outbound --address OTHER")


# ---------------------------------------------------------------- queues


def outbox(facts: Facts) -> Iterator[Finding]:
    if facts.outbox_failed:
        fix = "see: espomail outbox list --status failed"
        yield Finding("warning", "outbox", f"{facts.outbox_failed} mails of the last 7 days could not be sent", fix)
    if facts.outbox_unknown:
        message = f"of {facts.outbox_unknown} mails nobody knows whether they arrived: the connection broke in the middle"
        yield Finding("warning", "outbox", message, "see: espomail outbox list --status unknown")
    if facts.outbox_stuck:
        message = f"{facts.outbox_stuck} mails are put off again and again: {facts.outbox_stuck_reply}"
        yield Finding(
            "warning", "outbox", message, "see: espomail outbox list --status deferred; try the account's test command"
        )
    if facts.outbox_overdue:
        message = f"{facts.outbox_overdue} mails should have left by now"
        yield Finding("warning", "outbox", message, "is cron running? try: espomail send")


def quarantine(facts: Facts) -> Iterator[Finding]:
    fix = "see: espomail quarantine list"
    if facts.parked:
        yield Finding("warning", "quarantine", f"{facts.parked} mails could not be processed and need a person", fix)
    if facts.retrying:
        yield Finding("info", "quarantine", f"{facts.retrying} mails failed and are tried again", fix)


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
    "log": log,
    "disk": disk,
    "settings": settings,
    "auto-reply": of_accounts.templates,
    "distribution": of_accounts.distribution,
    "team": of_accounts.teams,
    "filter": of_accounts.filters,
    "address": of_accounts.addresses,
    "account": of_accounts.accounts,
    "fetch-round": of_accounts.rounds,
    "tls": of_accounts.tls,
    "secret": of_accounts.secrets,
    "auto-reply-breaker": of_accounts.breakers,
    "connection": of_accounts.connections,
    "outbox": outbox,
    "quarantine": quarantine,
    "waiting": waiting,
}
