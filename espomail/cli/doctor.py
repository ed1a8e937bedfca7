"""`espomail doctor`: everything that can be wrong, with the fix; its exit code is for monitoring."""

from __future__ import annotations

import dataclasses
import ssl
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from espomail.cli import log
from espomail.cli.frame import asked, command, emit, pass_desk, say
from espomail.errors import EspomailError
from espomail.rules import access, health

if TYPE_CHECKING:
    from datetime import datetime

    from espomail.desk import Desk
    from espomail.model import Account, Secret, Server
    from espomail.rounds.checkup import Credentials

KEPT_HERE = ("command", "file", "stored")


@command(
    "doctor",
    help="Look for all that can be wrong and say how to mend it. Exits 1 with errors, 3 with warnings only, 0 otherwise. "
    "With --quiet the table has only what is to be mended, so nothing is printed when all is well.",
    epilog="""Example: espomail doctor
    espomail doctor --quiet
    espomail doctor --online --json""",
)
@click.option("--online", is_flag=True, help="log in to the servers of every active account and of the system's sender too")
@click.option(
    "--patience",
    type=click.IntRange(1, 525_600),
    default=30,
    show_default=True,
    metavar="MINUTES",
    help="how long no fetch round may have succeeded",
)
@pass_desk
def doctor(desk: Desk, online: bool, patience: int) -> None:
    from espomail.rounds import checkup

    access.require_admin(desk.actor)
    facts = checkup.facts(
        desk,
        credentials=lambda account: _credentials(desk, account),
        connections=_connections(desk) if online else (),
        fetch_patience=timedelta(minutes=patience),
        log_trouble=log.trouble(asked()),
    )
    findings = health.examine(facts)
    code = health.exit_code(findings)
    rows = [dataclasses.asdict(each) for each in findings]
    if asked().format in ("json", "jsonl"):
        emit({"ok": code == 0, "findings": rows})
    elif shown := _shown(rows):
        emit(shown, columns=("level", "check", "message", "fix"))
        say(_summary(sum(each.level != "info" for each in findings)))
    if code:
        click.get_current_context().exit(code)


def _shown(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All of the findings; with --quiet, as cron asks, the table has those only that are to be mended."""
    front = asked()
    return [row for row in rows if row["level"] != "info" or not front.quiet or front.format]


def _summary(troubles: int) -> str:
    match troubles:
        case 0:
            return "all is well"
        case 1:
            return "one thing to mend"
        case _:
            return f"{troubles} things to mend"


def _connections(desk: Desk) -> list[tuple[Account, str]]:
    """(account, trouble) of every active account, and of the system's own sender, that one of its servers doesn't let in."""
    from espomail.cli.account_test import tried
    from espomail.rounds.checkup import system_sender
    from espomail.store import accounts

    asked_of = [each for each in accounts.list_(desk.db) if each.is_active]
    asked_of += [sender] if (sender := system_sender(desk.db)) else []
    outcomes = [(each, tried(desk, each)) for each in asked_of]
    return [(each, half["message"]) for each, halves in outcomes for half in halves.values() if half and not half["ok"]]


def _credentials(desk: Desk, account: Account) -> Credentials:
    """What is to say of an account's passwords, tokens and certificates."""
    from espomail.cli import oauth_tokens
    from espomail.rounds.checkup import Credentials

    servers = [server for server in (account.imap, account.smtp) if server is not None]
    secrets = dict.fromkeys(server.secret for server in servers if server.secret is not None)
    found: dict[str, Any] = {"ca_trouble": next((t for server in servers if (t := _ca_trouble(server, desk.now()))), "")}
    for secret in sorted(secrets, key=lambda each: each.kind in KEPT_HERE):  # the last word is that of the graver trouble
        if secret.kind == "oauth":
            found |= oauth_tokens.condition(desk.db, secret, key_file=desk.key_path, now=desk.now())
        elif trouble := _secret_trouble(desk, secret):
            found |= {
                "secret_trouble": trouble.message,
                "secret_hint": trouble.hint or "",
                "is_secret_kept_here": secret.kind in KEPT_HERE,
            }
    return Credentials(**found)


def _secret_trouble(desk: Desk, secret: Secret) -> EspomailError | None:
    from espomail.wire import secrets as vault

    try:
        vault.resolve_secret(secret, key_file=desk.key_path)
    except EspomailError as error:
        return error
    return None


def _ca_trouble(server: Server, now: datetime) -> str:
    """Why the certificates an account trusts can't be used, "" when they can."""
    if server.tls_ca_file is None:
        return ""
    from espomail.wire import tls

    try:
        known = tls.verified_context(server.tls_ca_file).get_ca_certs()
    except EspomailError as error:
        return error.message
    until = [ssl.cert_time_to_seconds(str(each["notAfter"])) for each in known if "notAfter" in each]
    if until and max(until) < now.timestamp():
        return f"the certificates in {server.tls_ca_file} have expired"
    return ""
