"""`espomail reprocess`: decide anew about mail that was skipped, that failed, or that is stored."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from espomail.cli.frame import changed, command, confirm, emit, pass_desk
from espomail.cli.numbers import ID
from espomail.errors import UsageError
from espomail.rules import access
from espomail.store import emails
from espomail.times import parse_moment

if TYPE_CHECKING:
    from espomail.desk import Desk

COLUMNS = ("email", "subject", "field", "before", "after")


@command(
    "reprocess",
    help="Decide anew, by today's rules: about stored emails (by id, or all --since), about mail that a filter skipped, or about "
    "mail that failed. An email that has its case keeps it; nobody is notified of stored emails again.",
    epilog="""Example: espomail reprocess --since 3d --dry-run
    espomail reprocess --skipped --yes""",
)
@click.argument("email", type=ID, nargs=-1)
@click.option("--skipped", is_flag=True, help="mail that a filter skipped and whose bytes are still kept")
@click.option("--failed", is_flag=True, help="mail in quarantine, parked mail too")
@click.option(
    "--since", metavar="TIME", help="all stored emails taken in since then; with --skipped or --failed mail received since"
)
@click.option("--dry-run", is_flag=True, help="print what would change, and write nothing")
@click.option("--yes", is_flag=True, help="don't ask")
@pass_desk
def reprocess(
    desk: Desk, email: tuple[int, ...], skipped: bool, failed: bool, since: str | None, dry_run: bool, yes: bool
) -> None:
    from espomail.rounds import again, rehearsal

    access.require_admin(desk.actor)
    moment = parse_moment(since, now=desk.now()) if since is not None else None
    if not (email or skipped or failed or moment):
        raise UsageError("nothing to decide anew", "name emails, or give --since, --skipped or --failed")
    ids = [emails.get(desk.db, each).id for each in email]
    if moment and not (skipped or failed):
        ids += [each for each in emails.ids_since(desk.db, moment) if each not in email]
    if not dry_run and (ids or skipped or failed):
        confirm(_question(len(ids), skipped=skipped, failed=failed), yes=yes)
    with rehearsal.on_copy(desk) if dry_run else nullcontext(desk) as where:
        changes = again.decide_anew(where, ids)
        changes += again.process_anew(where, skipped=skipped, failed=failed, since=moment)
    rows = [asdict(change) for change in changes]
    if dry_run:
        emit(rows, columns=COLUMNS)
    else:
        changed(f"{len(changes)} changes", rows, columns=COLUMNS)


def _question(count: int, *, skipped: bool, failed: bool) -> str:
    parts = {
        f"decide anew about {count} emails": count > 0,
        "process skipped mail again": skipped,
        "process failed mail again": failed,
    }
    return " and ".join(part for part, is_asked in parts.items() if is_asked) + "?"
