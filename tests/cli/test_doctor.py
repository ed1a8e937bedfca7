"""`doctor` on real installations: what it finds, in which form, with which exit code."""

from __future__ import annotations

import shlex
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from espomail.store import db as store
from tests.conftest import NOW, Runner
from tests.scripted_imap import scripted_imap
from tests.scripted_smtp import scripted_smtp
from tests.shop import letter


def findings(run: Runner, *words: str, code: int) -> list[dict[str, Any]]:
    done = run("doctor", "--json", *words)
    assert done.exit_code == code, done.stdout + done.stderr
    assert done.json["ok"] is (code == 0)
    return [each for each in done.json["findings"] if each["check"] not in ("integrity", "invariant")]


def do(run: Runner, line: str) -> None:
    done = run(*line.split())
    assert done.exit_code == 0, f"{line}: {done.stderr}"


def test_a_fresh_database_is_well(run: Runner) -> None:
    do(run, "user add root --email root@team.example --admin")
    assert findings(run, code=0) == []
    listed = run("doctor", "--json").json["findings"]
    assert [(each["check"], each["level"], each["fix"]) for each in listed] == [
        ("integrity", "info", None), ("invariant", "info", None),
    ]  # fmt: skip
    plain = run("doctor")
    assert (plain.exit_code, plain.stderr) == (0, "all is well\n")
    assert [line.split()[:2] for line in plain.stdout.splitlines()[1:]] == [["info", "integrity"], ["info", "invariant"]]


def test_with_quiet_it_speaks_of_what_is_to_be_mended_only(run: Runner) -> None:
    do(run, "user add root --email root@team.example --admin")
    well = run("doctor", "--quiet")
    assert (well.exit_code, well.stdout, well.stderr) == (0, "", "")
    run.db_path.chmod(0o644)
    ill = run("doctor", "--quiet")
    assert (ill.exit_code, ill.stderr) == (1, "")
    assert {tuple(line.split()[:2]) for line in ill.stdout.splitlines()} == {("LEVEL", "CHECK"), ("error", "file-mode")}
    assert {each["level"] for each in run("doctor", "--quiet", "--json").json["findings"]} == {"error", "info"}


def test_every_fix_can_be_typed_as_it_stands(run: Runner) -> None:
    """Names may hold spaces; the fixes go through a shell's eyes."""
    front_desk = ("group-account", "add", "front desk", "--address", "same@team.example", "--create-case")
    do(run, "user add root --email root@team.example --admin")
    for words in (
        ("user", "add", "ann roe", "--email", "ann@team.example"),
        ("team", "add", "the support"),
        (*front_desk, "--distribution", "round-robin", "--target-team", "the support"),
        ("personal-account", "add", "her own", "--user", "ann roe", "--address", "other@team.example"),
        ("group-account", "add", "old desk", "--address", "same@team.example"),
        ("group-account", "disable", "old desk"),
    ):
        assert run(*words).exit_code == 0
    fixes = {each["message"].partition(":")[0]: each["fix"] for each in findings(run, code=3)}
    assert fixes == {
        "new cases of front desk get nobody": "see: espomail case distribution preview 'front desk'",
        "same@team.example is the address of several accounts": "espomail group-account edit 'old desk' --address OTHER; "
        "or: espomail group-account remove 'old desk'",
        "other@team.example of her own is not an address of ann roe, who can't send from it": "espomail user edit 'ann roe' "
        "--add-email other@team.example",
        "nobody active is in the team the support": "espomail team add-member 'the support' USER",
        "old desk is disabled": "espomail group-account test 'old desk'; then espomail group-account enable 'old desk'",
    }
    for fix in fixes.values():
        typed = fix.partition("; or: ")[0].rpartition("espomail ")[2]
        assert run(*shlex.split(typed.replace("OTHER", "own@team.example").replace("USER", "root"))).exit_code == 0
    assert findings(run, code=0) == []


def test_only_admins_may_ask(run: Runner) -> None:
    do(run, "user add ann --email ann@team.example")
    assert run("doctor", "--as", "ann").exit_code == 77


def test_a_set_up_that_works_badly_is_told_point_by_point(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_PASSWORD", raising=False)
    for line in (
        "user add root --email root@team.example --admin",
        "user add ann --email ann@team.example --absent 2026-01-01..2026-12-31",
        "team add support",
        "team add-member support ann",
        "group-account add one --address same@team.example --imap-host mail.example --imap-password-env NO_SUCH_PASSWORD",
        "group-account add two --address same@team.example --create-case --distribution round-robin --target-team support",
        "personal-account add mine --user ann --address other@team.example",
        "group-account disable one",
    ):
        do(run, line)
    found = findings(run, code=3)
    assert [(each["level"], each["check"]) for each in found] == [
        ("warning", "distribution"), ("warning", "address"), ("warning", "address"), ("info", "account-disabled"),
        ("info", "secret"),
    ]  # fmt: skip
    assert all(each["fix"] for each in found)
    assert "ann is absent" in found[0]["message"]


def test_filters_are_tried_on_the_newest_mails(run: Runner, tmp_path: Path) -> None:
    mail = tmp_path / "mail.eml"
    mail.write_bytes(letter("a@client.example", subject="Invoice 7"))
    for line in (
        "user add root --email root@team.example --admin",
        "group-account add desk --address desk@team.example",
        f"import {mail} --account desk",
        "filter add hits --global --subject invoice* --action skip",
        "filter add misses --global --subject nothing --action skip",
    ):
        do(run, line)
    words = "no mail has ever matched misses, nor do any of the newest 1"
    assert [(each["level"], each["message"]) for each in findings(run, code=0)] == [("info", words)]
    run.now = NOW + timedelta(days=31)
    assert [(each["level"], each["message"]) for each in findings(run, code=3)] == [("warning", words)]
    again = tmp_path / "again.eml"
    again.write_bytes(letter("b@client.example", subject="nothing"))
    do(run, f"import {again} --account desk")
    assert findings(run, code=0) == []


def test_a_filter_of_an_inbox_is_judged_by_the_mail_of_its_user(run: Runner, tmp_path: Path) -> None:
    """Two users call a filter the same: one that hit long ago, and one that would have hit only what the other got."""
    mail, other = tmp_path / "mail.eml", tmp_path / "other.eml"
    mail.write_bytes(letter("a@client.example", to="ann@team.example", subject="Invoice 7"))
    other.write_bytes(letter("b@client.example", to="ben@team.example", subject="Hello"))
    for line in (
        "user add root --email root@team.example --admin",
        "user add ann --email ann@team.example",
        "user add ben --email ben@team.example",
        "group-account add desk --address desk@team.example",
        "filter add bills --user ann --subject invoice* --action none",
        "filter add bills --user ben --subject invoice* --action none",
        f"import {mail} {other} --account desk",
        "filter edit ann/bills --subject gone",
    ):
        do(run, line)
    run.now = NOW + timedelta(days=31)
    (found,) = findings(run, code=3)
    assert found["message"] == "no mail has ever matched ben/bills, nor do any of the newest 1"
    for command in found["fix"].removeprefix("see: ").split("; or: "):
        do(run, command.removeprefix("espomail ") + (" --yes" if "remove" in command else ""))
    assert findings(run, code=0) == []


def test_a_filter_of_an_account_is_judged_by_the_mail_of_that_account(run: Runner, tmp_path: Path) -> None:
    mail, other = tmp_path / "mail.eml", tmp_path / "other.eml"
    mail.write_bytes(letter("a@client.example", subject="Invoice 7"))
    other.write_bytes(letter("b@client.example", subject="Hello"))
    for line in (
        "user add root --email root@team.example --admin",
        "group-account add desk --address desk@team.example",
        "group-account add shop --address shop@team.example",
        f"import {mail} --account desk",
        f"import {other} --account shop",
        "filter add bills --group-account shop --subject invoice* --action skip",
    ):
        do(run, line)
    (found,) = findings(run, code=0)
    assert found["message"] == "no mail has ever matched bills, nor do any of the newest 1"


def test_failing_rounds_and_rounds_that_do_not_come_are_errors(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "secret")
    do(run, "user add root --email root@team.example --admin")
    with scripted_imap({1: letter("a@client.example")}) as imap:
        server = f"--imap-host 127.0.0.1 --imap-port {imap.port} --imap-security none --imap-password-env X"
        do(run, f"group-account add desk --address desk@team.example {server}")
        do(run, "fetch")
        assert findings(run, code=0) == []
        assert findings(run, "--online", code=0) == []
    for _ in range(3):
        assert run("fetch", "--now").exit_code == 69
    found = findings(run, code=1)
    assert [(each["level"], each["check"]) for each in found] == [("error", "account-failing")]
    assert "failed 3 times in a row; backing off until" in found[0]["message"]
    run.now = NOW + timedelta(minutes=45)
    assert [each["check"] for each in findings(run, code=1)] == ["account-failing", "fetch-round"]
    assert [each["check"] for each in findings(run, "--patience", "60", code=1)] == ["account-failing"]
    assert [each["check"] for each in findings(run, "--online", "--patience", "60", code=1)] == [
        "account-failing",
        "connection",
    ]


def test_files_that_others_may_read_are_told_with_the_command_that_closes_them(run: Runner) -> None:
    do(run, "user add root --email root@team.example --admin")
    run.db_path.chmod(0o644)
    found = findings(run, code=1)
    assert {each["check"] for each in found} == {"file-mode"}
    assert found[0]["fix"] == f"chmod 600 {run.db_path}"
    run.db_path.chmod(0o600)
    (run.folder / "espomail.db.key").unlink()
    assert [each["check"] for each in findings(run, code=3)] == ["key-file"]


def test_a_password_file_that_others_may_read_is_told_with_the_command_that_closes_it(run: Runner, tmp_path: Path) -> None:
    do(run, "user add root --email root@team.example --admin")
    file = tmp_path / "password"
    file.write_text("secret")
    file.chmod(0o644)
    server = f"--imap-host 127.0.0.1 --imap-port 9 --imap-security none --imap-password-file {file}"
    do(run, f"group-account add desk --address desk@team.example {server}")
    (found,) = (each for each in findings(run, code=3) if each["check"] == "secret")
    assert found["fix"] == f"run: chmod 600 {file}; or: espomail group-account secret desk"
    file.chmod(0o600)
    assert "secret" not in {each["check"] for each in findings(run, code=0)}


def test_the_graver_of_two_troubles_with_passwords_is_told(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_PASSWORD", raising=False)
    do(run, "user add root --email root@team.example --admin")
    servers = f"--imap-host mail.example --imap-password-file {tmp_path / 'none'} --smtp-host mail.example"
    do(run, f"group-account add desk --address desk@team.example {servers} --smtp-password-env NO_SUCH_PASSWORD")
    (found,) = findings(run, code=3)
    assert (found["level"], found["check"]) == ("warning", "secret")
    assert "none can't be read" in found["message"]


def test_a_password_command_that_fails_is_told(run: Runner) -> None:
    do(run, "user add root --email root@team.example --admin")
    do(run, "group-account add desk --address desk@team.example --imap-host mail.example --imap-password-command false")
    (found,) = findings(run, code=3)
    assert found["message"] == "desk: the password command 'false' failed with exit code 1"
    do(run, "group-account edit desk --imap-password-command pwd")
    assert findings(run, code=0) == []


def test_teams_with_nobody_are_told(run: Runner) -> None:
    """Neither an inactive user nor none at all makes somebody; without an account that uses it, a team is no trouble yet."""
    for line in (
        "user add root --email root@team.example --admin",
        "user add ann --email ann@team.example",
        "team add support",
        "team add-member support ann",
        "user disable ann",
        "team add later",
        "group-account add desk --address desk@team.example --team support",
    ):
        do(run, line)
    found = [(each["level"], each["check"], each["fix"]) for each in findings(run, code=3)]
    assert found == [
        ("warning", "team", "espomail team add-member support USER"),
        ("info", "team", "espomail team add-member later USER"),
    ]
    do(run, "team add-member support root")
    do(run, "team add-member later root")
    assert findings(run, code=0) == []


def test_the_server_of_the_system_is_looked_at_as_that_of_an_account_is(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_PASSWORD", raising=False)
    do(run, "user add root --email root@team.example --admin")
    outbound = "settings outbound --address crm@team.example --server mail.example:25 --smtp-security none --allow-plaintext"
    do(run, f"{outbound} --smtp-login crm --smtp-password-env NO_SUCH_PASSWORD")
    found = {each["check"]: each for each in findings(run, code=3)}
    assert {check: each["level"] for check, each in found.items()} == {"tls": "warning", "secret": "info"}
    assert found["tls"]["fix"] == "espomail settings outbound --smtp-security tls"
    do(run, found["tls"]["fix"].removeprefix("espomail "))
    do(run, f"settings outbound --smtp-password-file {tmp_path / 'none'}")
    (broken,) = findings(run, code=3)
    assert (broken["level"], broken["check"]) == ("warning", "secret")
    assert broken["message"].startswith("the system's sender: the file ")
    assert run(*broken["fix"].rpartition("espomail ")[2].split(), input=b"secret\n").exit_code == 0
    assert findings(run, code=0) == []


def test_online_tries_the_server_of_the_system_too(run: Runner) -> None:
    do(run, "user add root --email root@team.example --admin")
    with scripted_smtp() as smtp:
        server = f"--server 127.0.0.1:{smtp.port} --smtp-security none"
        do(run, f"settings outbound --address crm@team.example {server}")
        assert findings(run, "--online", code=0) == []
        assert smtp.sessions == 1
    assert findings(run, code=0) == []
    (found,) = findings(run, "--online", code=1)
    assert (found["level"], found["check"]) == ("error", "connection")
    assert found["message"].startswith("the system's sender: ")
    assert found["fix"].endswith("see: espomail settings outbound")


def test_a_damaged_database_is_an_error_and_names_the_way_back(run: Runner) -> None:
    do(run, "user add root --email root@team.example --admin")
    db = store.open_db(run.db_path, now=NOW)
    root = store.one(db, "select rootpage from sqlite_schema where name = 'user_addresses_of'")
    size = store.one(db, "pragma page_size")
    db.execute("pragma wal_checkpoint(truncate)")
    db.close()
    with run.db_path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\x0a\x00\x00\x00\x00" + b"\xff" * 20)
    done = run("doctor", "--json")
    assert done.exit_code == 1
    broken = [each for each in done.json["findings"] if each["check"] == "integrity"]
    assert {each["level"] for each in broken} == {"error"}
    assert {each["fix"] for each in broken} == {"restore a backup: espomail restore FILE"}
