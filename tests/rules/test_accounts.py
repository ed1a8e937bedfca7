"""What a mail account needs to make sense."""

from typing import Any

import pytest

from espomail.errors import BadInput
from espomail.model import Account, Secret, Server
from espomail.rules import accounts


def server(host: str = "mail.example", **more: Any) -> Server:
    return Server(**{"host": host, "port": 993, "security": "tls", "login": "l", "secret": Secret("env", "P"), **more})


def account(**more: Any) -> Account:
    return Account(**{"id": 1, "kind": "group", "name": "support", "address": "s@team.example", "imap": server(), **more})


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "localhost.", "imap.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"]
)
def test_this_machine_is_known_by_its_names(host: str) -> None:
    assert accounts.is_loopback_host(host)


@pytest.mark.parametrize("host", ["mail.example", "localhost.example", "127.0.0.1.example", "10.0.0.1", "0.0.0.0", "::", "1"])
def test_another_machine_is_not_taken_for_this_one(host: str) -> None:
    assert not accounts.is_loopback_host(host)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        pytest.param({"imap": server(security="none")}, "would go to mail.example in plain text", id="plain IMAP"),
        pytest.param({"smtp": server(security="none")}, "would go to mail.example in plain text", id="plain SMTP"),
        pytest.param({"imap": server(login="a\r\nb")}, "a log-in with a control character", id="log-in that carries a command"),
        pytest.param({"from_name": "x\r\nBcc: e@evil.example"}, "From holds a character", id="name that carries a header"),
        pytest.param({"reply_from_name": "x\0"}, "auto-reply holds a character", id="name with a NUL"),
        pytest.param({"distribution": "direct-assignment"}, "whom to assign to", id="direct without a user"),
        pytest.param({"distribution": "round-robin"}, "among whom", id="round-robin without a team"),
        pytest.param({"distribution": "least-busy"}, "among whom", id="least-busy without a team"),
        pytest.param({"target_position": "lead"}, "without a target team", id="position without a team"),
        pytest.param({"auto_reply": True}, "needs a template", id="auto-reply without words"),
        pytest.param({"folder_map": (("A", "x"), ("A", "y"))}, "mapped twice", id="a folder mapped twice"),
        pytest.param({"after_import": "move:INBOX"}, "which is read itself", id="moved to where it is read"),
    ],
)
def test_an_account_that_can_t_work_is_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        accounts.check(account(**more))


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="plain"),
        pytest.param({"imap": None, "smtp": None}, id="for deliver only"),
        pytest.param({"imap": server("127.0.0.1", security="none")}, id="plain text on this machine"),
        pytest.param({"imap": server(security="none", allow_plaintext=True)}, id="plain text that is asked for"),
        pytest.param({"distribution": "round-robin", "target_team_id": 1, "target_position": "lead"}, id="round-robin"),
        pytest.param({"distribution": "direct-assignment", "assign_to_user_id": 1}, id="direct"),
        pytest.param({"auto_reply": True, "reply_template": "ack"}, id="auto-reply"),
        pytest.param({"after_import": "move:Done"}, id="moved elsewhere"),
    ],
)
def test_an_account_that_works_is_let_through(more: dict[str, Any]) -> None:
    assert accounts.check(account(**more)) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("seen", "seen"), ("KEEP-UNREAD", "keep-unread"), ("delete", "delete"), ("Move:Done/2026", "move:Done/2026")],
)
def test_what_becomes_of_imported_mail_is_read(text: str, value: str) -> None:
    assert accounts.check_after_import(text) == value


@pytest.mark.parametrize("text", ["", "move", "move:", "seen:x", "archive", "move:a\r\nb"])
def test_nothing_else_becomes_of_imported_mail(text: str) -> None:
    with pytest.raises(BadInput):
        accounts.check_after_import(text)


@pytest.mark.parametrize("text", ["0", "65536", "-1", "imap", "", "٩٩٣", "99999999"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="not a port"):
        accounts.check_port(text)


@pytest.mark.parametrize("text", ["", "a b", "user@mail.example", "imaps://mail.example", "mail.example:993", "a\nb"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="not a host"):
        accounts.check_host(text)


def test_a_server_is_shown_without_its_password() -> None:
    assert accounts.server_json(server(secret=Secret("stored", "c2VjcmV0"))) == {
        "host": "mail.example",
        "port": 993,
        "security": "tls",
        "login": "l",
        "password": "stored",
        "tls_ca_file": None,
        "allow_plaintext": False,
    }
