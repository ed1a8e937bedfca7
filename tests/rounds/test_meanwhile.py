"""What others do while a round waits for a slow server: their mail is not counted as its own, their removals are no faults."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.faults.test_holes import Reached
from tests.scripted_imap import ScriptedImap, scripted_imap
from tests.shop import Shop, letter

WAIT_S = 60.0


@dataclass
class Two:
    """A shop with the accounts `fast` and `slow`; the slow server keeps its first mail back until `go` is set."""

    shop: Shop
    fast: ScriptedImap
    is_asked: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def hold(self, _tag: bytes, line: str, answer: bytes) -> bytes:
        if "BODY.PEEK[])" in line:
            self.is_asked.set()
            self.go.wait(WAIT_S)
        return answer

    def fetch(self, meanwhile: Callable[[], object]) -> dict[str, Any]:
        """The report of a round, and `meanwhile` done while it waits for the slow server."""
        with ThreadPoolExecutor(1) as pool:
            report = pool.submit(self.shop.ask, "fetch --jobs 1")
            try:
                assert self.is_asked.wait(WAIT_S)
                meanwhile()
            finally:
                self.go.set()
            return report.result()


@contextmanager
def two(folder: Path, *, first: str) -> Iterator[Two]:
    """Accounts that were never tried are taken in the order in which they were added."""
    with scripted_imap({1: letter("fast1@client.example")}) as fast, scripted_imap({1: letter("slow@client.example")}) as slow:
        made = Two(Shop(folder, Reached(fast)), fast)
        slow.twist = made.hold
        for name in sorted(("fast", "slow"), key=lambda name: name != first):
            made.shop.add_account(name, f"--imap-port {fast.port if name == 'fast' else slow.port}")
        yield made


@pytest.fixture
def slow_last(tmp_path: Path) -> Iterator[Two]:
    with two(tmp_path, first="fast") as made:
        yield made


@pytest.fixture
def slow_first(tmp_path: Path) -> Iterator[Two]:
    with two(tmp_path, first="slow") as made:
        yield made


def test_a_round_counts_the_mail_that_it_took_in_itself(slow_last: Two) -> None:
    def another_round() -> None:
        slow_last.fast.letters[2] = letter("fast2@client.example")
        assert slow_last.shop.ask("fetch fast")["imported"] == 1

    report = slow_last.fetch(another_round)
    folders = [account["folders"][0] for account in report["accounts"]]
    assert [(folder["listed"], folder["imported"]) for folder in folders] == [(1, 1), (1, 1)]


def test_an_account_that_is_removed_before_its_turn_is_left_out(slow_first: Two) -> None:
    report = slow_first.fetch(lambda: slow_first.shop.run("group-account remove fast --yes"))
    assert [(each["account"], each["skipped"], each["ok"]) for each in report["accounts"]] == [
        ("fast", "disabled", True),
        ("slow", None, True),
    ]


def test_an_account_that_is_removed_while_it_is_read_is_no_fault(slow_last: Two) -> None:
    report = slow_last.fetch(lambda: slow_last.shop.run("group-account remove slow --yes"))
    assert [(each["account"], each["skipped"], each["ok"], len(each["folders"])) for each in report["accounts"]] == [
        ("fast", None, True, 1),
        ("slow", "disabled", True, 0),
    ]
    assert slow_last.shop.ask("fetch")["imported"] == 0


def test_an_account_that_is_disabled_before_its_turn_is_left_out(slow_first: Two) -> None:
    report = slow_first.fetch(lambda: slow_first.shop.run("group-account disable fast"))
    assert [each["skipped"] for each in report["accounts"]] == ["disabled", None]
