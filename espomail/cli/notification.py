"""`espomail notification`: what users should know, and whether they have read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from espomail.cli.actor import personal
from espomail.cli.frame import changed, emit, group, pass_desk
from espomail.cli.numbers import ID, limit_option
from espomail.errors import NotFound, NotPermitted, UsageError
from espomail.store import notifications, tellings, users
from espomail.store.db import transaction
from espomail.store.tellings import Telling

if TYPE_CHECKING:
    from espomail.desk import Desk

COLUMNS = ("id", "user", "at", "is_read", "thing", "text")


@group(help="What you should know: new mail, cases of yours, trouble.")
def notification() -> None: ...


@notification.command(
    "list",
    help="The newest notifications: your own, or everybody's.",
    epilog="Example: espomail notification list --unread --as ann",
)
@click.option("--user", metavar="USER", help="those of this user")
@click.option("--unread", is_flag=True, help="only those that are not read")
@limit_option
@pass_desk
def list_(desk: Desk, user: str | None, unread: bool, limit: int) -> None:
    user_id = desk.actor.user_id if user is None else _user_id(desk, user)
    found = tellings.list_(desk.db, user_id=user_id, unread=unread, limit=limit)
    emit([telling_json(each) for each in found], columns=COLUMNS, fields=NOTIFICATION_FIELDS)


@notification.command("read", help="Mark notifications as read.", epilog="Example: espomail notification read 3 4 --as ann")
@click.argument("ids", metavar="ID", nargs=-1, type=ID)
@click.option("--all", "everything", is_flag=True, help="all of your own")
@pass_desk
def read(desk: Desk, ids: tuple[int, ...], everything: bool) -> None:
    if bool(ids) == everything:
        raise UsageError("name the notifications, or all of them", "espomail notification read ID…, or --all")
    with transaction(desk.db):
        user_id = personal(desk) if everything else desk.actor.user_id
        strangers = set(ids) - notifications.known(desk.db, ids, user_id=user_id)
        if strangers:
            raise NotFound("notification", min(strangers), "see: espomail notification list")
        count = notifications.mark_read(desk.db, None if everything else ids, user_id=user_id)
    changed(f"{count} marked as read", {"read": count})


NOTIFICATION_FIELDS = ("id", "user", "type", "at", "is_read", "email", "thing", "text")


def telling_json(each: Telling) -> dict[str, Any]:
    """A notification as CLI.md gives it."""
    return {
        "id": each.id,
        "user": each.user,
        "type": each.type,
        "at": each.at,
        "is_read": each.is_read,
        "email": each.email,
        "thing": str(each.thing) if each.thing else None,
        "text": each.text,
    }


def _user_id(desk: Desk, name: str) -> int:
    """The user whose notifications are asked for: oneself, or for admins anybody."""
    if not desk.actor.is_admin and name != desk.actor.name:
        raise NotPermitted("one's notifications are one's own", "leave out --user")
    return users.get(desk.db, name).id
