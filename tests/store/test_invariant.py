"""The invariant holds after real rounds, and each of its laws sees what breaks it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from espomail.store import db as store
from espomail.store import health
from espomail.store.db import Connection
from espomail.store.invariant import LAWS, Breach, breaches
from tests.conftest import NOW, Runner
from tests.scripted_imap import scripted_imap
from tests.shop import letter

SABOTAGE = {
    "a receipt lies above the cursor of its mailbox": ("update mailboxes set last_uid = 2", 2),
    "a receipt from a server has no mailbox or no UID": ("update receipts set uid = null where uid = 2", 1),
    "a mailbox has lost an earlier epoch": ("update mailboxes set epoch = 3", 1),
    "a new receipt has no bytes, so nothing will process it": (
        "update receipts set state = 'new', raw_id = null where uid = 4", 1,
    ),
    "a receipt waits in quarantine for no moment": ("update receipts set state = 'quarantined' where uid = 4", 1),
    "a processed receipt names no email": (
        "update receipts set email_id = null where uid = 1; insert into receipts"
        " (source, account_id, state, email_id, received_at, taken_in_at) values ('import', 1, 'duplicate', 1, '', '')", 1,
    ),
    "a duplicate names no email, and none was ever deleted": (
        "insert into receipts (source, state, received_at, taken_in_at) values ('import', 'duplicate', '', '')", 1,
    ),
    "a filtered receipt names no filter": ("update receipts set filter = null where state = 'filtered'", 1),
    "more emails are gone than were deleted": (
        "delete from emails where id = 1; delete from email_texts where rowid = 1;"
        " delete from email_accounts where email_id = 1",
        1,
    ),
    "a processed receipt has no decision": ("update decisions set receipt_id = null where receipt_id = 1", 1),
    "an email was brought by an account that has no receipt of it": (
        "insert into email_accounts (email_id, account_id) values (2, 2)", 1,
    ),
    "an email has no receipt and was not written here": (
        "delete from email_accounts where email_id = 1; delete from receipts where email_id = 1", 1,
    ),
    "an email has lost its bytes": ("update emails set raw_id = null where id = 2", 1),
    "an email is not in the search index": ("delete from email_texts where rowid = 2", 1),
    "the search index holds an email that is gone": ("insert into email_texts (rowid, body) values (99, 'x')", 1),
    "an email hangs on a case that is gone": ("update emails set parent_id = 99 where id = 2", 1),
    "a case has no beginning in its stream": ("delete from notes where type = 'create' and thing_id = 2", 1),
    "a turn was spent on no case that a mail opened": ("update cases set opened_by_email_id = null where number = 1", 1),
    "a case was distributed and no turn was spent": ("delete from turns where case_number = 1", 1),
    "a mail that was sent has no recipient": (
        "insert into outbox (kind, status, cause, envelope_from, subject, message_id, content, created_at, next_try_at)"
        " values ('user', 'sent', 'x', '', '', 'x', x'', '', '')", 1,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database after a real round: three mails with cases, one that a filter skipped; the same mail by a second way."""
    folder = tmp_path_factory.mktemp("filled")
    letters = {n: letter(f"m{n}@client.example", subject=f"Mail {n}") for n in range(1, 4)}
    run = Runner(folder)
    with pytest.MonkeyPatch.context() as patch, scripted_imap({**letters, 4: letter("s@spam.example", subject="spam")}) as imap:
        patch.setenv("X", "secret")
        patch.setenv("XDG_CONFIG_HOME", str(folder))
        lines = (
            "init --yes",
            "team add support",
            "user add ann --email ann@team.example --admin --team support",
            f"group-account add support --address support@team.example --imap-host 127.0.0.1 --imap-port {imap.port} "
            "--imap-security none --imap-login ann --imap-password-env X --fetch-since 2026-01-01 --team support "
            "--create-case --distribution round-robin --target-team support",
            "group-account add second --address second@team.example",
            "filter add spam --global --subject spam --action skip",
            "fetch",
        )
        for line in lines:
            done = run(*line.split())
            assert done.exit_code == 0, f"{line}: {done.stderr}"
        assert run("deliver", "second", input=letters[1]).exit_code == 0
    return run.db_path


@pytest.fixture
def lived(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(filled, tmp_path / "espomail.db"))


def opened(path: Path) -> Connection:
    return store.open_db(path, now=NOW)


def sabotage(path: Path, script: str) -> None:
    db = opened(path)
    db.execute("pragma foreign_keys=off")
    for statement in script.split(";"):
        db.execute(statement)
    db.close()


def test_every_law_has_its_sabotage() -> None:
    assert list(SABOTAGE) == list(LAWS)


def test_after_real_rounds_every_law_holds(lived: Path) -> None:
    db = opened(lived)
    states = dict(db.execute("select state, count(*) from receipts group by 1").fetchall())
    assert states == {"done": 3, "filtered": 1, "duplicate": 1}
    assert (store.one(db, "select count(*) from cases"), store.one(db, "select count(*) from turns")) == (3, 3)
    assert breaches(db) == []
    assert health.integrity_problems(db) == []
    assert not db.in_transaction


@pytest.mark.parametrize("law", SABOTAGE)
def test_each_law_sees_what_breaks_it(lived: Path, law: str) -> None:
    script, count = SABOTAGE[law]
    sabotage(lived, script)
    found = breaches(opened(lived))
    assert [(each.law, each.count) for each in found if each.law == law] == [(law, count)]


def test_a_deleted_email_breaks_no_law(lived: Path) -> None:
    run = Runner(lived.parent)
    assert run("email", "delete", "2", "--yes").exit_code == 0
    assert run("email", "list", "--json").exit_code == 0
    assert breaches(opened(lived)) == []


def test_a_removed_account_breaks_no_law(lived: Path) -> None:
    run = Runner(lived.parent)
    assert run("group-account", "remove", "support", "--yes").exit_code == 0
    assert breaches(opened(lived)) == []


def test_a_breach_names_the_first_few(lived: Path) -> None:
    sabotage(lived, "update emails set raw_id = null")
    assert breaches(opened(lived)) == [Breach("an email has lost its bytes", 3, (1, 2, 3))]


def test_rows_without_their_parent_and_a_torn_index_are_told(lived: Path) -> None:
    sabotage(lived, "update receipts set raw_id = 999 where id = 1")
    assert health.integrity_problems(opened(lived)) == ["row 1 of receipts refers to a missing row of raw_mails"]


def test_a_search_index_that_lost_a_word_is_told(lived: Path) -> None:
    sabotage(lived, "update email_texts_content set c0 = 'something else' where id = 1")
    problems = health.integrity_problems(opened(lived))
    assert len(problems) == 1
    assert "email_texts" in problems[0] or "malformed" in problems[0]
