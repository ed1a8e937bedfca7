"""What a misbehaving IMAP server does to a session: the right mail or none, and an error we expect."""

from __future__ import annotations

import base64
import itertools
import socket
import threading
import time
from collections.abc import Iterable, Iterator

import pytest

from espomail.answers import RawMail, RefusedMail, VanishedMail
from espomail.errors import LoginRefused, SessionLost, Unreachable
from espomail.model import Secret
from espomail.wire import imap
from espomail.wire.imap_read import Unreadable
from tests.scripted_imap import Piece, ScriptedImap, scripted_imap
from tests.wrong_answers import FATAL, HARMLESS, LETTERS, UIDS, literal, on_bodies, on_body_of, refuse


def fetch(server: ScriptedImap, **times: float) -> tuple[list[RawMail | Unreadable], Unreachable | None]:
    """What one session over all mails gave, and what ended it."""
    found: list[RawMail | Unreadable] = []
    seconds = {"deadline_s": 20.0, "read_timeout_s": 5.0, "command_timeout_s": 5.0} | times
    try:
        with imap.open_mailbox(server.account(), password="secret", **seconds) as mailbox:
            mailbox.select("INBOX")
            for each in mailbox.read(mailbox.uids_after(0)):
                found.append(each)
    except Unreachable as error:
        return found, error
    return found, None


def contents(found: Iterable[RawMail | Unreadable]) -> dict[int, bytes]:
    return {each.uid: each.content for each in found if isinstance(each, RawMail)}


def test_an_honest_server_gives_every_mail_whole() -> None:
    with scripted_imap(LETTERS) as server:
        found, error = fetch(server)
    assert (contents(found), error) == (LETTERS, None)


@pytest.mark.parametrize("status", [b"NO", b"BAD"])
def test_a_mail_that_the_server_declines_is_refused_and_the_others_come(status: bytes) -> None:
    with scripted_imap(LETTERS, twist=refuse(status, 9)) as server:
        found, error = fetch(server)
    assert [each for each in found if not isinstance(each, RawMail)] == [
        RefusedMail(9, f"the server answered {status.decode()}: can't read this one")
    ]
    assert contents(found) == {uid: LETTERS[uid] for uid in UIDS if uid != 9}
    assert error is None


def test_three_refusals_in_a_row_end_the_session() -> None:
    with scripted_imap(LETTERS, twist=refuse(b"NO", 4, 9, 12)) as server:
        found, error = fetch(server)
    assert [(each.uid, type(each)) for each in found] == [(3, RawMail), (4, RefusedMail), (9, RefusedMail), (12, RefusedMail)]
    assert isinstance(error, SessionLost)


def test_a_mail_that_is_not_sent_but_still_there_is_refused() -> None:
    def leave_out(_tag: bytes, _line: str, answer: bytes) -> bytes:
        start = answer.find(b"* 2 FETCH")
        return answer if start < 0 else answer[:start] + answer[answer.find(b"\r\n)\r\n", start) + 5 :]

    with scripted_imap(LETTERS, twist=on_bodies(leave_out)) as server:
        found, error = fetch(server)
    assert found[1] == RefusedMail(4, "the server did not send this mail")
    assert contents(found) == {uid: LETTERS[uid] for uid in UIDS if uid != 4}
    assert error is None


def test_a_mail_that_went_away_has_vanished() -> None:
    def leave_out(_tag: bytes, line: str, answer: bytes) -> bytes:
        if "RFC822.SIZE" in line:
            server.letters = {uid: letter for uid, letter in LETTERS.items() if uid != 4}
        return answer

    with scripted_imap(LETTERS, twist=leave_out) as server:
        found, error = fetch(server)
    assert found[1] == VanishedMail(4)
    assert contents(found) == {uid: LETTERS[uid] for uid in UIDS if uid != 4}
    assert error is None


@pytest.mark.parametrize("how", ["left out", "NO", "only flags"])
def test_a_mail_whose_size_is_not_told_is_refused_and_not_taken_for_gone(how: str) -> None:
    def hide(tag: bytes, line: str, answer: bytes) -> bytes:
        own = b'* 3 FETCH (UID 9 RFC822.SIZE %d INTERNALDATE "01-Mar-2026 09:00:00 +0100")\r\n' % len(LETTERS[9])
        if own not in answer:
            return answer
        if how == "NO":
            return answer.replace(own, b"").replace(tag + b" OK", tag + b" NO")
        return answer.replace(own, b"" if how == "left out" else b"* 3 FETCH (UID 9 FLAGS ())\r\n")

    with scripted_imap(LETTERS, twist=hide) as server:
        found, error = fetch(server)
        with imap.open_mailbox(server.account(), password="secret", deadline_s=5) as mailbox:
            mailbox.select("INBOX")
            sizes = mailbox.sizes([3, 9, 77])
    assert found[2] == RefusedMail(9, "the server does not tell the size of this mail")
    assert contents(found) == {uid: LETTERS[uid] for uid in UIDS if uid != 9}
    assert error is None
    assert {uid: size for uid, (size, _) in sizes.items()} == {3: len(LETTERS[3]), 9: 0}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_a_server_may_say_besides_changes_nothing(name: str) -> None:
    with scripted_imap(LETTERS, twist=HARMLESS[name]) as server:
        found, error = fetch(server)
    assert server.hits > 0
    assert (contents(found), error) == (LETTERS, None)


def test_quoted_bodies_are_bodies() -> None:
    letters = {5: b'a "short" \\ mail', 6: b"NIL"}
    quoted = on_bodies(
        lambda tag, line, answer: (
            b'* 1 FETCH (UID 5 BODY[] "a \\"short\\" \\\\ mail")\r\n* 2 FETCH (UID 6 BODY[] "NIL")\r\n' + tag + b" OK\r\n"
        )
    )
    with scripted_imap(letters, twist=quoted) as server:
        found, error = fetch(server)
    assert (contents(found), error) == (letters, None)


def test_a_body_of_nil_is_no_mail() -> None:
    with scripted_imap(LETTERS, twist=on_body_of(9, literal(9) + b"\r\n" + LETTERS[9], b"NIL")) as server:
        found, error = fetch(server)
    assert found[2] == RefusedMail(9, "the server did not send this mail")
    assert contents(found) == {uid: LETTERS[uid] for uid in UIDS if uid != 9}
    assert error is None


def test_half_a_mail_that_is_announced_as_half_is_refused() -> None:
    half = LETTERS[9][:60]
    twist = on_body_of(9, literal(9) + b"\r\n" + LETTERS[9], b"{60}\r\n" + half)
    with scripted_imap(LETTERS, twist=twist) as server:
        found, error = fetch(server)
    assert found[2] == RefusedMail(9, f"the server announced {len(LETTERS[9])} bytes and sent 60")
    assert error is None


def test_an_empty_body_of_a_mail_that_has_bytes_is_refused() -> None:
    with scripted_imap(LETTERS, twist=on_body_of(9, literal(9) + b"\r\n" + LETTERS[9], b'""')) as server:
        found, _ = fetch(server)
    assert found[2] == RefusedMail(9, f"the server announced {len(LETTERS[9])} bytes and sent 0")


def test_a_server_that_only_estimates_sizes_still_gives_its_mails() -> None:
    def estimate(_tag: bytes, line: str, answer: bytes) -> bytes:
        return answer.replace(b"RFC822.SIZE %d " % len(LETTERS[9]), b"RFC822.SIZE 2000 ")

    with scripted_imap(LETTERS, twist=estimate) as server:
        found, error = fetch(server)
    assert server.hits > 0
    assert (contents(found), error) == (LETTERS, None)


@pytest.mark.parametrize("name", FATAL)
def test_a_broken_answer_ends_the_session_and_gives_no_wrong_mail(name: str) -> None:
    with scripted_imap(LETTERS, twist=FATAL[name]) as server:
        found, error = fetch(server, read_timeout_s=0.6, command_timeout_s=0.6)
    assert server.hits > 0
    assert isinstance(error, SessionLost)
    assert f"127.0.0.1:{server.port}" in error.message
    assert all(content == LETTERS[uid] for uid, content in contents(found).items())
    assert not [each for each in found if isinstance(each, VanishedMail)]


DRIPPING_S = min(len(each) for each in LETTERS.values()) * 0.05
"""What the shortest mail takes, a byte every 50 ms."""


def drip(answer: bytes) -> Iterator[Piece]:
    for byte in answer:
        yield bytes([byte])
        yield 0.05


def test_a_server_that_drips_runs_into_the_deadline_of_the_command() -> None:
    with scripted_imap(LETTERS, twist=on_bodies(lambda tag, line, answer: drip(answer))) as server:
        began = time.monotonic()
        found, error = fetch(server, read_timeout_s=5.0, command_timeout_s=0.8)
        lasted = time.monotonic() - began
    assert (found, type(error)) == ([], SessionLost)
    assert lasted < DRIPPING_S


def test_a_server_that_drips_runs_into_the_deadline_of_the_session() -> None:
    with scripted_imap(LETTERS, twist=lambda tag, line, answer: drip(answer)) as server:
        began = time.monotonic()
        found, error = fetch(server, deadline_s=1.0, command_timeout_s=60.0)
        lasted = time.monotonic() - began
    assert (found, type(error)) == ([], SessionLost)
    assert lasted < DRIPPING_S


def test_an_endless_flood_of_small_answers_runs_into_the_deadline() -> None:
    flood = on_bodies(lambda tag, line, answer: itertools.repeat(b"* 1 FETCH (FLAGS ())\r\n" * 1000))
    with scripted_imap(LETTERS, twist=flood) as server:
        found, error = fetch(server, command_timeout_s=1.0)
    assert (found, type(error)) == ([], SessionLost)


def test_a_connection_cut_after_any_byte_gives_whole_mails_or_none() -> None:
    letters = {uid: LETTERS[uid] for uid in UIDS[:2]}
    with scripted_imap(letters) as server:
        tag, line = b"A6", "UID FETCH 3:4 (UID BODY.PEEK[])"
        length = len(server.answer(tag, line))
        cuts = range(0, length, 13)
        for cut in cuts:
            server.twist = on_bodies(lambda tag, line, answer, cut=cut: [answer[:cut], None])
            found, error = fetch(server)
            assert (found, type(error)) == ([], SessionLost)
        server.twist = lambda tag, line, answer: answer
        assert contents(fetch(server)[0]) == letters
    assert server.hits == len(cuts)


@pytest.mark.parametrize(("raw", "name"), [(b"R&D", "R&D"), ("Büro".encode(), "Büro")])
def test_a_folder_that_its_server_misspells_opens_by_the_name_it_lists(raw: bytes, name: str) -> None:
    spelled = "EXAMINE " + '"' + raw.decode("latin-1") + '"'

    def misspell(tag: bytes, line: str, answer: bytes) -> bytes:
        if line.startswith("LIST"):
            return b'* LIST () "/" "' + raw + b'"\r\n' + answer
        return tag + b" NO no such folder\r\n" if line.startswith("EXAMINE") and line != spelled else answer

    with (
        scripted_imap(LETTERS, twist=misspell) as server,
        imap.open_mailbox(server.account(), password="secret", deadline_s=5) as mailbox,
    ):
        assert [each.name for each in mailbox.list_folders()] == [name]
        assert mailbox.select(name).exists == len(LETTERS)
        assert spelled in server.heard


GREETINGS = {
    "PREAUTH": (b"* PREAUTH welcome\r\n", None),
    "BYE": (b"* BYE too busy\r\n", SessionLost),
    "nothing": (b"", SessionLost),
    "another protocol": (b"220 mail.example ESMTP\r\n", SessionLost),
    "NO": (b"* NO\r\n", SessionLost),
}


@pytest.mark.parametrize("name", GREETINGS)
def test_only_a_proper_greeting_opens_a_session(name: str) -> None:
    greeting, ends = GREETINGS[name]
    with scripted_imap(LETTERS, greeting=greeting) as server:
        found, error = fetch(server, read_timeout_s=0.5)
    assert type(error) is (ends or type(None))
    assert contents(found) == ({} if ends else LETTERS)


def open_with_starttls(server: ScriptedImap) -> Unreachable:
    account = server.account(security="starttls", host="localhost")
    with pytest.raises(Unreachable) as caught, imap.open_mailbox(account, password="secret", deadline_s=5):
        pass
    return caught.value


def test_preauth_before_tls_is_left_at_once() -> None:
    with scripted_imap(LETTERS, greeting=b"* PREAUTH welcome\r\n") as server:
        error = open_with_starttls(server)
    assert "without TLS where STARTTLS is required" in error.message
    assert server.heard == []


@pytest.mark.parametrize("status", [b"NO", b"BAD"])
def test_a_server_that_declines_starttls_gets_no_password(status: bytes) -> None:
    with scripted_imap(LETTERS, twist=lambda tag, line, answer: tag + b" " + status + b" not here\r\n") as server:
        error = open_with_starttls(server)
    assert "does not offer STARTTLS" in error.message
    assert server.heard == ["STARTTLS"]


def test_words_slipped_in_behind_the_answer_to_starttls_end_the_session() -> None:
    with scripted_imap(LETTERS, twist=lambda tag, line, answer: answer + b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n") as server:
        error = open_with_starttls(server)
    assert "before TLS began" in error.message
    assert server.heard == ["STARTTLS"]


def test_a_server_whose_tls_is_nonsense_gets_no_password() -> None:
    with scripted_imap(LETTERS, twist=lambda tag, line, answer: [answer, 0.1, b"* OK not TLS at all\r\n"]) as server:
        error = open_with_starttls(server)
    assert error.message.startswith("no TLS with localhost:")
    assert server.heard == ["STARTTLS"]


@pytest.mark.parametrize("password", ["hunter2!", 'hun"ter\\2', "häufig"])
def test_a_server_that_echoes_the_password_does_not_bring_it_into_the_error(password: str) -> None:
    with scripted_imap(LETTERS) as server:
        mechanisms = b"" if password.isascii() else b" AUTH=PLAIN"
        server.talk = lambda sock: echo_password(sock, mechanisms)  # type: ignore[method-assign]
        with pytest.raises(Unreachable) as caught, imap.open_mailbox(server.account(), password=password, deadline_s=5):
            pass
    quoted = password.replace("\\", "\\\\").replace('"', '\\"')
    whole = base64.b64encode(f"\0ann\0{password}".encode()).decode()
    assert "***" in caught.value.message
    assert not [form for form in (password, quoted, whole) if form in caught.value.message]


def echo_password(sock: socket.socket, mechanisms: bytes = b"") -> None:
    """A session that ends with a refusal quoting what it was sent."""
    with sock, sock.makefile("rb") as lines:
        sock.sendall(b"* OK ready\r\n")
        for raw in lines:
            tag = raw.split()[0]
            if b"CAPABILITY" in raw:
                sock.sendall(b"* CAPABILITY IMAP4rev1" + mechanisms + b"\r\n" + tag + b" OK\r\n")
            elif b"AUTHENTICATE" in raw:
                sock.sendall(b"+ \r\n")
                sock.sendall(tag + b" NO you said " + lines.readline())
            else:
                sock.sendall(tag + b" NO you said " + raw)


def only_token(tag: bytes, line: str, answer: bytes) -> bytes:
    return answer.replace(b"AUTH=PLAIN", b"AUTH=PLAIN AUTH=XOAUTH2")


def test_an_access_token_logs_in_by_xoauth2() -> None:
    with scripted_imap(LETTERS, twist=only_token) as server:
        account = server.account(secret=Secret("oauth"))
        with imap.open_mailbox(account, password="ya29.token", deadline_s=5) as mailbox:
            assert mailbox.select("INBOX").exists == len(LETTERS)
    assert base64.b64decode(server.said[0]) == b"user=ann\x01auth=Bearer ya29.token\x01\x01"


def test_a_refused_access_token_is_a_refused_log_in() -> None:
    with scripted_imap(LETTERS, twist=only_token) as server:
        server.log_in_answers = [b"+ " + base64.b64encode(b'{"status":"400"}'), b"NO [AUTHENTICATIONFAILED] expired"]
        account = server.account(secret=Secret("oauth"))
        with (
            pytest.raises(LoginRefused, match="refused the log-in of ann: expired"),
            imap.open_mailbox(account, password="ya29.token", deadline_s=5),
        ):
            pass
    assert server.said[1:] == [b""]


def test_a_temporary_refusal_is_no_wrong_password() -> None:
    def busy(tag: bytes, line: str, answer: bytes) -> bytes:
        return tag + b" NO [UNAVAILABLE] directory is down\r\n" if line.startswith("AUTH") else answer

    with scripted_imap(LETTERS, twist=busy) as server:
        found, error = fetch(server)
    assert (found, type(error)) == ([], Unreachable)


def test_the_flood_of_a_hung_server_does_not_keep_other_threads_waiting() -> None:
    with scripted_imap(LETTERS, twist=on_bodies(lambda tag, line, answer: b"")) as stalled, scripted_imap(LETTERS) as fine:
        waiting = threading.Thread(target=lambda: fetch(stalled, read_timeout_s=3.0))
        waiting.start()
        found, _ = fetch(fine)
        assert waiting.is_alive()
        waiting.join()
    assert contents(found) == LETTERS
