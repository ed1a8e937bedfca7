"""`test` and `folders` of a mail account against a real IMAP server."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import servers


@pytest.fixture(scope="module")
def dovecot() -> Iterator[servers.Dovecot]:
    with servers.dovecot() as server:
        server.make_folder("ann", "Entwürfe")
        yield server


@pytest.fixture
def office(run: Any, dovecot: servers.Dovecot, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A group account `ann` on the server; its password is in an environment variable."""
    monkeypatch.setenv("MAIL_PASSWORD", servers.PASSWORD)
    words = f"--imap-host {dovecot.host} --imap-port {dovecot.port} --imap-security none --imap-login ann"
    made = run(
        "group-account", "add", "ann", "--address", "ann@team.example", *words.split(), "--imap-password-env", "MAIL_PASSWORD"
    )
    assert made.exit_code == 0, made.stderr
    return run


def test_a_working_account_says_so(office: Any) -> None:
    tested = office("group-account", "test", "ann", "--json")
    imap = tested.json["imap"]
    assert (tested.exit_code, imap["ok"], imap["message"], tested.json["smtp"]) == (0, True, "logged in; reads INBOX", None)
    assert "IMAP4REV1" in [name.upper() for name in imap["capabilities"]]


def test_a_refused_log_in_is_told_and_exits_69(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "wrong")
    tested = office("group-account", "test", "ann", "--json")
    assert (tested.exit_code, tested.json["imap"]["ok"], tested.json["imap"]["capabilities"]) == (69, False, [])
    assert "wrong" not in tested.stdout + tested.stderr


@pytest.mark.parametrize(
    "options",
    [
        pytest.param("--imap-port 1", id="nobody listens"),
        pytest.param("--imap-host nowhere.invalid --imap-security tls", id="unknown host"),
        pytest.param("--folder Nowhere", id="missing folder"),
        pytest.param("--imap-password-file /nowhere/password", id="unreadable password file"),
        pytest.param("--imap-password-env NOWHERE", id="unset variable"),
    ],
)
def test_what_keeps_an_account_from_working_is_told(office: Any, options: str) -> None:
    office("group-account", "edit", "ann", *options.split())
    tested = office("group-account", "test", "ann", "--json")
    assert (tested.exit_code, tested.json["imap"]["ok"]) == (69, False)
    assert tested.json["imap"]["message"]


def test_a_user_s_account_reaches_a_private_host_while_the_setting_allows_it(office: Any, dovecot: servers.Dovecot) -> None:
    office("role", "add", "mailer", "--set", "personal-accounts=yes")
    office("user", "add", "ann", "--email", "ann@team.example", "--role", "mailer")
    words = f"--imap-host {dovecot.host} --imap-port {dovecot.port} --imap-security none --imap-login ann --imap-password-stdin"
    made = office(
        *f"personal-account add box --address ann@team.example {words} --as ann".split(), input=servers.PASSWORD + "\n"
    )
    assert made.exit_code == 0, made.stderr
    for allowed, ok in (("no", False), ("yes", True), ("no", False)):
        office("settings", "set", "allow_private_hosts", allowed)
        assert office("personal-account", "test", "box", "--as", "ann", "--json").json["imap"]["ok"] is ok, allowed


def test_one_server_of_two_that_fails_is_half_a_failure(office: Any) -> None:
    office("group-account", "edit", "ann", *["--smtp-host", "127.0.0.1", "--smtp-port", "1", "--smtp-security", "none"])
    tested = office("group-account", "test", "ann", "--json")
    assert (tested.exit_code, tested.json["imap"]["ok"], tested.json["smtp"]["ok"]) == (3, True, False)


def test_the_folders_of_the_server_are_listed_with_those_that_are_read(office: Any) -> None:
    office("group-account", "edit", "ann", "--add-folder", "Entwürfe")
    rows = office("group-account", "folders", "ann", "--json").json
    assert {row["name"]: row["is_monitored"] for row in rows} == {"INBOX": True, "Sent": False, "Entwürfe": True}
    assert [row["name"] for row in rows if "\\sent" in [flag.lower() for flag in row["flags"]]] == ["Sent"]


def test_an_account_without_imap_has_no_folders_to_list(office: Any) -> None:
    office("group-account", "add", "drop", "--address", "drop@team.example")
    assert office("group-account", "folders", "drop").exit_code == 65
