"""Sending: real SMTP servers (aiosmtpd), and a scripted one that breaks off wherever a test wants."""

from __future__ import annotations

import contextlib
import itertools
import re
import smtplib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from espomail.answers import Deferred, Delivery, LostBeforeData, LostInData, Rejected, Reply, SendOutcome
from espomail.errors import BadInput, EspomailError, LoginRefused, NotPermitted, SessionLost, Unreachable
from espomail.model import Secret, Server
from espomail.wire import smtp
from tests import servers
from tests.servers import PASSWORD, SmtpServer

# The servers stand on loopback, where a log-in without TLS is what some tests are about.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

CONTENT = b"Subject: hello\r\nMessage-ID: <1@team.example>\r\n\r\n.\r\n..two\r\n.dot\r\nend\r\n"
TAKEN = Reply(250, "taken as 1234")


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
@pytest.mark.parametrize("with_login", [True, False])
def test_a_mail_arrives_byte_by_byte_under_every_security(security: str, with_login: bool) -> None:
    users = {"ann": "pässword €"} if with_login else None
    with servers.smtp(security=security, users=users) as server:
        reachable = server.server(login="ann" if with_login else None)
        with smtp.open_post(reachable, password="pässword €", deadline_s=20) as post:
            outcome = post.send("ann@team.example", ["a@shop.example", "b@shop.example"], CONTENT)
    assert outcome == Delivery(("a@shop.example", "b@shop.example"), {}, TAKEN)
    (sent,) = server.mails
    assert (sent.sender, sent.recipients, sent.content) == ("ann@team.example", ("a@shop.example", "b@shop.example"), CONTENT)
    assert (sent.is_tls, sent.login) == (security != "none", "ann" if with_login else None)


def test_one_session_sends_many_mails_and_an_empty_sender() -> None:
    with servers.smtp() as server, smtp.open_post(server.server(login=None), password=None, deadline_s=20) as post:
        for number in range(3):
            assert isinstance(post.send("", [f"{number}@shop.example"], CONTENT), Delivery)
    assert [(each.sender, each.recipients) for each in server.mails] == [("", (f"{n}@shop.example",)) for n in range(3)]


def sent_through(
    server: SmtpServer, *recipients: str, sender: str = "ann@team.example", content: bytes = CONTENT
) -> SendOutcome:
    with smtp.open_post(server.server(login=None), password=None, deadline_s=20) as post:
        return post.send(sender, recipients, content)


def test_refused_recipients_are_told_one_by_one() -> None:
    with servers.smtp() as server:
        server.answers = {"gone@shop.example": "550 no such user", "full@shop.example": "452 mailbox full"}
        outcome = sent_through(server, "gone@shop.example", "ok@shop.example", "full@shop.example")
    refused = {"gone@shop.example": Reply(550, "no such user"), "full@shop.example": Reply(452, "mailbox full")}
    assert outcome == Delivery(("ok@shop.example",), refused, TAKEN)
    assert [each.recipients for each in server.mails] == [("ok@shop.example",)]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [(("550 no", "450 later"), Deferred), (("550 no", "551 no"), Rejected), (("450 a", "451 b"), Deferred)],
)
def test_when_nobody_is_accepted_one_maybe_keeps_the_mail_alive(answers: tuple[str, str], expected: type) -> None:
    with servers.smtp() as server:
        server.answers = dict(zip(("a@shop.example", "b@shop.example"), answers, strict=True))
        outcome = sent_through(server, "a@shop.example", "b@shop.example")
    assert isinstance(outcome, expected)
    assert {address: f"{r.code} {r.text}" for address, r in outcome.refused.items()} == server.answers
    assert server.mails == []


@pytest.mark.parametrize(("answer", "expected"), [("451 later", Deferred), ("554 spam", Rejected)])
def test_the_last_word_on_a_mail_decides(answer: str, expected: type) -> None:
    with servers.smtp() as server:
        server.data_answer = answer
        outcome = sent_through(server, "a@shop.example")
    assert outcome == expected(Reply(int(answer[:3]), answer[4:]))


def test_bare_line_ends_and_a_missing_last_one_are_mended() -> None:
    with servers.smtp() as server:
        sent_through(server, "a@shop.example", content=b"Subject: x\n\n.a\rb\r\n\nend")
    assert server.mails[0].content == b"Subject: x\r\n\r\n.a\r\nb\r\n\r\nend\r\n"


def test_domains_of_any_script_go_out_in_ascii_and_local_parts_ask_for_smtputf8() -> None:
    with servers.smtp() as server:
        assert isinstance(sent_through(server, "a@bücher.example"), Delivery)
        assert isinstance(sent_through(server, "jürgen@bücher.example"), Delivery)
    assert [each.recipients for each in server.mails] == [
        ("a@xn--bcher-kva.example",),
        ("jürgen@xn--bcher-kva.example",),
    ]
    assert ["SMTPUTF8" in each.options for each in server.mails] == [False, True]


@pytest.mark.parametrize(
    "address",
    ["", "a", "a@", "@b", "a@b\r\nRCPT TO:<c@d>", "a b@c", "a@b>", "a\x00@b", "a@b\n", "\ud800@b.example", "a@\ud800"],
)
def test_what_is_no_address_is_rejected_here(address: str) -> None:
    with servers.smtp() as server:
        outcome = sent_through(server, address)
    assert isinstance(outcome, Rejected)
    assert outcome.reply.code == 0
    assert server.mails == []


def test_a_mail_beyond_the_servers_limit_is_rejected_before_it_is_sent() -> None:
    with servers.smtp(size_max=1000) as server:
        outcome = sent_through(server, "a@shop.example", content=CONTENT * 30)
    assert isinstance(outcome, Rejected)
    assert "takes at most 1000" in outcome.reply.text


def test_a_mail_without_recipients_is_a_mistake() -> None:
    with servers.smtp() as server, pytest.raises(BadInput):
        sent_through(server)


REFUSALS: dict[str, tuple[dict[str, Any], type[EspomailError], str]] = {
    "unknown host": ({"host": "no-such-host.invalid"}, Unreachable, "unknown host"),
    "an authority nobody knows": ({"tls_ca_file": None}, Unreachable, "can't be trusted"),
    "another host's certificate": ({"host": "127.1"}, Unreachable, "can't be trusted"),
    "a private host for a stranger": ({"allow_private": False}, NotPermitted, "not a public address"),
    "a wrong password": ({}, LoginRefused, "refused the log-in of ann"),
    "TLS to a STARTTLS port": ({"security": "tls"}, Unreachable, "no TLS with"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_is_one_clear_sentence_with_a_next_step(name: str) -> None:
    changes, kind, words = REFUSALS[name]
    with (
        servers.smtp(security="starttls", users={"ann": PASSWORD}) as server,
        pytest.raises(kind) as caught,
        smtp.open_post(server.server(**changes), password="wrong-secret", deadline_s=10),
    ):
        pass
    assert words in caught.value.message
    assert caught.value.hint
    assert "wrong-secret" not in caught.value.message


def test_trying_out_sends_nothing() -> None:
    with servers.smtp(security="tls", users={"ann": PASSWORD}) as server:
        assert smtp.test(server.server(), password=PASSWORD) == (True, f"logged in to localhost:{server.port} as ann")
        ok, message = smtp.test(server.server(), password="wrong")
    assert (ok, server.mails) == (False, [])
    assert "refused the log-in of ann" in message


# ---------------------------------------------------------------- a scripted server


@dataclass
class Scripted:
    """Answers commands by their first word; hangs up after `cut_sent` bytes of its own or `cut_heard` bytes of ours."""

    port: int
    answers: dict[str, bytes] = field(default_factory=dict)
    cut_sent: int | None = None
    cut_heard: int | None = None
    taken: list[bytes] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    sent: int = 0
    received: int = 0

    def server(self, **changes: Any) -> Server:
        given: dict[str, Any] = {"host": "127.0.0.1", "port": self.port, "security": "none", "login": None, "secret": None}
        return Server(**{**given, **changes})

    def say(self, sock: socket.socket, what: bytes) -> None:
        room = len(what) if self.cut_sent is None else self.cut_sent - self.sent
        self.sent += len(what[:room])  # before the client can see it, and read this
        sock.sendall(what[:room])
        if room < len(what):
            raise ConnectionAbortedError

    def hear(self, lines: Any) -> bytes:
        """The next line; hang up if it is not to be heard whole."""
        line = bytes(lines.readline())
        self.received += len(line)
        if not line or (self.cut_heard is not None and self.received > self.cut_heard):
            raise ConnectionAbortedError
        return line

    def talk(self, sock: socket.socket) -> None:
        self.sent = self.received = 0
        with sock, sock.makefile("rb") as lines, contextlib.suppress(OSError):
            self.say(sock, self.answers.get("greeting", b"220 ready\r\n"))
            while True:
                line = self.hear(lines)
                self.heard.append(line.strip())
                word = line.split()[0].decode().upper()
                self.say(sock, self.answers.get(word, b"354 go on\r\n" if word == "DATA" else b"250 ok\r\n"))
                if word == "DATA" and self.answers.get(word, b"354").startswith(b"354"):
                    content = b"".join(iter(lambda: self.hear(lines), b".\r\n"))
                    self.taken.append(content)
                    self.say(sock, self.answers.get("end", b"250 taken\r\n"))


@contextlib.contextmanager
def scripted() -> Iterator[Scripted]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Scripted(listener.getsockname()[1])

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    sock, _ = listener.accept()
                    server.talk(sock)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=10)


def dialogue(server: Scripted) -> tuple[SendOutcome | None, list[str]]:
    """One mail through a session: its fate (None: the session never opened), and whether `before_data` was called."""
    calls: list[str] = []
    try:
        with smtp.open_post(server.server(), password=None, deadline_s=5, command_timeout_s=2) as post:
            outcome = post.send("ann@team.example", ["a@shop.example"], CONTENT, before_data=lambda: calls.append("data"))
            return outcome, calls
    except Unreachable:
        return None, calls


def fate(server: Scripted) -> SendOutcome | None:
    """The fate of one mail, checked against what the server took: never believed sent or unsent against the truth."""
    server.taken.clear()
    outcome, calls = dialogue(server)
    match outcome:
        case Delivery():
            assert server.taken == [smtp.on_the_wire(CONTENT)]
            assert calls == ["data"]
        case LostInData():
            assert calls == ["data"]
        case _:
            assert server.taken == []
    return outcome


def test_the_fate_is_true_wherever_the_server_hangs_up() -> None:
    fates = []
    with scripted() as server:
        assert isinstance(fate(server), Delivery)
        length = server.sent
        for cut in range(length):
            server.cut_sent = cut
            fates.append(type(fate(server)))
    assert len(fates) == length
    order = [kind for kind, _ in itertools.groupby(fates)]
    assert order == [type(None), LostBeforeData, LostInData, Delivery]


def test_the_fate_is_true_wherever_our_words_stop_being_heard() -> None:
    fates = []
    with scripted() as server:
        assert isinstance(fate(server), Delivery)
        length = server.received
        for cut in range(0, length, 3):
            server.cut_heard = cut
            fates.append(type(fate(server)))
    assert {LostBeforeData, LostInData} <= set(fates)
    assert set(fates) <= {type(None), LostBeforeData, LostInData, Delivery}


@pytest.mark.parametrize(("code", "expected"), [(b"4", Deferred), (b"5", Rejected)])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "end"])
def test_a_refusal_at_any_stage_keeps_the_session_open(stage: str, code: bytes, expected: type) -> None:
    with scripted() as server:
        server.answers = {stage: code + b"50-first line\r\n" + code + b"50 second line\r\n"}
        with smtp.open_post(server.server(), password=None, deadline_s=5) as post:
            outcome = post.send("ann@team.example", ["a@shop.example"], CONTENT)
            server.answers = {}
            again = post.send("ann@team.example", ["a@shop.example"], CONTENT)
    assert isinstance(outcome, expected)
    assert outcome.reply == Reply(int(code) * 100 + 50, "first line\nsecond line")
    assert isinstance(again, Delivery)


@pytest.mark.parametrize(("stage", "expected"), [("MAIL", Deferred), ("RCPT", Deferred), ("DATA", Deferred), ("end", Deferred)])
def test_a_server_that_shuts_down_defers_this_mail_and_loses_the_next(stage: str, expected: type) -> None:
    with scripted() as server:
        server.answers = {stage: b"421 shutting down\r\n"}
        with smtp.open_post(server.server(), password=None, deadline_s=5) as post:
            outcome = post.send("ann@team.example", ["a@shop.example"], CONTENT)
            after = post.send("ann@team.example", ["a@shop.example"], CONTENT)
    assert isinstance(outcome, expected)
    assert isinstance(after, LostBeforeData)


def test_a_mail_whose_phase_can_not_be_kept_is_not_sent() -> None:
    def fail() -> None:
        raise OSError("disk full")

    with scripted() as server:
        with pytest.raises(OSError, match="disk full"), smtp.open_post(server.server(), password=None, deadline_s=5) as post:
            post.send("ann@team.example", ["a@shop.example"], CONTENT, before_data=fail)
        assert server.taken == []


NONSENSE = {
    "greeting": b"* OK IMAP4rev1 ready\r\n",
    "EHLO": b"250 " + b"x" * 100_000 + b"\r\n",
    "MAIL": b"hello\r\n",
    "RCPT": b"250-endless\r\n" * 1000,
    "DATA": b"",
}


@pytest.mark.parametrize("stage", NONSENSE)
def test_nonsense_and_silence_end_the_session_before_the_mail_is_sent(stage: str) -> None:
    with scripted() as server:
        server.answers = {stage: NONSENSE[stage]}
        outcome = fate(server)
    assert outcome is None or isinstance(outcome, LostBeforeData)


def test_a_server_that_declines_starttls_gets_no_password() -> None:
    with scripted() as server:
        server.answers = {"STARTTLS": b"454 not now\r\n", "EHLO": b"250-me\r\n250 AUTH PLAIN\r\n"}
        wanted = server.server(security="starttls", login="ann", secret=Secret("env", "X"))
        with (
            pytest.raises(Unreachable, match="does not offer STARTTLS"),
            smtp.open_post(wanted, password="secret", deadline_s=5),
        ):
            pass
    assert [line.split()[0] for line in server.heard] == [b"EHLO", b"STARTTLS"]


def test_words_slipped_in_behind_the_answer_to_starttls_end_the_session() -> None:
    with scripted() as server:
        server.answers = {"STARTTLS": b"220 go\r\n250 AUTH PLAIN\r\n"}
        with (
            pytest.raises(SessionLost, match="before TLS"),
            smtp.open_post(server.server(security="starttls"), password=None, deadline_s=5),
        ):
            pass


def test_cram_md5_and_login_are_spoken_where_they_are_all_there_is() -> None:
    heard = {}
    for method in ("CRAM-MD5", "LOGIN"):
        with scripted() as server:
            server.answers = {"EHLO": b"250-me\r\n250 AUTH " + method.encode() + b"\r\n", "AUTH": b"535 5.7.8 no\r\n"}
            wanted = server.server(login="ann", secret=Secret("env", "X"))
            with pytest.raises(LoginRefused), smtp.open_post(wanted, password="secret", deadline_s=5):
                pass
            heard[method] = server.heard[-1]
    assert heard == {"CRAM-MD5": b"AUTH CRAM-MD5", "LOGIN": b"AUTH LOGIN"}


def test_a_busy_log_in_is_no_wrong_password() -> None:
    with scripted() as server:
        server.answers = {"EHLO": b"250-me\r\n250 AUTH PLAIN\r\n", "AUTH": b"454 4.7.0 try later\r\n"}
        wanted = server.server(login="ann", secret=Secret("env", "X"))
        with pytest.raises(Unreachable) as caught, smtp.open_post(wanted, password="secret", deadline_s=5):
            pass
    assert type(caught.value) is Unreachable


def test_dot_stuffing_agrees_with_the_standard_library() -> None:
    for content in (CONTENT, b".", b"", b"..\r\n.", b"a\n.b\n", b"\r.\r"):
        expected = smtplib._quote_periods(smtplib._fix_eols(content.decode()).encode())  # type: ignore[attr-defined]
        assert smtp.on_the_wire(content) == re.sub(rb"(?<!\r\n)\Z", b"\r\n", expected, count=1)


def test_the_key_file_of_a_test_server_is_gone_afterwards() -> None:
    with servers.smtp() as server:
        folder = Path(server.ca_file).parent
        assert folder.exists()
    assert not folder.exists()
