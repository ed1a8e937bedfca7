"""Settings, status, backup and restore."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from espomail.rules.settings import KEYS
from espomail.store.db import Connection
from tests.conftest import Runner
from tests.shop import Shop, letter

DEFAULTS = {
    "baseline_role": None,
    "b2c_mode": False,
    "link_to_open_opportunity": False,
    "reopen_days": None,
    "trash_days": 30,
    "skipped_keep_days": 30,
    "personal_accounts_max": 2,
    "auto_reply_limit": 5,
    "auto_reply_period": "2h",
    "auto_reply_per_case": 1,
    "auto_reply_hourly_cap": 100,
    "mail_size_max": "50M",
    "notify_max_age": "2d",
    "auto_reply_max_age": "24h",
    "allow_private_hosts": False,
    "trusted_authserv_id": None,
}


def test_every_setting_has_its_default_and_a_meaning(run: Runner) -> None:
    rows = run("settings", "list", "--json").json
    assert {row["key"]: row["value"] for row in rows} == DEFAULTS
    assert all(row["meaning"] for row in rows)


@pytest.mark.parametrize(
    ("key", "typed", "value"),
    [
        ("trash_days", "14", 14),
        ("trash-days", "0", 0),
        ("b2c_mode", "yes", True),
        ("mail_size_max", "800k", "800K"),
        ("auto_reply_period", "90m", "90m"),
        ("reopen_days", "7", 7),
        ("trusted_authserv_id", "mx.team.example", "mx.team.example"),
    ],
)
def test_a_setting_holds_what_it_was_set_to(run: Runner, key: str, typed: str, value: object) -> None:
    done = run("settings", "set", key, typed, "--json")
    assert done.exit_code == 0, done.stderr
    assert done.json["value"] == value
    assert run("settings", "get", key, "--json").json["value"] == value


def test_every_setting_can_be_set_back_to_its_default(run: Runner, db: Connection) -> None:
    run("settings", "set", "trash_days", "3")
    for key, value in DEFAULTS.items():
        words = {None: "none", True: "yes", False: "no"}[value] if value is None or isinstance(value, bool) else str(value)
        done = run("settings", "set", key, words)
        assert done.exit_code == 0, (key, done.stderr)
    assert db.execute("select count(*) from settings").fetchone()[0] == 0
    assert set(DEFAULTS) == set(KEYS)


@pytest.mark.parametrize(
    ("key", "typed", "code", "hint"),
    [
        ("trash_dys", "3", 65, "trash_days"),
        ("trash_days", "soon", 65, "digits"),
        ("trash_days", "-1", 65, "digits"),
        ("b2c_mode", "perhaps", 65, "yes or no"),
        ("mail_size_max", "big", 65, "50M"),
        ("baseline_role", "nobody", 66, "role list"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(run: Runner, key: str, typed: str, code: int, hint: str) -> None:
    refused = run("settings", "set", key, "--json", "--", typed)
    assert (refused.exit_code, refused.error["code"]) == (code, code)
    assert hint in (refused.error["hint"] or "")


def test_settings_are_for_admins(run: Runner) -> None:
    run("user", "add", "ann", "--email", "ann@team.example")
    for words in (("list",), ("get", "trash_days"), ("set", "trash_days", "3")):
        assert run("settings", *words, "--as", "ann").exit_code == 77


def test_status_shows_accounts_and_queues(run: Runner) -> None:
    run("group-account", "add", "support", "--address", "support@team.example")
    run("case", "add", "--name", "A question")
    status = run("status", "--json").json
    assert status == {
        "accounts": [
            {
                "account": "support",
                "kind": "group",
                "active": True,
                "last_success_at": None,
                "last_error": None,
                "failures": 0,
                "next_try_at": None,
                "backlog": 0,
            }
        ],
        "outbox": dict.fromkeys(("queued", "sending", "deferred", "sent", "failed", "unknown", "cancelled"), 0),
        "quarantine": 0,
        "cases_open": 1,
        "emails": 0,
    }


def test_status_counts_only_what_the_actor_may_see(run: Runner) -> None:
    run("group-account", "add", "support", "--address", "support@team.example")
    run("case", "add", "--name", "A question")
    run("user", "add", "ann", "--email", "ann@team.example")
    status = run("status", "--as", "ann", "--json").json
    assert (status["accounts"], status["cases_open"], status["emails"]) == ([], 0, 0)


def test_a_backup_is_a_whole_database_that_only_its_owner_reads(run: Runner, tmp_path: Path) -> None:
    run("team", "add", "support")
    target = tmp_path / "copy.db"
    done = run("backup", str(target), "--json")
    assert done.json == {"file": str(target), "size_bytes": target.stat().st_size}
    assert target.stat().st_mode & 0o777 == 0o600
    assert Runner(tmp_path)("team", "list", "--json", "--db", str(target)).json[0]["name"] == "support"


def test_a_backup_that_finds_no_space_leaves_the_disk_as_it_was(tmp_path: Path) -> None:
    shop = Shop(tmp_path, None)
    (tmp_path / "copy.db").write_bytes(b"an older backup")
    done = shop.try_(f"backup {tmp_path / 'copy.db'}", under=("prlimit", "--fsize=65536"))
    assert done.returncode == 75, done.stderr
    assert [(each.name, each.read_bytes()) for each in tmp_path.glob("copy.db*")] == [("copy.db", b"an older backup")]


def test_a_restored_backup_is_what_was_saved_and_what_it_replaced_is_kept(run: Runner, tmp_path: Path) -> None:
    run("team", "add", "support")
    run("backup", str(tmp_path / "copy.db"))
    run("team", "add", "sales")
    restored = run("restore", str(tmp_path / "copy.db"), "--yes", "--json")
    assert restored.exit_code == 0, restored.stderr
    assert [team["name"] for team in run("team", "list", "--json").json] == ["support"]
    kept = Path(restored.json["kept"])
    assert [team["name"] for team in run("team", "list", "--json", "--db", str(kept)).json] == ["sales", "support"]
    assert (run.db_path.stat().st_mode & 0o777, kept.stat().st_mode & 0o777) == (0o600, 0o600)


def test_after_a_restore_people_s_mail_leaves_and_automatic_mail_that_waited_does_not(run: Runner, tmp_path: Path) -> None:
    run.now = datetime.now(UTC)
    run("template", "add", "ack", "--subject", "Received", "--body", "Thank you")
    answers = ("--auto-reply", "--reply-template", "ack", "--create-case", "--smtp-host", "localhost")
    run("group-account", "add", "desk", "--address", "desk@team.example", *answers)
    run("deliver", "desk", input=letter("q@client.example", at=run.now))
    run("case", "reply", "1", "--body", "We look into it.")
    run("backup", str(tmp_path / "copy.db"))
    restored = run("restore", str(tmp_path / "copy.db"), "--yes", "--json")
    assert (restored.exit_code, restored.json["unknown"]) == (0, 1), restored.stderr
    found = [(each["kind"], each["status"]) for each in run("outbox", "list", "--json").json]
    assert found == [("user", "queued"), ("auto-reply", "unknown")]


def test_only_admins_and_the_system_restore(run: Runner, tmp_path: Path) -> None:
    run("user", "add", "ann", "--email", "ann@team.example")
    run("user", "add", "root", "--email", "root@team.example", "--admin")
    run("backup", str(tmp_path / "copy.db"))
    before = sorted(path.name for path in tmp_path.iterdir())
    assert run("restore", str(tmp_path / "copy.db"), "--yes", "--as", "ann").exit_code == 77
    assert run("restore", str(tmp_path / "copy.db"), "--yes", "--as", "nobody").exit_code == 77
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert run("restore", str(tmp_path / "copy.db"), "--yes", "--as", "root").exit_code == 0
    assert [each["name"] for each in run("user", "list", "--json").json] == ["root", "ann"]


def test_a_journal_without_its_database_is_not_left_to_the_restored_one(run: Runner, tmp_path: Path) -> None:
    run("backup", str(tmp_path / "copy.db"))
    run.db_path.unlink()
    journals = [run.db_path.with_name(run.db_path.name + ending) for ending in ("-journal", "-wal", "-shm")]
    for each in journals:
        each.write_text("of the lost database")
    restored = run("restore", str(tmp_path / "copy.db"), "--yes", "--json")
    assert (restored.exit_code, restored.json["kept"]) == (0, None)
    assert not any(each.exists() for each in journals)
    assert len(list(tmp_path.glob("espomail.db.before-restore-*"))) == 3


def test_a_backup_is_restored_where_no_folder_was(run: Runner, tmp_path: Path) -> None:
    run("team", "add", "support")
    run("backup", str(tmp_path / "copy.db"))
    elsewhere = Runner(tmp_path / "new" / "folder")
    assert elsewhere("restore", str(tmp_path / "copy.db"), "--yes").exit_code == 0
    assert [team["name"] for team in elsewhere("team", "list", "--json").json] == ["support"]
    assert elsewhere.folder.stat().st_mode & 0o777 == 0o700


def test_restore_asks_and_takes_only_a_whole_database_of_ours(run: Runner, tmp_path: Path) -> None:
    run("team", "add", "support")
    copy = tmp_path / "copy.db"
    run("backup", str(copy))
    assert run("restore", str(copy)).exit_code == 2
    foreign = sqlite3.connect(tmp_path / "foreign.db")
    foreign.execute("create table t (a)")
    foreign.commit()
    foreign.close()
    torn = tmp_path / "torn.db"
    torn.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])
    (tmp_path / "text.db").write_text("no database")
    for name in ("foreign.db", "torn.db", "text.db", "nowhere.db"):
        refused = run("restore", str(tmp_path / name), "--yes", "--json")
        assert (refused.exit_code, name) == (65, name)
    assert [team["name"] for team in run("team", "list", "--json").json] == ["support"]


def test_a_backup_goes_through_no_link(run: Runner, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "link.db").symlink_to(victim)
    assert run("backup", str(tmp_path / "link.db")).exit_code == 65
    assert victim.read_text() == "mine"


def test_a_newer_database_is_refused(run: Runner, db: Connection) -> None:
    db.execute("pragma user_version=999")
    refused = run("status", "--json")
    assert (refused.exit_code, refused.error["kind"]) == (78, "not-set-up")
