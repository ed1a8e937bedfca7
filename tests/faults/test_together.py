"""Several rounds and commands that write, all at once, on one database: no case twice, no turn twice, nobody turned away."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from espomail.store import db as store
from espomail.store import restoring
from tests.faults.traffic import found
from tests.shop import Shop

WRITERS = (
    "record add contact --name Contact{n} --email contact{n}@x.example",
    "team add team{n}",
    "backup {folder}/backup{n}.db",
    "doctor",
)


@pytest.mark.parametrize(
    ("rounds", "mails", "times"),
    [pytest.param(4, 60, 1, id="short"), pytest.param(8, 400, 5, id="full", marks=pytest.mark.long)],
)
def test_rounds_and_writers_at_once_serve_no_turn_twice_and_are_never_refused(traffic, tell, rounds, mails, times):
    busy = traffic(4)
    busy.shop.run("team add other")
    runs = Counter()
    for time in range(times):
        busy.put(mails)
        lines = ["fetch --now"] * rounds + [w.format(n=time, folder=busy.shop.folder) for w in WRITERS]
        with ThreadPoolExecutor(len(lines)) as pool:
            for line, done in zip(lines, pool.map(busy.shop.try_, lines), strict=True):
                runs[line.split()[0]] += 1
                assert done.returncode == 0 or (line, done.returncode) == ("doctor", 1), (line, done.stderr)
                assert b"locked" not in done.stderr
                assert b"busy" not in done.stderr
    busy.shop.run("fetch --now")
    assert found(busy.shop.folder / "espomail.db") == busy.wanted()
    what = ", ".join(f"{count} {name}" for name, count in runs.items())
    tell(f"together: {what} at once ({times} times), {busy.made} mails in 4 accounts")


def test_backups_to_one_file_at_once_are_all_whole(tmp_path: Path) -> None:
    """The database is large enough for them to meet."""
    shop = Shop(tmp_path, None)
    db = store.open_db(tmp_path / "espomail.db", now=datetime.now(UTC))
    with store.transaction(db):
        db.execute("insert into raw_mails (sha256, size_bytes, is_whole, content) values ('x', 1, 1, zeroblob(80000000))")
    db.close()
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(shop.try_, [f"backup {tmp_path / 'copy.db'}"] * 4))
    assert [(run.returncode, run.stderr) for run in runs] == [(0, b"")] * 4
    restoring.check(tmp_path / "copy.db")
    assert not list(tmp_path.glob("*.partial"))
