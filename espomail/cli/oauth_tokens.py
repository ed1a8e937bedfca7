"""Tokens of mail accounts between the store, which holds them encrypted, and the provider, which renews them."""

from __future__ import annotations

import dataclasses
import json
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from espomail import times
from espomail.errors import EspomailError, LoginRefused, NotSetUp
from espomail.model import Secret
from espomail.store import oauth_tokens as store
from espomail.store.db import open_db, transaction

if TYPE_CHECKING:
    from espomail.cli.front import Front
    from espomail.store.db import Connection
    from espomail.wire.oauth import Client, Provider, Token

Grant = Literal["device-code", "client-credentials"]
SPARE = timedelta(minutes=2)
RENEWAL_S = 90.0
AGAIN = "log in again: espomail oauth login"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """All that is kept of a log-in: who gives tokens, which application asks, in which way, and the token it got."""

    provider_name: str
    provider: Provider
    client: Client
    grant: Grant
    token: Token


def save(db: Connection, account_id: int, login: Login, *, key_file: Path, now: datetime) -> None:
    """Keep a log-in, encrypted with the key file; the caller holds the transaction."""
    from espomail.wire import secrets as vault

    store.set_(db, account_id, vault.encrypt(_packed(login), key_file), now=now)


def load(db: Connection, account_id: int, *, key_file: Path) -> Login | None:
    """The log-in of an account, None when there is none; raise NotSetUp when the key does not open it."""
    from espomail.wire import secrets as vault

    kept = store.find(db, account_id)
    return None if kept is None else _unpacked(vault.decrypt(kept.sealed, key_file))


def access_token(front: Front, secret: Secret) -> str:
    """An access token that holds for some minutes; it is renewed first where need be, by one process at a time.

    Raise NotSetUp without a log-in, LoginRefused when the provider gives no token, Unreachable when it can't be asked.
    """
    from espomail.rounds import locks

    account_id = int(secret.value)
    with closing(open_db(front.db_path, now=front.now())) as db:
        login = _required(db, account_id, front.key_path)
        if login.token.expires_at - SPARE > front.now():
            return login.token.access_token
        lock = locks.folder_of(front.db_path) / f"oauth-{account_id}.lock"
        with locks.wait_for(lock, timeout_s=RENEWAL_S):
            login = _required(db, account_id, front.key_path)
            if login.token.expires_at - SPARE <= front.now():
                login = dataclasses.replace(login, token=renewed(login, now=front.now()))
                with transaction(db):
                    save(db, account_id, login, key_file=front.key_path, now=front.now())
    return login.token.access_token


def renewed(login: Login, *, now: datetime) -> Token:
    """A fresh token in the way the log-in was made; raise LoginRefused or Unreachable."""
    from espomail.wire import oauth

    if login.grant == "client-credentials":
        return oauth.client_credentials(login.provider, login.client, now=now)
    if not login.token.refresh_token:
        raise LoginRefused("the OAuth token has ended and can't be renewed", AGAIN)
    return oauth.refresh(login.provider, login.client, login.token.refresh_token, now=now)


def condition(db: Connection, secret: Secret, *, key_file: Path, now: datetime) -> dict[str, Any]:
    """What `doctor` says of a token: `token_saved_at`, and in `token_trouble` why it can't be used."""
    account_id = int(secret.value)
    kept = store.find(db, account_id)
    if kept is None:
        return {"token_trouble": "it logs in with OAuth, and nobody has logged in"}
    try:
        login = load(db, account_id, key_file=key_file)
    except EspomailError as error:
        return {"token_saved_at": kept.saved_at, "token_trouble": error.message}
    assert login is not None
    can_renew = login.grant == "client-credentials" or bool(login.token.refresh_token)
    ended = not can_renew and login.token.expires_at <= now
    return {"token_saved_at": kept.saved_at, "token_trouble": "its OAuth token has ended and can't be renewed" if ended else ""}


def _required(db: Connection, account_id: int, key_file: Path) -> Login:
    login = load(db, account_id, key_file=key_file)
    if login is None:
        raise NotSetUp("the account logs in with OAuth, and nobody has logged in", AGAIN)
    return login


def _packed(login: Login) -> str:
    token = {**dataclasses.asdict(login.token), "expires_at": times.to_text(login.token.expires_at)}
    return json.dumps(
        {
            "provider_name": login.provider_name,
            "provider": dataclasses.asdict(login.provider),
            "client": dataclasses.asdict(login.client),
            "grant": login.grant,
            "token": token,
        }
    )


def _unpacked(text: str) -> Login:
    from espomail.wire.oauth import Client, Provider, Token

    kept = json.loads(text)
    token = {**kept["token"], "expires_at": times.from_text(kept["token"]["expires_at"])}
    return Login(
        provider_name=kept["provider_name"],
        provider=Provider(**kept["provider"]),
        client=Client(**kept["client"]),
        grant=kept["grant"],
        token=Token(**token),
    )
