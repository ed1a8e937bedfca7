"""`espomail explain`: what would happen to a mail in a file, step by step, writing nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from espomail.cli.email_explain import step_json, user_names
from espomail.cli.frame import asked, command, emit, pass_desk, read_path
from espomail.rules import access
from espomail.store import accounts

if TYPE_CHECKING:
    from espomail.desk import Desk


@command(
    "explain",
    help="Run the whole pipeline on a mail in a file, writing nothing, and say what each step would decide and why.",
    epilog="Example: espomail explain letter.eml --account support",
)
@click.argument("file")
@click.option("--account", required=True, metavar="ACCOUNT", help="the account the mail would come to")
@pass_desk
def explain(desk: Desk, file: str, account: str) -> None:
    from espomail.rounds import rehearsal

    access.require_admin(desk.actor)
    found = accounts.get_by_name(desk.db, account)
    steps = rehearsal.explain(desk, found, read_path(desk, file), received_at=desk.now())
    names = user_names(desk)
    rows = [step_json(step, names) for step in steps]
    if asked().format in ("json", "jsonl"):
        emit({"email": None, "steps": rows})
    else:
        emit(rows, columns=("step", "outcome", "reason"))
