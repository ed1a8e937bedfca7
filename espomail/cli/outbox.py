"""`espomail outbox`: what leaves, what waits, and what could not be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from espomail.cli.frame import changed, emit, group, pass_desk
from espomail.cli.numbers import ID, limit_option
from espomail.errors import BadInput, NotFound
from espomail.store import outbox as store
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.store.outbox import Outgoing

STATUSES = ("queued", "sending", "sent", "deferred", "failed", "unknown", "cancelled")
COLUMNS = ("id", "kind", "status", "to", "subject", "attempts", "next_try_at", "last_reply")


@group(help="What leaves: mail of people, auto-replies and notices.")
def outbox() -> None: ...


@outbox.command("list", help="What is in the outbox, newest first.", epilog="Example: espomail outbox list --status failed")
@click.option("--status", type=click.Choice(STATUSES, case_sensitive=False), help="only of this status")
@limit_option
@pass_desk
def list_(desk: Desk, status: str | None, limit: int) -> None:
    own = None if desk.actor.is_admin else desk.actor.user_id
    emit(
        [_json(each) for each in store.list_(desk.db, status=status, created_by_id=own, limit=limit)],
        columns=COLUMNS,
        fields=FIELDS,
    )


@outbox.command("show", help="One mail of the outbox.", epilog="Example: espomail outbox show 7")
@click.argument("id", type=ID)
@pass_desk
def show(desk: Desk, id: int) -> None:
    found = _get(desk, id)
    emit({**_json(found), "email": found.email_id, "created_at": found.created_at, "finished_at": found.finished_at})


@outbox.command(
    "retry", help="Send again now what waits, failed, or is of unknown fate.", epilog="Example: espomail outbox retry 7"
)
@click.argument("id", type=ID, nargs=-1, required=True)
@pass_desk
def retry(desk: Desk, id: tuple[int, ...]) -> None:
    with transaction(desk.db):
        for found in [_get(desk, each) for each in id]:
            if found.status not in ("deferred", "failed", "unknown"):
                raise BadInput(
                    f"mail {found.id} is {found.status}", "only what is deferred, failed or unknown can be tried again"
                )
            store.retry(desk.db, found.id, now=desk.now())
    changed(f"{len(id)} queued again; next: espomail send", {"retried": list(id)})


@outbox.command("cancel", help="Don't send it to anybody who has not got it yet.", epilog="Example: espomail outbox cancel 7")
@click.argument("id", type=ID)
@pass_desk
def cancel(desk: Desk, id: int) -> None:
    with transaction(desk.db):
        found = _get(desk, id)
        if found.status not in ("queued", "deferred"):
            raise BadInput(f"mail {id} is {found.status}", "only what is queued or deferred can be cancelled")
        store.cancel(desk.db, id, now=desk.now())
    changed(f"mail {id} cancelled", _json(_get(desk, id)))


def _get(desk: Desk, id: int) -> Outgoing:
    found = store.find(desk.db, id)
    if found is None or not (desk.actor.is_admin or found.created_by_id == desk.actor.user_id):
        raise NotFound("mail in the outbox", id, "see: espomail outbox list")
    return found


FIELDS = ("id", "kind", "status", "to", "subject", "message_id", "attempts", "next_try_at", "last_reply")


def _json(each: Outgoing) -> dict[str, Any]:
    return {
        "id": each.id,
        "kind": each.kind,
        "status": each.status,
        "to": list(each.to),
        "subject": each.subject,
        "message_id": each.message_id,
        "attempts": each.attempts,
        "next_try_at": each.next_try_at if each.status in ("queued", "deferred") else None,
        "last_reply": each.last_reply,
    }
