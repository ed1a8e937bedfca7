"""Each kind of thing in the state: how it is listed, made, changed and removed, in the words of the YAML file.

Making and changing go through the same readers as the commands of the noun, so that they refuse the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from espomail.cli.state_accounts import account_states, remove_account, set_account
from espomail.cli.state_filters import filter_states, put_filter, remove_filter
from espomail.cli.user_fields import read_absence
from espomail.errors import BadInput
from espomail.rules import settings as setting_rules
from espomail.rules import templates as template_rules
from espomail.rules.names import check_addresses, check_display_name, check_folder_name, check_name
from espomail.store import folders, group_folders, roles, settings, teams, templates, users

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.store.db import Connection

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One section. `states` lists what is there with every key; `put` makes (before None) or changes one; both by all keys.

    `empty` holds what a key is when a new thing does not give it, or somebody gives null. Where `is_merged_by_put`, `put`
    is given the keys of the file alone and fills them up itself.
    """

    noun: str
    empty: Item
    states: Callable[[Connection], list[Item]]
    put: Callable[[Desk, Item | None, Item], None]
    remove: Callable[[Desk, Item], None]
    is_merged_by_put: bool = False


# ---------------------------------------------------------------- roles and teams


def _role_states(db: Connection) -> list[Item]:
    return [{"name": each.name, "cells": dict(each.cells)} for each in reversed(roles.list_(db))]


def _put_role(desk: Desk, before: Item | None, item: Item) -> None:
    if before is None:
        roles.add(desk.db, check_name("role", item["name"]), item["cells"])
    else:
        roles.set_cells(desk.db, roles.get(desk.db, item["name"]).id, item["cells"])


def _remove_role(desk: Desk, item: Item) -> None:
    roles.remove(desk.db, roles.get(desk.db, item["name"]))


def _team_states(db: Connection) -> list[Item]:
    return [{"name": each.name, "roles": list(each.roles)} for each in reversed(teams.list_(db))]


def _put_team(desk: Desk, before: Item | None, item: Item) -> None:
    role_ids = [roles.get(desk.db, name).id for name in item["roles"]]
    if before is None:
        teams.add(desk.db, check_name("team", item["name"]), role_ids=role_ids)
    else:
        teams.set_roles(desk.db, teams.get(desk.db, item["name"]).id, role_ids)


def _remove_team(desk: Desk, item: Item) -> None:
    teams.remove(desk.db, teams.get(desk.db, item["name"]))


# ---------------------------------------------------------------- users


def _user_states(db: Connection) -> list[Item]:
    return [_user_state(each) for each in reversed(users.list_(db))]


def _user_state(each: users.User) -> Item:
    profile = each.profile
    return {
        "name": profile.name,
        "full_name": profile.full_name,
        "emails": list(each.emails),
        "is_admin": profile.is_admin,
        "is_active": profile.is_active,
        "teams": [{"team": team, "position": position} for _, team, position in sorted(each.teams, key=lambda one: one.team)],
        "roles": sorted(each.roles),
        "os_login": profile.os_login,
        "absent_from": profile.absent_from,
        "absent_until": profile.absent_until,
        "signature": profile.signature,
        "notify_mail": profile.notify_mail,
    }


def _put_user(desk: Desk, before: Item | None, item: Item) -> None:
    addresses = check_addresses(item["emails"])
    if not addresses:
        raise BadInput(f"the user {item['name']} has no address", "add emails: [name@example.com]")
    start, end = _absence(item, desk)
    profile = users.Profile(
        name=check_name("user", item["name"]),
        full_name=check_display_name("the full name", item["full_name"]),
        is_admin=item["is_admin"],
        is_active=item["is_active"],
        os_login=item["os_login"],
        signature=item["signature"],
        notify_mail=item["notify_mail"],
        absent_from=start,
        absent_until=end,
    )
    if before is None:
        user_id = users.add(desk.db, profile, now=desk.now())
    else:
        user_id = users.get(desk.db, item["name"]).id
        users.set_profile(desk.db, user_id, profile)
    if before is None or list(addresses) != before["emails"]:
        users.set_addresses(desk.db, user_id, addresses)
    users.set_teams(desk.db, user_id, [(teams.get(desk.db, each["team"]).id, each["position"]) for each in item["teams"]])
    users.set_roles(desk.db, user_id, [roles.get(desk.db, name).id for name in item["roles"]])


def _absence(item: Item, desk: Desk) -> tuple[str | None, str | None]:
    if not item["absent_from"] and not item["absent_until"]:
        return None, None
    return read_absence(f"{item['absent_from'] or ''}..{item['absent_until'] or ''}", today=desk.now().date())


def _remove_user(desk: Desk, item: Item) -> None:
    user_id = users.get(desk.db, item["name"]).id
    users.remove(desk.db, user_id, reassign_to=None, by_user_id=desk.actor.user_id, now=desk.now())


# ---------------------------------------------------------------- folders and templates


def _group_folder_states(db: Connection) -> list[Item]:
    return [{"name": each.name, "teams": list(each.teams)} for each in reversed(group_folders.list_(db))]


def _put_group_folder(desk: Desk, before: Item | None, item: Item) -> None:
    team_ids = [teams.get(desk.db, name).id for name in item["teams"]]
    if not team_ids:
        raise BadInput(f"the group folder {item['name']} has no team", "add teams: [support]")
    if before is None:
        group_folders.add(desk.db, check_folder_name("group folder", item["name"]), team_ids=team_ids)
    else:
        group_folders.set_teams(desk.db, group_folders.get(desk.db, item["name"]).id, team_ids)


def _remove_group_folder(desk: Desk, item: Item) -> None:
    group_folders.remove(desk.db, group_folders.get(desk.db, item["name"]))


def _folder_states(db: Connection) -> list[Item]:
    return [
        {"name": each.name, "user": each.user, "skip_notifications": each.skip_notifications}
        for each in reversed(folders.list_(db))
    ]


def _put_folder(desk: Desk, before: Item | None, item: Item) -> None:
    if not item["user"]:
        raise BadInput(f"whose is the folder {item['name']}?", "add user: NAME")
    user_id = users.get(desk.db, item["user"]).id
    if before is None:
        folders.add(desk.db, user_id, check_folder_name("folder", item["name"]), skip_notifications=item["skip_notifications"])
    else:
        found = folders.get(desk.db, user_id, item["name"])
        folders.set_(desk.db, found, name=found.name, skip_notifications=item["skip_notifications"])


def _remove_folder(desk: Desk, item: Item) -> None:
    folders.remove(desk.db, folders.get(desk.db, users.get(desk.db, item["user"]).id, item["name"]))


def _template_states(db: Connection) -> list[Item]:
    return [
        {"name": each.name, "subject": each.subject, "body": each.body, "html": each.is_html}
        for each in reversed(templates.list_(db))
    ]


def _put_template(desk: Desk, before: Item | None, item: Item) -> None:
    if not item["subject"].strip():
        raise BadInput(f"the template {item['name']} has no subject", "add subject: …")
    template_rules.check(item["subject"], item["body"])
    name = check_name("template", item["name"])
    after = templates.Template(name=name, subject=item["subject"], body=item["body"], is_html=item["html"])
    if before is None:
        templates.add(desk.db, after)
    else:
        found = templates.get(desk.db, name)
        templates.set_(desk.db, found, replace(after, id=found.id))


def _remove_template(desk: Desk, item: Item) -> None:
    templates.remove(desk.db, templates.get(desk.db, item["name"]))


# ---------------------------------------------------------------- settings


def setting_states(db: Connection) -> Item:
    """Every setting as the file writes it."""
    return setting_rules.written(settings.load(db))


def put_setting(desk: Desk, key: str, value: Any) -> None:
    """Set one; None is its default; raise BadInput for an unknown one or a value that it can't have."""
    from espomail.model import Settings

    if value is None:
        setting_rules.key_of(key)
        settings.set_(desk.db, key, getattr(Settings(), key))
        return
    words = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    parsed = setting_rules.parse(key, words)
    if key == "baseline_role" and parsed is not None:
        roles.get(desk.db, parsed)
    settings.set_(desk.db, key, parsed)


_NO_FLAGS: Mapping[str, bool] = dict.fromkeys(("mark_read", "important", "skip_notification"), False)
KINDS: Mapping[str, Kind] = {
    "roles": Kind("role", {"cells": {}}, _role_states, _put_role, _remove_role),
    "teams": Kind("team", {"roles": []}, _team_states, _put_team, _remove_team),
    "users": Kind(
        "user",
        {
            **dict.fromkeys(("full_name", "signature"), ""),
            **dict.fromkeys(("os_login", "absent_from", "absent_until")),
            "emails": [],
            "teams": [],
            "roles": [],
            "is_admin": False,
            "is_active": True,
            "notify_mail": "off",
        },
        _user_states,
        _put_user,
        _remove_user,
    ),
    "group_folders": Kind("group-folder", {"teams": []}, _group_folder_states, _put_group_folder, _remove_group_folder),
    "folders": Kind("folder", {"user": None, "skip_notifications": False}, _folder_states, _put_folder, _remove_folder),
    "templates": Kind(
        "template", {"subject": "", "body": "", "html": False}, _template_states, _put_template, _remove_template
    ),
    "group_accounts": Kind("group-account", {}, account_states("group"), set_account("group"), remove_account, True),
    "personal_accounts": Kind(
        "personal-account", {}, account_states("personal"), set_account("personal"), remove_account, True
    ),
    "filters": Kind(
        "filter",
        {"kind": "user", "of": None, "position": None, "criteria": {}, "action": "none", "target": None, "is_active": True}
        | dict(_NO_FLAGS),
        filter_states,
        put_filter,
        remove_filter,
    ),
}
