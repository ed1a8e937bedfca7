"""The log file of the configuration gets a line for each round with mail, each change and each trouble, whoever looks on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from espomail.rounds import locks
from espomail.store import teams
from tests.conftest import Runner
from tests.scripted_imap import scripted_imap
from tests.shop import letter

LINE = re.compile(r"(\S+Z) (debug|info|warning|error) ([a-z -]+)\[\d+\] (\S+): (.*)")


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return configure(tmp_path, monkeypatch, "info")


def configure(folder: Path, monkeypatch: pytest.MonkeyPatch, level: str) -> Path:
    """A configuration with a log of that level."""
    file = folder / "espomail.log"
    (folder / "config.yaml").write_text(f"log: {{file: {file}, level: {level}}}\n")
    monkeypatch.setenv("ESPOMAIL_CONFIG", str(folder / "config.yaml"))
    return file


def lines(log: Path) -> list[tuple[str, str, str, str]]:
    """Level, command, actor and words of each line."""
    found = [LINE.fullmatch(line) for line in log.read_text().splitlines()]
    assert all(found), log.read_text()
    return [(each[2], each[3], each[4], each[5]) for each in found if each]


def test_changes_are_logged_whatever_the_format_and_what_is_only_read_is_not(run: Runner, log: Path) -> None:
    run("team", "add", "support", "-q")
    run("team", "add", "sales", "--json")
    run("team", "list")
    run("team", "show", "nowhere")
    run("team", "nonsense")
    assert [each[:3] for each in lines(log)] == [
        ("info", "team add", "system"),
        ("info", "team add", "system"),
        ("error", "team show", "system"),
    ]
    assert "support" in lines(log)[0][3]
    assert "nowhere" in lines(log)[2][3]


def test_hostile_words_stay_on_their_line_and_nobody_else_reads_them(run: Runner, log: Path) -> None:
    run("team", "show", "x\n2026-01-01T00:00:00Z info fetch[1] system: forged\x1b[2J")
    ((level, _, _, words),) = lines(log)
    assert (level, "\\x1b[2J" in words, "\\n2026" in words) == ("error", True, True)
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_round_is_logged_with_its_accounts_and_an_idle_one_only_for_who_wants_it(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "secret")
    log = configure(tmp_path, monkeypatch, "info")
    with scripted_imap({1: letter("a@client.example"), 2: letter("b@client.example")}) as imap:
        server = f"--imap-host 127.0.0.1 --imap-port {imap.port} --imap-security none --imap-password-env MAIL_PASSWORD"
        add = f"group-account add support --address support@team.example {server} --fetch-since 2000-01-01"
        assert run(*add.split(), "--imap-login", "x").exit_code == 0
        log.unlink()
        for _ in range(2):
            assert run("cron").exit_code == 0
        assert [each[:2] for each in lines(log)] == [("info", "cron")] * 3
        assert [each[3].rpartition(",")[0] or each[3] for each in lines(log)] == [
            "support: 2 imported",
            "fetch: 2 imported, 0 cases opened",
            "tidy: done",
        ]
        log.unlink()
        configure(tmp_path, monkeypatch, "debug")
        run("fetch", "--json")
        assert [(each[0], each[3].startswith("0 imported")) for each in lines(log)] == [("debug", True)]
    log.unlink()
    run("fetch", "--now")
    assert [each[0] for each in lines(log)] == ["debug", "warning", "error"]


def test_a_send_that_another_round_holds_up_says_so(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = configure(tmp_path, monkeypatch, "debug")
    with locks.hold(locks.folder_of(run.db_path) / "send.lock"):
        assert run("send").exit_code == 0
    assert run("send").exit_code == 0
    assert [each[3] for each in lines(log)] == ["another round is sending", "0 sent, 0 deferred, 0 failed, 0 unknown"]


def test_a_log_that_cannot_be_written_is_told_once_and_stops_nothing(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.yaml").write_text(f"log: {{file: {tmp_path}/nowhere/espomail.log}}\n")
    monkeypatch.setenv("ESPOMAIL_CONFIG", str(tmp_path / "config.yaml"))
    done = run("team", "add", "support")
    assert done.exit_code == 0
    assert done.stderr.count("can't be written: No such file or directory") == 1
    assert [each["name"] for each in run("team", "list", "--json").json] == ["support"]
    (finding,) = [each for each in run("doctor", "--json").json["findings"] if each["check"] == "log"]
    assert (finding["level"], "nowhere" in finding["message"], "mkdir" in finding["fix"]) == ("warning", True, True)


def test_a_bug_is_logged_too(run: Runner, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teams, "list_", lambda db: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("team", "list")
    assert lines(log)[-1][::3] == ("error", "this is a bug in espomail: ZeroDivisionError: division by zero")
