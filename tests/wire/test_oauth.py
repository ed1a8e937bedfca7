"""Tokens from a provider: a small real HTTPS server on loopback answers as Microsoft and Google do."""

from __future__ import annotations

import json
import ssl
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from espomail.errors import BadInput, LoginRefused, Unreachable
from espomail.wire import oauth
from espomail.wire.oauth import Client, DeviceLogin, Provider, Token
from tests import servers

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
CLIENT = Client("our-app", "app-secret")
Answer = tuple[int, Any]
NO_HTTP, DRIPS = 0, 1


class TokenServer(HTTPServer):
    """Answers each request with the next of `answers` (status and JSON value, or raw bytes); keeps what it was asked."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        ca_file, key, cert = servers.certificates(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        base = f"https://localhost:{self.server_address[1]}"
        self.provider = Provider(f"{base}/token", "mail", f"{base}/device", "app-mail", str(ca_file))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that doesn't trust us hangs up: that is what one of the tests wants."""


class _Handler(BaseHTTPRequestHandler):
    server: TokenServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append((self.path, dict(urllib.parse.parse_qsl(body))))
        status, value = self.server.answers.pop(0)
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        for _ in range(20 if status == DRIPS else 0):
            self.wfile.write(b"H")
            time.sleep(0.1)
        if status in (NO_HTTP, DRIPS):
            self.wfile.write(raw)
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        if status in (302, 307):
            self.send_header("Location", "https://localhost:1/elsewhere")
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""


@pytest.fixture
def token_server() -> Iterator[TokenServer]:
    with tempfile.TemporaryDirectory() as folder, TokenServer(Path(folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(timeout=5)


TOKEN = {"access_token": "AT", "expires_in": 3600, "refresh_token": "RT", "token_type": "Bearer"}


def test_a_person_logs_in_with_a_code(token_server: TokenServer) -> None:
    code = {"device_code": "DC", "user_code": "ABC-DEF", "interval": 5, "expires_in": 900}
    token_server.answers = [
        (200, {**code, "verification_uri": "https://example.com/device"}),
        (400, {"error": "authorization_pending"}),
        (400, {"error": "slow_down"}),
        (200, TOKEN),
    ]
    login = oauth.start_device_login(token_server.provider, CLIENT, now=NOW)
    assert login == DeviceLogin("https://example.com/device", "ABC-DEF", "DC", 5, NOW + timedelta(seconds=900))
    slept: list[float] = []
    token = oauth.finish_device_login(token_server.provider, CLIENT, login, now=lambda: NOW, sleep=slept.append)
    assert token == Token("AT", NOW + timedelta(hours=1), "RT")
    assert slept == [5, 5, 10]
    asked = {"client_id": "our-app", "client_secret": "app-secret", "device_code": "DC", "grant_type": oauth._DEVICE_GRANT}
    assert token_server.asked == [("/device", {"client_id": "our-app", "scope": "mail"}), *[("/token", asked)] * 3]


def test_a_code_that_nobody_uses_expires(token_server: TokenServer) -> None:
    moments = iter([NOW, NOW + timedelta(seconds=6), NOW + timedelta(seconds=20)])
    token_server.answers = [(400, {"error": "authorization_pending"})] * 2
    login = DeviceLogin("u", "c", "DC", 5, NOW + timedelta(seconds=10))
    with pytest.raises(LoginRefused, match="expired"):
        oauth.finish_device_login(token_server.provider, CLIENT, login, now=lambda: next(moments), sleep=lambda _s: None)
    assert len(token_server.asked) == 2


def test_a_refreshed_token_keeps_its_refresh_token_unless_a_new_one_comes(token_server: TokenServer) -> None:
    token_server.answers = [(200, TOKEN), (200, {"access_token": "AT2", "expires_in": "60"})]
    found = [oauth.refresh(token_server.provider, Client("our-app"), "old", now=NOW) for _ in range(2)]
    assert found == [Token("AT", NOW + timedelta(hours=1), "RT"), Token("AT2", NOW + timedelta(minutes=1), "old")]
    asked = {"client_id": "our-app", "grant_type": "refresh_token", "refresh_token": "old", "scope": "mail"}
    assert token_server.asked == [("/token", asked)] * 2


def test_an_application_gets_a_token_of_its_own(token_server: TokenServer) -> None:
    token_server.answers = [(200, {"access_token": "AT"})]
    assert oauth.client_credentials(token_server.provider, CLIENT, now=NOW) == Token("AT", NOW + timedelta(hours=1))
    assert token_server.asked[0][1]["scope"] == "app-mail"


FAILURES: dict[str, tuple[Answer, type[Exception], str]] = {
    "a revoked token": (
        (400, {"error": "invalid_grant", "error_description": "The token expired.\r\nTrace: 1"}),
        LoginRefused,
        "localhost gives no token: invalid_grant (The token expired.)",
    ),
    "a provider in trouble": ((503, b"busy"), Unreachable, "localhost gives no tokens now: HTTP 503"),
    "a provider with too much to do": (
        (429, {"error": "invalid_request"}), Unreachable, "localhost gives no tokens now: HTTP 429",
    ),
    "a provider that is away": (
        (400, {"error": "temporarily_unavailable", "error_description": "Try later."}),
        Unreachable,
        "localhost gives no tokens now: temporarily_unavailable (Try later.)",
    ),
    "a page instead of JSON": ((200, b"<html>"), Unreachable, "localhost answered something that is not JSON"),
    "brackets without end": ((200, b"[" * 100_000), Unreachable, "localhost answered something that is not JSON"),
    "another kind of server": ((NO_HTTP, b"220 mail ESMTP\r\n"), Unreachable, "localhost does not speak HTTP"),
    "a list instead of an object": ((200, []), Unreachable, "localhost answered something that is not JSON"),
    "an answer without a token": ((200, {}), Unreachable, "the provider's answer lacks access_token"),
    "a redirection": ((307, b""), Unreachable, "localhost answered something that is not JSON"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_each_failure_is_one_clear_sentence_without_a_secret(token_server: TokenServer, name: str) -> None:
    answer, kind, words = FAILURES[name]
    token_server.answers = [answer]
    with pytest.raises(kind) as caught:
        oauth.refresh(token_server.provider, CLIENT, "my-refresh-token", now=NOW)
    assert str(caught.value) == words
    assert len(token_server.asked) == 1


def test_a_provider_that_drips_is_given_up_by_the_clock(token_server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth, "_TIMEOUT_S", 0.5)
    token_server.answers = [(DRIPS, b"")]
    started = time.monotonic()
    with pytest.raises(Unreachable, match="localhost did not answer in time"):
        oauth.refresh(token_server.provider, CLIENT, "my-refresh-token", now=NOW)
    assert time.monotonic() - started < 1.5


def test_a_provider_nobody_vouches_for_gets_no_secret(token_server: TokenServer) -> None:
    stranger = Provider(token_server.provider.token_url, "mail")
    with pytest.raises(Unreachable, match=r"localhost can't be reached: .*(certificate|CERTIFICATE)"):
        oauth.refresh(stranger, CLIENT, "my-refresh-token", now=NOW)
    assert token_server.asked == []


def test_endpoints_without_tls_are_refused() -> None:
    with pytest.raises(BadInput, match="https only"):
        oauth.refresh(Provider("http://localhost/token", "mail"), CLIENT, "rt", now=NOW)


def test_secrets_do_not_show_in_the_values_that_hold_them() -> None:
    shown = repr((CLIENT, Token("access", NOW, "refresh"), DeviceLogin("u", "c", "device", 5, NOW)))
    assert not [secret for secret in ("app-secret", "access'", "refresh'", "device'") if secret in shown]


def test_a_tenant_can_not_leave_its_place_in_the_address() -> None:
    assert oauth.microsoft("a/../b?c").token_url == "https://login.microsoftonline.com/a%2F..%2Fb%3Fc/oauth2/v2.0/token"
