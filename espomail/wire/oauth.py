"""OAuth 2.0 tokens for mail servers: device code (RFC 8628), refresh and client credentials (RFC 6749), or a command.

Where tokens are kept is the caller's affair. Requests go over verified HTTPS only; no token or secret is put into an error.
"""

from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from espomail.errors import BadInput, LoginRefused, Unreachable
from espomail.wire import tls

_TIMEOUT_S = 30
_ANSWER_MAX = 1024 * 1024
_PASSING = ("temporarily_unavailable", "server_error")
"""Errors that say nothing about the log-in (RFC 6749 section 4.1.2.1; Microsoft gives them for tokens too)."""
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider gives tokens, and which scopes mail needs; `device_url` "" when it has no device-code log-in."""

    token_url: str
    scope: str
    device_url: str = ""
    app_scope: str = ""
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Client:
    """The application as registered with the provider."""

    client_id: str
    client_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and until when it holds (UTC); `refresh_token` "" when none was given."""

    access_token: str = field(repr=False)
    expires_at: datetime
    refresh_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class DeviceLogin:
    """What a person must do to log in: open `url` and type `user_code`; ask for the token every `interval_s`."""

    url: str
    user_code: str
    device_code: str = field(repr=False)
    interval_s: float
    expires_at: datetime


def microsoft(tenant: str = "common") -> Provider:
    """Microsoft 365; `app_scope` is what client credentials ask for, which need a tenant of one's own."""
    base = f"https://login.microsoftonline.com/{urllib.parse.quote(tenant, safe='')}/oauth2/v2.0"
    mail = "https://outlook.office.com"
    return Provider(
        token_url=f"{base}/token",
        device_url=f"{base}/devicecode",
        scope=f"offline_access {mail}/IMAP.AccessAsUser.All {mail}/SMTP.Send",
        app_scope="https://outlook.office365.com/.default",
    )


def google() -> Provider:
    """Google; whether its device-code log-in grants the mail scope is Google's to say, a refresh token from elsewhere works."""
    return Provider(
        token_url="https://oauth2.googleapis.com/token",
        device_url="https://oauth2.googleapis.com/device/code",
        scope="https://mail.google.com/",
    )


def start_device_login(provider: Provider, client: Client, *, now: datetime) -> DeviceLogin:
    """Ask for a code that a person types in a browser; raise Unreachable or LoginRefused."""
    if not provider.device_url:
        raise BadInput("this provider has no log-in by device code", "name its --device-url, or log in as the --application")
    answer = _post(provider, provider.device_url, {"client_id": client.client_id, "scope": provider.scope})
    return DeviceLogin(
        url=_text(answer, "verification_uri", "verification_url"),
        user_code=_text(answer, "user_code"),
        device_code=_text(answer, "device_code"),
        interval_s=max(_seconds(answer, "interval", default=5), 1),
        expires_at=now + timedelta(seconds=_seconds(answer, "expires_in", default=900)),
    )


def finish_device_login(
    provider: Provider, client: Client, login: DeviceLogin, *, now: Callable[[], datetime], sleep: Callable[[float], None]
) -> Token:
    """Wait until the person has logged in and return the token; raise LoginRefused when they decline or the code expires."""
    interval_s = login.interval_s
    fields = {"grant_type": _DEVICE_GRANT, "device_code": login.device_code, **_credentials(client)}
    while now() < login.expires_at:
        sleep(interval_s)
        answer = _post(provider, provider.token_url, fields, pending=("authorization_pending", "slow_down"))
        if answer.get("error") == "slow_down":
            interval_s += 5
        elif "error" not in answer:
            return _token(answer, now=now())
    raise LoginRefused("the code expired before anybody logged in with it", "start again: espomail oauth login")


def refresh(provider: Provider, client: Client, refresh_token: str, *, now: datetime) -> Token:
    """A fresh token for a refresh token; the old refresh token stays in it when the provider gives no new one."""
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token, "scope": provider.scope, **_credentials(client)}
    return _token(_post(provider, provider.token_url, fields), now=now, refresh_token=refresh_token)


def client_credentials(provider: Provider, client: Client, *, now: datetime) -> Token:
    """A token for the application itself, without a person."""
    fields = {"grant_type": "client_credentials", "scope": provider.app_scope or provider.scope, **_credentials(client)}
    return _token(_post(provider, provider.token_url, fields), now=now)


def _credentials(client: Client) -> dict[str, str]:
    given = {"client_id": client.client_id}
    return given | {"client_secret": client.client_secret} if client.client_secret else given


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token endpoint that points elsewhere gets no secrets there."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def _post(provider: Provider, url: str, fields: dict[str, str], *, pending: tuple[str, ...] = ()) -> dict[str, Any]:
    """The JSON object that an endpoint answers; an `error` in it is raised as LoginRefused unless it is `pending`."""
    host = urllib.parse.urlsplit(url).hostname or url
    if not url.startswith("https://"):
        raise BadInput(f"OAuth endpoints are https only: {url}", "write it with https://")
    https = urllib.request.HTTPSHandler(context=tls.verified_context(provider.ca_file))
    opener = urllib.request.build_opener(https, _NoRedirect())
    status, raw = _by_the_clock(lambda: _answer(opener, url, fields, host), host)
    if status >= 500 or (status == 429 and not pending):
        raise Unreachable(f"{host} gives no tokens now: HTTP {status}", "the next round tries again")
    return _checked(_object(raw, host), host, pending)


def _by_the_clock(ask: Callable[[], tuple[int, bytes]], host: str) -> tuple[int, bytes]:
    """What `ask` returns or raises; Unreachable when its time is up. A socket's own is for each byte that drips in."""
    outcome: Future[tuple[int, bytes]] = Future()

    def run() -> None:
        try:
            outcome.set_result(ask())
        except Unreachable as error:
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return outcome.result(_TIMEOUT_S)
    except TimeoutError:
        raise Unreachable(f"{host} did not answer in time", "the next round tries again") from None


def _answer(opener: urllib.request.OpenerDirector, url: str, fields: dict[str, str], host: str) -> tuple[int, bytes]:
    """The status and body that an endpoint answers, also with an error; raise Unreachable when there is none."""
    try:
        return _body(opener, url, fields)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "reason", None) or error
        raise Unreachable(f"{host} can't be reached: {reason}", "check the network") from None
    except http.client.HTTPException:  # no OSError, and its words hold what was answered
        raise Unreachable(f"{host} does not speak HTTP", "check the address of the endpoint") from None


def _body(opener: urllib.request.OpenerDirector, url: str, fields: dict[str, str]) -> tuple[int, bytes]:
    try:
        with opener.open(url, data=urllib.parse.urlencode(fields).encode(), timeout=_TIMEOUT_S) as response:
            return int(response.status), bytes(response.read(_ANSWER_MAX))
    except urllib.error.HTTPError as error:
        return error.code, error.read(_ANSWER_MAX)


def _object(raw: bytes, host: str) -> dict[str, Any]:
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise Unreachable(f"{host} answered something that is not JSON", "check the address of the endpoint")
    return answer


def _checked(answer: dict[str, Any], host: str, pending: tuple[str, ...]) -> dict[str, Any]:
    error = answer.get("error")
    if error is None or error in pending:
        return answer
    words = str(answer.get("error_description") or "").splitlines()
    more = f" ({words[0][:200]})" if words else ""
    if error in _PASSING:
        raise Unreachable(f"{host} gives no tokens now: {error}{more}", "the next round tries again")
    raise LoginRefused(f"{host} gives no token: {str(error)[:80]}{more}", "log in again: espomail oauth login")


def _token(answer: dict[str, Any], *, now: datetime, refresh_token: str = "") -> Token:
    fresh = answer.get("refresh_token")
    lasts_s = _seconds(answer, "expires_in", default=3600)
    return Token(
        _text(answer, "access_token"),
        now + timedelta(seconds=lasts_s),
        fresh if isinstance(fresh, str) and fresh else refresh_token,
    )


def _text(answer: dict[str, Any], *names: str) -> str:
    for name in names:
        value = answer.get(name)
        if isinstance(value, str) and value:
            return value
    raise Unreachable(f"the provider's answer lacks {names[0]}", "check the address of the endpoint")


def _seconds(answer: dict[str, Any], name: str, *, default: float) -> float:
    """A number of seconds, also when it is written as text; at most a year."""
    try:
        return min(max(float(answer.get(name, default)), 0), 366 * 86400.0)
    except (TypeError, ValueError):
        return default
