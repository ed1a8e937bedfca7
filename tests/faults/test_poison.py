"""One mail of fifty raises, hangs, eats the memory or kills the process: the others are done, and it is once it can be."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from espomail.store import db as store
from espomail.store.db import transaction
from tests.faults.traffic import Traffic, found
from tests.shop import letter

HERE = Path(__file__).parent
POISONED = f"{HERE / 'poisoned'}:{HERE.parents[1]}"
MAILS = 50
RAISED = "ValueError: poison"
PARKED_AT_ONCE = {"hang": "SIGPROF", "kill": "SIGKILL"}


def poison(traffic: Traffic, kind: str | None, *, cpu_s: float | None = None) -> None:
    """From now on the parser fails on the marked mail; None: it was repaired."""
    settings = {"PYTHONPATH": POISONED, "POISON": kind or "", "POISON_CPU_S": str(cpu_s or "")}
    traffic.shop.environment.update(settings)


def put_with_poison(traffic: Traffic, place: int) -> None:
    """Fifty mails of which the one at `place` is marked."""
    traffic.put(place)
    content = letter("p@poison.example", sender="p@poison.example", subject="Poison", text="MARKED-AS-POISON")
    traffic.threads["Poison"] = {"Poison"}
    traffic.by_account[traffic.accounts[0]] += 1
    traffic.shop.put(traffic.accounts[0], content)
    traffic.put(MAILS - 1 - place)


def waiting(traffic: Traffic) -> list[tuple[str, int, Any]]:
    return [(each["status"], each["attempts"], each["error"]) for each in traffic.shop.ask("quarantine list")]


def traces(traffic: Traffic) -> dict[str, int]:
    """The tables in which the marked mail has left something beside its receipt, and how many rows."""
    db = store.open_db(traffic.shop.folder / "espomail.db", now=datetime.now(UTC))
    questions = {
        "emails": "select count(*) from emails where subject like '%Poison%'",
        "cases": "select count(*) from cases where name like '%Poison%'",
        "turns": "select count(*) from turns where case_number not in (select number from cases where name not like '%Poison%')",
        "notes": "select count(*) from notes where text like '%Poison%'",
        "outbox": "select count(*) from outbox where subject like '%Poison%'",
    }
    found = {table: int(store.one(db, sql)) for table, sql in questions.items()}
    db.close()
    return {table: count for table, count in found.items() if count}


def an_hour_passes(traffic: Traffic) -> None:
    """Every mail in quarantine is due again."""
    db = store.open_db(traffic.shop.folder / "espomail.db", now=datetime.now(UTC))
    with transaction(db):
        db.execute("update receipts set next_try_at = '2020-01-01T00:00:00Z' where state = 'quarantined'")
    db.close()


@pytest.mark.parametrize(
    ("kind", "place", "cpu_s"),
    [
        ("raise", 17, None),
        ("late", 17, None),
        ("kill", 0, None),
        ("kill", 49, None),
        ("memory", 30, None),
        ("hang", 17, 1.0),
        *[
            pytest.param(kind, k, None, marks=pytest.mark.long)
            for k in (0, 25, 49)
            for kind in ("raise", "late", "hang", "memory", "kill")
        ],
    ],
)
def test_a_mail_that_poisons_stops_no_other_and_is_imported_once_it_can_be(traffic, tell, kind, place, cpu_s):
    busy = traffic(1, without_id=0.0, answers=False)
    put_with_poison(busy, place)
    poison(busy, kind, cpu_s=cpu_s)
    report = busy.shop.ask("fetch --now", code=3)
    assert (report["imported"], report["quarantined"], report["cases_created"]) == (MAILS - 1, 1, MAILS - 1)
    assert traces(busy) == {}
    ((state, attempts, error),) = waiting(busy)
    if kind in PARKED_AT_ONCE:
        assert (state, attempts) == ("parked", 3)
        assert PARKED_AT_ONCE[kind] in error
    else:
        assert (state, attempts) == ("retrying", 1)
        assert error == RAISED if kind in ("raise", "late") else error.startswith("MemoryError")
        for _ in range(3):
            an_hour_passes(busy)
            busy.shop.try_("fetch --now")
        assert [each[:2] for each in waiting(busy)] == [("parked", 4)]
    poison(busy, None)
    assert busy.shop.ask("fetch --now")["imported"] == 0
    busy.shop.run(f"quarantine retry {busy.shop.ask('quarantine list')[0]['id']}")
    assert found(busy.shop.folder / "espomail.db") == busy.wanted()
    tell(f"poison: {kind} at mail {place + 1} of {MAILS}: the other {MAILS - 1} in the same round, then parked, then imported")
