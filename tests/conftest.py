"""What many tests use: a fresh database, the program run in this process, a fixed clock, and a place for
what tests of faults counted."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest
from click.testing import CliRunner

from espomail.cli.front import Front
from espomail.cli.main import cli
from espomail.store import db as store
from espomail.store.db import Connection

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Result:
    """How a command ended: its exit code, what it printed on both streams, and its JSON."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def error(self) -> Any:
        return json.loads(self.stderr)["error"]


class Runner:
    """Runs the command line on one database, in this process, at a moment that tests may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.db_path = folder / "espomail.db"
        self.now = NOW

    def __call__(self, *words: str, input: str | bytes | IO[bytes] | None = None) -> Result:
        front = Front(now=lambda: self.now)
        done = CliRunner().invoke(cli, ["--db", str(self.db_path), *map(str, words)], input=input, obj=front)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Result(done.exit_code, done.stdout, done.stderr)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the configuration of who runs the tests nor sudo may show through."""
    for name in ("ESPOMAIL_DB", "ESPOMAIL_CONFIG", "ESPOMAIL_AS", "SUDO_USER", "SUDO_UID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "no-configuration"))


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    """The command line on a fresh database with its key file."""
    runner = Runner(tmp_path)
    made = runner("init", "--yes")
    assert made.exit_code == 0, made.stderr
    return runner


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """A fresh database with the real schema; with `run` in the same test it is the same database."""
    path = tmp_path / "espomail.db"
    opened = store.open_db(path, now=NOW) if path.exists() else store.create_db(path, now=NOW)
    yield opened
    opened.close()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a line past pytest's capturing; `FAULT_COUNTS` names a file that gets it too."""

    def say(line: str) -> None:
        with capsys.disabled():
            print(f"\n{line}")
        keep_count(line)

    return say


def keep_count(line: str) -> None:
    """Add a line to the file that `FAULT_COUNTS` names, if it names one."""
    if path := os.environ.get("FAULT_COUNTS"):
        with Path(path).open("a") as file:
            file.write(line + "\n")
