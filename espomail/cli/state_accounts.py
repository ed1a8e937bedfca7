"""Mail accounts in the state: their YAML in the words of the account options, so that both are read by one reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from espomail.cli import account_options
from espomail.cli.account_fields import HALVES, Names, current, read_account
from espomail.cli.account_rights import refuse_losing_default
from espomail.cli.account_secrets import Passwords
from espomail.errors import BadInput
from espomail.model import Account, Secret, Server
from espomail.rules.names import check_name
from espomail.store import accounts, users

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.store.db import Connection

Kind = Literal["group", "personal"]
Item = dict[str, Any]
FIELDS = {"group": account_options.GROUP, "personal": account_options.PERSONAL}
KEPT_SECRETS = ("stored", "oauth")

# state key -> option key, where they differ
_LISTS = {"teams": "team"}
_SAME = {
    "group": (
        "address", "for_all_team_users", "assigned_user", "group_folder", "create_case", "distribution", "target_team",
        "target_position", "assign_to", "auto_reply", "reply_template", "reply_to", "reply_from", "reply_from_name",
        "plus_address", "followup_closed", "auto_submitted", "strangers", "exclude_from_reply", "store_sent", "tls_ca_file",
        "allow_plaintext",
    ),
    "personal": ("address", "user", "default_folder", "store_sent", "tls_ca_file", "allow_plaintext"),
}  # fmt: skip


def account_states(kind: Kind) -> Callable[[Connection], list[Item]]:
    """The lister of one kind."""

    def states(db: Connection) -> list[Item]:
        names = Names.of(db)
        return [_state(db, each, names) for each in reversed(accounts.list_(db, kind=kind))]

    return states


def _state(db: Connection, account: Account, names: Names) -> Item:
    values = current(db, account, names)
    state: Item = {"name": account.name, "is_active": account.is_active}
    state |= {key: values.get(key) for key in _SAME[account.kind]}
    since = account.fetch_since.isoformat() if account.fetch_since else None
    reading = {"folders": list(account.folders), "fetch_since": since, "after_import": account.after_import}
    state["imap"] = _server(account.imap) | reading if account.imap else None
    sending = {"shared": account.shared, "from_name": account.from_name}
    state["smtp"] = _server(account.smtp) | sending if account.smtp else sending if any(sending.values()) else None
    if account.kind == "group":
        return state | {"teams": list(names.teams(account.team_ids)), "reopen_days": account.reopen_days}
    return state | {"map": dict(account.folder_map)}


def _server(server: Server) -> Item:
    """A server with where its password comes from, never with the password."""
    return {
        "host": server.host,
        "port": server.port,
        "security": server.security,
        "login": server.login,
        "password": reference_of(server.secret),
        "allow_private": server.allow_private,
    }


def reference_of(secret: Secret | None) -> Item | None:
    """A password as the file has it: where it comes from."""
    if secret is None:
        return None
    return {secret.kind: True if secret.kind in KEPT_SECRETS else secret.value}


def set_account(kind: Kind) -> Callable[[Desk, Item | None, Item], None]:
    """The maker and changer of one kind."""

    def put(desk: Desk, before: Item | None, item: Item) -> None:
        if before is None:
            add_account(desk, kind, item)
            return
        found = accounts.get_by_name(desk.db, item["name"], kind=kind)
        after = _read(desk, found, item, {**_defaults(kind), **current(desk.db, found)})
        if after == found:
            return
        refuse_losing_default(desk, found, after)
        accounts.set_(desk.db, after)
        accounts.clear_backoff(desk.db, found.id)

    return put


def add_account(desk: Desk, kind: Kind, item: Item) -> None:
    """Make an account as the file says."""
    new = Account(id=0, kind=kind, name=check_name("mail account", item["name"]), address="", user_id=None)
    account = _read(desk, new, item, _defaults(kind))
    accounts.add(desk.db, account, created_by_id=desk.actor.user_id, now=desk.now())


def remove_account(desk: Desk, item: Item) -> None:
    """Remove an account that the file no longer has."""
    found = accounts.get_by_name(desk.db, item["name"])
    refuse_losing_default(desk, found, None)
    accounts.remove(desk.db, found)


def _defaults(kind: Kind) -> Item:
    return {field.key: field.empty for field in FIELDS[kind]}


def _read(desk: Desk, before: Account, item: Item, values: Item) -> Account:
    """The account that the file wants, given its options as they are; raise BadInput or NotFound."""
    told = values | _options(before.kind, item)
    if not told["address"]:
        raise BadInput(f"the account {item['name']} has no address", "add address: name@example.com")
    if before.kind == "personal":
        if not told["user"]:
            raise BadInput(f"whose is the account {item['name']}?", "add user: NAME")
        before = replace(before, user_id=users.get(desk.db, told["user"]).id)
    passwords = Passwords({half: secret for half in HALVES if (secret := _secret(item, half, before))})
    account = read_account(desk, before, told, passwords=passwords)
    for half in HALVES:
        account = _with_server(account, half, item.get(half) or {})
    is_active = item.get("is_active", before.is_active)
    return replace(account, is_active=True if is_active is None else is_active)


def _options(kind: Kind, item: Item) -> Item:
    """What the file says, by key of the option, values as somebody would type them; null is the default."""
    empty = _defaults(kind)
    told = {key: item[key] for key in _SAME[kind] if key in item}
    told |= {option: tuple(item[key] or ()) for key, option in _LISTS.items() if key in item}
    if "map" in item:
        told["map"] = tuple(f"{source}={target}" for source, target in (item["map"] or {}).items())
    if "reopen_days" in item:
        told["reopen_days"] = None if item["reopen_days"] is None else str(item["reopen_days"])
    for half in HALVES:
        if half in item:
            told |= _half(half, item[half])
    return {key: empty[key] if value is None else value for key, value in told.items()}


def _half(half: str, server: Mapping[str, Any] | None) -> Item:
    if server is None:
        return {f"{half}_host": None, f"{half}_port": None, f"{half}_login": None}
    told: Item = {f"{half}_{key}": server[key] for key in ("host", "security", "login") if key in server}
    if "port" in server:
        told[f"{half}_port"] = None if server["port"] is None else str(server["port"])
    if "folders" in server:
        told["folder"] = tuple(server["folders"]) if server["folders"] else None
    if server.get("fetch_since") is not None:
        told["fetch_since"] = server["fetch_since"]
    return told | {key: server[key] for key in ("after_import", "shared", "from_name") if key in server}


def _secret(item: Item, half: Literal["imap", "smtp"], before: Account) -> Secret | None:
    """The reference that the file gives; one that is kept in the database stays as it is there."""
    reference = (item.get(half) or {}).get("password")
    if not reference:
        return None
    ((kind, value),) = reference.items()
    server = before.imap if half == "imap" else before.smtp
    if kind in KEPT_SECRETS:
        kept = server.secret if server else None
        if kept and kept.kind != kind:
            raise BadInput(
                f"the password of {item['name']} is no longer {kind} but comes from {kept.kind}",
                f"first: espomail {before.kind}-account secret {item['name']} --{half}-password-stdin",
            )
        return kept or Secret(kind, "")
    return Secret(kind, str(Path(value).expanduser().absolute()) if kind == "file" else value)


def _with_server(account: Account, half: Literal["imap", "smtp"], told: Mapping[str, Any]) -> Account:
    """What no option says: no password where the file says `password: null`, and whether private addresses are allowed."""
    server = account.imap if half == "imap" else account.smtp
    if server is None:
        return account
    if "password" in told and told["password"] is None:
        server = replace(server, secret=None, login=server.login if half == "imap" or told.get("login") else None)
    if told.get("allow_private") is not None:
        server = replace(server, allow_private=told["allow_private"])
    return replace(account, imap=server) if half == "imap" else replace(account, smtp=server)
