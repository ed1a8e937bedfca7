"""`espomail reprocess`: decide anew about mail that was skipped, that failed, or that is stored."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from espomail.cli.frame import asked, command, confirm, emit, pass_desk, said
from espomail.errors import UsageError
from espomail.rules import access
from espomail.store import accounts, emails, quarantine
from espomail.store.db import transaction
from espomail.times import parse_moment

if TYPE_CHECKING:
    from datetime import datetime

    from espomail.desk import Desk


@command(
    "reprocess",
    help="Decide anew, by today's rules: about stored emails (by id, or all --since), about mail that a filter skipped, or about "
    "mail that failed. An email that has its case keeps it; nobody is notified of stored emails again.",
    epilog="""Example: espomail reprocess --since 3d --dry-run
    espomail reprocess --skipped --yes""",
)
@click.argument("email", type=int, nargs=-1)
@click.option("--skipped", is_flag=True, help="mail that a filter skipped and whose bytes are still kept")
@click.option("--failed", is_flag=True, help="mail in quarantine, parked mail too")
@click.option("--since", metavar="TIME", help="stored emails taken in since then; with --skipped, mail received since then")
@click.option("--dry-run", is_flag=True, help="print what would change, and write nothing")
@click.option("--yes", is_flag=True, help="don't ask")
@pass_desk
def reprocess(
    desk: Desk, email: tuple[int, ...], skipped: bool, failed: bool, since: str | None, dry_run: bool, yes: bool
) -> None:
    from espomail.rounds import rehearsal

    access.require_admin(desk.actor)
    moment = parse_moment(since, now=desk.now()) if since else None
    if not (email or skipped or failed or moment):
        raise UsageError("nothing to decide anew", "name emails, or give --since, --skipped or --failed")
    changes: list[rehearsal.Change] = []
    ids = list(email) or (emails.ids_since(desk.db, moment) if moment and not skipped else [])
    if ids:
        for each in ids:
            emails.get(desk.db, each)
        if not dry_run:
            confirm(f"decide anew about {len(ids)} emails?", yes=yes)
        changes += rehearsal.revisit(desk, ids, dry_run=dry_run)
    if skipped or failed:
        changes += _waiting(desk, skipped=skipped, failed=failed, since=moment, dry_run=dry_run, yes=yes)
    _tell(changes, dry_run=dry_run)


def _waiting(desk: Desk, *, skipped: bool, failed: bool, since: datetime | None, dry_run: bool, yes: bool) -> list[Any]:
    """Skipped and failed mail goes through the whole pipeline again, in the processing child."""
    from espomail.rounds import rehearsal
    from espomail.rounds.child import Child

    would = rehearsal.skipped_again(desk, since=since) if skipped else []
    if dry_run:
        return would
    confirm("process the mail again?", yes=yes)
    with transaction(desk.db):
        if skipped:
            quarantine.retry_skipped(desk.db, since=since)
        if failed:
            quarantine.retry_failed(desk.db, [each.id for each in accounts.list_(desk.db)], now=desk.now())
    child = Child(desk.db_path, now=desk.now)
    child.poke()
    child.finish()
    return would


def _tell(changes: list[Any], *, dry_run: bool) -> None:
    rows = [dataclasses.asdict(change) for change in changes]
    if asked().format or dry_run:
        emit(rows, columns=("email", "field", "before", "after"))
    else:
        said(f"{len(rows)} changes")
