"""`espomail metrics`: numbers for Prometheus, printed or written where its textfile collector reads them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from espomail import __version__
from espomail.cli.actor import refuse_borrowed_path
from espomail.cli.frame import asked, command, emit, pass_desk, said, write
from espomail.rules import access
from espomail.rules.exposition import Sample, text
from espomail.store import accounts, health, reporting
from espomail.store.accounts import Round

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.model import Account

_STATES = {
    "emails": ("direction", "Emails held, by direction"),
    "cases": ("status", "Cases, by status"),
    "receipts": ("state", "Receipts, by state"),
    "outbox": ("status", "Mails in the outbox, by status"),
    "notifications": ("state", "Notifications, read or not"),
}
_STATES_ALWAYS = {
    "emails": ("in", "out"),
    "cases": ("New", "Assigned", "Pending", "Closed", "Rejected", "Duplicate"),
    "receipts": ("new", "done", "filtered", "duplicate", "quarantined", "parked", "vanished", "oversize", "discarded"),
    "outbox": ("queued", "sending", "sent", "deferred", "failed", "unknown", "cancelled"),
    "notifications": ("read", "unread"),
}


@command(
    "metrics",
    help="Numbers in the text format of Prometheus, for its textfile collector.",
    epilog="Example: espomail metrics --output /var/lib/prometheus/node-exporter/espomail.prom",
)
@click.option("--output", metavar="FILE", help="replace this file in one step (0644); default: standard output")
@pass_desk
def metrics(desk: Desk, output: str | None) -> None:
    from espomail.cli.written import replace_file

    access.require_admin(desk.actor)
    refuse_borrowed_path(desk.actor, output)
    samples = list(_samples(desk))
    if output not in (None, "-"):
        replace_file(Path(str(output)), text(samples), mode=0o644)
        said(f"{len(samples)} numbers written to {output}", level="debug")
    if asked().format is not None:
        emit([dataclasses.asdict(sample) for sample in samples], columns=("name", "labels", "value"))
    elif output in (None, "-"):
        write(text(samples))


def _samples(desk: Desk) -> Iterator[Sample]:
    yield Sample("espomail_info", "The program", 1, {"version": __version__})
    yield Sample("espomail_metrics_timestamp_seconds", "When these numbers were read", desk.now().timestamp() // 1)
    disk = health.disk(desk.db_path)
    yield Sample("espomail_database_bytes", "Size of the database", disk.database_bytes)
    yield Sample("espomail_disk_free_bytes", "Space left where the database lies", disk.free_bytes)
    counts = reporting.counts_by(desk.db)
    for name, (label, words) in _STATES.items():
        for state in _STATES_ALWAYS[name]:
            yield Sample(f"espomail_{name}", words, counts[name].get(state, 0), {label: state})
    yield from _of_accounts(desk)


def _of_accounts(desk: Desk) -> Iterator[Sample]:
    rounds = accounts.rounds(desk.db)
    found = [(each, rounds.get(each.id) or Round(account_id=each.id)) for each in reversed(accounts.list_(desk.db))]
    told: dict[str, tuple[str, list[tuple[Account, float]]]] = {
        "active": ("Whether the account is active", [(a, float(a.is_active)) for a, _ in found]),
        "failures": ("Rounds that failed in a row", [(a, float(r.failures)) for a, r in found]),
        "backlog": ("Mails left on the server for the next round", [(a, float(r.backlog)) for a, r in found]),
        "last_success_timestamp_seconds": (
            "When a round last succeeded, 0 for never",
            [(a, _at(r.last_success_at)) for a, r in found],
        ),
        "last_attempt_timestamp_seconds": (
            "When a round was last tried, 0 for never",
            [(a, _at(r.last_attempt_at)) for a, r in found],
        ),
    }
    for name, (words, values) in told.items():
        for account, value in values:
            yield Sample(f"espomail_account_{name}", words, value, {"account": account.name, "kind": account.kind})


def _at(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp() // 1
