"""`watch` on a real server: mail is in within moments, the end is clean and quick, a lost server is found again."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from espomail.cli.front import Front
from espomail.cli.opening import open_desk
from espomail.desk import Desk
from espomail.errors import Damaged, SessionLost, TryAgain
from espomail.model import Account
from espomail.rounds import watch
from espomail.rounds.fetch import Report
from espomail.rounds.watch import POLL_S
from espomail.store.db import Connection
from tests import servers
from tests.conftest import Runner
from tests.scripted_imap import Piece, scripted_imap
from tests.shop import Shop, letter


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Dovecot]:
    users = dict.fromkeys(("one", "two", "three", "four", "five"), "secret")
    with servers.dovecot(tmp_path_factory.mktemp("dovecot"), users=users) as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, dovecot: servers.Dovecot) -> Shop:
    shop = Shop(tmp_path, dovecot)
    shop.add_agents("ann")
    return shop


@contextlib.contextmanager
def watching(shop: Shop, *words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "espomail", "watch", *words]
    process = subprocess.Popen(command, env=shop.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(holds: Callable[[], bool], *, seconds: float) -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, "it never came to be"
        time.sleep(0.1)


def held(shop: Shop, count: int) -> Callable[[], bool]:
    return lambda: len(shop.emails()) == count


def ended(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    """Exit code and stderr of a watch that is told to stop; fail when it waits for a server that stalls."""
    process.send_signal(number)
    _, stderr = process.communicate(timeout=10)
    return process.returncode, stderr


@pytest.mark.parametrize(("mailbox", "number", "expected"), [("one", signal.SIGTERM, 0), ("two", signal.SIGINT, 130)])
def test_mail_is_in_moments_after_it_comes_and_a_signal_ends_the_watch(
    shop: Shop, mailbox: str, number: int, expected: int
) -> None:
    """Without IDLE it would be a minute until the next round: that is what the time is held against."""
    shop.add_account("support", "--team support --create-case", login=mailbox)
    shop.put(mailbox, letter("before@client.example"))
    with watching(shop) as process:
        wait_until(lambda: len(shop.emails()) == 1, seconds=20)
        time.sleep(1)
        shop.put(mailbox, letter("after@client.example"))
        wait_until(lambda: len(shop.emails()) == 2, seconds=POLL_S / 2)
        code, stderr = ended(process, number)
    assert (code, stderr) == (expected, "")
    assert len(shop.cases()) == 2
    assert shop.ask("doctor", code=0)["ok"]


def test_each_account_is_watched_and_reports_are_printed(shop: Shop) -> None:
    for name in ("three", "four"):
        shop.add_account(name, "--team support")
        shop.put(name, letter(f"{name}@client.example"))
    with watching(shop, "three", "four", "--format", "jsonl") as process:
        wait_until(lambda: len(shop.emails()) == 2, seconds=20)
        assert process.stdout is not None
        printed = process.stdout.readline() + process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        printed += process.stdout.read()
    reports: list[dict[str, Any]] = [json.loads(line) for line in printed.splitlines()]
    assert sorted((each["accounts"][0]["account"], each["imported"]) for each in reports) == [("four", 1), ("three", 1)]


class Wire:
    """A way to a server on loopback whose connections can all be cut at once."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.listener = socket.create_server((servers.HOST, 0))
        self.port = self.listener.getsockname()[1]
        self.open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection((servers.HOST, self.target))
                self.open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                sink.sendall(chunk)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def cut(self) -> int:
        """Cut every connection; return how many there were."""
        cut = [each for each in self.open if each.fileno() >= 0]
        for each in cut:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.open.clear()
        return len(cut) // 2


def test_a_connection_that_is_cut_is_made_again(shop: Shop, dovecot: servers.Dovecot) -> None:
    wire = Wire(dovecot.port)
    shop.server = dovecot
    shop.run(f"group-account add support --address support@team.example --imap-host 127.0.0.1 --imap-port {wire.port} "
             "--imap-security none --imap-login five --imap-password-env MAIL_PASSWORD --fetch-since 2000-01-01")  # fmt: skip
    with watching(shop) as process:
        for number in range(1, 4):
            shop.put("five", letter(f"m{number}@client.example"))
            wait_until(held(shop, number), seconds=20)
            time.sleep(0.5)
            assert wire.cut() >= 1
        time.sleep(0.5)
        code, stderr = ended(process, signal.SIGTERM)
    assert code == 0, stderr
    wire.listener.close()
    assert [email["message_id"] for email in shop.emails()] == [f"m{n}@client.example" for n in range(1, 4)]


def test_a_server_that_is_away_is_told_once_and_kept_in_the_back_off(shop: Shop) -> None:
    shop.run("group-account add away --address away@team.example --imap-host 127.0.0.1 --imap-port 1 --imap-security none "
             "--imap-password-env MAIL_PASSWORD")  # fmt: skip
    with watching(shop, "away") as process:
        wait_until(lambda: shop.ask("status")["accounts"][0]["failures"] == 1, seconds=20)
        time.sleep(1)
        code, stderr = ended(process, signal.SIGTERM)
    assert (code, stderr.count("refused the connection")) == (0, 1)
    state = shop.ask("status")["accounts"][0]
    assert state["failures"] == 1
    assert state["next_try_at"] is not None


def test_a_server_that_stalls_does_not_hold_up_the_end(shop: Shop) -> None:
    def stall(tag: bytes, line: str, answer: bytes) -> bytes | Iterable[Piece]:
        return [30.0, answer] if line.upper().startswith("EXAMINE") else answer

    with scripted_imap({1: letter("m1@client.example")}, twist=stall) as imap:
        shop.run(f"group-account add slow --address slow@team.example --imap-host 127.0.0.1 --imap-port {imap.port} "
                 "--imap-security none --imap-password-env MAIL_PASSWORD --fetch-since 2000-01-01")  # fmt: skip
        with watching(shop, "slow") as process:
            wait_until(lambda: imap.hits == 1, seconds=20)
            code, stderr = ended(process, signal.SIGTERM)
    assert (code, stderr) == (0, "")
    assert shop.emails() == []


@pytest.fixture
def desk(run: Runner) -> Iterator[Desk]:
    """A desk for a watch in this process; what it says is thrown away."""
    opened = open_desk(Front(db=str(run.db_path)))
    yield opened
    opened.db.close()


def add_account(run: Runner, *, port: int = 1) -> None:
    server = f"--imap-host 127.0.0.1 --imap-port {port} --imap-security none --imap-password-env MAIL_PASSWORD"
    added = run(*f"group-account add desk --address desk@team.example {server} --imap-login one".split())
    assert added.exit_code == 0, added.stderr


def watched(desk: Desk, seconds: float) -> list[Report]:
    """The reports of a watch in this process that is told to stop after some time."""
    reports: list[Report] = []
    watching = watch.Watch(desk, (), reports.append)
    timer = threading.Timer(seconds, watching.stop.set)
    timer.start()
    try:
        watching.run()
    finally:
        timer.cancel()
    return reports


def test_storage_that_is_busy_for_a_while_is_waited_for_and_a_damaged_one_ends_the_watch(
    run: Runner, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_account(run)
    said: list[str] = []
    troubles = [Damaged("the database is damaged"), TryAgain("the database is busy"), TryAgain("the database is full")]

    def fail(path: Path, *, now: datetime) -> Connection:
        raise troubles.pop()

    monkeypatch.setattr(watch, "open_db", fail)
    monkeypatch.setattr(watch, "POLL_S", 0.05)
    with pytest.raises(Damaged):
        watched(dataclasses.replace(desk, say=said.append), 10)
    assert said == ["the database is full", "the database is busy"]


def test_a_lost_line_is_left_in_peace_for_a_moment_and_then_for_as_long_as_the_back_off_says(
    run: Runner, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_account(run)
    calls: list[float] = []

    def open_mailbox(account: Account, deadline_s: float) -> AbstractContextManager[Any]:
        calls.append(time.monotonic())
        raise SessionLost("the line broke")

    monkeypatch.setattr(watch, "RECONNECT_S", 0.3)
    (report,) = watched(dataclasses.replace(desk, open_mailbox=open_mailbox), 1.5)
    assert [each.error for each in report.failed] == ["the line broke"]
    listening, round_ = calls
    assert round_ - listening >= 0.3


def test_a_round_is_made_once_for_each_piece_of_news(
    run: Runner, desk: Desk, dovecot: servers.Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "secret")
    monkeypatch.setattr(watch, "LOCKED_S", 0.05)
    add_account(run, port=dovecot.port)
    assert len(watched(desk, 1.5)) == 1


def test_what_can_not_be_watched_is_refused(shop: Shop) -> None:
    shop.run("group-account add desk --address desk@team.example")
    shop.run("watch desk", code=65)
    shop.run("watch nobody", code=66)
    shop.run("watch --as ann", code=77)
