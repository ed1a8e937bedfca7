"""`espomail team`: who works together, and the roles they inherit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from espomail.cli.fields import Field, add_options, chosen, edit_options, edited
from espomail.cli.frame import changed, emit, group, pass_desk
from espomail.cli.numbers import limit_option
from espomail.cli.removal import add_remove
from espomail.errors import NotFound
from espomail.rules import access
from espomail.rules.names import check_name
from espomail.store import roles, teams, users
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk

FIELDS = (Field(name="role", kind="many", metavar="ROLE", help="a role that every member inherits"),)


@group(help="Teams, their members and the roles that members inherit.")
def team() -> None: ...


@team.command("list", help="The teams, newest first.", epilog="Example: espomail team list")
@limit_option
@pass_desk
def list_(desk: Desk, limit: int) -> None:
    rows = [team_json(each) for each in teams.list_(desk.db) if _may_see(desk, each)]
    emit(rows[:limit], columns=("id", "name", "roles", "members"))


@team.command("show", help="One team.", epilog="Example: espomail team show support --json")
@click.argument("name")
@pass_desk
def show(desk: Desk, name: str) -> None:
    emit(team_json(get_visible(desk, name)))


@team.command("members", help="Who is in a team.", epilog="Example: espomail team members support")
@click.argument("name")
@pass_desk
def members(desk: Desk, name: str) -> None:
    emit(team_json(get_visible(desk, name))["members"], columns=("user", "position"))


@team.command("add", help="Add a team.", epilog="Example: espomail team add support --role agent")
@click.argument("name")
@add_options(FIELDS)
@pass_desk
def add(desk: Desk, /, name: str, **given: Any) -> None:
    values = chosen(FIELDS, given)
    with transaction(desk.db):
        access.require_admin(desk.actor)
        trimmed = check_name("team", name)
        teams.add(desk.db, trimmed, role_ids=[roles.get(desk.db, role).id for role in values["role"]])
    changed(f"team {trimmed} added", team_json(teams.get(desk.db, trimmed)))


@team.command("edit", help="Change a team.", epilog="Example: espomail team edit support --add-role closer")
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="a new name")
@edit_options(FIELDS)
@pass_desk
def edit(desk: Desk, /, name: str, **given: Any) -> None:
    with transaction(desk.db):
        access.require_admin(desk.actor)
        before = teams.get(desk.db, name)
        values = edited(FIELDS, given, {"role": before.roles})
        new_name = check_name("team", given["new_name"] or name)
        teams.set_name(desk.db, before, new_name)
        teams.set_roles(desk.db, before.id, [roles.get(desk.db, role).id for role in values["role"]])
    changed(f"team {new_name} changed", team_json(teams.get(desk.db, new_name)))


add_remove(
    team,
    help="Remove a team; its members stay.",
    example="support",
    warning="What only its members may see, they see no more.",
    get=teams.get,
    remove=teams.remove,
)


@team.command("add-member", help="Put a user into a team.", epilog="Example: espomail team add-member support ann")
@click.argument("name", metavar="TEAM")
@click.argument("user")
@click.option("--position", metavar="POSITION", help="the position in this team")
@pass_desk
def add_member(desk: Desk, name: str, user: str, position: str | None) -> None:
    with transaction(desk.db):
        access.require_admin(desk.actor)
        team_id, user_id = teams.get(desk.db, name).id, users.get(desk.db, user).id
        teams.add_member(desk.db, team_id, user_id, position=position)
    changed(f"{user} is in {name}", team_json(teams.get(desk.db, name)))


@team.command("remove-member", help="Take a user out of a team.", epilog="Example: espomail team remove-member support ann")
@click.argument("name", metavar="TEAM")
@click.argument("user")
@pass_desk
def remove_member(desk: Desk, name: str, user: str) -> None:
    with transaction(desk.db):
        access.require_admin(desk.actor)
        team_id, user_id = teams.get(desk.db, name).id, users.get(desk.db, user).id
        teams.remove_member(desk.db, team_id, user_id)
    changed(f"{user} is not in {name}", team_json(teams.get(desk.db, name)))


def team_json(each: teams.Team) -> dict[str, Any]:
    """A team as CLI.md gives it."""
    return {
        "id": each.id,
        "name": each.name,
        "roles": list(each.roles),
        "members": [{"user": member.user, "position": member.position} for member in each.members],
    }


def get_visible(desk: Desk, name: str) -> teams.Team:
    """The team of that name; NotFound also for one that the actor is not in, unless they may see all."""
    found = teams.find(desk.db, name)
    if found is None or not _may_see(desk, found):
        raise NotFound("team", name, "see: espomail team list")
    return found


def _may_see(desk: Desk, each: teams.Team) -> bool:
    return desk.actor.is_admin or each.id in desk.actor.team_ids or desk.actor.level("user") == "yes"
