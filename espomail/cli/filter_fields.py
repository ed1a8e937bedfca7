"""Filters between the command line and the store: options from the registry of criteria, whose they are, JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from espomail.cli.actor import personal
from espomail.cli.fields import Field
from espomail.errors import BadInput, NotFound, UsageError
from espomail.rules import access
from espomail.rules import filters as rules
from espomail.rules.names import check_name
from espomail.rules.settings import parse_number, parse_size
from espomail.store import accounts, filters, folders, group_folders, users

if TYPE_CHECKING:
    from espomail.desk import Desk

OWNERS = (
    Field(name="global", kind="flag", help="for every account"),
    Field(name="group-account", metavar="ACCOUNT", help="for this group account"),
    Field(name="personal-account", metavar="ACCOUNT", help="for this personal account"),
    Field(name="user", metavar="USER", help="for the inbox of this user; default: who acts"),
)


def _criterion_field(name: str, criterion: rules.Criterion) -> Field:
    """The option of one criterion."""
    match criterion.form:
        case "headers":
            return Field(name="header", kind="many", metavar="NAME=PATTERN", help=criterion.help)
        case "phrases":
            return Field(name=name.replace("_", "-"), kind="many", metavar="PHRASE", help=criterion.help)
        case "flag":
            return Field(name=name.replace("_", "-"), kind="flag", help=criterion.help)
        case "choice":
            return Field(name=name.replace("_", "-"), choices=criterion.choices, help=criterion.help)
        case "bytes":
            return Field(name=name.replace("_", "-"), metavar="SIZE", help=criterion.help)
        case _:
            return Field(name=name.replace("_", "-"), metavar="PATTERN", help=criterion.help)


CRITERIA = tuple(_criterion_field(name, criterion) for name, criterion in rules.CRITERIA.items())
EFFECTS = (
    Field(name="action", choices=tuple(rules.ACTIONS), required=True, help="what happens to the mail"),
    Field(name="target", metavar="FOLDER", help="the folder to move to"),
    Field(name="mark-read", kind="flag", help="it is read"),
    Field(name="important", kind="flag", help="it is important"),
    Field(name="skip-notification", kind="flag", help="nobody is notified"),
    Field(name="position", metavar="N", help="its place in the order; without one after all that have one"),
    Field(name="active", kind="flag", default=True, help="it is applied"),
)
FIELDS = (*CRITERIA, *EFFECTS)


def read_criteria(values: Mapping[str, Any]) -> dict[str, Any]:
    """Given options as text, return the criteria that were given, as rules.filters takes them; raise BadInput."""
    found: dict[str, Any] = {}
    for name, criterion in rules.CRITERIA.items():
        value = values["header" if criterion.form == "headers" else name]
        if value in (None, (), False):
            continue
        found[name] = _criterion(criterion, value)
    return found


def _criterion(criterion: rules.Criterion, value: Any) -> Any:
    match criterion.form:
        case "headers":
            return [_header(text) for text in value]
        case "phrases":
            return list(value)
        case "bytes":
            return parse_size(value)
        case _:
            return value


def _header(text: str) -> list[str]:
    name, equals, pattern = text.partition("=")
    if not equals or not name.strip():
        raise BadInput(f"not NAME=PATTERN: {text}", "write it as --header X-Spam-Flag=YES")
    return [name.strip(), pattern]


def read_filter(desk: Desk, before: filters.FilterRow, values: Mapping[str, Any]) -> filters.FilterRow:
    """Given a filter with its name, kind and owner, return it with what the options say; raise BadInput or NotFound."""
    criteria = read_criteria(values)
    action = values["action"]
    rules.validate(before.kind, criteria, action)
    target = _target(desk, before, action, values["target"])
    return replace(
        before,
        criteria=criteria,
        action=action,
        folder_id=target if rules.ACTIONS[action].target == "folder" else None,
        group_folder_id=target if rules.ACTIONS[action].target == "group folder" else None,
        mark_read=values["mark_read"],
        important=values["important"],
        skip_notification=values["skip_notification"],
        position=parse_number(0, 1_000_000)(values["position"]) if values["position"] else None,
        is_active=values["active"],
    )


def _target(desk: Desk, row: filters.FilterRow, action: str, name: str | None) -> int | None:
    """The id of the folder that the action moves to, None for an action that moves nowhere."""
    kind = rules.ACTIONS[action].target
    if not kind:
        if name is not None:
            raise BadInput(f"the action {action} moves nothing, so has no target", "leave out --target")
        return None
    if name is None:
        raise BadInput(f"the action {action} needs to know where to", "add --target FOLDER")
    if kind == "group folder":
        return group_folders.get(desk.db, name).id
    assert row.user_id is not None
    return folders.get(desk.db, row.user_id, name).id


def owned(desk: Desk, row: filters.FilterRow, given: Mapping[str, Any]) -> filters.FilterRow:
    """The filter with the kind and owner that the options name, one at most; without any it is for who acts.

    Raise NotPermitted for what is not the actor's to filter.
    """
    named = [field.key for field in OWNERS if given.get(field.key)]
    if len(named) > 1:
        raise UsageError(f"a filter is for one of: {', '.join(named).replace('_', '-')}", "give one")
    match named:
        case ["global"]:
            access.require_admin(desk.actor)
            return replace(row, kind="global", account_id=None, user_id=None)
        case ["group_account"]:
            access.require_admin(desk.actor)
            account = accounts.get_by_name(desk.db, given["group_account"], kind="group")
            return replace(row, kind="group-account", account_id=account.id, user_id=None)
        case ["personal_account"]:
            return replace(row, kind="personal-account", account_id=_own_account(desk, given["personal_account"]), user_id=None)
        case _:
            return replace(row, kind="user", account_id=None, user_id=_user_id(desk, given.get("user")))


def _own_account(desk: Desk, name: str) -> int:
    account = accounts.get_by_name(desk.db, name, kind="personal")
    if not desk.actor.is_admin and account.user_id != desk.actor.user_id:
        raise NotFound("personal account", name, "see: espomail personal-account list")
    return account.id


def _user_id(desk: Desk, name: str | None) -> int:
    if name is None or name == desk.actor.name:
        return personal(desk)
    access.require_admin(desk.actor)
    return users.get(desk.db, name).id


def current(desk: Desk, row: filters.FilterRow) -> dict[str, Any]:
    """What a filter is now, in the words of the options."""
    _, target = filters.names(desk.db)[row.id]
    values = {field.key: row.criteria.get(field.key, field.empty) for field in CRITERIA}
    values["header"] = tuple("=".join(pair) for pair in row.criteria.get("headers", ()))
    values["larger_than"] = str(row.criteria["larger_than"]) if "larger_than" in row.criteria else None
    return values | {
        "action": row.action,
        "target": target,
        "mark_read": row.mark_read,
        "important": row.important,
        "skip_notification": row.skip_notification,
        "position": None if row.position is None else str(row.position),
        "active": row.is_active,
    }


def get_own(desk: Desk, text: str) -> filters.FilterRow:
    """The filter called NAME or USER/NAME that the actor may change; NotFound also for another's, BadInput for several.

    NAME is the whole name of a filter that is nobody's inbox's, so to an admin it means that one, if there is one.
    """
    owner, slash, name = text.rpartition("/")
    names = filters.names(desk.db)
    found = [row for row in filters.list_named(desk.db, name) if _may(desk, row)]
    if slash:
        found = [row for row in found if row.kind == "user" and names[row.id][0] == owner]
    mine = [row for row in found if row.user_id is not None and row.user_id == desk.actor.user_id]
    if len(found) > 1 and len(mine) == 1 and not desk.actor.is_admin:
        found = mine
    elif not slash:
        found = [row for row in found if row.kind != "user"] or found
    if not found:
        raise NotFound("filter", text, "see: espomail filter list")
    if len(found) > 1:
        choices = ", ".join(f"{names[row.id][0]}/{row.name}" if row.kind == "user" else row.name for row in found)
        raise BadInput(f"several filters are called {name}: {choices}", "write USER/NAME")
    return found[0]


def list_own(desk: Desk) -> list[filters.FilterRow]:
    """The filters that the actor may change, newest first."""
    return [row for row in filters.list_(desk.db) if _may(desk, row)]


def _may(desk: Desk, row: filters.FilterRow) -> bool:
    actor = desk.actor
    if actor.is_admin or (row.kind == "user" and row.user_id == actor.user_id):
        return True
    account = accounts.find(desk.db, row.account_id) if row.kind == "personal-account" and row.account_id else None
    return account is not None and account.user_id == actor.user_id


def checked_name(name: str) -> str:
    return check_name("filter", name)


FILTER_FIELDS = (
    "id", "name", "kind", "of", "position", "criteria", "action", "target", "mark_read", "important",
    "skip_notification", "is_active",
)  # fmt: skip


def filter_json(row: filters.FilterRow, names: Mapping[int, tuple[str | None, str | None]]) -> dict[str, Any]:
    """A filter as CLI.md gives it."""
    of, target = names[row.id]
    return {
        "id": row.id,
        "name": row.name,
        "kind": row.kind,
        "of": of,
        "position": row.position,
        "criteria": dict(row.criteria),
        "action": row.action,
        "target": target,
        "mark_read": row.mark_read,
        "important": row.important,
        "skip_notification": row.skip_notification,
        "is_active": row.is_active,
    }
