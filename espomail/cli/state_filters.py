"""Filters in the state: how they are listed, made, changed and removed, in the words of the YAML file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from espomail.errors import BadInput, NotFound
from espomail.rules import filters as filter_rules
from espomail.rules import settings as setting_rules
from espomail.rules.names import check_name
from espomail.store import accounts, filters, folders, group_folders, users

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.store.db import Connection

Item = dict[str, Any]


def filter_states(db: Connection) -> list[Item]:
    names = filters.names(db)
    return [_filter_state(row, *names[row.id]) for row in reversed(filters.list_(db))]


def _filter_state(row: filters.FilterRow, of: str | None, target: str | None) -> Item:
    return {
        "name": row.name,
        "kind": row.kind,
        "of": of,
        "position": row.position,
        "criteria": {key: value for key, value in row.criteria.items() if value is not None},
        "action": row.action,
        "target": target,
        "mark_read": row.mark_read,
        "important": row.important,
        "skip_notification": row.skip_notification,
        "is_active": row.is_active,
    }


def put_filter(desk: Desk, before: Item | None, item: Item) -> None:
    row = _owned(desk.db, item)
    criteria = {key: value for key, value in item["criteria"].items() if value not in (None, [], False)}
    if isinstance(criteria.get("larger_than"), str):
        criteria["larger_than"] = setting_rules.parse_size(criteria["larger_than"])
    filter_rules.validate(row.kind, criteria, item["action"])
    after = replace(
        row,
        criteria=criteria,
        action=item["action"],
        position=item["position"],
        mark_read=item["mark_read"],
        important=item["important"],
        skip_notification=item["skip_notification"],
        is_active=item["is_active"],
        **_target(desk.db, row, item),
    )
    if before is None:
        filters.add(desk.db, after, now=desk.now())
    else:
        found = _find_filter(desk.db, before)
        filters.set_(desk.db, replace(after, id=found.id, created_at=found.created_at))


def _owned(db: Connection, item: Item) -> filters.FilterRow:
    """The filter with its kind and owner; raise BadInput where they don't fit."""
    blank = filters.FilterRow(name=check_name("filter", item["name"]), kind=item["kind"], criteria={}, action="none")
    if item["kind"] == "global":
        if item["of"]:
            raise BadInput("a global filter is nobody's", "leave out of:")
        return blank
    if item["kind"] not in ("user", "group-account", "personal-account"):
        kinds = "global, group-account, personal-account, user"
        raise BadInput(f"no such kind of filter: {item['kind']}", f"one of: {kinds}")
    if not item["of"]:
        raise BadInput(f"whose is the filter {item['name']}?", "add of: the name of the user or account")
    if item["kind"] == "user":
        return replace(blank, user_id=users.get(db, item["of"]).id)
    return replace(blank, account_id=accounts.get_by_name(db, item["of"], kind=item["kind"].removesuffix("-account")).id)


def _target(db: Connection, row: filters.FilterRow, item: Item) -> Item:
    kind = filter_rules.ACTIONS[item["action"]].target
    if bool(kind) != bool(item["target"]):
        needs = "needs a target" if kind else "has no target"
        raise BadInput(f"the action {item['action']} {needs}", "target: the name of the folder")
    if kind == "group folder":
        return {"group_folder_id": group_folders.get(db, item["target"]).id, "folder_id": None}
    return {"folder_id": folders.get(db, row.user_id or 0, item["target"]).id if kind else None, "group_folder_id": None}


def _find_filter(db: Connection, item: Item) -> filters.FilterRow:
    names = filters.names(db)
    for row in filters.list_named(db, item["name"]):
        if (row.kind == "user") == (item["kind"] == "user") and (row.kind != "user" or names[row.id][0] == item["of"]):
            return row
    raise NotFound("filter", item["name"], "see: espomail filter list")


def remove_filter(desk: Desk, item: Item) -> None:
    filters.remove(desk.db, _find_filter(desk.db, item).id)
