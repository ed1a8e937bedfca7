"""`espomail reconcile`: the mail on a server against the database; what was missed is taken in."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from espomail.cli.frame import asked, changed, command, emit, pass_desk
from espomail.rules import access
from espomail.store import accounts

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.rounds.reconcile import Reconciled

COLUMNS = ("folder", "on_server", "receipts", "gone", "new", "missing", "taken_in")


@command(
    "reconcile",
    help="Hold the mail on an account's server against the receipts here, and take in what has none. Each account's round does "
    "this by itself once an hour.",
    epilog="""Example: espomail reconcile support
    espomail reconcile support --dry-run --json""",
)
@click.argument("account")
@click.option("--dry-run", is_flag=True, help="list what is missing, and take in nothing")
@pass_desk
def reconcile(desk: Desk, account: str, dry_run: bool) -> None:
    from espomail.rounds import reconcile as rounds

    found = accounts.get_by_name(desk.db, account)
    access.require_account(desk.actor, found)
    outcome = rounds.reconcile(desk, found, dry_run=dry_run)
    if asked().format is None:
        emit([dataclasses.asdict(each) for each in outcome.folders], columns=COLUMNS)
    changed(f"{account}: {outcome.missing} mails were missing, {outcome.taken_in} of them are in now", _json(outcome))


def _json(outcome: Reconciled) -> dict[str, Any]:
    folders = [{**dataclasses.asdict(each), "missing": list(each.missing)} for each in outcome.folders]
    return {"account": outcome.account, "folders": folders, "missing": outcome.missing, "taken_in": outcome.taken_in}
