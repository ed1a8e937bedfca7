"""OAuth on the command line: a small real token server, and an IMAP server that takes tokens only."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import NOW, Runner
from tests.scripted_imap import Piece, ScriptedImap, scripted_imap
from tests.wire.test_oauth import TokenServer

CODE = {
    "device_code": "DEVICE-CODE",
    "user_code": "ABC-DEF",
    "interval": 1,
    "expires_in": 900,
    "verification_uri": "https://p.example/go",
}
FIRST = {"access_token": "FIRST-ACCESS", "expires_in": 3600, "refresh_token": "FIRST-REFRESH"}
SECOND = {"access_token": "SECOND-ACCESS", "expires_in": 3600}


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[TokenServer]:
    with TokenServer(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(timeout=5)


def tokens_only(tag: bytes, line: str, answer: bytes) -> bytes | Iterable[Piece]:
    return answer.replace(b"AUTH=PLAIN", b"AUTH=XOAUTH2") if line.upper() == "CAPABILITY" else answer


@pytest.fixture
def imap() -> Iterator[ScriptedImap]:
    with scripted_imap({}, twist=tokens_only) as server:
        yield server


def endpoints(tokens: TokenServer) -> list[str]:
    given = tokens.provider
    return ["--provider", "other", "--token-url", given.token_url, "--device-url", given.device_url, "--scope", "mail",
            "--ca-file", str(given.ca_file), "--client-id", "our-app"]  # fmt: skip


def account(run: Runner, port: int) -> None:
    server = ["--imap-host", "127.0.0.1", "--imap-port", str(port), "--imap-security", "none", "--imap-login", "ann"]
    made = run("group-account", "add", "support", "--address", "support@team.example", *server)
    assert made.exit_code == 0, made.stderr


def bearer(said: bytes) -> str:
    return base64.b64decode(said).decode().split("auth=Bearer ")[1].split("\x01")[0]


def test_a_person_logs_in_and_the_token_opens_the_mailbox_and_renews_itself(
    run: Runner, tokens: TokenServer, imap: ScriptedImap
) -> None:
    account(run, imap.port)
    tokens.answers = [(200, CODE), (400, {"error": "authorization_pending"}), (200, FIRST), (200, SECOND)]
    logged_in = run("oauth", "login", "support", *endpoints(tokens), "--json")
    assert logged_in.exit_code == 0, logged_in.stderr
    assert logged_in.stderr == "open https://p.example/go in a browser and type the code ABC-DEF\n"
    expected = {
        "account": "support", "is_logged_in": True, "provider": "other", "client_id": "our-app", "grant": "device-code",
        "expires_at": "2026-03-02T10:00:00Z", "renews_itself": True, "saved_at": "2026-03-02T09:00:00Z", "used_for": ["imap"],
    }  # fmt: skip
    assert logged_in.json == expected == run("oauth", "status", "support", "--json").json

    imap.log_in_answers = [b"OK logged in"]
    assert run("group-account", "test", "support", "--json").json["imap"]["ok"]
    run.now = NOW + timedelta(hours=2)
    assert run("group-account", "test", "support", "--json").json["imap"]["ok"]
    assert [bearer(said) for said in imap.said] == ["FIRST-ACCESS", "SECOND-ACCESS"]
    assert tokens.asked[-1][1]["refresh_token"] == "FIRST-REFRESH"
    assert run("oauth", "status", "support", "--json").json["saved_at"] == "2026-03-02T11:00:00Z"
    run.now = NOW + timedelta(hours=2, minutes=30)
    assert run("group-account", "test", "support", "--json").json["imap"]["ok"]
    assert (bearer(imap.said[-1]), tokens.answers) == ("SECOND-ACCESS", [])


def test_no_token_lies_in_the_clear(run: Runner, tokens: TokenServer) -> None:
    account(run, 1)
    tokens.answers = [(200, CODE), (200, FIRST)]
    assert run("oauth", "login", "support", *endpoints(tokens)).exit_code == 0
    pages = b"".join(path.read_bytes() for path in run.folder.glob("espomail.db*") if path.is_file())
    assert b"oauth_tokens" in pages
    assert [secret for secret in (b"FIRST-ACCESS", b"FIRST-REFRESH", b"DEVICE-CODE") if secret in pages] == []
    shown = run("group-account", "show", "support", "--json").stdout + run("oauth", "status", "support").stdout
    assert "FIRST" not in shown


def test_an_application_logs_in_by_itself(run: Runner, tokens: TokenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_SECRET", "app-secret")
    account(run, 1)
    tokens.answers = [(200, {"access_token": "APP", "expires_in": 600})]
    done = run("oauth", "login", "support", *endpoints(tokens), "--application", "--client-secret-env", "APP_SECRET", "--json")
    assert (done.exit_code, done.json["grant"], done.json["renews_itself"]) == (0, "client-credentials", True)
    assert tokens.asked == [
        ("/token", {"grant_type": "client_credentials", "scope": "mail", "client_id": "our-app", "client_secret": "app-secret"})
    ]


def test_logging_out_forgets_the_token(run: Runner, tokens: TokenServer) -> None:
    account(run, 1)
    tokens.answers = [(200, CODE), (200, FIRST)]
    run("oauth", "login", "support", *endpoints(tokens))
    assert run("oauth", "logout", "support").exit_code == 2
    done = run("oauth", "logout", "support", "--yes", "--json")
    assert (done.exit_code, done.json["is_logged_in"], done.json["used_for"]) == (0, False, [])
    again = run("oauth", "logout", "support", "--yes")
    assert (again.exit_code, again.stderr.splitlines()[0]) == (78, "espomail: support has no token")


def test_a_refused_log_in_keeps_the_token_that_was_there(run: Runner, tokens: TokenServer) -> None:
    account(run, 1)
    tokens.answers = [(200, CODE), (200, FIRST), (200, CODE), (400, {"error": "access_denied"})]
    run("oauth", "login", "support", *endpoints(tokens))
    before = run("oauth", "status", "support", "--json").json
    again = run("oauth", "login", "support", "--json")
    assert again.exit_code == 69
    assert json.loads(again.stderr.splitlines()[-1])["error"]["kind"] == "login-refused"
    assert run("oauth", "status", "support", "--json").json == before


WRONG = {
    "without a provider": (["login", "support"], 65),
    "without a client id": (["login", "support", "--provider", "google"], 65),
    "an application of no organisation": (
        ["login", "support", "--provider", "microsoft", "--client-id", "x", "--application"],
        65,
    ),
    "another provider without addresses": (["login", "support", "--provider", "other", "--client-id", "x"], 65),
    "an account that is not there": (["login", "nobody", "--provider", "google", "--client-id", "x"], 66),
    "an unset variable": (
        ["login", "support", "--provider", "google", "--client-id", "x", "--client-secret-env", "NOT_SET"],
        78,
    ),
    "a user who keeps no accounts": (["status", "support", "--as", "ann"], 77),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_can_not_be_meant_is_refused(run: Runner, name: str) -> None:
    account(run, 1)
    run("user", "add", "ann", "--email", "ann@team.example")
    words, code = WRONG[name]
    assert run("oauth", *words).exit_code == code


def test_doctor_tells_of_a_missing_and_of_an_old_token(run: Runner, tokens: TokenServer) -> None:
    account(run, 1)
    tokens.answers = [(200, CODE), (200, FIRST)]
    run("oauth", "login", "support", *endpoints(tokens))

    def found() -> list[tuple[str, str]]:
        findings = run("doctor", "--json", "--patience", "525600").json["findings"]
        return [(each["level"], each["message"]) for each in findings if each["check"] == "token"]

    assert found() == []
    run.now = NOW + timedelta(days=70)
    message = "the OAuth token of support was last renewed 70 days ago; providers end unused ones after 90"
    assert found() == [("warning", message)]
    (run.folder / "espomail.db.key").unlink()
    assert found()[0][0] == "error"
