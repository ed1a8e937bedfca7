"""One run of cron does all that is due, each task under a lock of its own; it says nothing when all is well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from espomail.errors import TryAgain
from espomail.rounds import locks
from espomail.store import deleting
from tests import servers
from tests.cli.test_send import do
from tests.conftest import Runner
from tests.scripted_imap import scripted_imap
from tests.shop import letter


@pytest.fixture
def post() -> Iterator[servers.SmtpServer]:
    with servers.smtp() as server:
        yield server


@pytest.fixture
def office(run: Runner, post: servers.SmtpServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    """A group account with one new mail, which answers by itself, and an admin who wants each notification by mail."""
    monkeypatch.setenv("MAIL_PASSWORD", "secret")
    run.now = datetime.now(UTC) + timedelta(
        minutes=1
    )  # mail is processed by a process of its own, whose clock is the machine's
    with scripted_imap({1: letter("q@client.example", sender="cora@client.example")}) as imap:
        do(run, "template", "add", "thanks", "--subject", "Thanks", "--body", "We have it.")
        do(run, "team", "add", "support")
        do(
            run,
            "user",
            "add",
            "root",
            "--email",
            "root@team.example",
            "--admin",
            "--team",
            "support",
            "--notify-mail",
            "instant",
        )
        server = ("--imap-host", "127.0.0.1", "--imap-port", str(imap.port), "--imap-security", "none", "--imap-login", "x")
        out = ("--smtp-host", "127.0.0.1", "--smtp-port", str(post.port), "--smtp-security", "none")
        does = ("--create-case", "--auto-reply", "--reply-template", "thanks", "--fetch-since", "2000-01-01")
        cases = ("--distribution", "round-robin", "--target-team", "support", "--imap-password-env", "MAIL_PASSWORD")
        do(run, "group-account", "add", "support", "--address", "support@team.example", *server, *out, *does, *cases)
        do(run, "settings", "outbound", "--address", "support@team.example")
        do(run, "settings", "set", "auto_reply_max_age", "3650d")  # the scripted server's mail is from long ago
        yield run


def test_one_run_fetches_notifies_sends_and_tidies(office: Runner, post: servers.SmtpServer) -> None:
    ran = do(office, "cron")
    assert (ran["fetch"]["imported"], ran["fetch"]["cases_created"], ran["notify"]["mailed"], ran["tidied"]) == (1, 1, 1, True)
    assert ran["send"] == {"sent": 2, "deferred": 0, "failed": 0, "unknown": 0}
    assert sorted(mail.recipients[0] for mail in post.mails) == ["cora@client.example", "root@team.example"]
    office.now += timedelta(hours=1)
    again = do(office, "cron")
    assert (again["fetch"]["imported"], again["send"]["sent"], again["tidied"]) == (0, 0, False)


def test_a_run_in_which_all_is_well_says_nothing(office: Runner) -> None:
    done = office("cron")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")


def test_a_task_that_another_run_is_at_is_left_to_it(office: Runner, post: servers.SmtpServer) -> None:
    folder = locks.folder_of(office.db_path)
    for name in ("send.lock", "notify.lock", "tidy.lock"):
        with locks.hold(folder / name) as is_held:
            assert is_held
            assert office("cron").exit_code == 0
            if name == "send.lock":
                assert (post.mails, len(do(office, "outbox", "list", "--status", "queued"))) == ([], 2)
    assert len(post.mails) == 2


def test_a_tidy_that_fails_is_tried_again_by_the_next_run(office: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise TryAgain("the disk is full", "make room")

    with monkeypatch.context() as patch:
        patch.setattr(deleting, "tidy", full)
        failed = office("cron", "--json")
    assert (failed.exit_code, failed.json["tidied"]) == (3, False)
    assert [do(office, "cron")["tidied"] for _ in range(2)] == [True, False]


def test_an_account_that_fails_costs_one_line_and_leaves_the_rest_alone(office: Runner, post: servers.SmtpServer) -> None:
    server = ("--imap-host", "127.0.0.1", "--imap-port", "1", "--imap-security", "none", "--imap-login", "x")
    secret = ("--imap-password-env", "MAIL_PASSWORD")
    do(office, "group-account", "add", "broken", "--address", "broken@team.example", *server, *secret)
    done = office("cron")
    assert done.exit_code == 3
    assert re.fullmatch(r"broken: [^\n]+\nespomail: not all of it could be done\n  see: [^\n]+\n", done.stderr), done.stderr
    assert len(post.mails) == 2
    waiting = office("cron")  # it is in back-off: no news
    assert (waiting.exit_code, waiting.stderr) == (0, "")


def test_the_example_for_cron_is_complete() -> None:
    text = (Path(__file__).parents[2] / "crontab.example").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert re.search(r"^MAILTO=\S+@\S+$", text, re.MULTILINE)
    assert re.search(r'^#\s+"\|/\S+/espomail --db \S+ deliver support"$', text, re.MULTILINE)
    jobs = [line for line in lines if "=" not in line.split()[0]]
    assert all(re.match(r"(?:[\d*/,-]+ +){5}espomail  espomail \w+", job) for job in jobs), jobs
    assert {job.split("espomail  espomail ")[1].split()[0] for job in jobs} == {"cron", "backup", "doctor"}
    each_alone = set(re.findall(r"# \S+ \S+ \S+ \S+ \S+ +espomail +espomail (\w+)", text))
    assert each_alone == {"fetch", "send", "notify", "tidy"}
    assert text.count("--max-time 50") == 2
