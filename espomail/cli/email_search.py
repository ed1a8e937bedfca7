"""`espomail email search`: full text over the emails that one may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from espomail.cli.frame import command, emit, pass_desk
from espomail.cli.numbers import COUNT, limit_option
from espomail.cli.views import EMAIL_FIELDS, found_json
from espomail.store import search as store

if TYPE_CHECKING:
    from espomail.desk import Desk

COLUMNS = ("id", "received_at", "from", "subject", "snippet")


@command(
    "search",
    help="""Find emails: words, "a phrase", prefix*, from: to: subject: has:attachment before: after: is:unread case:
    account:. All of it must match; case and accents don't count; best first.""",
    epilog="""Example: espomail email search 'invoice from:acme after:2026-01-01'
    espomail email search '"broken screen" has:attachment'""",
)
@click.argument("query", nargs=-1, required=True)
@limit_option
@click.option("--offset", type=COUNT, default=0, help="how many to pass over first")
@pass_desk
def search(desk: Desk, query: tuple[str, ...], limit: int, offset: int) -> None:
    found = store.search(desk.db, desk.actor, " ".join(query), limit=limit, offset=offset, now=desk.now())
    emit([found_json(each) for each in found], columns=COLUMNS, fields=(*EMAIL_FIELDS, "snippet"))
