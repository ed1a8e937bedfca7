"""`espomail quarantine`: mail that could not be processed, and what a person can do about it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from espomail.cli.actor import refuse_borrowed_path
from espomail.cli.frame import changed, confirm, emit, group, pass_desk, write_bytes
from espomail.cli.numbers import ID, limit_option
from espomail.errors import BadInput, NotFound
from espomail.reading import recognise
from espomail.rules import access
from espomail.store import accounts, raw_mails, receipts
from espomail.store import quarantine as kept_mails
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.store.quarantine import Quarantined

STATUS = {"quarantined": "retrying", "parked": "parked"}
COLUMNS = ("id", "account", "folder", "uid", "status", "next_try_at", "from_line", "subject_line", "error")


@group(help="Mail that could not be processed: it is kept, tried again after 1, 10 and 60 minutes, then parked for a person.")
def quarantine() -> None: ...


@quarantine.command(
    "list", help="What waits in quarantine, newest first.", epilog="Example: espomail quarantine list --account support"
)
@click.option("--account", metavar="ACCOUNT", help="of this account only")
@limit_option
@pass_desk
def list_(desk: Desk, account: str | None, limit: int) -> None:
    account_id = None
    if account is not None:
        found = accounts.get_by_name(desk.db, account)
        access.require_account(desk.actor, found)
        account_id = found.id
    rows = [each for each in kept_mails.list_(desk.db, account_id=account_id) if _may_see(desk, each)]
    emit([_json(desk, each) for each in rows[:limit]], columns=COLUMNS, fields=FIELDS)


@quarantine.command("show", help="One mail in quarantine and why it is there.", epilog="Example: espomail quarantine show 7")
@click.argument("id", type=ID)
@pass_desk
def show(desk: Desk, id: int) -> None:
    found = _get(desk, id)
    emit({**_json(desk, found), "origin": found.origin, "has_bytes": found.raw_id is not None})


@quarantine.command(
    "retry", help="Try mail again now, however often it failed.", epilog="Example: espomail quarantine retry 7 8"
)
@click.argument("id", type=ID, nargs=-1, required=True)
@pass_desk
def retry(desk: Desk, id: tuple[int, ...]) -> None:
    from espomail.rounds.child import Child

    with transaction(desk.db):
        kept_mails.wake(desk.db, [_get(desk, each).id for each in id], now=desk.now())
    child = Child(desk.db_path, now=desk.now)
    child.poke()
    child.finish()
    states = [receipts.find(desk.db, each) for each in id]
    rows = [{"id": r.id, "state": r.state, "email": r.email_id, "error": r.error} for r in states if r is not None]
    changed(f"{sum(1 for row in rows if row['error'] is None)} of {len(id)} processed", rows)


@quarantine.command(
    "export",
    help="Write the bytes of a mail to a file, or to standard output.",
    epilog="Example: espomail quarantine export 7 > 7.eml",
)
@click.argument("id", type=ID)
@click.argument("file", default="-")
@pass_desk
def export(desk: Desk, id: int, file: str) -> None:
    refuse_borrowed_path(desk.actor, file)
    found = _get(desk, id)
    content = raw_mails.find(desk.db, found.raw_id)
    if content is None:
        raise BadInput(f"the server has not given the bytes of mail {id}", f"see: espomail quarantine show {id}")
    if file == "-":
        write_bytes(content)
        return
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        target.write(content)
    changed(f"{len(content)} bytes written to {Path(file).name}", {"file": file, "size_bytes": len(content)})


@quarantine.command("discard", help="Give mail up for good.", epilog="Example: espomail quarantine discard 7 --yes")
@click.argument("id", type=ID, nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="don't ask")
@pass_desk
def discard(desk: Desk, id: tuple[int, ...], yes: bool) -> None:
    found = [_get(desk, each) for each in id]
    confirm(f"give up {len(found)} mails for good? Their bytes go; export them first to keep them.", yes=yes)
    with transaction(desk.db):
        for each in found:
            kept_mails.discard(desk.db, _get(desk, each.id).id)
            raw_mails.remove_unused(desk.db, each.raw_id)
    changed(f"{len(found)} discarded", {"discarded": [each.id for each in found]})


def _get(desk: Desk, id: int) -> Quarantined:
    found = kept_mails.find(desk.db, id)
    if found is None or not _may_see(desk, found):
        raise NotFound("mail in quarantine", id, "see: espomail quarantine list")
    return found


def _may_see(desk: Desk, each: Quarantined) -> bool:
    """Admins see all; the owner of a personal account sees what it brought."""
    return desk.actor.is_admin or (each.user_id is not None and each.user_id == desk.actor.user_id)


FIELDS = (
    "id", "account", "folder", "uid", "status", "attempts", "next_try_at", "error", "size_bytes", "from_line",
    "subject_line", "date_line",
)  # fmt: skip


def _json(desk: Desk, each: Quarantined) -> dict[str, Any]:
    seen = recognise(desk.db, each.raw_id)
    return {
        "id": each.id,
        "account": each.account,
        "folder": each.folder,
        "uid": each.uid,
        "status": STATUS[each.state],
        "attempts": each.attempts,
        "next_try_at": each.next_try_at,
        "error": each.error,
        "size_bytes": each.size_bytes,
        "from_line": seen.sender,
        "subject_line": seen.subject,
        "date_line": seen.date,
    }
