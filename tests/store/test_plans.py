"""What a person with roles asks of the store walks no whole table: the questions of the benchmark, on fewer emails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import access
from espomail.store.db import Connection, create_db

EMAILS = 3000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    db = create_db(Path(tmp_path_factory.mktemp("plans")) / "espomail.db", now=access.START)
    access.fill(db, EMAILS)
    yield db
    db.close()


@pytest.mark.parametrize("level", ["own", "team"])
@pytest.mark.parametrize("user_id", [1, 7, 50])
def test_no_list_and_no_search_scans_a_whole_table(store: Connection, user_id: int, level: str) -> None:
    questions = access.questions(store, access.actor(user_id, level=level), EMAILS)
    assert {name: walked for name, ask in questions.items() if (walked := access.scans(store, ask))} == {}
    assert len(questions) >= 12


def test_a_scan_would_be_seen(store: Connection) -> None:
    assert access.scans(store, lambda: store.execute("select count(*) from emails where subject like '%x%'")) != []
