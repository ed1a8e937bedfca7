"""`espomail group-folder`: folders that teams share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from espomail.cli.fields import Field, add_options, chosen, edit_options, edited
from espomail.cli.frame import changed, emit, group, pass_desk
from espomail.cli.numbers import limit_option
from espomail.cli.removal import add_remove
from espomail.errors import NotFound
from espomail.rules import access
from espomail.rules.names import check_folder_name
from espomail.store import group_folders, teams
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk

FIELDS = (Field(name="team", kind="many", metavar="TEAM", required=True, help="a team that sees the mail in it"),)


@group("group-folder", help="Folders that teams share.")
def group_folder() -> None: ...


@group_folder.command("list", help="The group folders of one's teams.", epilog="Example: espomail group-folder list")
@limit_option
@pass_desk
def list_(desk: Desk, limit: int) -> None:
    rows = [group_folder_json(each) for each in group_folders.list_(desk.db) if _may_see(desk, each)]
    emit(rows[:limit], columns=("id", "name", "teams"))


@group_folder.command("show", help="One group folder.", epilog="Example: espomail group-folder show invoices")
@click.argument("name")
@pass_desk
def show(desk: Desk, name: str) -> None:
    found = group_folders.find(desk.db, name)
    if found is None or not _may_see(desk, found):
        raise NotFound("group folder", name, "see: espomail group-folder list")
    emit(group_folder_json(found))


@group_folder.command("add", help="Add a group folder.", epilog="Example: espomail group-folder add invoices --team sales")
@click.argument("name")
@add_options(FIELDS)
@pass_desk
def add(desk: Desk, /, name: str, **given: Any) -> None:
    values = chosen(FIELDS, given)
    with transaction(desk.db):
        access.require_admin(desk.actor)
        trimmed = check_folder_name("group folder", name)
        group_folders.add(desk.db, trimmed, team_ids=[teams.get(desk.db, team).id for team in values["team"]])
    changed(f"group folder {trimmed} added", group_folder_json(group_folders.get(desk.db, trimmed)))


@group_folder.command(
    "edit", help="Change a group folder.", epilog="Example: espomail group-folder edit invoices --add-team support"
)
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="a new name")
@edit_options(FIELDS)
@pass_desk
def edit(desk: Desk, /, name: str, **given: Any) -> None:
    with transaction(desk.db):
        access.require_admin(desk.actor)
        before = group_folders.get(desk.db, name)
        values = edited(FIELDS, given, {"team": before.teams})
        new_name = check_folder_name("group folder", given["new_name"]) if given["new_name"] else before.name
        group_folders.set_name(desk.db, before, new_name)
        group_folders.set_teams(desk.db, before.id, [teams.get(desk.db, team).id for team in values["team"]])
    changed(f"group folder {new_name} changed", group_folder_json(group_folders.get(desk.db, new_name)))


add_remove(
    group_folder,
    help="Remove a group folder; its mail stays.",
    example="invoices",
    get=group_folders.get,
    remove=group_folders.remove,
)


def group_folder_json(each: group_folders.GroupFolder) -> dict[str, Any]:
    """A group folder as it is shown."""
    return {"id": each.id, "name": each.name, "teams": list(each.teams)}


def _may_see(desk: Desk, each: group_folders.GroupFolder) -> bool:
    return desk.actor.is_admin or bool(desk.actor.team_ids.intersection(each.team_ids))
