"""`report` and `metrics` on a small office: what happened, as far as one may see it."""

from __future__ import annotations

import re
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from espomail.store import db as store
from tests.conftest import NOW, Runner
from tests.shop import letter

CASES = "--create-case --distribution round-robin"


def do(run: Runner, line: str, *more: str, stdin: bytes | None = None) -> None:
    done = run(*line.split(), *more, input=stdin)
    assert done.exit_code == 0, f"{line}: {done.stderr}"


@pytest.fixture
def office(run: Runner) -> Runner:
    """Two teams with a case each, and one of nobody; the first is answered after an hour and closed after two."""
    for line in (
        "role add agent --set email.read=team --set case.read=team",
        "team add north --role agent",
        "team add south --role agent",
        "user add ann --email ann@team.example --team north",
        "user add bob --email bob@team.example --team south",
        f"group-account add north --address north@team.example --team north {CASES} --target-team north",
        f"group-account add south --address south@team.example --team south {CASES} --target-team south",
        "group-account add desk --address desk@team.example --create-case",
    ):
        do(run, line)
    for name in ("north", "south", "desk"):
        do(run, f"deliver {name}", stdin=letter(f"{name}@client.example", to=f"{name}@team.example", at=NOW))
    answer(run)
    return run


def answer(run: Runner) -> None:
    """Case 1 opened at nine, was answered at ten, by a machine before that, and closed at eleven."""
    db = store.open_db(run.db_path, now=NOW)
    with store.transaction(db):
        db.execute("update cases set created_at = '2026-03-02T09:00:00Z'")
        db.execute("update emails set received_at = '2026-03-02T09:00:00Z'")
        for number, (at, automatic) in enumerate((("2026-03-02T09:01:00Z", 1), ("2026-03-02T10:00:00Z", 0))):
            db.execute(
                """insert into emails (content_key, message_id, direction, status, subject, from_name, from_address, sent_at,
                       imported_at, thread_id, parent_type, parent_id, is_auto_reply, size_bytes)
                   values (?, ?, 'out', 'sent', 'Re', '', 'north@team.example', ?, ?, 1, 'case', 1, ?, 1)""",
                (f"k{number}", f"k{number}", at, at, automatic),
            )
            db.execute(
                "insert into email_teams select e.id, t.id from emails e, teams t where e.content_key = ? and t.name = 'north'",
                (f"k{number}",),
            )
        db.execute("update cases set status = 'Closed', closed_at = '2026-03-02T11:00:00Z' where number = 1")
    db.close()
    run.now = NOW + timedelta(hours=3)


BACKLOG = {"new": 0, "assigned": 1, "pending": 0, "open": 1, "oldest_at": "2026-03-02T09:00:00Z"}
NOBODY = {**BACKLOG, "user": None, "new": 1, "assigned": 0}


def test_the_system_sees_everything(office: Runner) -> None:
    day = {"day": "2026-03-02", "received": 3, "sent": 2, "cases_opened": 3, "cases_closed": 1}
    assert office("report", "--since", "2026-03-01", "--json").json == {
        "since": "2026-03-01T00:00:00Z",
        "until": "2026-03-02T12:00:00Z",
        "totals": {name: count for name, count in day.items() if name != "day"},
        "first_response": {"count": 1, "median_s": 3600, "p90_s": 3600, "unanswered": 2},
        "resolution": {"count": 1, "median_s": 7200, "p90_s": 7200},
        "backlog": [NOBODY, {**BACKLOG, "user": "bob"}],
        "days": [day],
    }


def test_an_agent_sees_what_is_theirs(office: Runner) -> None:
    seen = office("report", "--json", "--as", "bob").json
    assert seen["totals"] == {"received": 1, "sent": 0, "cases_opened": 1, "cases_closed": 0}
    assert seen["first_response"] == {"count": 0, "median_s": None, "p90_s": None, "unanswered": 1}
    assert seen["backlog"] == [{**BACKLOG, "user": "bob"}]
    assert office("report", "--json", "--as", "ann").json["resolution"]["count"] == 1


def test_who_may_see_nothing_has_an_empty_report(office: Runner) -> None:
    do(office, "user add eve --email eve@team.example")
    seen = office("report", "--json", "--as", "eve").json
    assert (set(seen["totals"].values()), seen["backlog"]) == ({0}, [])


def test_an_answer_that_one_may_not_read_does_not_count(office: Runner) -> None:
    do(office, "role edit agent --set case.read=team --set email.read=no")
    assert office("report", "--json", "--as", "ann").json["first_response"] == {
        "count": 0, "median_s": None, "p90_s": None, "unanswered": 0,
    }  # fmt: skip


def test_a_terminal_gets_bars(office: Runner) -> None:
    printed = office("report").stdout
    assert re.search(r"^2026-03-02 +3 +█{24} +2 +3 +█{24} +1$", printed, re.MULTILINE)
    assert re.search(r"^first answer +1 +1\.0 h +1\.0 h$", printed, re.MULTILINE)
    assert re.search(r"^bob +1 +█{24} +0 +1 +0 +2026-03-02$", printed, re.MULTILINE)


def test_the_page_is_written_whole_and_for_its_owner(office: Runner, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.symlink_to(tmp_path / "elsewhere")
    assert office("report", "--html", str(target)).exit_code == 0
    assert target.read_text() == office("report", "--html", "-").stdout
    assert target.read_text().startswith("<!DOCTYPE html>")
    assert (target.is_symlink(), stat.S_IMODE(target.stat().st_mode)) == (False, 0o600)
    assert not (tmp_path / "elsewhere").exists()
    assert office("report", "--html", str(tmp_path / "no" / "where.html")).exit_code == 65


def test_a_time_ahead_is_refused(office: Runner) -> None:
    assert office("report", "--since", "2027-01-01").exit_code == 65
    assert office("report", "--since", "soon").exit_code == 65


def test_metrics_are_replaced_in_one_step_for_everybody_to_read(office: Runner, tmp_path: Path) -> None:
    target = tmp_path / "espomail.prom"
    target.write_text("old")
    do(office, f"metrics --output {target}")
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    steady = [line for line in target.read_text().splitlines() if not line.startswith("espomail_disk_free_bytes ")]
    printed = office("metrics").stdout.splitlines()
    assert steady == [line for line in printed if not line.startswith("espomail_disk_free_bytes ")]
    assert len(printed) == len(steady) + 1
    assert sorted(path.name for path in tmp_path.iterdir() if "prom" in path.name) == ["espomail.prom"]
    values = dict(line.rsplit(" ", 1) for line in target.read_text().splitlines() if not line.startswith("#"))
    expected = {
        'espomail_cases{status="New"}': "1",
        'espomail_cases{status="Closed"}': "1",
        'espomail_emails{direction="in"}': "3",
        'espomail_receipts{state="done"}': "3",
        'espomail_outbox{status="failed"}': "0",
        'espomail_account_active{account="north",kind="group"}': "1",
        'espomail_account_last_success_timestamp_seconds{account="north",kind="group"}': "0",
    }
    assert {name: values[name] for name in expected} == expected
    assert all(re.fullmatch(r'[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})?', name) for name in values)


def test_metrics_are_for_admins(office: Runner) -> None:
    assert office("metrics", "--as", "ann").exit_code == 77
