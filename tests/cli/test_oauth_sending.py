"""Mail leaves by OAuth: a real SMTP server that takes tokens only, and a real token server; nobody types a password."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tests.cli.test_oauth import CODE, FIRST, SECOND, endpoints
from tests.cli.test_send import do
from tests.conftest import NOW, Runner
from tests.servers import HOST, free_ports
from tests.wire.test_oauth import TokenServer

COMPLAINT = base64.b64encode(b'{"status":"401","schemes":"bearer"}').decode()


class TokensOnly:
    """Takes mail from who shows the `valid` token by XOAUTH2; keeps who logged in with which token, and the mails."""

    def __init__(self) -> None:
        self.valid = "FIRST-ACCESS"
        self.shown: list[tuple[str, str]] = []
        self.mails: list[tuple[str, list[str]]] = []

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        said = await server.challenge_auth("")
        assert isinstance(said, bytes)
        user, _, token = said.decode().removeprefix("user=").rstrip("\x01").partition("\x01auth=Bearer ")
        self.shown.append((user, token))
        if token != self.valid:
            await server.challenge_auth(COMPLAINT, encode_to_b64=False)
        return AuthResult(success=token == self.valid, handled=False, auth_data=user)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append((envelope.mail_from or "", list(envelope.rcpt_tos)))
        return "250 taken"


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[TokenServer]:
    with TokenServer(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(timeout=5)


@pytest.fixture
def post(run: Runner, tokens: TokenServer) -> Iterator[TokensOnly]:
    """The SMTP server, and `support` logged in to it by a device code; its first token holds for an hour."""
    taker = TokensOnly()
    (port,) = free_ports(1)
    controller = Controller(
        taker, hostname=HOST, port=port, auth_required=True, auth_require_tls=False, auth_exclude_mechanism=["PLAIN", "LOGIN"]
    )
    controller.start()
    try:
        server = (
            "--smtp-host",
            HOST,
            "--smtp-port",
            str(port),
            "--smtp-security",
            "none",
            "--smtp-login",
            "support@team.example",
        )
        do(run, "group-account", "add", "support", "--address", "support@team.example", *server)
        tokens.answers = [(200, CODE), (200, FIRST)]
        logged_in = run("oauth", "login", "support", *endpoints(tokens), "--json")
        assert (logged_in.exit_code, logged_in.json["used_for"]) == (0, ["smtp"]), logged_in.stderr
        yield taker
    finally:
        controller.stop()


def write(run: Runner, name: str) -> None:
    do(run, "email", "send", "--from", "support@team.example", "--to", f"{name}@client.example", "--body", "hi")


def test_mail_leaves_with_a_token_that_renews_itself(run: Runner, tokens: TokenServer, post: TokensOnly) -> None:
    write(run, "a")
    assert do(run, "send")["sent"] == 1
    run.now = NOW + timedelta(hours=2)
    post.valid = "SECOND-ACCESS"
    tokens.answers = [(200, SECOND)]
    write(run, "b")
    assert do(run, "send")["sent"] == 1
    assert post.mails == [("support@team.example", [f"{name}@client.example"]) for name in ("a", "b")]
    assert post.shown == [("support@team.example", token) for token in ("FIRST-ACCESS", "SECOND-ACCESS")]
    assert tokens.asked[-1][1]["refresh_token"] == "FIRST-REFRESH"
    assert do(run, "group-account", "test", "support")["smtp"]["ok"]


def test_a_token_that_the_server_refuses_keeps_the_mail_and_is_in_no_message(
    run: Runner, tokens: TokenServer, post: TokensOnly
) -> None:
    post.valid = "ANOTHER"
    write(run, "a")
    done = run("send")
    assert (done.exit_code, post.mails) == (69, [])
    (row,) = do(run, "outbox", "list")
    assert (row["status"], "refused the log-in of support@team.example" in row["last_reply"]) == ("deferred", True)
    assert "FIRST" not in done.stderr + done.stdout + row["last_reply"]
    tokens.answers = [(200, CODE), (200, {**FIRST, "access_token": "ANOTHER"})]
    assert run("oauth", "login", "support").exit_code == 0
    run.now = NOW + timedelta(hours=1)
    tokens.answers = [(200, {"access_token": "ANOTHER", "expires_in": 3600})]
    assert (do(run, "send")["sent"], len(post.mails)) == (1, 1)


def test_a_provider_that_gives_no_token_keeps_the_mail(run: Runner, tokens: TokenServer, post: TokensOnly) -> None:
    write(run, "a")
    run.now = NOW + timedelta(hours=2)
    tokens.answers = [(400, {"error": "invalid_grant", "error_description": "revoked"})]
    assert run("send").exit_code == 69
    (row,) = do(run, "outbox", "list")
    assert (row["status"], "invalid_grant (revoked)" in row["last_reply"], post.shown) == ("deferred", True, [])
