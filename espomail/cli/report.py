"""`espomail report`: volumes, response times and backlog, on the terminal and as one HTML file."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from espomail.cli.actor import refuse_borrowed_path
from espomail.cli.frame import asked, command, emit, pass_desk, said, write
from espomail.cli.output import aligned, counted
from espomail.errors import BadInput
from espomail.rules import reporting as rules
from espomail.store import reporting as store
from espomail.times import parse_moment, to_text

if TYPE_CHECKING:
    from espomail.desk import Desk

BAR_WIDTH = 24


@command(
    "report",
    help="How much mail and how many cases there were, how long customers waited, who has how much to do; of what you may see.",
    epilog="""Example: espomail report --since 30d
    espomail report --since 2026-01-01 --html report.html""",
)
@click.option("--since", metavar="TIME", default="30d", show_default=True, help="from when on")
@click.option("--html", metavar="FILE", help="write one self-contained HTML file, - for standard output")
@pass_desk
def report(desk: Desk, since: str, html: str | None) -> None:
    from espomail.cli.written import replace_file
    from espomail.rules import report_page

    refuse_borrowed_path(desk.actor, html)
    start = parse_moment(since, now=desk.now())
    if start > desk.now():
        raise BadInput(f"--since {since} lies ahead", "give a time that has passed: 30d, 2026-01-01")
    made = _report(desk, start)
    if html == "-":
        write(report_page.page(made))
        return
    if html is not None:
        replace_file(Path(html), report_page.page(made), mode=0o600)
        said(f"written to {html}")
    if asked().format in ("json", "jsonl"):
        emit(_json(made))
    elif asked().format == "csv":
        emit([_day_json(day) for day in made.days])
    elif html is None:
        write(_text(made))


def _report(desk: Desk, since: datetime) -> rules.Report:
    now = desk.now()
    counts = store.daily_counts(desk.db, desk.actor, since=since, until=now)
    cases = store.case_times(desk.db, desk.actor, since=since, until=now)
    return rules.Report(
        since=since,
        until=now,
        days=rules.days_of(counts, since=since.date(), until=now.date()),
        first_response=rules.waits((c.answered_at - c.opened_at).total_seconds() for c in cases if c.answered_at),
        unanswered=sum(1 for c in cases if c.answered_at is None and c.closed_at is None),
        resolution=rules.waits((c.closed_at - c.opened_at).total_seconds() for c in cases if c.closed_at),
        backlog=tuple(rules.Burden(**dataclasses.asdict(each)) for each in store.backlog(desk.db, desk.actor)),
    )


# ---------------------------------------------------------------- forms


def _day_json(day: rules.Day) -> dict[str, Any]:
    return {**dataclasses.asdict(day), "day": day.day.isoformat()}


def _json(made: rules.Report) -> dict[str, Any]:
    return {
        "since": to_text(made.since),
        "until": to_text(made.until),
        "totals": {name: made.total(name) for name in rules.COUNTED},
        "first_response": {**dataclasses.asdict(made.first_response), "unanswered": made.unanswered},
        "resolution": dataclasses.asdict(made.resolution),
        "backlog": [{**dataclasses.asdict(each), "oldest_at": to_text(each.oldest_at)} for each in made.backlog],
        "days": [_day_json(day) for day in made.days],
    }


def _text(made: rules.Report) -> str:
    """Charts of bars, then figures, then the backlog."""
    unit, days = rules.for_chart(made.days)
    most = {name: max((getattr(day, name) for day in days), default=0) for name in ("received", "cases_opened")}
    rows = [
        {
            unit: day.day.isoformat(),
            "received": day.received,
            "mail": _bar(day.received, most["received"]),
            "sent": day.sent,
            "opened": day.cases_opened,
            "cases": _bar(day.cases_opened, most["cases_opened"]),
            "closed": day.cases_closed,
        }
        for day in days
    ]
    backlog = [
        {
            "user": each.user or "nobody",
            "open": each.open,
            "bar": _bar(each.open, max(b.open for b in made.backlog)),
            "new": each.new,
            "assigned": each.assigned,
            "pending": each.pending,
            "oldest": each.oldest_at.date().isoformat(),
        }
        for each in made.backlog
    ]
    waits = [_wait("first answer", made.first_response), _wait("end of a case", made.resolution)]
    waiting = f"{counted(made.unanswered, 'case')} opened since {made.since:%Y-%m-%d} still to be answered\n"
    parts = [aligned(rows, columns=()), aligned(waits, columns=()) + waiting]
    return "\n".join([*parts, aligned(backlog, columns=())] if backlog else parts)


def _wait(what: str, waits: rules.Waits) -> dict[str, object]:
    return {
        "time to": what,
        "cases": waits.count,
        "median": rules.in_words(waits.median_s),
        "nine of ten within": rules.in_words(waits.p90_s),
    }


def _bar(count: int, most: int) -> str:
    """A bar in eighths of a character; anything at all shows."""
    eighths = 0 if most == 0 else max(round(count / most * BAR_WIDTH * 8), 1 if count else 0)
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]
