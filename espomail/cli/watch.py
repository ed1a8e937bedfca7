"""`espomail watch`: take in mail within a second of its arrival, until told to stop."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import click

from espomail.cli.frame import changed, command, complain, note, pass_desk, said
from espomail.errors import BadInput, Interrupted
from espomail.rules import access
from espomail.store import accounts

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.rounds.fetch import Report


@command(
    "watch",
    help="Keep a connection to each mailbox and take in mail within a second of its arrival; SIGTERM or Ctrl-C ends it. Use it "
    "beside cron, which still sends, notifies and tidies.",
    epilog="""Example: espomail watch
    espomail watch support --format jsonl""",
)
@click.argument("account", nargs=-1)
@pass_desk
def watch(desk: Desk, account: tuple[str, ...]) -> None:
    from espomail.rounds.watch import Watch

    _require(desk, account)
    watching = Watch(desk, tuple(dict.fromkeys(account)), _tell)
    ended_by: list[int] = []

    def end(number: int, _frame: object) -> None:
        ended_by.append(number)
        watching.stop.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, end)
    said("watching; Ctrl-C ends it")
    all_ended = watching.run()
    code = Interrupted.code if signal.SIGINT in ended_by else 0
    if not all_ended:
        # A server that stalls may hold a round for minutes. What it has not committed, the next round takes in again.
        sys.stdout.flush()
        os._exit(code)
    click.get_current_context().exit(code)


def _require(desk: Desk, names: tuple[str, ...]) -> None:
    """Admins watch any account, a user their own by name; raise BadInput for one that reads no mailbox."""
    if not names:
        access.require_admin(desk.actor)
    for name in names:
        found = accounts.get_by_name(desk.db, name)
        access.require_account(desk.actor, found)
        if found.imap is None:
            raise BadInput(f"{name} reads no mailbox", f"see: espomail {found.kind}-account show {name}")


def _tell(report: Report) -> None:
    """What a round took in, and every trouble that is new; silence otherwise."""
    from espomail.cli.fetch import as_json, words

    for each in report.failed:
        hint = f" — {each.failure.hint}" if each.failure and each.failure.hint else ""
        note(f"{each.account}: {each.error}{hint}", level="warning")
        complain(f"{each.account}: {each.error}{hint}")
    if not any(report.total(name) for name in ("listed", "imported", "duplicates", "filtered", "quarantined")):
        return
    changed(f"{report.accounts[0].account}: {words(report)}", as_json(report))
