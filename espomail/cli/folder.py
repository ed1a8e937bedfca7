"""`espomail folder`: a user's own folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from espomail.cli.actor import personal
from espomail.cli.fields import Field, add_options, chosen, edit_options, edited
from espomail.cli.frame import changed, confirm, emit, group, pass_desk, removed
from espomail.cli.numbers import limit_option
from espomail.errors import BadInput
from espomail.rules import access
from espomail.rules.names import check_folder_name
from espomail.store import folders, users
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk

FIELDS = (Field(name="skip-notifications", kind="flag", help="no notifications for mail that goes there"),)
user_option = click.option("--user", metavar="USER", help="whose folder; default: who acts")


@group(help="A user's own folders.")
def folder() -> None: ...


@folder.command(
    "list", help="The folders of a user; an admin sees everybody's.", epilog="Example: espomail folder list --user ann"
)
@user_option
@limit_option
@pass_desk
def list_(desk: Desk, user: str | None, limit: int) -> None:
    everybody = user is None and desk.actor.is_system
    rows = folders.list_(desk.db, None if everybody else owner_id(desk, user))
    emit([folder_json(each) for each in rows[:limit]], columns=("id", "user", "name", "skip_notifications"))


@folder.command("show", help="One folder.", epilog="Example: espomail folder show ann/Later")
@click.argument("name", metavar="[USER/]NAME")
@user_option
@pass_desk
def show(desk: Desk, name: str, user: str | None) -> None:
    emit(folder_json(get(desk, name, user)))


@folder.command("add", help="Add a folder.", epilog="Example: espomail folder add Later --skip-notifications --as ann")
@click.argument("name")
@user_option
@add_options(FIELDS)
@pass_desk
def add(desk: Desk, /, name: str, user: str | None, **given: Any) -> None:
    values = chosen(FIELDS, given)
    with transaction(desk.db):
        user_id = owner_id(desk, user)
        folder_name = check_folder_name("folder", name)
        folders.add(desk.db, user_id, folder_name, skip_notifications=values["skip_notifications"])
    changed(f"folder {folder_name} added", folder_json(folders.get(desk.db, user_id, folder_name)))


@folder.command("edit", help="Change a folder.", epilog="Example: espomail folder edit ann/Later --name Someday")
@click.argument("name", metavar="[USER/]NAME")
@user_option
@click.option("--name", "new_name", metavar="NAME", help="a new name")
@edit_options(FIELDS)
@pass_desk
def edit(desk: Desk, /, name: str, user: str | None, new_name: str | None, **given: Any) -> None:
    with transaction(desk.db):
        before = get(desk, name, user)
        values = edited(FIELDS, {**given, "new_name": new_name}, {"skip_notifications": before.skip_notifications})
        folder_name = check_folder_name("folder", new_name or before.name)
        folders.set_(desk.db, before, name=folder_name, skip_notifications=values["skip_notifications"])
    changed(f"folder {folder_name} changed", folder_json(folders.get(desk.db, before.user_id, folder_name)))


@folder.command(
    "remove", help="Remove a folder; its mail is in the inbox again.", epilog="Example: espomail folder remove ann/Later --yes"
)
@click.argument("name", metavar="[USER/]NAME")
@user_option
@click.option("--yes", is_flag=True, help="don't ask")
@pass_desk
def remove(desk: Desk, name: str, user: str | None, yes: bool) -> None:
    get(desk, name, user)
    confirm(f"remove the folder {name}?", yes=yes)
    with transaction(desk.db):
        folders.remove(desk.db, get(desk, name, user))
    removed("folder", name)


def folder_json(each: folders.Folder) -> dict[str, Any]:
    """A folder as it is shown."""
    return {"id": each.id, "user": each.user, "name": each.name, "skip_notifications": each.skip_notifications}


def owner_id(desk: Desk, user: str | None) -> int:
    """Whose folders are meant: the user named, for admins and the user, else who acts; raise NotPermitted or UsageError."""
    if user is None or user == desk.actor.name:
        return personal(desk)
    access.require_admin(desk.actor)
    return users.get(desk.db, user).id


def get(desk: Desk, name: str, user: str | None) -> folders.Folder:
    """The folder NAME of the user, or USER/NAME; the system may leave out the user where only one has such a folder."""
    owner, slash, rest = name.rpartition("/")
    if slash:
        return folders.get(desk.db, owner_id(desk, owner), rest)
    if user is not None or not desk.actor.is_system:
        return folders.get(desk.db, owner_id(desk, user), name)
    found = folders.list_named(desk.db, name)
    if len(found) > 1:
        raise BadInput(f"several have a folder {name}: {', '.join(f'{f.user}/{f.name}' for f in found)}", "write USER/NAME")
    return found[0] if found else folders.get(desk.db, 0, name)
