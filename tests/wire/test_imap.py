"""A mailbox on a real IMAP server (Dovecot): every verb, every kind of security, every refusal a person can cause."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from espomail.answers import FolderInfo, RawMail, VanishedMail
from espomail.errors import BadInput, Declined, EspomailError, FolderMissing, LoginRefused, NotPermitted, NotSetUp, Unreachable
from espomail.model import Secret
from espomail.wire import imap
from tests import servers
from tests.servers import PASSWORD, Dovecot

MOMENT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def letter(number: int = 1) -> bytes:
    return b"Message-ID: <%d@shop.example>\r\nSubject: order %d\r\n\r\nHello\r\n" % (number, number)


def opened(dovecot: Dovecot, login: str, **changes: Any) -> Any:
    return imap.open_mailbox(dovecot.account(login, **changes), password=PASSWORD, deadline_s=30)


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_mails_come_byte_by_byte_under_every_security(dovecot: Dovecot, box: str, security: str) -> None:
    letters = {number: letter(number) for number in range(1, 6)}
    for content in letters.values():
        dovecot.put(box, "INBOX", content, at=MOMENT)
    with opened(dovecot, box, security=security) as mailbox:
        state = mailbox.select("INBOX")
        found = list(mailbox.read(mailbox.uids_after(0)))
    assert (state.exists, state.uidnext, state.uidvalidity > 0) == (5, 6, True)
    assert found == [RawMail(uid, content, MOMENT) for uid, content in letters.items()]


def test_reading_leaves_no_trace(dovecot: Dovecot, box: str) -> None:
    dovecot.put(box, "INBOX", letter())
    with opened(dovecot, box) as mailbox:
        mailbox.select("INBOX")
        assert len(list(mailbox.read([1]))) == 1
        mailbox.read_capped(1, text_bytes=10)
        with pytest.raises(Declined):
            mailbox.mark_seen([1])
    assert not list((dovecot.make_folder(box, "INBOX") / "cur").glob("*S"))


def test_only_uids_above_the_cursor_are_new(dovecot: Dovecot, box: str) -> None:
    for number in range(3):
        dovecot.put(box, "INBOX", letter(number))
    with opened(dovecot, box) as mailbox:
        mailbox.select("INBOX")
        found = [mailbox.uids_after(last) for last in (0, 1, 3, 4_294_967_295)]
    assert found == [[1, 2, 3], [2, 3], [], []]


def test_the_window_by_date_begins_a_day_earlier(dovecot: Dovecot, box: str) -> None:
    for days in (3, 2, 1, 0):
        dovecot.put(box, "INBOX", letter(days), at=datetime(2026, 3, 10, 12, tzinfo=UTC) - timedelta(days=days))
    with opened(dovecot, box) as mailbox:
        mailbox.select("INBOX")
        assert mailbox.uids_since(date(2026, 3, 9)) == [2, 3, 4]
        assert mailbox.all_uids() == [1, 2, 3, 4]


def test_a_message_id_finds_its_mail_and_no_longer_one(dovecot: Dovecot, box: str) -> None:
    for number in (1, 11, 1):
        dovecot.put(box, "INBOX", letter(number))
    with opened(dovecot, box) as mailbox:
        mailbox.select("INBOX")
        found = [mailbox.find_message_id(name) for name in ("1@shop.example", "<11@shop.example>", 'x"y\\@z')]
        with pytest.raises(BadInput):
            mailbox.find_message_id("a\r\nA9 LOGOUT")
    assert found == [[1, 3], [2], []]


def test_an_expunged_mail_has_vanished(dovecot: Dovecot, box: str) -> None:
    for number in range(3):
        dovecot.put(box, "INBOX", letter(number))
    with opened(dovecot, box) as mailbox:
        mailbox.select("INBOX", writable=True)
        mailbox.delete([2])
        found = list(mailbox.read([1, 2, 3]))
    assert [type(each) for each in found] == [RawMail, VanishedMail, RawMail]
    assert found[1] == VanishedMail(2)


def test_large_mails_come_whole(dovecot: Dovecot, box: str) -> None:
    large = letter() + b"".join(b"%078d\r\n" % number for number in range(3_000_000 // 80))
    for content in (letter(2), large, letter(3)):
        dovecot.put(box, "INBOX", content)
    with opened(dovecot, box, security="tls") as mailbox:
        mailbox.select("INBOX")
        found = [each.content for each in mailbox.read([1, 2, 3])]
    assert found == [letter(2), large, letter(3)]


def test_the_beginning_of_an_oversize_mail_is_its_header_and_text(dovecot: Dovecot, box: str) -> None:
    large = letter() + b"".join(b"%078d\r\n" % number for number in range(10_000))
    dovecot.put(box, "INBOX", large, at=MOMENT)
    with opened(dovecot, box) as mailbox:
        mailbox.select("INBOX")
        found = mailbox.read_capped(1, text_bytes=1000)
        with pytest.raises(Declined, match="no mail 7"):
            mailbox.read_capped(7, text_bytes=1000)
    assert found == RawMail(1, large[: 256 * 1024 + 1000], MOMENT, is_whole=False)


def test_a_small_mail_is_its_own_beginning(dovecot: Dovecot, box: str) -> None:
    dovecot.put(box, "INBOX", letter(), at=MOMENT)
    with opened(dovecot, box) as mailbox:
        mailbox.select("INBOX")
        assert mailbox.read_capped(1, text_bytes=1000) == RawMail(1, letter(), MOMENT, is_whole=False)


NAMES = ["Entwürfe", "Büro & Co", "日本語/受信", "&", "A-B&-C", "smile 😀", "with space", 'quo"ted']


@pytest.mark.parametrize("name", NAMES)
def test_folders_of_every_script_open_by_the_name_the_server_lists(dovecot: Dovecot, box: str, name: str) -> None:
    dovecot.put(box, name, letter())
    with opened(dovecot, box) as mailbox:
        names = [each.name for each in mailbox.list_folders() if each.is_selectable]
        state = mailbox.select(name)
    assert set(names) == {"INBOX", "Sent", name}
    assert state.exists == 1


def test_the_folder_for_sent_mail_tells_its_use(dovecot: Dovecot, box: str) -> None:
    with opened(dovecot, box) as mailbox:
        found = {each.name: each for each in mailbox.list_folders()}
    assert found["Sent"].is_selectable
    assert "\\Sent" in found["Sent"].flags
    assert isinstance(found["INBOX"], FolderInfo)


def test_a_missing_folder_is_named_with_its_nearest_neighbours(dovecot: Dovecot, box: str) -> None:
    dovecot.put(box, "Kundenanfragen", letter())
    dovecot.put(box, "INBOX", letter())
    with opened(dovecot, box) as mailbox:
        with pytest.raises(FolderMissing) as caught:
            mailbox.select("Kundenanfrage")
        mailbox.select("INBOX", writable=True)
        with pytest.raises(FolderMissing):
            mailbox.move([1], "Archiv")
        with pytest.raises(FolderMissing):
            mailbox.append("Archiv", letter(), flags=(), at=MOMENT)
        assert mailbox.all_uids() == [1]
    assert "Kundenanfrage" in caught.value.message
    assert caught.value.hint == "the server has: Kundenanfragen"


@pytest.mark.parametrize("name", ["", "a\r\nA1 DELETE INBOX", "a\x00b", "\x7f"])
def test_control_characters_never_reach_the_server(dovecot: Dovecot, box: str, name: str) -> None:
    with opened(dovecot, box) as mailbox:
        with pytest.raises(BadInput):
            mailbox.select(name)
        mailbox.select("INBOX", writable=True)
        with pytest.raises(BadInput):
            mailbox.move([1], name)
        with pytest.raises(BadInput):
            mailbox.append(name, b"x", flags=(), at=MOMENT)


def test_marking_moving_and_deleting_touch_only_the_mails_named(dovecot: Dovecot, box: str) -> None:
    for number in range(1, 7):
        dovecot.put(box, "INBOX", letter(number))
    dovecot.make_folder(box, "Archiv/Fälle")
    with opened(dovecot, box) as mailbox:
        mailbox.select("INBOX", writable=True)
        mailbox.mark_seen([1, 2])
        mailbox.move([2, 3], "Archiv/Fälle")
        mailbox.delete([5])
        assert mailbox.all_uids() == [1, 4, 6]
        mailbox.select("Archiv/Fälle")
        moved = [each.content for each in mailbox.read(mailbox.all_uids())]
    assert moved == [letter(2), letter(3)]
    assert len(list((dovecot.make_folder(box, "INBOX") / "cur").glob("*:2,S"))) == 1


@pytest.fixture(scope="module")
def poor() -> Any:
    """A server that tells neither MOVE nor UIDPLUS nor IDLE."""
    with servers.dovecot(more="imap_capability = IMAP4rev1 SASL-IR LITERAL+") as server:
        yield server


def test_without_move_and_uidplus_other_deleted_mails_stay(poor: Dovecot) -> None:
    for number in range(1, 5):
        poor.put("ann", "INBOX", letter(number))
    poor.make_folder("ann", "Archiv")
    with opened(poor, "ann") as mailbox:
        assert not {"MOVE", "UIDPLUS"} & set(mailbox.capabilities)
        mailbox.select("INBOX", writable=True)
        mailbox.delete([1])
        mailbox.move([2], "Archiv")
        assert mailbox.all_uids() == [1, 2, 3, 4]
    assert poor.count("ann", "Archiv") == 1
    assert len(list((poor.make_folder("ann", "INBOX") / "cur").glob("*T"))) == 2


def test_an_appended_mail_keeps_bytes_flags_and_moment(dovecot: Dovecot, box: str) -> None:
    with opened(dovecot, box) as mailbox:
        mailbox.append("Sent", letter(8), flags=("\\Seen",), at=MOMENT)
        mailbox.select("Sent")
        found = list(mailbox.read(mailbox.all_uids()))
        with pytest.raises(BadInput):
            mailbox.append("Sent", letter(8), flags=("a) {5}",), at=MOMENT)
    assert found == [RawMail(1, letter(8), MOMENT)]
    assert len(list((dovecot.make_folder(box, "Sent") / "cur").glob("*:2,S"))) == 1


@pytest.mark.parametrize("security", ["none", "tls"])
def test_waiting_ends_when_a_mail_comes_and_when_the_time_is_up(dovecot: Dovecot, box: str, security: str) -> None:
    dovecot.put(box, "INBOX", letter())
    with opened(dovecot, box, security=security) as mailbox, ThreadPoolExecutor(1) as pool:
        mailbox.select("INBOX")
        assert mailbox.idle(timeout_s=0.3) is False
        pool.submit(lambda: (time.sleep(0.2), dovecot.put(box, "INBOX", letter(2))))
        began = time.monotonic()
        assert mailbox.idle(timeout_s=60)
        assert time.monotonic() - began < 30
        assert mailbox.uids_after(1) == [2]
        assert mailbox.idle(timeout_s=0.1) is False


def test_a_server_without_idle_is_asked_instead(poor: Dovecot) -> None:
    poor.put("bob", "INBOX", letter())
    with opened(poor, "bob") as mailbox:
        assert "IDLE" not in mailbox.capabilities
        mailbox.select("INBOX")
        assert mailbox.idle(timeout_s=0.1) is False
        poor.put("bob", "INBOX", letter(2))
        assert mailbox.idle(timeout_s=10)


def test_mail_that_came_before_the_waiting_is_heard_at_once(dovecot: Dovecot, box: str) -> None:
    dovecot.put(box, "INBOX", letter())
    with opened(dovecot, box) as mailbox:
        mailbox.select("INBOX")
        assert mailbox.uids_after(0) == [1]
        dovecot.put(box, "INBOX", letter(2))
        time.sleep(0.1)
        mailbox.find_message_id("nobody@nowhere")
        began = time.monotonic()
        assert mailbox.idle(timeout_s=60)
    assert time.monotonic() - began < 30


def test_passwords_of_any_script_log_in(dovecot: Dovecot, users: dict[str, str]) -> None:
    for security in ("none", "tls"):
        account = dovecot.account("umlaut", security=security)
        with imap.open_mailbox(account, password=users["umlaut"], deadline_s=30) as mailbox:
            assert mailbox.select("INBOX").exists == 0


Change = Callable[[Dovecot], dict[str, Any]]

REFUSALS: dict[str, tuple[Change, type[EspomailError], str]] = {
    "unknown host": (lambda d: {"host": "no-such-host.invalid"}, Unreachable, "unknown host 'no-such-host.invalid'"),
    "nobody listens": (lambda d: {"port": servers.free_ports(1)[0]}, Unreachable, "refused the connection"),
    "TLS to a plain port": (lambda d: {"port": d.port, "security": "tls"}, Unreachable, "no TLS with"),
    "an authority nobody knows": (lambda d: {"security": "tls", "tls_ca_file": None}, Unreachable, "can't be trusted"),
    "the same under STARTTLS": (lambda d: {"security": "starttls", "tls_ca_file": None}, Unreachable, "can't be trusted"),
    "another host's certificate": (lambda d: {"security": "tls", "host": "127.1"}, Unreachable, "can't be trusted"),
    "a missing CA file": (lambda d: {"security": "tls", "tls_ca_file": "/nowhere/ca.pem"}, NotSetUp, "/nowhere/ca.pem"),
    "a private host for a stranger": (lambda d: {"allow_private": False}, NotPermitted, "not a public address"),
    "a wrong password": (lambda d: {}, LoginRefused, "refused the log-in of ann"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_is_one_clear_sentence_with_a_next_step(dovecot: Dovecot, name: str) -> None:
    change, kind, words = REFUSALS[name]
    account = dovecot.account("ann", **change(dovecot))
    with pytest.raises(kind) as caught, imap.open_mailbox(account, password="wrong-secret", deadline_s=10):
        pass
    assert words in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert "wrong-secret" not in caught.value.message


def test_an_oauth_account_finds_no_method_where_only_passwords_are_offered(dovecot: Dovecot) -> None:
    account = dovecot.account("ann", secret=Secret("oauth"))
    with pytest.raises(Unreachable, match="no log-in method"), imap.open_mailbox(account, password="token", deadline_s=10):
        pass


def test_an_account_without_imap_can_not_be_read(dovecot: Dovecot) -> None:
    account = replace(dovecot.account("ann"), imap=None)
    with pytest.raises(BadInput), imap.open_mailbox(account, password="x", deadline_s=10):
        pass


def test_trying_out_a_server_tells_what_it_can_do(dovecot: Dovecot) -> None:
    ok, message, capabilities = imap.test(dovecot.server("ann", security="tls"), password=PASSWORD)
    assert (ok, message) == (True, f"logged in to localhost:{dovecot.tls_port} as ann")
    assert "IDLE" in capabilities
    ok, message, capabilities = imap.test(dovecot.server("ann"), password="wrong")
    assert (ok, capabilities) == (False, ())
    assert "refused the log-in of ann" in message


def test_a_restored_folder_has_another_uidvalidity(dovecot: Dovecot, box: str) -> None:
    dovecot.put(box, "INBOX", letter())
    with opened(dovecot, box) as mailbox:
        before = mailbox.select("INBOX").uidvalidity
    dovecot.renew_uids(box)
    with opened(dovecot, box) as mailbox:
        after = mailbox.select("INBOX")
    assert (after.uidvalidity, after.exists) == (before + 1, 1)
