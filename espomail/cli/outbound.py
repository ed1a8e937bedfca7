"""`espomail settings outbound`: what notices and system mail leave from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from espomail.cli.account_options import SMTP
from espomail.cli.account_secrets import Passwords, read_passwords
from espomail.cli.fields import Field, edit_options, edited
from espomail.cli.frame import changed, command, emit, pass_desk
from espomail.errors import BadInput, UsageError
from espomail.model import Account, Secret, Server, Settings
from espomail.rules import access
from espomail.rules import accounts as account_rules
from espomail.rules.names import check_address, check_display_name
from espomail.rules.settings import OUTBOUND_KEYS
from espomail.store import accounts
from espomail.store import settings as store
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.store.db import Connection

FIELDS = (
    Field(name="address", metavar="ADDRESS", help="system mail goes from the group account with this address"),
    Field(name="from-name", metavar="NAME", help="the name in From of system mail"),
    Field(name="shared", kind="flag", help="users may send from the system address"),
    Field(name="server", metavar="HOST:PORT", help="use this SMTP server; then no group account is needed"),
    *(each for each in SMTP if each.name not in ("smtp-host", "smtp-port")),
    Field(name="tls-ca-file", metavar="FILE", help="trust the certificates in this file"),
    Field(name="allow-plaintext", kind="flag", help="log in without TLS on another machine"),
)
SERVER_KEYS = frozenset(field.key for field in FIELDS) - {"address", "from_name", "shared", "server"}


@command(
    "outbound",
    help="What notices and system mail leave from; without an option it is shown. The address is that of an active group "
    "account with an SMTP server, or of no account at all where --server names one. Without --smtp-login and password nobody "
    "logs in to that server.",
    epilog="""Example: espomail settings outbound --address support@team.example --from-name 'Team Support'
    espomail settings outbound --address crm@team.example --server mail.team.example:465 --smtp-login crm --smtp-password-env CRM_PASSWORD
    espomail settings outbound --clear server""",
)
@edit_options(FIELDS)
@pass_desk
def outbound(desk: Desk, /, **given: Any) -> None:
    access.require_admin(desk.actor)
    if all(value in (None, ()) for value in given.values()):
        emit(outbound_json(store.load(desk.db)))
        return
    passwords = read_passwords(desk, given)
    with transaction(desk.db):
        access.require_admin(desk.actor)
        before = store.load(desk.db)
        after = _read(desk, before, given, passwords)
        keep(desk.db, after)
    changed(f"system mail goes from {after.outbound_address or 'nowhere'}", outbound_json(store.load(desk.db)))


def keep(db: Connection, after: Settings) -> None:
    """Keep what the settings say of the system's sender."""
    for key in OUTBOUND_KEYS:
        store.set_(db, key, getattr(after, key))


def outbound_json(settings: Settings) -> dict[str, Any]:
    """The system's sender as it is shown: never the password, only where it comes from."""
    server = accounts.server_of(settings.outbound_server)
    return {
        "address": settings.outbound_address,
        "from_name": settings.outbound_from_name,
        "shared": settings.outbound_shared,
        "server": account_rules.server_json(server) if server else None,
    }


def _read(desk: Desk, before: Settings, given: Mapping[str, Any], passwords: Passwords) -> Settings:
    """The settings as the options make them; raise BadInput unless system mail can leave that way."""
    held = accounts.server_of(before.outbound_server)
    values = edited(FIELDS, given, current(before, held))
    if not values["server"] and any(given.get(key) not in (None, ()) for key in SERVER_KEYS):
        raise UsageError("those are options of an SMTP server", "name it with --server HOST:PORT")
    if passwords.is_given("smtp"):
        return outbound_as(desk, before, values, secret=passwords.secret("smtp"), is_given=True)
    secret = passwords.secret("smtp", before=held.secret if held else None)
    return outbound_as(desk, before, values, secret=secret, is_given=False)


def outbound_as(desk: Desk, before: Settings, values: Mapping[str, Any], *, secret: Secret | None, is_given: bool) -> Settings:
    """The settings with the values of FIELDS by key; raise BadInput unless system mail can leave that way.

    A password that is given, not kept, is for the log-in of the address where no log-in is named.
    """
    login = values["smtp_login"]
    if login is None and secret and is_given:
        login = values["address"]
    server = _server(values, login=login, secret=secret) if values["server"] else None
    address = check_address(values["address"]) if values["address"] else None
    _check(desk, address, server, is_shared=values["shared"])
    return replace(
        before,
        outbound_address=address,
        outbound_from_name=check_display_name("the name in From", values["from_name"] or "") or None,
        outbound_shared=values["shared"],
        outbound_server=accounts.server_json(server),
    )


def current(settings: Settings, server: Server | None) -> dict[str, Any]:
    """What holds now, in the words of the options; a port that is the default is left out, so that it follows."""
    values: dict[str, Any] = {
        "address": settings.outbound_address,
        "from_name": settings.outbound_from_name,
        "shared": settings.outbound_shared,
        "server": None,
    }
    if server is not None:
        is_default = server.port == account_rules.DEFAULT_PORTS["smtp", server.security]
        values |= {
            "server": server.host if is_default else host_and_port(server.host, server.port),
            "smtp_security": server.security,
            "smtp_login": server.login,
            "tls_ca_file": server.tls_ca_file,
            "allow_plaintext": server.allow_plaintext,
        }
    return values


def host_and_port(host: str, port: int) -> str:
    """A server as --server takes it: an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def _server(values: Mapping[str, Any], *, login: str | None, secret: Secret | None) -> Server:
    host, colon, port = values["server"].rpartition(":")
    if not colon or (values["server"].count(":") > 1 and not host.startswith("[")):
        host, port = values["server"], str(account_rules.DEFAULT_PORTS["smtp", values["smtp_security"]])
    return Server(
        host=account_rules.check_host(host),
        port=account_rules.check_port(port),
        security=values["smtp_security"],
        login=login,
        secret=secret if login else None,
        tls_ca_file=str(Path(values["tls_ca_file"]).absolute()) if values["tls_ca_file"] else None,
        allow_plaintext=values["allow_plaintext"],
    )


def _check(desk: Desk, address: str | None, server: Server | None, *, is_shared: bool) -> None:
    """Raise BadInput unless the address can send: by the server, or by an active group account that has exactly it."""
    if server is not None:
        account_rules.check(Account(id=0, kind="group", name="system", address=address or "", smtp=server))
    if address is None:
        if server is not None or is_shared:
            raise BadInput("system mail needs an address to go from", "add --address ADDRESS")
        return
    if server is not None:
        return
    found = [each for each in accounts.list_by_address(desk.db, address) if each.kind == "group"]
    if any(each.is_active and each.smtp is not None for each in found):
        return
    _refuse(address, found)


def _refuse(address: str, found: list[Account]) -> None:
    if not found:
        raise BadInput(
            f"no group account has the address {address}",
            f"espomail group-account add NAME --address {address} --smtp-host HOST, or name a server with --server",
        )
    first = found[0]
    if not first.is_active:
        raise BadInput(f"the group account {first.name} is not active", f"espomail group-account enable {first.name}")
    raise BadInput(
        f"the group account {first.name} has no SMTP server", f"espomail group-account edit {first.name} --smtp-host HOST"
    )
