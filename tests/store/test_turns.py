"""Writers of one database take turns: one that always has more to write leaves room for another."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from espomail.errors import TryAgain
from espomail.store import db as store
from espomail.store.db import create_db, one, open_db, transaction

TURNS = 20


def test_a_busy_writer_lets_another_in_between_its_transactions(tmp_path: Path) -> None:
    path = tmp_path / "espomail.db"
    create_db(path, now=datetime.now(UTC)).close()
    started, had_all = threading.Event(), threading.Event()
    busy_turns = 0

    def write_on() -> None:
        nonlocal busy_turns
        db = open_db(path, now=datetime.now(UTC))
        while not had_all.is_set():
            with transaction(db):
                started.set()
                time.sleep(0.04)
            busy_turns += 1
            time.sleep(0.003)
        db.close()

    busy = threading.Thread(target=write_on)
    busy.start()
    other = open_db(path, now=datetime.now(UTC))
    for _ in range(TURNS):
        started.clear()
        started.wait()
        with transaction(other):
            pass
    had_all.set()
    busy.join()
    other.close()
    assert busy_turns <= 2 * TURNS


def test_a_write_that_a_reader_kept_from_its_end_leaves_the_connection_free_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a write-ahead log, as on an SQLite that lacks the fix, nothing is committed while somebody reads."""
    path = tmp_path / "espomail.db"
    monkeypatch.setattr(store, "BUSY_TIMEOUT_MS", 200)
    monkeypatch.setattr(store, "has_wal_fix", lambda: False)
    writer, reader = create_db(path, now=datetime.now(UTC)), open_db(path, now=datetime.now(UTC))
    reader.execute("begin")
    one(reader, "select count(*) from teams")
    with pytest.raises(TryAgain), transaction(writer):
        writer.execute("insert into teams (name) values ('first')")
    reader.execute("rollback")
    with transaction(writer):
        writer.execute("insert into teams (name) values ('second')")
    assert [row[0] for row in reader.execute("select name from teams")] == ["second"]
