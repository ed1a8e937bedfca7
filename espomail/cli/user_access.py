"""`espomail user access`: what a user may do, all roles merged, and where each cell comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from espomail import levels
from espomail.cli.frame import asked, command, emit, pass_desk
from espomail.cli.user_fields import get_visible
from espomail.errors import NotPermitted
from espomail.rules import access as rules
from espomail.store import roles
from espomail.store.users import User

if TYPE_CHECKING:
    from espomail.desk import Desk


@command("access", help="What a user may do, and which role gives it.", epilog="Example: espomail user access ann")
@click.argument("name", metavar="USER")
@pass_desk
def access(desk: Desk, name: str) -> None:
    table = access_json(desk, get_explained(desk, name))
    if asked().format in ("json", "jsonl"):
        emit(table)
        return
    cells = {**table["cells"], **table["permissions"]}
    emit([{"cell": cell, **each} for cell, each in cells.items()], columns=("cell", "level", "from"))


def get_explained(desk: Desk, name: str) -> User:
    """The user about whom the actor asks; raise NotFound for one they may not see, NotPermitted for one who is not they.

    The permission `user` lets one ask about others.
    """
    user = get_visible(desk, name)
    if desk.actor.is_admin or desk.actor.user_id == user.id or desk.actor.level("user") == "yes":
        return user
    raise NotPermitted(f"{desk.actor.name} may not see what others may do", "ask an admin for the permission: user")


def access_json(desk: Desk, user: User) -> dict[str, Any]:
    """The merged table of a user as CLI.md gives it; `from` is None where nothing grants the cell."""
    table = _everything() if user.profile.is_admin else _merged(desk, user)
    return {
        "user": user.name,
        "cells": {cell: each for cell, each in table.items() if cell not in levels.PERMISSIONS},
        "permissions": {cell: each for cell, each in table.items() if cell in levels.PERMISSIONS},
    }


def _everything() -> dict[str, dict[str, str | None]]:
    return {cell: {"level": reach[-1], "from": "admin"} for cell, reach in levels.CELLS.items()}


def _merged(desk: Desk, user: User) -> dict[str, dict[str, str | None]]:
    grants = roles.grants_of(desk.db, user.id)
    merged = dict.fromkeys(levels.CELLS, "no") | dict(roles.levels_of(desk.db, user.id))
    origins = rules.origins((grant.source, grant.cell, grant.level) for grant in grants)
    return {
        cell: {"level": level, "from": "; ".join(origins[cell]) if level != "no" else None} for cell, level in merged.items()
    }
