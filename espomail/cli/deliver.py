"""`espomail deliver` and `espomail import`: mail from an MTA and from files."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import click

from espomail.cli.actor import refuse_borrowed_path
from espomail.cli.fetch import progress_bar
from espomail.cli.frame import changed, command, pass_desk, trouble
from espomail.cli.output import silence_stdout
from espomail.errors import BadInput, PartlyDone
from espomail.rules import access
from espomail.store import accounts

if TYPE_CHECKING:
    from espomail.desk import Desk

OUTCOMES = ("imported", "duplicate", "filtered", "failed")


@command(
    "deliver",
    help="Take in one mail from standard input; exits 0 once it is kept and 75 in every other case, as an MTA needs.",
    epilog="""Example: espomail deliver support < letter.eml
    |"/usr/local/bin/espomail deliver support"   (in the ~/.forward of the owner of the database)""",
)
@click.argument("account")
@pass_desk
def deliver(desk: Desk, account: str) -> None:
    from espomail.rounds import delivery

    access.require_admin(desk.actor)
    found = accounts.get_by_name(desk.db, account)
    content = sys.stdin.buffer.read()
    if not content:
        raise BadInput("no mail on standard input", "pipe one mail into the command")
    delivered = delivery.deliver(desk, found, content)
    try:
        words = f"{delivered.outcome}: email {delivered.email}, case {delivered.case}"
        changed(words, dataclasses.asdict(delivered))
    except OSError:  # the mail is kept; an MTA that is told anything else would bring it again
        silence_stdout()


@command(
    "import",
    help="Take in mails from files: *.eml, mbox files and Maildirs; folders are searched; - is stdin. Never auto-replies.",
    epilog="""Example: espomail import ~/Mail/archive.mbox --account support --no-case --no-notify""",
)
@click.argument("path", nargs=-1, required=True)
@click.option("--account", required=True, metavar="ACCOUNT", help="the account whose mail it is")
@click.option(
    "--format", "format_", type=click.Choice(["auto", "eml", "mbox", "maildir"]), default="auto", help="what the files are"
)
@click.option("--case/--no-case", "with_case", default=True, help="whether the mails may open and join cases, now or later")
@click.option("--notify/--no-notify", "with_notices", default=True, help="whether anybody is notified of them")
@click.option("--no-auto-reply", is_flag=True, help="accepted for clarity: an import never replies by itself")
@pass_desk
def import_(
    desk: Desk,
    path: tuple[str, ...],
    account: str,
    format_: str,
    with_case: bool,
    with_notices: bool,
    no_auto_reply: bool,
) -> None:
    from espomail.rounds import importing, mail_files

    access.require_import(desk.actor)
    for each in path:
        refuse_borrowed_path(desk.actor, each)
    found = accounts.get_by_name(desk.db, account)
    access.require_account(desk.actor, found)
    wish = importing.Wish(account=found, with_case=with_case, with_notices=with_notices)
    mails = mail_files.find(path, format_=format_, stdin=sys.stdin.buffer)
    with progress_bar() as progress:
        files = importing.import_mails(desk, mails, wish, progress=progress)
    counts = {outcome: sum(1 for f in files if f.outcome == outcome) for outcome in OUTCOMES}
    document = {
        "files": [{"path": f.path, "outcome": f.outcome, "email": f.email} for f in files],
        "imported": counts["imported"],
        "duplicates": counts["duplicate"],
        "filtered": counts["filtered"],
        "failed": counts["failed"],
    }
    changed(
        f"{counts['imported']} imported, {counts['duplicate']} duplicates, {counts['filtered']} filtered, {counts['failed']} failed",
        document,
    )
    for f in files:
        if f.outcome == "failed":
            trouble(f"{f.path}: {f.error or 'could not be processed'}")
    if counts["failed"]:
        hint = "the lines above say why; what could be read waits in: espomail quarantine list"
        raise PartlyDone(f"{counts['failed']} of {len(files)} mails failed", hint)
