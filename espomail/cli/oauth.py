"""`espomail oauth`: log in to mail servers that take OAuth 2.0 tokens only, such as Microsoft 365 and Google."""

from __future__ import annotations

import dataclasses
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from espomail import times
from espomail.cli import oauth_tokens
from espomail.cli.account_rights import Kind, get_editable
from espomail.cli.account_secrets import secret_text
from espomail.cli.actor import refuse_borrowed_path
from espomail.cli.frame import argument, changed, complain, confirm, emit, group, option, pass_desk
from espomail.cli.oauth_tokens import Login
from espomail.errors import BadInput, NotPermitted, NotSetUp
from espomail.model import Account, Secret, Server
from espomail.rules import access
from espomail.store import accounts
from espomail.store import oauth_tokens as store
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.wire.oauth import Client, Provider, Token


@group(help="Log in to mail servers with OAuth 2.0: a code that a person types in a browser, or an application's own right.")
def oauth() -> None: ...


@oauth.command(
    "login",
    help="Get a token for an account and use it for both its servers. It is kept encrypted and renewed by itself.",
    epilog="""Example: espomail oauth login support --provider microsoft --tenant team.example --client-id ID
    espomail oauth login support --provider google --client-id ID --client-secret-env GOOGLE_SECRET""",
)
@argument("account")
@option("--provider", type=click.Choice(["microsoft", "google", "other"]), help="who gives the tokens; default: as before")
@option("--client-id", metavar="ID", help="the application as registered with the provider; default: as before")
@option("--client-secret-env", metavar="VARIABLE", help="the application's secret is in this environment variable")
@option("--client-secret-stdin", is_flag=True, help="read the application's secret from stdin")
@option("--tenant", metavar="TENANT", default="common", help="Microsoft: the organisation, by id or domain")
@option("--application", is_flag=True, help="client credentials: no person logs in, the application has its own right")
@option("--token-url", metavar="URL", help="of another provider: where it gives tokens")
@option("--device-url", metavar="URL", help="of another provider: where it gives codes")
@option("--scope", metavar="SCOPE", help="of another provider: what to ask for")
@option("--ca-file", metavar="FILE", help="of another provider: trust the certificates in this file")
@pass_desk
def login(desk: Desk, /, account: str, **given: Any) -> None:
    from espomail.wire import oauth as wire

    found = _editable(desk, account)
    _refuse_own_endpoints(desk, given)
    before = oauth_tokens.load(desk.db, found.id, key_file=desk.key_path) if given["provider"] is None else None
    if before is None and given["provider"] is None:
        raise BadInput(f"nobody has logged in for {account} yet", "say with whom: --provider microsoft, google or other")
    name = given["provider"] or (before.provider_name if before else "")
    provider = before.provider if before else _provider(given)
    client = _client(desk, given, before)
    as_application = given["application"] or (before is not None and before.grant == "client-credentials")
    if as_application:
        token = wire.client_credentials(provider, client, now=desk.now())
    else:
        token = _by_device_code(desk, provider, client)
    grant: oauth_tokens.Grant = "client-credentials" if as_application else "device-code"
    _keep(desk, found, Login(provider_name=name, provider=provider, client=client, grant=grant, token=token))
    _show(desk, account, said_words=f"{account} is logged in")


@oauth.command(
    "status", help="Whether an account has a token, and until when.", epilog="Example: espomail oauth status support"
)
@argument("account")
@pass_desk
def status(desk: Desk, account: str) -> None:
    emit(_json(desk, _editable(desk, account)))


@oauth.command(
    "logout",
    help="Forget an account's token; its servers have no password then.",
    epilog="Example: espomail oauth logout support --yes",
)
@argument("account")
@option("--yes", is_flag=True, help="don't ask")
@pass_desk
def logout(desk: Desk, account: str, yes: bool) -> None:
    _editable(desk, account)
    confirm(f"forget the token of {account}?", yes=yes)
    with transaction(desk.db):
        found = _editable(desk, account)
        if not store.remove(desk.db, found.id):
            raise NotSetUp(f"{account} has no token", f"log in: espomail oauth login {account}")
        accounts.set_(desk.db, _with_secret(found, None))
    _show(desk, account, said_words=f"{account} is logged out; revoke the application's right at the provider too")


# ---------------------------------------------------------------- details


def _editable(desk: Desk, name: str) -> Account:
    """The account that the actor may change; of no kind or another's it is as if there were none."""
    kind: Kind = "personal"
    if desk.actor.is_admin:
        found = accounts.find_by_name(desk.db, name)
        kind = found.kind if found else "group"
    return get_editable(desk, kind, name)


def _refuse_own_endpoints(desk: Desk, given: dict[str, Any]) -> None:
    """Endpoints, variables and files are for admins: requests leave with the owner's rights."""
    refuse_borrowed_path(desk.actor, given["ca_file"], what="a file of certificates")
    named = [name for name in ("client_secret_env", "token_url", "device_url", "ca_file") if given[name]]
    if named and not desk.actor.is_admin:
        option_name = "--" + named[0].replace("_", "-")
        raise NotPermitted(f"only an admin may give {option_name}", "use --provider microsoft or google")


def _provider(given: dict[str, Any]) -> Provider:
    from espomail.wire import oauth as wire

    match given["provider"]:
        case "microsoft":
            if given["application"] and given["tenant"] == "common":
                raise BadInput("an application's own right needs an organisation", "give --tenant TENANT")
            return wire.microsoft(given["tenant"])
        case "google":
            return wire.google()
        case _:
            if not given["token_url"] or not given["scope"]:
                raise BadInput("another provider needs its addresses", "give --token-url, --scope, and --device-url for codes")
            return wire.Provider(
                token_url=given["token_url"],
                scope=given["scope"],
                device_url=given["device_url"] or "",
                ca_file=given["ca_file"],
            )


def _client(desk: Desk, given: dict[str, Any], before: Login | None) -> Client:
    from espomail.wire.oauth import Client

    client_id = given["client_id"] or (before.client.client_id if before else None)
    if not client_id:
        raise BadInput("the provider knows applications by their id", "register one there and give --client-id ID")
    secret = _client_secret(desk, given)
    return Client(client_id, secret if secret is not None else before.client.client_secret if before else "")


def _client_secret(desk: Desk, given: dict[str, Any]) -> str | None:
    if given["client_secret_stdin"]:
        line = secret_text(sys.stdin.buffer.readline()).rstrip("\r\n")
        if not line:
            raise BadInput("no secret on stdin", "for example: printf '%s\\n' \"$SECRET\" | espomail oauth login …")
        return line
    if given["client_secret_env"]:
        from espomail.wire import secrets as vault

        return vault.resolve_secret(Secret("env", given["client_secret_env"]), key_file=desk.key_path)
    return None


def _by_device_code(desk: Desk, provider: Provider, client: Client) -> Token:
    """Tell the person where to type which code, and wait."""
    from espomail.wire import oauth as wire

    started = wire.start_device_login(provider, client, now=desk.now())
    complain(f"open {started.url} in a browser and type the code {started.user_code}")
    return wire.finish_device_login(provider, client, started, now=desk.now, sleep=time.sleep)


def _keep(desk: Desk, found: Account, login_: Login) -> None:
    with transaction(desk.db):
        now_there = _editable(desk, found.name)
        oauth_tokens.save(desk.db, now_there.id, login_, key_file=desk.key_path, now=desk.now())
        accounts.set_(desk.db, _with_secret(now_there, Secret("oauth", str(now_there.id))))
        accounts.clear_backoff(desk.db, now_there.id)


def _with_secret(account: Account, secret: Secret | None) -> Account:
    """The account with that secret for both servers; logging out leaves a password of another kind alone."""

    def half(server: Server | None) -> Server | None:
        if server is None or server.login is None:
            return server
        is_token = server.secret is not None and server.secret.kind == "oauth"
        return dataclasses.replace(server, secret=secret) if secret is not None or is_token else server

    return dataclasses.replace(account, imap=half(account.imap), smtp=half(account.smtp))


def _show(desk: Desk, name: str, *, said_words: str) -> None:
    changed(said_words, _json(desk, accounts.get_by_name(desk.db, name)))


def _json(desk: Desk, account: Account) -> dict[str, Any]:
    """What may be shown of a log-in: never a token or a secret."""
    access.require_account(desk.actor, account)
    login_ = oauth_tokens.load(desk.db, account.id, key_file=desk.key_path)
    kept = store.find(desk.db, account.id)
    halves = {half: server.secret for half in ("imap", "smtp") if (server := getattr(account, half)) is not None}
    return {
        "account": account.name,
        "is_logged_in": login_ is not None,
        "provider": login_.provider_name if login_ else None,
        "client_id": login_.client.client_id if login_ else None,
        "grant": login_.grant if login_ else None,
        "expires_at": times.to_text(login_.token.expires_at) if login_ else None,
        "renews_itself": bool(login_ and (login_.token.refresh_token or login_.grant == "client-credentials")),
        "saved_at": times.to_text(kept.saved_at) if kept else None,
        "used_for": [half for half, secret in halves.items() if secret is not None and secret.kind == "oauth"],
    }
