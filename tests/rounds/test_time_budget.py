"""A round that has little time takes in what it can over a slow line; that it could not take all is no fault of the account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.faults.proxy import Proxy, proxy
from tests.faults.test_holes import Reached
from tests.scripted_imap import scripted_imap
from tests.shop import Shop, letter

BYTES_PER_S = 100_000
USERS = ("slow", "many", "mixed", "still")


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Dovecot]:
    with servers.dovecot(tmp_path_factory.mktemp("dovecot"), users=dict.fromkeys(USERS, "secret")) as server:
        yield server


@pytest.fixture
def line(dovecot: servers.Dovecot) -> Iterator[Proxy]:
    with proxy((dovecot.host, dovecot.port)) as made:
        made.bytes_per_s = BYTES_PER_S
        yield made


def large(number: int, size: int) -> bytes:
    return letter(f"{number}@client.example", subject=f"Large {number}", text="0123456789 word\n" * (size // 16))


def test_a_mail_that_takes_longer_than_the_round_is_taken_in_and_the_next_round_reads_on(
    tmp_path: Path, dovecot: servers.Dovecot, line: Proxy
) -> None:
    shop = Shop(tmp_path, dovecot)
    shop.add_account("slow", f"--imap-port {line.port} --folder INBOX --folder Later")
    dovecot.put("slow", "INBOX", large(1, 3 * BYTES_PER_S))
    dovecot.put("slow", "Later", letter("later@client.example", subject="Later"))
    first = shop.ask("fetch --max-time 1")
    (account,) = first["accounts"]
    assert (first["imported"], account["ok"], account["error"]) == (1, True, None)
    second = shop.ask("fetch")
    assert (second["imported"], second["accounts"][0]["skipped"]) == (1, None)
    assert [each["subject"] for each in shop.emails()] == ["Large 1", "Later"]


def test_what_a_short_round_leaves_is_told_as_backlog_and_not_as_a_failure(
    tmp_path: Path, dovecot: servers.Dovecot, line: Proxy
) -> None:
    """Three times as many bytes as one commit takes."""
    shop = Shop(tmp_path, dovecot)
    shop.add_account("many", f"--imap-port {line.port}")
    line.bytes_per_s = 4_000_000
    for number in range(12):
        dovecot.put("many", "INBOX", large(100 + number, 1_000_000))
    report = shop.ask("fetch --max-time 1")
    (account,) = report["accounts"]
    assert account["ok"] and account["backlog"] == 12 - report["imported"] > 0
    (state,) = shop.ask("status")["accounts"]
    assert (state["failures"], state["next_try_at"], state["backlog"]) == (0, None, account["backlog"])
    line.bytes_per_s = None
    assert shop.ask("fetch")["imported"] == account["backlog"]


def test_a_mail_too_large_to_be_read_in_time_after_others_waits_for_the_next_round(
    tmp_path: Path, dovecot: servers.Dovecot, line: Proxy
) -> None:
    """The large one needs a command of its own, for which no time is left."""
    shop = Shop(tmp_path, dovecot)
    shop.run("settings set mail_size_max 200k")
    shop.add_account("mixed", f"--imap-port {line.port}")
    dovecot.put("mixed", "INBOX", large(200, 2 * BYTES_PER_S - 10_000))
    dovecot.put("mixed", "INBOX", large(201, 500_000))
    report = shop.ask("fetch --max-time 1")
    assert (report["imported"], report["accounts"][0]["ok"], report["accounts"][0]["backlog"]) == (1, True, 1)
    line.bytes_per_s = None
    assert shop.ask("fetch")["imported"] == 1


def test_a_server_that_gives_nothing_in_that_time_has_failed(tmp_path: Path, dovecot: servers.Dovecot, line: Proxy) -> None:
    shop = Shop(tmp_path, dovecot)
    shop.add_account("still", f"--imap-port {line.port}")
    dovecot.put("still", "INBOX", letter("never@client.example"))
    line.bytes_per_s = 100
    shop.run("fetch --max-time 1", code=69)
    (state,) = shop.ask("status")["accounts"]
    assert (state["failures"], state["next_try_at"] is not None) == (1, True)


def test_a_server_that_takes_long_over_each_mail_is_read_a_few_at_a_time(tmp_path: Path) -> None:
    """All of them in one command would take longer than the round, and the next round would ask for all of them again."""

    def slowly(_tag: bytes, line: str, answer: bytes) -> bytes | Iterator[bytes | float]:
        pieces = (piece for part in answer.splitlines(keepends=True) for piece in (part, 0.25 * part.startswith(b"*")))
        return pieces if "BODY.PEEK[])" in line else answer

    letters = {uid: letter(f"{uid}@client.example", subject=f"Mail {uid}") for uid in range(1, 61)}
    with scripted_imap(letters, twist=slowly) as server:
        shop = Shop(tmp_path, Reached(server))
        shop.add_account("support")
        (account,) = shop.ask("fetch --max-time 6")["accounts"]
        (folder,) = account["folders"]
        assert (account["ok"], folder["imported"] >= 12, folder["pending"] >= 20) == (True, True, True)
        assert folder["listed"] == folder["imported"] + folder["pending"]


def test_an_account_whose_turn_comes_too_late_is_the_first_of_the_next_round_and_has_not_failed(tmp_path: Path) -> None:
    """The first server is silent after the last mail until our good-bye has waited its two seconds."""

    def silent(_tag: bytes, line: str, answer: bytes) -> bytes | list[bytes | float]:
        return [answer, 2.5] if "BODY.PEEK[])" in line else answer

    def slow(_tag: bytes, line: str, answer: bytes) -> bytes | list[float | bytes]:
        return [0.7, answer] if line == "CAPABILITY" else answer

    with (
        scripted_imap({1: letter("1@client.example")}, twist=silent) as first,
        scripted_imap({1: letter("2@client.example")}, twist=slow) as second,
    ):
        shop = Shop(tmp_path, Reached(first))
        shop.add_account("first")
        shop.add_account("second", f"--imap-port {second.port}")
        report = shop.ask("fetch --jobs 1 --max-time 2.5")
        assert [(each["ok"], len(each["folders"])) for each in report["accounts"]] == [(True, 1), (True, 0)]
        assert [each["failures"] for each in shop.ask("status")["accounts"]] == [0, 0]
        assert second.heard == []
        assert shop.ask("fetch --jobs 1 --limit 1")["accounts"][1]["folders"][0]["imported"] == 1
