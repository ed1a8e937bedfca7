"""What the checks find in the facts of an installation, and how bad it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from espomail.model import Account, Secret, Server, Settings
from espomail.rules import health
from espomail.rules.health_facts import AccountState, Facts, FileState, FilterState, Finding

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SERVER = Server(host="mail.example", port=993, security="tls", login="support", secret=Secret("stored", "x"))
ACCOUNT = Account(id=1, kind="group", name="support", address="support@team.example", imap=SERVER)
STATE = AccountState(account=ACCOUNT, added_at=NOW - timedelta(days=9), last_success_at=NOW - timedelta(minutes=5))
FINE = Facts(now=NOW, settings=Settings(), accounts=(STATE,))
FILTER = FilterState(name="spam", created_at=NOW - timedelta(days=99), is_hit=False, mails_tried=50)
DATABASE = FileState(what="database", path="/x.db", mode=0o600, is_ours=True)


def test_a_healthy_installation_has_its_two_good_words_only() -> None:
    found = health.examine(FINE)
    assert [(each.level, each.check) for each in found] == [("info", "integrity"), ("info", "invariant")]
    assert health.exit_code(found) == 0


def account(**changes: Any) -> Facts:
    return replace(FINE, accounts=(replace(STATE, **changes),))


def of(**changes: Any) -> Facts:
    return account(account=replace(ACCOUNT, **changes))


PLAIN = replace(SERVER, security="none")
SENDER = Account(id=0, kind="group", name="the system's sender", address="crm@team.example", smtp=SERVER)


def system(**changes: Any) -> Facts:
    return replace(FINE, sender=replace(AccountState(account=SENDER, added_at=NOW), **changes))


TROUBLE: dict[str, tuple[Facts, str, str, str]] = {
    "a damaged page": (replace(FINE, integrity=("page 7 is lost",)), "error", "integrity", "page 7 is lost"),
    "a broken law": (replace(FINE, breaches=(("a law", 9, (1, 2)),)), "error", "invariant", "a law (9: 1, 2 …)"),
    "an old SQLite in WAL mode": (replace(FINE, has_wal_fix=False, sqlite_version="3.40.1"), "error", "sqlite", "3.40.1"),
    "an old SQLite without WAL": (
        replace(FINE, has_wal_fix=False, journal_mode="delete"), "info", "sqlite", "rollback journal",
    ),
    "a batch that died": (replace(FINE, dead_batches=1), "warning", "batches", "died"),
    "a database others may read": (replace(FINE, files=(replace(DATABASE, mode=0o644),)), "error", "file-mode", "(644)"),
    "a folder others may write": (
        replace(FINE, files=(FileState(what="folder", path="/f", mode=0o777, is_ours=True),)), "warning", "file-mode", "(777)",
    ),
    "a key file of another": (
        replace(FINE, files=(FileState(what="key file", path="/k", mode=0o600, is_ours=False),)), "warning", "file-owner", "/k",
    ),
    "a lost key that passwords need": (replace(FINE, key_exists=False, key_path="/k"), "error", "key-file", "/k"),
    "a lost key that nothing needs": (replace(FINE, key_exists=False, accounts=()), "warning", "key-file", "missing"),
    "a full disk": (replace(FINE, free_bytes=10**6), "error", "disk", "only 0 MB"),
    "a disk too small for a backup": (
        replace(FINE, free_bytes=3 * 10**8, database_bytes=2 * 10**8), "warning", "disk", "286 MB",
    ),
    "a setting nobody knows": (replace(FINE, unknown_settings=("colour",)), "warning", "settings", "colour"),
    "a baseline role that is gone": (replace(FINE, settings=Settings(baseline_role="agent")), "error", "settings", "agent"),
    "no admin": (replace(FINE, has_admin=False), "info", "settings", "no active user is an admin"),
    "a system sender without account": (
        replace(FINE, settings=Settings(outbound_address="x@y.z")), "error", "settings", "x@y.z",
    ),
    "an auto-reply without template": (of(auto_reply=True, smtp=SERVER), "warning", "auto-reply", "no template"),
    "an auto-reply whose template is gone": (
        of(auto_reply=True, smtp=SERVER, reply_template="hello"), "error", "auto-reply", "hello",
    ),
    "an auto-reply that no server takes": (
        replace(of(auto_reply=True, reply_template="hello"), template_names=frozenset({"hello"})),
        "warning", "auto-reply", "neither it nor the system has an SMTP server",
    ),
    "a distribution to nobody": (
        account(account=replace(ACCOUNT, create_case=True), distribution_trouble="all are absent"),
        "warning", "distribution", "new cases of support get nobody: all are absent",
    ),
    "a team with nobody that an account's mail goes to": (
        replace(of(team_ids=(7,)), empty_teams=((7, "the night"),)), "warning", "team", "nobody active is in the team the night",
    ),
    "a team with nobody that has no mail": (replace(FINE, empty_teams=((7, "later"),)), "info", "team", "the team later"),
    "a filter that never matches": (replace(FINE, filters=(FILTER,)), "warning", "filter", "newest 50"),
    "a young filter that has not matched": (
        replace(FINE, filters=(replace(FILTER, created_at=NOW),)), "info", "filter", "spam",
    ),
    "a filter whose folder is gone": (
        replace(FINE, filters=(replace(FILTER, is_hit=True, lost_target=True),)), "warning", "filter", "is gone",
    ),
    "an address on two accounts": (
        replace(FINE, accounts=(STATE, replace(STATE, account=replace(ACCOUNT, id=2, name="again")))),
        "warning", "address", "support@team.example is the address of several accounts: again, support",
    ),
    "a personal address of another": (
        replace(FINE, other_owners=(("mine", "a@b.c", "ann"),)), "warning", "address", "a@b.c of mine is not an address of ann",
    ),
    "an account disabled by failures": (
        account(account=replace(ACCOUNT, is_active=False), last_error="refused"),
        "warning", "account-disabled", "after: refused",
    ),
    "an account disabled by a person": (of(is_active=False), "info", "account-disabled", "support is disabled"),
    "an account that failed once": (account(failures=1, last_error="no"), "warning", "account-failing", "failed once: no"),
    "an account that keeps failing": (
        account(failures=3, last_error="no", next_try_at=NOW + timedelta(hours=1)),
        "error", "account-failing", "support failed 3 times in a row; backing off until 2026-03-02 10:00 UTC: no",
    ),
    "no round for an hour": (
        account(last_success_at=NOW - timedelta(hours=1)),
        "error", "fetch-round", "no fetch round has succeeded for 60 minutes",
    ),
    "no round ever": (account(last_success_at=None), "error", "fetch-round", "for 12960 minutes"),
    "plain text to another machine": (of(imap=PLAIN), "warning", "tls", "mail.example in plain text"),
    "certificates that can't be read": (account(ca_trouble="the file is gone"), "error", "tls", "the file is gone"),
    "a password that can't be had": (account(secret_trouble="no file"), "warning", "secret", "no file"),
    "a password that cron may have": (
        account(secret_trouble="X is not set", is_secret_kept_here=False), "info", "secret", "X is not set",
    ),
    "plain text to the system's server": (
        system(account=replace(SENDER, smtp=PLAIN)), "warning", "tls", "the system's sender sends passwords and mail to mail.example",
    ),
    "certificates of the system's server": (system(ca_trouble="the file is gone"), "error", "tls", "the file is gone"),
    "a password of the system's server": (system(secret_trouble="no file"), "warning", "secret", "the system's sender: no file"),
    "a lost key that the system's server needs": (
        replace(system(), accounts=(), key_exists=False), "error", "key-file", "stored passwords need it",
    ),
    "a token that ended": (account(token_trouble="it ended"), "error", "token", "it ended"),
    "a token not used for long": (account(token_saved_at=NOW - timedelta(days=70)), "warning", "token", "70 days"),
    "an auto-reply breaker": (
        account(breaker_until=NOW + timedelta(hours=1)), "warning", "auto-reply-breaker", "until 2026-03-02 10:00 UTC",
    ),
    "a server that lets nobody in": (replace(FINE, connections=((ACCOUNT, "refused"),)), "error", "connection", "refused"),
    "mail that could not be sent": (replace(FINE, outbox_failed=2), "warning", "outbox", "2 mails of the last 7 days could not be sent"),
    "mail of unknown fate": (replace(FINE, outbox_unknown=1), "warning", "outbox", "of 1 mails nobody knows"),
    "mail that no server takes": (
        replace(FINE, outbox_stuck=2, outbox_stuck_reply="refused"), "warning", "outbox", "again and again: refused",
    ),
    "mail that should have left": (replace(FINE, outbox_overdue=1), "warning", "outbox", "should have left"),
    "parked mail": (replace(FINE, parked=1), "warning", "quarantine", "need a person"),
    "mail that is tried again": (replace(FINE, retrying=1), "info", "quarantine", "tried again"),
    "mail that nobody processes": (
        replace(FINE, oldest_waiting_at=NOW - timedelta(hours=1)), "error", "waiting", "2026-03-02 08:00 UTC",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TROUBLE)
def test_each_trouble_is_found_with_its_fix_and_nothing_else_is(name: str) -> None:
    facts, level, check, words = TROUBLE[name]
    found = [each for each in health.examine(facts) if each not in health.examine(FINE)]
    assert [(each.level, each.check) for each in found] == [(level, check)]
    assert words in found[0].message
    assert found[0].fix
    assert health.exit_code(health.examine(facts)) == {"error": 1, "warning": 3, "info": 0}[level]


FINE_TOO: dict[str, Facts] = {
    "a filter before any mail": replace(FINE, filters=(replace(FILTER, mails_tried=0),)),
    "an account without a mailbox": of(imap=None),
    "plain text on this machine": of(imap=replace(PLAIN, host="localhost")),
    "a breaker that is over": account(breaker_until=NOW - timedelta(hours=1)),
    "a distribution to nobody of an account without cases": account(distribution_trouble="all are absent"),
    "a system sender with a server of its own": replace(
        FINE, settings=Settings(outbound_address="x@y.z", outbound_server="localhost:25")
    ),
    "an auto-reply that the system's server takes": replace(
        of(auto_reply=True, reply_template="hello"),
        template_names=frozenset({"hello"}),
        settings=Settings(outbound_address="x@y.z", outbound_server="localhost:25"),
    ),
    "a new account": account(added_at=NOW, last_success_at=None),
}


@pytest.mark.parametrize("name", FINE_TOO)
def test_what_is_no_trouble_is_not_reported(name: str) -> None:
    assert health.examine(FINE_TOO[name]) == health.examine(FINE)


def test_what_is_wrong_with_the_systems_sender_is_mended_with_its_own_command() -> None:
    ill = replace(
        system(account=replace(SENDER, smtp=PLAIN), ca_trouble="gone", secret_trouble="no file", secret_hint="look"),
        connections=((SENDER, "refused"),),
    )
    assert {each.check: each.fix for each in health.examine(ill) if each.fix and each.level != "error"} == {
        "tls": "espomail settings outbound --smtp-security tls",
        "secret": "look; or: espomail settings outbound --smtp-password-stdin",
    }
    assert {each.check: each.fix for each in health.examine(ill) if each.level == "error"} == {
        "tls": "espomail settings outbound --tls-ca-file FILE",
        "connection": "check host, port, security and password; see: espomail settings outbound",
    }


def test_errors_come_first_and_decide_the_exit_code() -> None:
    facts = replace(FINE, parked=1, free_bytes=0, retrying=1)
    assert [each.level for each in health.examine(facts)] == ["error", "warning", "info", "info", "info"]
    assert health.exit_code([Finding("warning", "x", "y")]) == 3
    assert health.exit_code([Finding("warning", "x", "y"), Finding("error", "x", "y")]) == 1
    assert health.exit_code([]) == 0
