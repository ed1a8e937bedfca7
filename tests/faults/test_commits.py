"""Death at each commit in turn, of a round and of the child that processes: what is committed is whole, the rest comes again."""

from __future__ import annotations

from pathlib import Path

import pytest

from espomail.store import db as store
from espomail.store import invariant
from tests.conftest import NOW
from tests.faults.traffic import Traffic, found

HERE = Path(__file__).parent
DYING = f"{HERE / 'dying'}:{HERE.parents[1]}"


def dies(traffic: Traffic, process: str, number: int, when: str, once: Path) -> bool:
    """Fetch with a process that dies at its commit `number`; False when it had not so many."""
    healthy = dict(traffic.shop.environment)
    mortal = {"PYTHONPATH": DYING, "DIE_IN": process, "DIE_AT": str(number), "DIE_WHEN": when, "DIE_ONCE": str(once)}
    traffic.shop.environment.update(mortal)
    traffic.shop.try_("fetch --now")
    traffic.shop.environment.clear()
    traffic.shop.environment.update(healthy)
    return once.exists()


def broken_laws(traffic: Traffic) -> list[str]:
    """What a death left that may not be: laws of the invariant, and UIDs behind a cursor that have no receipt."""
    db = store.open_db(traffic.shop.folder / "espomail.db", now=NOW)
    try:
        bare = db.execute(
            """select m.id from mailboxes m
               where last_uid != (select count(distinct uid) from receipts r where r.mailbox_id = m.id and uid <= last_uid)"""
        ).fetchall()
        return [breach.law for breach in invariant.breaches(db)] + ["a UID behind the cursor has no receipt"] * len(bare)
    finally:
        db.close()


@pytest.mark.parametrize(
    ("process", "when"),
    [
        ("round", "after"),
        ("child", "after"),
        pytest.param("round", "before", marks=pytest.mark.long),
        pytest.param("child", "before", marks=pytest.mark.long),
    ],
)
def test_death_at_any_commit_leaves_whole_things_and_the_next_round_does_the_rest(traffic, tell, tmp_path, process, when):
    busy = traffic(2)
    deaths = 0
    while True:
        busy.put(4)
        is_dead = dies(busy, process, deaths + 1, when, tmp_path / f"{process}{deaths}")
        assert broken_laws(busy) == []
        if not is_dead:
            break
        deaths += 1
    busy.shop.run("fetch --now --retry-failed")
    assert found(busy.shop.folder / "espomail.db") == busy.wanted()
    assert deaths >= 2
    tell(f"commits: a {process} died {when} each of its {deaths} commits, {busy.made} mails")
