"""`espomail user`: who works here, with addresses, teams, roles and absence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from espomail import times
from espomail.cli.fields import Field, add_options, chosen, edit_options, edited
from espomail.cli.frame import changed, confirm, emit, group, pass_desk, read_path, removed
from espomail.cli.numbers import limit_option
from espomail.cli.user_access import access as user_access
from espomail.errors import BadInput, NotFound
from espomail.rules import access
from espomail.rules.names import check_addresses, check_display_name, check_name
from espomail.store import roles, teams, users
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk

NOTIFY = ("off", "instant", "digest")


def _team_of(text: str) -> str:
    return text.partition(":")[0]


FIELDS = (
    Field(name="email", kind="many", metavar="ADDRESS", required=True, same=str.lower, help="an address, the first is primary"),
    Field(name="full-name", metavar="NAME", default="", help="the name that people read"),
    Field(name="admin", kind="flag", help="may do everything"),
    Field(name="team", kind="many", metavar="TEAM[:POSITION]", same=_team_of, help="a team, with the position in it"),
    Field(name="role", kind="many", metavar="ROLE", help="a role besides those of the teams"),
    Field(name="os-login", metavar="LOGIN", help="the log-in under which they come through sudo"),
    Field(name="absent", metavar="FROM..UNTIL", help="the days, both included, on which they get no cases"),
    Field(name="signature", default="", help="goes under their mail"),
    Field(name="signature-file", metavar="FILE", feeds="signature", help="read the signature from a file, - for stdin"),
    Field(name="notify-mail", choices=NOTIFY, default="off", help="notifications by mail"),
)

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
    values = chosen(FIELDS, given)
    with transaction(desk.db):
        access.require_admin(desk.actor)
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
    with transaction(desk.db):
        before = get_visible(desk, name)
        _require_editable(desk, before, given)
        values = edited(FIELDS, given, _current(before))
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
        users.remove(desk.db, gone.id, reassign_to=heir.id if heir else None, by_user_id=desk.actor.user_id, now=desk.now())
    removed("user", name)


USER_FIELDS = (
    "id", "name", "full_name", "emails", "is_admin", "is_active", "teams", "roles", "os_login", "absent_from",
    "absent_until", "signature", "notify_mail",
)  # fmt: skip


def user_json(each: users.User) -> dict[str, Any]:
    """A user as CLI.md gives it."""
    profile = each.profile
    return {
        "id": each.id,
        "name": profile.name,
        "full_name": profile.full_name or None,
        "emails": list(each.emails),
        "is_admin": profile.is_admin,
        "is_active": profile.is_active,
        "teams": [{"team": team, "position": position} for _, team, position in each.teams],
        "roles": list(each.roles),
        "os_login": profile.os_login,
        "absent_from": profile.absent_from,
        "absent_until": profile.absent_until,
        "signature": profile.signature or None,
        "notify_mail": profile.notify_mail,
    }


def may_see(desk: Desk, each: users.User) -> bool:
    """Admins see every user, others themselves and who shares a team with them; the permission `user` shows all."""
    actor = desk.actor
    if actor.is_admin or actor.user_id == each.id or actor.level("user") == "yes":
        return True
    return any(team.team_id in actor.team_ids for team in each.teams)


def get_visible(desk: Desk, name: str) -> users.User:
    """The user of that name; NotFound also for one whom the actor may not see."""
    found = users.find(desk.db, name)
    if found is None or not may_see(desk, found):
        raise NotFound("user", name, "see: espomail user list")
    return found


def _require_editable(desk: Desk, each: users.User, given: Mapping[str, Any]) -> None:
    """Admins change everything; others of themselves what concerns nobody else."""
    told = {key.removeprefix("add_").removeprefix("remove_") for key, value in given.items() if value not in (None, ())}
    told = (told - {"clear"}) | {option.lstrip("-").replace("-", "_") for option in given["clear"]}
    if desk.actor.user_id != each.id or not told <= OWN:
        access.require_admin(desk.actor)


def _current(each: users.User) -> dict[str, Any]:
    """What a user is now, in the words of the options."""
    profile = each.profile
    span = f"{profile.absent_from or ''}..{profile.absent_until or ''}"
    return {
        "email": each.emails,
        "full_name": profile.full_name,
        "admin": profile.is_admin,
        "team": tuple(f"{team}:{position}" if position else team for _, team, position in each.teams),
        "role": each.roles,
        "os_login": profile.os_login,
        "absent": None if span == ".." else span,
        "signature": profile.signature,
        "notify_mail": profile.notify_mail,
    }


def _profile(desk: Desk, profile: users.Profile, values: Mapping[str, Any]) -> users.Profile:
    absent_from, absent_until = read_absence(values["absent"], today=desk.now().date())
    signature = values["signature"]
    if values["signature_file"]:
        signature = _text(read_path(desk, values["signature_file"]), values["signature_file"])
    return replace(
        profile,
        full_name=check_display_name("the full name", values["full_name"]),
        is_admin=values["admin"],
        os_login=values["os_login"],
        signature=signature,
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


def read_absence(text: str | None, *, today: date) -> tuple[str | None, str | None]:
    """Given `2026-08-01..2026-08-21`, return both days as ISO dates; raise BadInput on anything else.

    One day alone is that day. Without FROM it begins today, without UNTIL it has no end.
    """
    if not text:
        return None, None
    first, dots, last = (part.strip() for part in text.partition(".."))
    start = times.parse_day(first) if first else today
    end = times.parse_day(last) if last else None if dots else start
    if end and end < start:
        raise BadInput(f"an absence that ends before it begins: {text}", "write it as FROM..UNTIL")
    return start.isoformat(), end.isoformat() if end else None


def _text(content: bytes, path: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no text in UTF-8", "save it as UTF-8") from error
