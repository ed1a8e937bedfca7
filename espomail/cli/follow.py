"""`espomail follow`, `unfollow`, `followers`: who wants to know what happens to a thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from espomail.cli.actor import personal
from espomail.cli.frame import changed, command, emit, pass_desk
from espomail.cli.things import thing_argument, thing_of
from espomail.errors import NotFound, NotPermitted
from espomail.model import Thing
from espomail.store import followers as store
from espomail.store import users, visibility
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk

user_option = click.option("--user", metavar="USER", help="another user than the one who acts")


@command("follow", help="Be notified of what happens to a thing.", epilog="Example: espomail follow account:Acme --as ann")
@thing_argument
@user_option
@pass_desk
def follow(desk: Desk, thing: str, user: str | None) -> None:
    with transaction(desk.db):
        found, user_id = thing_of(desk, thing), _whose(desk, user)
        store.add(desk.db, found, user_id)
    changed(f"{user or desk.actor.name} follows {found}", _json(desk, found))


@command("unfollow", help="Not to be notified any more.", epilog="Example: espomail unfollow case:7 --as ann")
@thing_argument
@user_option
@pass_desk
def unfollow(desk: Desk, thing: str, user: str | None) -> None:
    with transaction(desk.db):
        found, user_id = thing_of(desk, thing), _whose(desk, user)
        store.remove(desk.db, found, user_id)
    changed(f"{user or desk.actor.name} does not follow {found}", _json(desk, found))


@command("followers", help="Who follows a thing.", epilog="Example: espomail followers case:7")
@thing_argument
@pass_desk
def followers(desk: Desk, thing: str) -> None:
    emit([{"user": name} for name in store.names(desk.db, thing_of(desk, thing))], columns=("user",))


def _whose(desk: Desk, name: str | None) -> int:
    """The user whose following changes; raise NotPermitted when the actor may not change it, NotFound for a stranger."""
    if name is None:
        return personal(desk)
    user = users.find(desk.db, name)
    if user is not None and visibility.may_manage_follower(desk.db, desk.actor, user.id):
        return user.id
    if desk.actor.level("follower-management") == "no":
        raise NotPermitted(f"{desk.actor.name} may not change what others follow", "ask for the permission follower-management")
    raise NotFound("user", name, "see: espomail user list")


def _json(desk: Desk, thing: Thing) -> dict[str, Any]:
    return {"thing": str(thing), "followers": store.names(desk.db, thing)}
