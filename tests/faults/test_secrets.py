"""Passwords are nowhere but where they were put: not in database, journal, backup or export, not in words, logs or arguments."""

from __future__ import annotations

import base64
import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import servers
from tests.shop import Shop, letter

PASSWORDS = {kind: f"Zitrone-{kind}-4711-Falter" for kind in ("stored", "env", "file", "command", "wrong")}


def forms(password: str) -> dict[str, bytes]:
    """How a password could stand somewhere: plain, in UTF-16, in base64 with and without what logs in beside it, in hex."""
    plain = password.encode()
    login = b"\0box\0" + plain
    return {
        "plain": plain,
        "utf-16": password.encode("utf-16-le"),
        "hex": plain.hex().encode(),
        **{f"base64 shifted by {n}": base64.b64encode(bytes(n) + plain)[4 * ((n + 2) // 3) : -4] for n in range(3)},
        "base64 of a log-in": base64.b64encode(login)[:-4],
    }


@dataclass
class Watcher(threading.Thread):
    """Looks all the time at what lies in a folder and at the arguments of every process of this user."""

    folder: Path
    over: threading.Event = field(default_factory=threading.Event)
    hits: set[str] = field(default_factory=set)
    seen: int = 0

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.wanted = [(kind, name, form) for kind, word in PASSWORDS.items() for name, form in forms(word).items()]

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        while not self.over.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                self._look(path, "arguments")
            for path in self.folder.rglob("espomail.db*"):
                self._look(path, path.name)
            time.sleep(0.01)

    def _look(self, path: Path, where: str) -> None:
        with contextlib.suppress(OSError):
            self.search(path.read_bytes(), where)

    def search(self, content: bytes, where: str) -> None:
        """Note every password in these bytes."""
        self.seen += len(content)
        self.hits |= {f"{kind} as {name} in {where}" for kind, name, form in self.wanted if form in content}


@pytest.fixture
def dovecot() -> Iterator[servers.Dovecot]:
    with servers.dovecot(users={kind: word if kind != "wrong" else "another" for kind, word in PASSWORDS.items()}) as server:
        yield server


def add_accounts(shop: Shop, folder: Path, dovecot: servers.Dovecot) -> None:
    """An account for each way to give a password; one of them is refused by the server."""
    file, script = folder / "password", folder / "say"
    file.write_text(PASSWORDS["file"] + "\n")
    script.write_text(f"#!/bin/sh\necho {PASSWORDS['command']}\n")
    file.chmod(0o600)
    script.chmod(0o700)
    shop.environment["MAIL_PASSWORD"] = PASSWORDS["env"]
    ways = {
        "stored": "--imap-password-stdin",
        "env": "--imap-password-env MAIL_PASSWORD",
        "file": f"--imap-password-file {file}",
        "command": f"--imap-password-command {script}",
        "wrong": "--imap-password-stdin",
    }
    for kind, way in ways.items():
        server = f"--imap-host {dovecot.host} --imap-port {dovecot.port} --imap-security none --imap-login {kind} {way}"
        line = f"group-account add {kind} --address {kind}@team.example --team support --create-case --fetch-since 2000-01-01"
        shop.run(f"{line} {server}", stdin=PASSWORDS[kind].encode() if way.endswith("stdin") else b"")
        shop.put(kind, letter(f"q@{kind}.example", sender=f"c@{kind}.example", subject=kind))


LINES = (
    "fetch --now -vv",
    "fetch wrong --json -vv",
    "group-account test stored --json",
    "group-account test wrong -vv",
    "group-account show stored --json",
    "group-account list",
    "status --json",
    "doctor --json",
    "metrics",
    "export",
    "settings list",
    "quarantine list",
    "notification list",
    "email list --json",
    "group-account edit stored --imap-login other -vv",
    "fetch stored -vv",
)


def test_no_password_is_written_or_said_anywhere(tmp_path: Path, dovecot: servers.Dovecot, tell) -> None:
    home = tmp_path / "home"
    shop = Shop(home / "shop", dovecot)
    (tmp_path / "config.yaml").write_text(f"log: {{file: {home}/espomail.log, level: debug}}\n")
    shop.environment["ESPOMAIL_CONFIG"] = str(tmp_path / "config.yaml")
    shop.run("team add support")
    watcher = Watcher(home)
    watcher.start()
    add_accounts(shop, tmp_path, dovecot)
    for line in (*LINES, f"backup {home}/copy.db", f"export {home}/state.yaml", f"metrics --output {home}/metrics"):
        done = shop.try_(line)
        watcher.search(done.stdout + done.stderr, f"words of {line}")
    assert sorted(case["name"] for case in shop.cases()) == ["command", "env", "file", "stored"]
    watcher.over.set()
    watcher.join()
    for path in (each for each in home.rglob("*") if each.is_file()):
        watcher.search(path.read_bytes(), str(path.relative_to(home)))
    assert watcher.hits == set()
    assert (home / "espomail.log").read_text().count("wrong") > 2
    tell(f"secrets: {len(PASSWORDS)} passwords in {len(watcher.wanted)} forms, 0 hits in {watcher.seen / 1e6:.0f} MB read")


def test_the_search_would_see_a_password_in_any_form(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path)
    for form in forms(PASSWORDS["stored"]).values():
        watcher.hits.clear()
        watcher.search(b"..." + form + b"...", "test")
        assert watcher.hits
    waiting = [sys.executable, "-c", "input('running ')", PASSWORDS["env"]]
    process = subprocess.Popen(waiting, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(7) == b"running", "only then are its arguments sure to be in /proc"
    watcher.hits.clear()
    watcher._look(Path(f"/proc/{process.pid}/cmdline"), "arguments")
    process.communicate(b"\n")
    assert watcher.hits
