"""`espomail user`: who works here, with addresses, teams, roles and absence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from espomail.cli.fields import add_options, chosen, edit_options, edited
from espomail.cli.frame import changed, confirm, emit, group, pass_desk, removed, with_text_of_file
from espomail.cli.numbers import limit_option
from espomail.cli.user_access import access as user_access
from espomail.cli.user_fields import FIELDS, USER_FIELDS, current, get_visible, may_see, read_absence, user_json
from espomail.errors import BadInput
from espomail.rules import access
from espomail.rules.names import check_addresses, check_display_name, check_name
from espomail.store import roles, teams, users
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk

OWN = frozenset(("full_name", "absent", "signature", "signature_file", "notify_mail"))


@group(help="The people who work here.")
def user() -> None: ...


user.add_command(user_access)


@user.command("list", help="The users, newest first.", epilog="Example: espomail user list --json")
@limit_option
@pass_desk
def list_(desk: Desk, limit: int) -> None:
    emit(
        [user_json(each) for each in users.list_(desk.db) if may_see(desk, each)][:limit],
        columns=("id", "name", "full_name", "emails", "teams", "roles", "is_admin", "is_active"),
        fields=USER_FIELDS,
    )


@user.command("show", help="One user.", epilog="Example: espomail user show ann")
@click.argument("name")
@pass_desk
def show(desk: Desk, name: str) -> None:
    emit(user_json(get_visible(desk, name)))


@user.command("add", help="Add a user.", epilog="Example: espomail user add ann --email ann@team.example --team support:agent")
@click.argument("name")
@add_options(FIELDS)
@pass_desk
def add(desk: Desk, /, name: str, **given: Any) -> None:
    access.require_admin(desk.actor)
    values = chosen(FIELDS, with_text_of_file(desk, given, "signature"))
    with transaction(desk.db):
        profile = _profile(desk, users.Profile(name=check_name("user", name)), values)
        user_id = users.add(desk.db, profile, now=desk.now())
        _set_rest(desk, user_id, values)
    changed(f"user {profile.name} added", user_json(users.get(desk.db, profile.name)))


@user.command(
    "edit", help="Change a user.", epilog="Example: espomail user edit ann --add-team sales --absent 2026-08-01..2026-08-21"
)
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="a new name")
@edit_options(FIELDS)
@pass_desk
def edit(desk: Desk, /, name: str, **given: Any) -> None:
    given = with_text_of_file(desk, given, "signature")
    with transaction(desk.db):
        before = get_visible(desk, name)
        _require_editable(desk, before, given)
        values = edited(FIELDS, given, current(before))
        new_name = check_name("user", given["new_name"] or name)
        users.set_profile(desk.db, before.id, _profile(desk, replace(before.profile, name=new_name), values))
        _set_rest(desk, before.id, values, before=before)
    changed(f"user {new_name} changed", user_json(users.get(desk.db, new_name)))


@user.command("enable", help="Let a user work again.", epilog="Example: espomail user enable ann")
@click.argument("name")
@pass_desk
def enable(desk: Desk, name: str) -> None:
    _set_active(desk, name, is_active=True)


@user.command("disable", help="Let a user do nothing.", epilog="Example: espomail user disable ann")
@click.argument("name")
@pass_desk
def disable(desk: Desk, name: str) -> None:
    _set_active(desk, name, is_active=False)


@user.command("remove", help="Remove a user; mail and cases stay.", epilog="Example: espomail user remove ann --reassign ben")
@click.argument("name")
@click.option("--reassign", metavar="USER", help="who gets what was assigned to them; else nobody")
@click.option("--yes", is_flag=True, help="don't ask")
@pass_desk
def remove(desk: Desk, name: str, reassign: str | None, yes: bool) -> None:
    access.require_admin(desk.actor)
    gone = users.get(desk.db, name)
    heir = users.get(desk.db, reassign) if reassign is not None else None
    if heir is not None and not heir.profile.is_active:
        raise BadInput(f"{reassign} is disabled, so can't look after anything", "name an active user")
    confirm(f"remove the user {name} with their folders, filters and personal accounts?", yes=yes)
    with transaction(desk.db):
        access.require_admin(desk.actor)
        users.remove(desk.db, gone.id, reassign_to=heir.id if heir else None, by_user_id=desk.actor.user_id, now=desk.now())
    removed("user", name)


def _require_editable(desk: Desk, each: users.User, given: Mapping[str, Any]) -> None:
    """Admins change everything; others of themselves what concerns nobody else."""
    told = {key.removeprefix("add_").removeprefix("remove_") for key, value in given.items() if value not in (None, ())}
    told = (told - {"clear"}) | {option.lstrip("-").replace("-", "_") for option in given["clear"]}
    if desk.actor.user_id != each.id or not told <= OWN:
        access.require_admin(desk.actor)


def _profile(desk: Desk, profile: users.Profile, values: Mapping[str, Any]) -> users.Profile:
    absent_from, absent_until = read_absence(values["absent"], today=desk.now().date())
    return replace(
        profile,
        full_name=check_display_name("the full name", values["full_name"]),
        is_admin=values["admin"],
        os_login=values["os_login"],
        signature=values["signature"],
        notify_mail=values["notify_mail"],
        absent_from=absent_from,
        absent_until=absent_until,
    )


def _set_rest(desk: Desk, user_id: int, values: Mapping[str, Any], *, before: users.User | None = None) -> None:
    addresses = check_addresses(values["email"])
    if before is None or addresses != before.emails:
        users.set_addresses(desk.db, user_id, addresses)
    users.set_teams(desk.db, user_id, _memberships(desk, values["team"]))
    users.set_roles(desk.db, user_id, [roles.get(desk.db, name).id for name in values["role"]])


def _memberships(desk: Desk, texts: Sequence[str]) -> list[tuple[int, str | None]]:
    pairs = (text.partition(":") for text in texts)
    return [(teams.get(desk.db, team).id, position.strip() or None) for team, _, position in pairs]


def _set_active(desk: Desk, name: str, *, is_active: bool) -> None:
    with transaction(desk.db):
        access.require_admin(desk.actor)
        before = users.get(desk.db, name)
        users.set_profile(desk.db, before.id, replace(before.profile, is_active=is_active))
    changed(f"user {name} {'enabled' if is_active else 'disabled'}", user_json(users.get(desk.db, name)))
