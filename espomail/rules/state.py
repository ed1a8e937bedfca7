"""The wanted state as people write it in YAML: which keys there are, what each takes, and all that is wrong. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from espomail.rules.accounts import CHOICES, SECURITIES, check_after_import, check_host
from espomail.rules.filters import ACTIONS, AUTH_VERDICTS, KINDS
from espomail.rules.names import check_address
from espomail.rules.notices import BY_MAIL
from espomail.rules.state_values import (
    cells,
    day,
    each,
    flag,
    folder_map,
    headers,
    memberships,
    name,
    number,
    one_of,
    passing,
    password,
    port,
    scalar,
    size,
    text,
    texts,
)

Problem = tuple[str, str]
"""A path (`users[2].emails`) and what is wrong there."""
Identity = tuple[str, ...]


_ADDRESS = passing(check_address)
_SERVER: Mapping[str, Any] = {
    "host": passing(check_host),
    "port": port,
    "security": one_of(*SECURITIES),
    "login": text,
    "password": password,
    "allow_private": flag,
}
_ACCOUNT: Mapping[str, Any] = {
    "name": name,
    "address": _ADDRESS,
    "is_active": flag,
    "imap": {**_SERVER, "folders": texts, "fetch_since": day, "after_import": passing(check_after_import)},
    "smtp": {**_SERVER, "shared": flag, "from_name": text},
    "tls_ca_file": text,
    "allow_plaintext": flag,
    "store_sent": text,
}
_CRITERIA: Mapping[str, Any] = {
    **dict.fromkeys(("from", "to", "cc", "subject"), text),
    "sender_auth": one_of(*AUTH_VERDICTS),
    **dict.fromkeys(("body_contains", "body_contains_all"), texts),
    **dict.fromkeys(("has_attachment", "automatic"), flag),
    "headers": headers,
    "larger_than": size,
}
SECTIONS: Mapping[str, Mapping[str, Any]] = {
    "roles": {"name": name, "cells": cells},
    "teams": {"name": name, "roles": texts},
    "users": {
        "name": name,
        "full_name": text,
        "emails": each(_ADDRESS),
        "is_admin": flag,
        "is_active": flag,
        "teams": memberships,
        "roles": texts,
        "os_login": text,
        "absent_from": day,
        "absent_until": day,
        "signature": text,
        "notify_mail": one_of(*BY_MAIL),
    },
    "group_folders": {"name": name, "teams": texts},
    "folders": {"name": name, "user": name, "skip_notifications": flag},
    "templates": {"name": name, "subject": text, "body": text, "html": flag},
    "group_accounts": {
        **_ACCOUNT,
        "teams": texts,
        **dict.fromkeys(("for_all_team_users", "create_case", "auto_reply", "plus_address", "exclude_from_reply"), flag),
        **dict.fromkeys(("assigned_user", "group_folder", "target_team", "target_position", "assign_to"), text),
        **dict.fromkeys(("reply_template", "reply_from_name"), text),
        **dict.fromkeys(("reply_to", "reply_from"), _ADDRESS),
        **{key: one_of(*words) for key, words in CHOICES.items()},
        "reopen_days": number,
    },
    "personal_accounts": {**_ACCOUNT, "user": name, "map": folder_map, "default_folder": text},
    "filters": {
        "name": name,
        "kind": one_of(*KINDS),
        "of": name,
        "position": number,
        "criteria": _CRITERIA,
        "action": one_of(*ACTIONS),
        "target": text,
        **dict.fromkeys(("mark_read", "important", "skip_notification", "is_active"), flag),
    },
}
"""Every list of the state, in the order in which things need each other, with its keys and what each takes."""

OUTBOUND: Mapping[str, Any] = {
    "address": _ADDRESS,
    "from_name": text,
    "shared": flag,
    "server": {
        "host": passing(check_host),
        "port": port,
        "security": one_of(*SECURITIES),
        **dict.fromkeys(("login", "tls_ca_file"), text),
        "password": password,
        "allow_plaintext": flag,
    },
}
"""What the system's own mail leaves from: one mapping."""


def checked(state: Any) -> tuple[dict[str, Any], list[Problem]]:
    """Given the state half of a YAML file, return what of it can be used, and everything that is wrong with the rest.

    The usable part has `settings` and `outbound` (mappings) and the sections, each a list of (path, item) pairs.
    """
    problems: list[Problem] = []
    if not isinstance(state, dict):
        return {}, [("", "must be a mapping with settings, users, teams, …")]
    usable: dict[str, Any] = {}
    for key, value in state.items():
        if key == "settings":
            usable[key] = _mapping(value or {}, {"*": scalar}, "settings", problems)
        elif key == "outbound":
            usable[key] = _mapping(value or {}, OUTBOUND, key, problems)
        elif key in SECTIONS:
            usable[key] = _items(value or [], str(key), problems)
        else:
            problems.append((str(key), unknown(str(key), ["state", "settings", "outbound", *SECTIONS])))
    return usable, problems


def _items(value: Any, section: str, problems: list[Problem]) -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(value, list):
        problems.append((section, "must be a list, each with a name"))
        return []
    found: list[tuple[str, dict[str, Any]]] = []
    seen: dict[Identity, str] = {}
    for position, item in enumerate(value):
        path = f"{section}[{position}]"
        good = _mapping(item, SECTIONS[section], path, problems)
        if not good.get("name"):
            if isinstance(item, dict) and item.get("name") is None:
                problems.append((path, "has no name"))
            continue
        identity = identity_of(section, good)
        if identity in seen:
            problems.append((f"{path}.name", f"{good['name']} is already {seen[identity]}"))
            continue
        seen[identity] = path
        found.append((path, good))
    return found


def identity_of(section: str, item: Mapping[str, Any]) -> Identity:
    """What tells a thing from the others of its section: its name; with its owner for folders and inbox filters."""
    if section == "folders":
        return str(item.get("user")), str(item["name"])
    if section == "filters" and item.get("kind", "user") == "user":
        return str(item.get("of")), str(item["name"])
    return (str(item["name"]),)


def _mapping(value: Any, schema: Mapping[str, Any], path: str, problems: list[Problem]) -> dict[str, Any]:
    if not isinstance(value, dict):
        problems.append((path, "must be a mapping of keys to values"))
        return {}
    good: dict[str, Any] = {}
    for key, item in value.items():
        where = f"{path}.{key}"
        rule = schema.get(str(key), schema.get("*"))
        if rule is None:
            problems.append((where, unknown(str(key), list(schema))))
        elif item is None:
            good[str(key)] = None
        elif isinstance(rule, Mapping):
            good[str(key)] = _mapping(item, rule, where, problems)
        else:
            try:
                good[str(key)] = rule(item)
            except ValueError as error:
                problems.append((where, str(error)))
    return good


def unknown(key: str, known: list[str]) -> str:
    """The words for a key that nobody knows, with the nearest one that is known."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"unknown key; did you mean {near[0]}?" if near else f"unknown key; known are {', '.join(known)}"
