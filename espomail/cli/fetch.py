"""`espomail fetch`: take in what is new and process it."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from espomail.cli.frame import asked, changed, command, emit, note, pass_desk, trouble, write
from espomail.cli.numbers import COUNT, SECONDS
from espomail.cli.output import counted
from espomail.errors import BadInput, Declined, PartlyDone, Unreachable
from espomail.rules import access
from espomail.store import accounts

if TYPE_CHECKING:
    from espomail.cli.account_rights import Kind
    from espomail.desk import Desk
    from espomail.model import Account
    from espomail.rounds.fetch import AccountReport, Report

TOTALS = ("imported", "duplicates", "filtered", "quarantined")


@command(
    "fetch",
    help="Take in the new mail of the accounts (all of them by default) and process it.",
    epilog="""Example: espomail fetch
    espomail fetch support --now --json""",
)
@click.argument("account", nargs=-1)
@click.option("--group", is_flag=True, help="group accounts only")
@click.option("--personal", is_flag=True, help="personal accounts only; with --group both")
@click.option("--jobs", type=click.IntRange(1, 64), default=None, help="accounts at once (configuration: budgets.fetch_jobs)")
@click.option("--max-time", type=SECONDS, metavar="SECONDS", help="stop starting new work after this long")
@click.option("--limit", type=COUNT, help="take in at most so many mails")
@click.option("--now", is_flag=True, help="try accounts in back-off too")
@click.option("--retry-failed", is_flag=True, help="try quarantined and parked mail again at once")
@click.option("--dry-run", is_flag=True, help="say what would come of it, and write nothing")
@pass_desk
def fetch(desk: Desk, /, account: tuple[str, ...], group: bool, personal: bool, jobs: int | None, **limits: Any) -> None:
    from espomail.rounds import fetch as rounds
    from espomail.rounds import rehearsal

    kind: Kind | None = None if group == personal else "group" if group else "personal"
    chosen = choose(desk, account, kind)
    request = rounds.Request(
        accounts=tuple(chosen),
        named=bool(account),
        jobs=jobs or asked().configuration.budgets.fetch_jobs,
        max_time_s=limits["max_time"],
        limit=limits["limit"],
        now=limits["now"],
        retry_failed=limits["retry_failed"],
        dry_run=limits["dry_run"],
    )
    with rehearsal.on_copy(desk) if request.dry_run else nullcontext(desk) as where, progress_bar() as progress:
        report = rounds.fetch(where, request, progress=progress)
    tell(report, dry_run=request.dry_run)


def choose(desk: Desk, names: tuple[str, ...], kind: Kind | None) -> list[Account]:
    """The accounts to fetch: those named, or all that read a mailbox; a user who is no admin fetches their own.

    Disabled ones are among them, so that the report says that they are passed over.

    Raise BadInput for a named one that has no mailbox to read: it would count as failing.
    """
    own = None if desk.actor.is_admin else desk.actor.user_id
    if names:
        found = [accounts.get_by_name(desk.db, name) for name in dict.fromkeys(names)]
        for each in found:
            access.require_account(desk.actor, each)
            if each.imap is None:
                raise BadInput(f"{each.name} reads no mailbox", f"see: espomail {each.kind}-account show {each.name}")
        return found
    return [each for each in accounts.list_(desk.db, kind=kind, user_id=own) if each.imap is not None]


def tell(report: Report, *, dry_run: bool = False) -> None:
    """Print the summary, of a dry run as data.

    Raise Unreachable when nothing could be reached, PartlyDone when something failed.
    """
    if not dry_run:
        log_news(report)
        changed(words(report), as_json(report), level=level_of(report))
    elif asked().format:
        emit(as_json(report))
    else:
        write(words(report) + "\n")
    for each in report.failed:
        hint = f" — {each.failure.hint}" if each.failure and each.failure.hint else ""
        trouble(f"{each.account}: {each.error}{hint}")
    tried = [each for each in report.accounts if each.skipped is None]
    if report.failed and len(report.failed) == len(tried) and all(_is_out_of_reach(each) for each in report.failed):
        hint = f"see: espomail {report.failed[0].kind}-account test {report.failed[0].account}"
        raise Unreachable(f"no account could be fetched ({len(tried)} tried)", hint)
    if report.failed or report.total("quarantined"):
        what = f"accounts that failed: {len(report.failed)}, mails quarantined: {report.total('quarantined')}"
        raise PartlyDone(what, "see: espomail status, espomail quarantine list")


def _is_out_of_reach(each: AccountReport) -> bool:
    """Whether the server could not be reached or refused the log-in; a folder that is missing, a command that it declines is neither."""
    return isinstance(each.failure, Unreachable) and not isinstance(each.failure, Declined)


def words(report: Report) -> str:
    counts = ", ".join(f"{report.total(name)} {name}" for name in TOTALS if report.total(name) or name == "imported")
    return f"{counts}, {counted(report.cases_created, 'case')} opened, in {report.seconds:.1f} s"


def log_news(report: Report) -> None:
    """A line in the log for each account that had mail."""
    for each in report.accounts:
        counts = {name: sum(getattr(folder, name) for folder in each.folders) for name in (*TOTALS, "vanished", "pending")}
        if any(counts.values()):
            note(f"{each.account}: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count))


def level_of(report: Report) -> str:
    """A round without any mail is of no interest unless somebody looks for it."""
    return "info" if report.total("listed") or report.cases_created else "debug"


def as_json(report: Report) -> dict[str, Any]:
    """The document of CLI.md."""
    plain = [dataclasses.asdict(dataclasses.replace(each, failure=None)) for each in report.accounts]
    rows = [{field: value for field, value in row.items() if field != "failure"} for row in plain]
    return {
        "accounts": rows,
        **{name: report.total(name) for name in TOTALS},
        "cases_created": report.cases_created,
        "auto_replies_queued": report.auto_replies_queued,
        "locked": report.locked,
        "seconds": report.seconds,
    }


class progress_bar:
    """A bar on stderr while work goes on, on a terminal only; it counts mails taken in and mails done."""

    def __enter__(self) -> Callable[[int, int], None]:
        self._bar: Any = None
        if not sys.stderr.isatty() or asked().quiet:
            return lambda taken, done: None
        from rich.console import Console
        from rich.progress import Progress

        self._bar = Progress(console=Console(stderr=True), transient=True)
        task = self._bar.add_task("processing", total=0)
        self._bar.start()
        totals = [0, 0]

        def progress(taken: int, done: int) -> None:
            totals[0] += taken
            totals[1] += done
            self._bar.update(task, total=totals[0], completed=totals[1])

        return progress

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()
