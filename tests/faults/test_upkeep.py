"""What an operator does about faults: mail in quarantine, accounts that are refused, mail that was skipped, an older database."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlite_utils

from espomail.store import db as store
from espomail.store import invariant
from espomail.store.migrations import migrations
from tests.faults.test_commits import DYING
from tests.faults.test_poison import an_hour_passes, poison
from tests.faults.traffic import Traffic
from tests.shop import Shop, letter

BAD = letter("p@poison.example", sender="p@poison.example", subject="Poison", text="MARKED-AS-POISON")


def parked(traffic: Traffic) -> dict:
    """A good mail is in, a bad one has failed until it was parked; what quarantine says of it."""
    shop, (box,) = traffic.shop, traffic.accounts
    shop.run("user add chief --email chief@team.example --admin")
    traffic.put(1)
    shop.put(box, BAD)
    poison(traffic, "raise")
    for _ in range(4):
        shop.try_("fetch --now")
        an_hour_passes(traffic)
    poison(traffic, None)
    (found,) = shop.ask("quarantine list")
    return found


def test_a_parked_mail_can_be_looked_at_saved_and_given_up_and_its_admins_are_told(traffic, tmp_path: Path) -> None:
    busy = traffic(1, answers=False)
    shop, found = busy.shop, parked(busy)
    expected = (found["account"], found["folder"], found["uid"], found["status"], found["attempts"], found["size_bytes"])
    assert expected == (busy.accounts[0], "INBOX", 2, "parked", 4, len(BAD))
    assert (found["from_line"], found["subject_line"]) == ("p@poison.example", "Poison")
    assert shop.ask(f"quarantine show {found['id']}")["error"] == "ValueError: poison"
    assert shop.try_(f"quarantine export {found['id']}").stdout == BAD
    shop.run(f"quarantine export {found['id']} {tmp_path / 'saved.eml'}")
    assert (tmp_path / "saved.eml").read_bytes() == BAD
    told = [each for each in shop.ask("notification list --user chief") if each["type"] == "mail-parked"]
    assert [each["text"].startswith("The mail “Poison” from p@poison.example could not be processed") for each in told] == [
        True
    ]
    assert shop.ask("status")["quarantine"] == 1
    assert [each["check"] for each in shop.ask("doctor", code=3)["findings"] if each["level"] == "warning"].count(
        "quarantine"
    ) == 1
    shop.run(f"quarantine discard {found['id']}", code=2)
    shop.run(f"quarantine discard {found['id']} --yes")
    assert shop.ask("quarantine list") == []
    shop.run(f"quarantine retry {found['id']}", code=66)
    assert "invariant" not in [each["check"] for each in shop.ask("doctor")["findings"] if each["level"] != "info"]


def test_failed_mail_is_processed_again_by_reprocess(traffic) -> None:
    busy = traffic(1, answers=False)
    parked(busy)
    busy.shop.run("reprocess --failed --yes")
    assert busy.shop.ask("quarantine list") == []
    assert "Poison" in [case["name"] for case in busy.shop.cases()]


def test_skipped_mail_is_processed_again_once_its_filter_is_gone(traffic) -> None:
    busy = traffic(1, answers=False)
    shop, (box,) = busy.shop, busy.accounts
    shop.run("filter add noise --global --subject '*Offer*' --action skip")
    shop.put(box, letter("o@x.example", sender="o@x.example", subject="Offer"))
    assert shop.ask("fetch")["filtered"] == 1
    assert shop.emails() == []
    shop.run("filter remove noise --yes")
    shop.run("reprocess --skipped --yes")
    assert [case["name"] for case in shop.cases()] == ["Offer"]


def test_an_account_refused_five_times_is_disabled_and_its_admins_are_told(traffic) -> None:
    busy = traffic(1)
    shop, (box,) = busy.shop, busy.accounts
    shop.run("user add chief --email chief@team.example --admin")
    shop.environment["MAIL_PASSWORD"] = "wrong"
    for times in range(1, 6):
        shop.run(f"fetch {box}", code=69)
        assert shop.ask("status")["accounts"][0]["active"] is (times < 5)
    assert [each["type"] for each in shop.ask("notification list --user chief")] == ["account-disabled"]
    shop.environment["MAIL_PASSWORD"] = shop.password
    busy.put(1)
    assert shop.ask("fetch")["imported"] == 0
    shop.run(f"group-account enable {box}")
    assert shop.ask("fetch")["imported"] >= 1


def test_a_bare_fetch_leaves_an_account_in_back_off_alone_until_it_is_named_or_mended(traffic) -> None:
    busy = traffic(1)
    shop, (box,) = busy.shop, busy.accounts
    busy.put(1)
    shop.run(f"group-account edit {box} --imap-port 1")
    shop.run("fetch", code=69)
    assert [each["skipped"] for each in shop.ask("fetch")["accounts"]] == ["backoff"]
    for line in (f"fetch {box}", "fetch --now"):
        shop.run(line, code=69)
    assert shop.ask("status")["accounts"][0]["failures"] == 3
    shop.run(f"group-account edit {box} --imap-port {shop.server.port}")
    assert shop.ask("fetch")["imported"] >= 1
    assert shop.ask("status")["accounts"][0]["failures"] == 0


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A database as an older program left it, three steps of the schema behind."""
    path = tmp_path / "espomail.db"
    db = sqlite_utils.Database(sqlite3.connect(path))
    migrations.apply(db, stop_before="m005_intake")
    db.execute("insert into instance values (1, 'f00d', x'00', '2026-01-01T00:00:00Z')")
    db.execute("insert into teams (name) values ('support')")
    db.conn.commit()
    db.execute("pragma user_version=4")
    db.execute(f"pragma application_id={store.APPLICATION_ID}")
    db.conn.close()
    return path


def schema(path: Path) -> tuple[int, list[tuple]]:
    db = sqlite3.connect(path)
    found = (db.execute("pragma user_version").fetchone()[0], db.execute("select name, sql from sqlite_master").fetchall())
    db.close()
    return found


@pytest.mark.parametrize("statement", [1, 2, 3, 10, 40, "commit"])
def test_a_migration_killed_anywhere_leaves_the_older_schema_and_the_next_one_is_whole(older: Path, statement) -> None:
    before = schema(older)
    shop = Shop.__new__(Shop)
    shop.environment = {"PATH": "/usr/bin:/bin", "ESPOMAIL_DB": str(older)}
    mortal = {"PYTHONPATH": DYING, "DIE_ONCE": str(older.with_name("died")), "DIE_IN": "round", "DIE_AT": "1"}
    mortal["DIE_WHEN"] = "before" if statement == "commit" else f"statement {statement}"
    healthy = dict(shop.environment)
    shop.environment = healthy | mortal
    assert shop.try_("team list").returncode == -9
    assert schema(older) == before
    shop.environment = healthy
    assert [team["name"] for team in shop.ask("team list")] == ["support"]
    db = store.open_db(older, now=datetime.now(UTC))
    assert (store.schema_version(db), invariant.breaches(db)) == (store.SCHEMA_VERSION, [])
    db.close()
    kept = list(older.parent.glob("espomail.db.before-schema-*"))
    assert [schema(each) for each in kept] == [before]


def test_programs_that_find_an_older_database_at_once_migrate_it_once(older: Path) -> None:
    before = schema(older)
    shop = Shop.__new__(Shop)
    shop.environment = {"PATH": "/usr/bin:/bin", "ESPOMAIL_DB": str(older)}
    with ThreadPoolExecutor(6) as pool:
        runs = list(pool.map(shop.try_, ["team list --json"] * 6))
    assert [(run.returncode, run.stderr) for run in runs] == [(0, b"")] * 6
    (kept,) = older.parent.glob("espomail.db.before-schema-*")
    assert schema(kept) == before
