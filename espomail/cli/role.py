"""`espomail role`: what people may do, as a table of levels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from espomail.cli.fields import Field, add_options, chosen, edit_options, edited
from espomail.cli.frame import changed, emit, group, pass_desk
from espomail.cli.numbers import limit_option
from espomail.cli.removal import add_remove
from espomail.errors import BadInput
from espomail.rules import access
from espomail.rules.names import check_name
from espomail.store import roles
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk


def _cell_of(text: str) -> str:
    return text.partition("=")[0].strip().lower()


FIELDS = (
    Field(
        name="set",
        kind="many",
        metavar="KEY=LEVEL",
        same=_cell_of,
        help="a cell: email.read=team, personal-accounts=yes, assignment=all …",
    ),
)


@group(help="Roles: what users may do, given to them or to their teams.")
def role() -> None: ...


@role.command("list", help="The roles, newest first.", epilog="Example: espomail role list --json")
@limit_option
@pass_desk
def list_(desk: Desk, limit: int) -> None:
    access.require_admin(desk.actor)
    emit([role_json(each) for each in roles.list_(desk.db)[:limit]], columns=("id", "name", "cells"))


@role.command("show", help="One role.", epilog="Example: espomail role show agent")
@click.argument("name")
@pass_desk
def show(desk: Desk, name: str) -> None:
    access.require_admin(desk.actor)
    emit(role_json(roles.get(desk.db, name)))


@role.command("add", help="Add a role.", epilog="Example: espomail role add agent --set email.read=team --set case.edit=own")
@click.argument("name")
@add_options(FIELDS)
@pass_desk
def add(desk: Desk, /, name: str, **given: Any) -> None:
    values = chosen(FIELDS, given)
    with transaction(desk.db):
        access.require_admin(desk.actor)
        trimmed = check_name("role", name)
        roles.add(desk.db, trimmed, read_cells(values["set"]))
    changed(f"role {trimmed} added", role_json(roles.get(desk.db, trimmed)))


@role.command("edit", help="Change a role.", epilog="Example: espomail role edit agent --add-set case.delete=own")
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="a new name")
@edit_options(FIELDS)
@pass_desk
def edit(desk: Desk, /, name: str, **given: Any) -> None:
    with transaction(desk.db):
        access.require_admin(desk.actor)
        before = roles.get(desk.db, name)
        values = edited(FIELDS, given, {"set": [f"{cell}={level}" for cell, level in before.cells.items()]})
        new_name = check_name("role", given["new_name"] or name)
        roles.set_name(desk.db, before, new_name)
        roles.set_cells(desk.db, before.id, read_cells(values["set"]))
    changed(f"role {new_name} changed", role_json(roles.get(desk.db, new_name)))


add_remove(
    role,
    help="Remove a role from everybody.",
    example="agent",
    warning="Everybody who has it loses it.",
    get=roles.get,
    remove=roles.remove,
)


def role_json(each: roles.Role) -> dict[str, Any]:
    """A role as CLI.md gives it."""
    return {"id": each.id, "name": each.name, "cells": dict(each.cells)}


def read_cells(texts: Iterable[str]) -> Mapping[str, str]:
    """Given `email.read=team` and the like, return cells with levels; raise BadInput for what the registry lacks."""
    cells = {}
    for text in texts:
        cell, equals, level = (part.strip().lower() for part in text.partition("="))
        if not equals:
            raise BadInput(f"not KEY=LEVEL: {text}", "write it as email.read=team")
        access.check_cell(cell, level)
        cells[cell] = level
    return cells
