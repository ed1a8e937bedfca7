"""Mails made to hurt a parser come in like any other: each is stored as an email, and what is lost of one is said."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.mail.hostile import HOSTILE, repetitions
from tests.mail.test_hostile import BYTES_MAX, CAPPED, EXACT, SECONDS_MAX
from tests.shop import Shop

SHORT_BYTES = 20_000
CUT_BYTES = 3_000_000
START_SECONDS = 1

# Writes what a command spent to a file: seconds of CPU, bytes of memory at its peak. A process in between, because Linux lets
# a new process start with the peak of who made it, and a test run has seen larger things.
SPENT = """
import json, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    json.dump([used.ru_utime + used.ru_stime, used.ru_maxrss * 1024], file)
sys.exit(code)
"""


def named(name: str, content: bytes) -> bytes:
    """The mail with an id of its own, so that no other is taken for it; where its very start is the trick, as it is."""
    own = f"<{name}@hostile.example>".encode()
    is_tricky = content.startswith((b"From ", b"\n", b"\r")) or b"\n" not in content
    return content.replace(b"<1@example.org>", own, 1) if is_tricky else b"Message-ID: " + own + b"\n" + content


def taken_in(shop: Shop, letters: dict[str, bytes], *, under: tuple[str, ...] = ()) -> dict[str, bool]:
    """Import the mails, opening a case for each; return of each email whether it is partial, by the number of its file."""
    folder = shop.folder / "mails"
    folder.mkdir()
    for name, content in letters.items():
        (folder / f"{name}.eml").write_bytes(named(name, content))
    done = shop.try_(f"import {folder} --account support --case --json", under=under)
    assert done.returncode == 0, done.stderr.decode()
    report = json.loads(done.stdout)
    assert {key: report[key] for key in ("failed", "imported", "duplicates")} == {
        "failed": 0,
        "imported": len(letters),
        "duplicates": 0,
    }
    db = sqlite3.connect(shop.folder / "espomail.db")
    rows = db.execute("select r.origin, e.is_partial from emails e join receipts r on r.email_id = e.id").fetchall()
    db.close()
    return {Path(origin).stem: bool(is_partial) for origin, is_partial in rows}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path, None)
    shop.run("team add support")
    shop.run("group-account add support --address support@team.example --team support --create-case")
    return shop


def test_every_hostile_mail_is_stored(shop: Shop) -> None:
    letters = {str(n): make(repetitions(make, SHORT_BYTES)) for n, make in enumerate(HOSTILE.values())}
    assert len(taken_in(shop, letters)) == len(HOSTILE) >= 60


@pytest.mark.long
def test_what_is_cut_of_a_stored_mail_is_said(shop: Shop) -> None:
    letters = {str(n): HOSTILE[name](repetitions(HOSTILE[name], CUT_BYTES)) for n, name in enumerate(CAPPED)}
    assert taken_in(shop, letters) == dict.fromkeys(letters, True)


@pytest.mark.long
@pytest.mark.parametrize("title", EXACT)
def test_a_known_attack_is_stored_within_the_limits(shop: Shop, title: str) -> None:
    """The CPU time and the peak memory are those of the whole command and its children, its start included."""
    name, count = EXACT[title]
    spent = shop.folder / "spent"
    assert len(taken_in(shop, {"0": HOSTILE[name](count)}, under=(sys.executable, "-c", SPENT, str(spent)))) == 1
    seconds, peak_bytes = json.loads(spent.read_text())
    assert seconds <= SECONDS_MAX + START_SECONDS
    assert peak_bytes < BYTES_MAX
