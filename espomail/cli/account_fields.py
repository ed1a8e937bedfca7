"""Mail accounts between the command line and the store: options into an Account, and an Account into JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from espomail import times
from espomail.cli.account_secrets import Passwords
from espomail.errors import BadInput
from espomail.model import Account, Server
from espomail.rules import accounts as rules
from espomail.rules.names import check_address
from espomail.rules.settings import parse_number
from espomail.store import folders, group_folders, teams, templates, users

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.store.db import Connection

HALVES: tuple[Literal["imap", "smtp"], ...] = ("imap", "smtp")


def read_account(desk: Desk, before: Account, values: Mapping[str, Any], *, passwords: Passwords) -> Account:
    """Given the account as it is (or a new one) and all options as text, return it as it will be.

    Raise BadInput or NotFound for a value that can't be used.
    """
    address = check_address(values["address"])
    halves = {half: _server(desk, half, getattr(before, half), {**values, "address": address}, passwords) for half in HALVES}
    account = replace(
        before,
        address=address,
        imap=halves["imap"],
        smtp=halves["smtp"],
        folders=tuple(dict.fromkeys(rules.check_folder(folder) for folder in values["folder"])),
        fetch_since=_since(desk, values["fetch_since"]),
        after_import=rules.check_after_import(values["after_import"]),
        from_name=values["from_name"],
        store_sent=rules.check_folder(values["store_sent"]) if values["store_sent"] else None,
    )
    own = _group_part(desk, values) if account.kind == "group" else _personal_part(desk, account, values)
    account = replace(account, **own)
    rules.check(account)
    return account


def current(db: Connection, account: Account, names: Names | None = None) -> dict[str, Any]:
    """What an account is now, in the words of the options; a port or log-in that is the default is None, so it follows."""
    names = names or Names.of(db)
    values: dict[str, Any] = {
        "user": names.user(account.user_id),
        "address": account.address,
        "allow_plaintext": any(server.allow_plaintext for server in (account.imap, account.smtp) if server),
        "tls_ca_file": next((s.tls_ca_file for s in (account.imap, account.smtp) if s and s.tls_ca_file), None),
        "folder": account.folders,
        "fetch_since": account.fetch_since.isoformat() if account.fetch_since else None,
        "map": tuple(f"{source}={target}" for source, target in account.folder_map),
        "team": names.teams(account.team_ids),
        "assigned_user": names.user(account.assigned_user_id),
        "group_folder": names.group_folder(account.group_folder_id),
        "target_team": names.team(account.target_team_id),
        "assign_to": names.user(account.assign_to_user_id),
        "reopen_days": None if account.reopen_days is None else str(account.reopen_days),
    }
    for plain in _SAME_IN_BOTH:
        values[plain] = getattr(account, plain)
    for half in HALVES:
        values |= _server_values(half, getattr(account, half), account.address)
    return values


ACCOUNT_FIELDS = (
    "id", "name", "kind", "user", "address", "is_active", "imap", "smtp", "teams", "assigned_user", "group_folder",
    "target_team", "assign_to", "map", "reopen_days", "default_folder", "for_all_team_users", "create_case",
    "distribution", "target_position", "auto_reply", "reply_template", "reply_to", "reply_from", "reply_from_name",
    "plus_address", "followup_closed", "auto_submitted", "strangers", "exclude_from_reply", "store_sent",
)  # fmt: skip


def account_json(db: Connection, account: Account, names: Names | None = None) -> dict[str, Any]:
    """An account as CLI.md gives it, never with a secret."""
    names = names or Names.of(db)
    since = account.fetch_since.isoformat() if account.fetch_since else None
    imap = {"folders": list(account.folders), "fetch_since": since, "after_import": account.after_import}
    smtp = {"shared": account.shared, "from_name": account.from_name or None}
    return {
        "id": account.id,
        "name": account.name,
        "kind": account.kind,
        "user": names.user(account.user_id),
        "address": account.address,
        "is_active": account.is_active,
        "imap": rules.server_json(account.imap) | imap if account.imap else None,
        "smtp": rules.server_json(account.smtp) | smtp if account.smtp else None,
        "teams": list(names.teams(account.team_ids)),
        "assigned_user": names.user(account.assigned_user_id),
        "group_folder": names.group_folder(account.group_folder_id),
        "target_team": names.team(account.target_team_id),
        "assign_to": names.user(account.assign_to_user_id),
        "map": dict(account.folder_map),
        "reopen_days": account.reopen_days,
        **{plain: getattr(account, plain) for plain in _SHOWN_AS_THEY_ARE},
    }


@dataclass(frozen=True, slots=True)
class Names:
    """The names behind the ids that accounts refer to, read once for a whole list."""

    users_by_id: Mapping[int, str]
    teams_by_id: Mapping[int, str]
    group_folders_by_id: Mapping[int, str]

    @classmethod
    def of(cls, db: Connection) -> Names:
        return cls(
            {each.id: each.name for each in users.list_(db)},
            {each.id: each.name for each in teams.list_(db)},
            {each.id: each.name for each in group_folders.list_(db)},
        )

    def user(self, user_id: int | None) -> str | None:
        return None if user_id is None else self.users_by_id[user_id]

    def team(self, team_id: int | None) -> str | None:
        return None if team_id is None else self.teams_by_id[team_id]

    def teams(self, team_ids: Iterable[int]) -> tuple[str, ...]:
        return tuple(sorted(self.teams_by_id[team_id] for team_id in team_ids))

    def group_folder(self, folder_id: int | None) -> str | None:
        return None if folder_id is None else self.group_folders_by_id[folder_id]


# ---------------------------------------------------------------- details

_SAME_IN_BOTH = (
    "after_import", "default_folder", "for_all_team_users", "create_case", "distribution", "target_position", "auto_reply",
    "reply_template", "reply_to", "reply_from", "reply_from_name", "plus_address", "followup_closed", "auto_submitted",
    "strangers", "exclude_from_reply", "shared", "from_name", "store_sent",
)  # fmt: skip
_SHOWN_AS_THEY_ARE = tuple(name for name in _SAME_IN_BOTH if name not in ("after_import", "shared", "from_name"))


def _server(
    desk: Desk, half: Literal["imap", "smtp"], before: Server | None, values: Mapping[str, Any], passwords: Passwords
) -> Server | None:
    """One half of an account, None without a host; raise BadInput for options of a half that has no host."""
    if not values[f"{half}_host"]:
        _refuse_headless(half, before, values, passwords)
        return None
    security: Literal["tls", "starttls", "none"] = values[f"{half}_security"].lower()
    port = rules.check_port(values[f"{half}_port"]) if values[f"{half}_port"] else rules.DEFAULT_PORTS[half, security]
    secret = passwords.secret(half, before=before.secret if before else None)
    login = values[f"{half}_login"] or (values["address"] if secret or half == "imap" else None)
    after = Server(
        host=rules.check_host(values[f"{half}_host"]),
        port=port,
        security=security,
        login=login,
        secret=secret if login else None,
        tls_ca_file=str(Path(values["tls_ca_file"]).absolute()) if values["tls_ca_file"] else None,
        allow_plaintext=values["allow_plaintext"],
        allow_private=desk.actor.is_admin,
    )
    if before and _place(before) == _place(after):
        return replace(after, allow_private=before.allow_private)
    if before and before.secret and not desk.actor.is_admin and not passwords.is_given(half):
        raise BadInput("a password is not sent to another server than the one it was given for", f"add --{half}-password-stdin")
    return after


def _place(server: Server) -> tuple[object, ...]:
    return server.host, server.port, server.security, server.tls_ca_file, server.allow_plaintext


def _refuse_headless(
    half: Literal["imap", "smtp"], before: Server | None, values: Mapping[str, Any], passwords: Passwords
) -> None:
    """Refuse options without a server; where the server is just being taken away, its old port and log-in go with it."""
    if before and not passwords.is_given(half):
        return
    if values[f"{half}_port"] or values[f"{half}_login"] or passwords.is_given(half):
        raise BadInput(f"options for {half.upper()} without a server", f"add --{half}-host HOST")


def _server_values(half: Literal["imap", "smtp"], server: Server | None, address: str) -> dict[str, Any]:
    if server is None:
        return {}
    port = None if server.port == rules.DEFAULT_PORTS[half, server.security] else str(server.port)
    follows = server.login == address and (server.secret is not None or half == "imap")
    login = None if follows else server.login
    return {f"{half}_host": server.host, f"{half}_port": port, f"{half}_security": server.security, f"{half}_login": login}


def _since(desk: Desk, text: str | None) -> date:
    return times.parse_moment(text, now=desk.now()).date() if text else desk.now().date()


def _group_part(desk: Desk, values: Mapping[str, Any]) -> dict[str, Any]:
    db = desk.db
    distribution = values["distribution"].lower()
    return {
        "team_ids": tuple(sorted(teams.get(db, name).id for name in values["team"])),
        "for_all_team_users": values["for_all_team_users"],
        "assigned_user_id": _user_id(db, values["assigned_user"]),
        "group_folder_id": group_folders.get(db, values["group_folder"]).id if values["group_folder"] else None,
        "create_case": values["create_case"],
        "distribution": "least-busy" if distribution == "less-busy" else distribution,
        "target_team_id": teams.get(db, values["target_team"]).id if values["target_team"] else None,
        "target_position": values["target_position"],
        "assign_to_user_id": _user_id(db, values["assign_to"]),
        "auto_reply": values["auto_reply"],
        "reply_template": templates.get(db, values["reply_template"]).name if values["reply_template"] else None,
        "reply_to": check_address(values["reply_to"]) if values["reply_to"] else None,
        "reply_from": check_address(values["reply_from"]) if values["reply_from"] else None,
        "reply_from_name": values["reply_from_name"],
        "plus_address": values["plus_address"],
        "followup_closed": values["followup_closed"].lower(),
        "reopen_days": parse_number(0, 36500)(values["reopen_days"]) if values["reopen_days"] else None,
        "auto_submitted": values["auto_submitted"].lower(),
        "strangers": values["strangers"].lower(),
        "exclude_from_reply": values["exclude_from_reply"],
        "shared": values["shared"],
    }


def _user_id(db: Connection, name: str | None) -> int | None:
    return users.get(db, name).id if name else None


def _personal_part(desk: Desk, account: Account, values: Mapping[str, Any]) -> dict[str, Any]:
    assert account.user_id is not None
    pairs = []
    for text in values["map"]:
        source, equals, target = text.rpartition("=")
        if not equals or not source:
            raise BadInput(f"not IMAPFOLDER=FOLDER: {text}", "write it as --map Sent=Sent")
        pairs.append((rules.check_folder(source), folders.get(desk.db, account.user_id, target).name))
    default = values["default_folder"]
    return {
        "folder_map": tuple(pairs),
        "default_folder": folders.get(desk.db, account.user_id, default).name if default else None,
    }
