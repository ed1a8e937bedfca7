"""The wanted state as people write it in YAML: which keys there are, what each takes, and what differs. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import date
from typing import Any

Problem = tuple[str, str]
"""A path (`users[2].emails`) and what is wrong there."""
Identity = tuple[str, ...]


def text(value: Any) -> str:
    """Text, as it is."""
    if not isinstance(value, str):
        raise ValueError(f"must be text: write it in quotes, {str(value)!r}" if _is_plain(value) else "must be text")
    return value


def name(value: Any) -> str:
    """A name, without the spaces around it."""
    return text(value).strip()


def day(value: Any) -> str:
    """A date such as 2026-03-01, and no word that means another day tomorrow."""
    try:
        return date.fromisoformat(text(value).strip()).isoformat()
    except ValueError as error:
        raise ValueError("must be a date: 2026-03-01") from error


def flag(value: Any) -> bool:
    """yes or no, true or false."""
    if isinstance(value, bool):
        return value
    if value in ("yes", "Yes", "on"):
        return True
    if value in ("no", "No", "off"):
        return False
    raise ValueError("must be yes or no")


def number(value: Any) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


def texts(value: Any) -> list[str]:
    """A list of texts."""
    if not isinstance(value, list):
        raise ValueError("must be a list: [first, second]")
    return [text(item) for item in value]


def level(value: Any) -> str:
    """A level of a role's cell; yes and no may come as booleans."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else text(value)


def scalar(value: Any) -> Any:
    """Text, a number, yes or no."""
    if not _is_plain(value):
        raise ValueError("must be a single value")
    return value


def size(value: Any) -> int | str:
    """A number of bytes, or 50M."""
    return value if isinstance(value, int) and not isinstance(value, bool) else text(value)


def headers(value: Any) -> list[list[str]]:
    """Header criteria: {List-Id: "*"}, or [[name, pattern], …] where a name comes twice."""
    pairs = list(value.items()) if isinstance(value, dict) else value
    if not isinstance(pairs, list) or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise ValueError("must be header names with patterns: {List-Id: '*'}")
    return [[text(name), text(pattern)] for name, pattern in pairs]


def memberships(value: Any) -> list[dict[str, str | None]]:
    """Teams of a user: names, or {team: support, position: agent}; by team."""
    if not isinstance(value, list):
        raise ValueError("must be a list: [support, {team: sales, position: agent}]")
    found = [_membership(item) for item in value]
    return sorted(found, key=lambda item: str(item["team"]))


def _membership(item: Any) -> dict[str, str | None]:
    if isinstance(item, str):
        return {"team": item, "position": None}
    if not isinstance(item, dict) or "team" not in item or not set(item) <= {"team", "position"}:
        raise ValueError("a team is a name, or {team: NAME, position: NAME}")
    position = item.get("position")
    return {"team": text(item["team"]), "position": None if position is None else text(position)}


def folder_map(value: Any) -> dict[str, str]:
    """Folders of the server with the folders their mail goes to."""
    if not isinstance(value, dict):
        raise ValueError("must be a mapping: {Sent: Sent}")
    return {text(source): text(target) for source, target in value.items()}


SECRETS = ("env", "file", "command", "credential", "stored", "oauth")


def password(value: Any) -> dict[str, Any]:
    """A reference to a password, never the password."""
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= set(SECRETS):
        raise ValueError("must be a reference: {env: V}, {file: F}, {command: C}, {credential: N} or {stored: true}")
    ((kind, what),) = value.items()
    if kind in ("stored", "oauth"):
        if flag(what) is not True:
            raise ValueError(f"must be {{{kind}: true}}")
        return {kind: True}
    return {kind: text(what)}


_SERVER: Mapping[str, Any] = {
    "host": text,
    "port": number,
    "security": text,
    "login": text,
    "password": password,
    "allow_private": flag,
}
_ACCOUNT: Mapping[str, Any] = {
    "name": name,
    "address": text,
    "is_active": flag,
    "imap": {**_SERVER, "folders": texts, "fetch_since": day, "after_import": text},
    "smtp": {**_SERVER, "shared": flag, "from_name": text},
    "tls_ca_file": text,
    "allow_plaintext": flag,
    "store_sent": text,
}
_CRITERIA: Mapping[str, Any] = {
    **dict.fromkeys(("from", "to", "cc", "subject", "sender_auth"), text),
    **dict.fromkeys(("body_contains", "body_contains_all"), texts),
    **dict.fromkeys(("has_attachment", "automatic"), flag),
    "headers": headers,
    "larger_than": size,
}
SECTIONS: Mapping[str, Mapping[str, Any]] = {
    "roles": {"name": name, "cells": {"*": level}},
    "teams": {"name": name, "roles": texts},
    "users": {
        "name": name,
        "full_name": text,
        "emails": texts,
        "is_admin": flag,
        "is_active": flag,
        "teams": memberships,
        "roles": texts,
        "os_login": text,
        "absent_from": day,
        "absent_until": day,
        "signature": text,
        "notify_mail": text,
    },
    "group_folders": {"name": name, "teams": texts},
    "folders": {"name": name, "user": name, "skip_notifications": flag},
    "templates": {"name": name, "subject": text, "body": text, "html": flag},
    "group_accounts": {
        **_ACCOUNT,
        "teams": texts,
        **dict.fromkeys(("for_all_team_users", "create_case", "auto_reply", "plus_address", "exclude_from_reply"), flag),
        **dict.fromkeys(("assigned_user", "group_folder", "distribution", "target_team", "target_position", "assign_to"), text),
        **dict.fromkeys(("reply_template", "reply_to", "reply_from", "reply_from_name"), text),
        **dict.fromkeys(("followup_closed", "auto_submitted", "strangers"), text),
        "reopen_days": number,
    },
    "personal_accounts": {**_ACCOUNT, "user": name, "map": folder_map, "default_folder": text},
    "filters": {
        "name": name,
        "kind": text,
        "of": name,
        "position": number,
        "criteria": _CRITERIA,
        "action": text,
        "target": text,
        **dict.fromkeys(("mark_read", "important", "skip_notification", "is_active"), flag),
    },
}
"""Every list of the state, in the order in which things need each other, with its keys and what each takes."""

OUTBOUND: Mapping[str, Any] = {
    "address": text,
    "from_name": text,
    "shared": flag,
    "server": {
        **dict.fromkeys(("host", "security", "login", "tls_ca_file"), text),
        "port": number,
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


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int)
