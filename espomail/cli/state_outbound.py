"""The system's sender in the state: one mapping, read by the reader of `settings outbound`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from espomail.cli.outbound import FIELDS, current, host_and_port, keep, outbound_as
from espomail.cli.state_accounts import KEPT_SECRETS, reference_of
from espomail.errors import BadInput
from espomail.model import Secret, Server
from espomail.rules import accounts as account_rules
from espomail.store import accounts, settings

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.store.db import Connection

Item = dict[str, Any]
_PLAIN = ("address", "from_name", "shared")
_OPTIONS = {
    "security": "smtp_security",
    "login": "smtp_login",
    "tls_ca_file": "tls_ca_file",
    "allow_plaintext": "allow_plaintext",
}


def outbound_state(db: Connection) -> Item:
    """What system mail leaves from, with every key; a server with where its password comes from."""
    known = settings.load(db)
    server = accounts.server_of(known.outbound_server)
    return {
        "address": known.outbound_address,
        "from_name": known.outbound_from_name,
        "shared": known.outbound_shared,
        "server": account_rules.server_json(server) | {"password": reference_of(server.secret)} if server else None,
    }


def put_outbound(desk: Desk, told: Mapping[str, Any]) -> None:
    """Set what the file tells of it; null empties a key, and of the server every key stands for itself."""
    before = settings.load(desk.db)
    held = accounts.server_of(before.outbound_server)
    values = current(before, held) | {key: told[key] for key in _PLAIN if key in told}
    server: Mapping[str, Any] | None = told.get("server", {})
    values |= {"server": None} if server is None else _server_values(server, held)
    filled = {field.key: field.empty if values.get(field.key) is None else values[field.key] for field in FIELDS}
    is_given = bool(server and server.get("password"))
    keep(desk.db, outbound_as(desk, before, filled, secret=_secret(server or {}, held), is_given=is_given))


def _server_values(told: Mapping[str, Any], held: Server | None) -> Item:
    """What the file says of the server, by key of the option."""
    if not told:
        return {}
    host = told.get("host", held.host if held else None)
    if not host:
        raise BadInput("the server of outbound has no host", "add host: mail.example.com, or server: null")
    security = told.get("security", held.security if held else None) or "tls"
    port = told.get("port", held.port if held else None)
    values: Item = {option: told[key] for key, option in _OPTIONS.items() if key in told}
    default = account_rules.DEFAULT_PORTS["smtp", security]
    return values | {"server": host_and_port(host, default if port is None else port)}


def _secret(told: Mapping[str, Any], held: Server | None) -> Secret | None:
    """The reference that the file gives, else what there is; one that the database keeps stays as it is there."""
    known = held.secret if held else None
    if "password" not in told:
        return known
    if told["password"] is None:
        return None
    ((kind, value),) = told["password"].items()
    if kind in KEPT_SECRETS:
        if known and known.kind != kind:
            raise BadInput(
                f"the password of outbound is no longer {kind} but comes from {known.kind}",
                "first: espomail settings outbound --smtp-password-stdin",
            )
        return known or Secret(kind, "")
    return Secret(kind, str(Path(value).expanduser().absolute()) if kind == "file" else value)
