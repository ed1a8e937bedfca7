"""The server's UIDs against our receipts, on a real server: what was missed comes in, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from espomail.store import db as store
from tests import servers
from tests.shop import Shop, letter


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Dovecot]:
    names = [f"box{n}" for n in range(20)]
    with servers.dovecot(tmp_path_factory.mktemp("dovecot"), users=dict.fromkeys(names, "secret")) as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, dovecot: servers.Dovecot) -> Shop:
    return Shop(tmp_path, dovecot)


@pytest.fixture(scope="module")
def box() -> Callable[[], str]:
    names = iter(f"box{n}" for n in range(20))
    return lambda: next(names)


def filled(shop: Shop, mailbox: str, count: int) -> None:
    shop.add_agents("ann")
    shop.add_account("support", "--team support --create-case", login=mailbox)
    shop.put(mailbox, *(letter(f"m{n}@client.example", subject=f"Mail {n}") for n in range(1, count + 1)))


def forget(shop: Shop, *uids: int) -> None:
    """Lose receipts, with all that came of them, as a cursor that passed over mail would have."""
    db = store.open_db(shop.folder / "espomail.db", now=datetime.now(UTC))
    with store.transaction(db):
        for uid in uids:
            email = store.one(db, "select email_id from receipts where uid = ?", (uid,))
            db.execute(
                "delete from notes where thing_type = 'case' and thing_id in (select parent_id from emails where id = ?)",
                (email,),
            )
            db.execute("delete from cases where opened_by_email_id = ?", (email,))
            db.execute("delete from email_texts where rowid = ?", (email,))
            db.execute("delete from emails where id = ?", (email,))
            db.execute("delete from decisions where email_id = ?", (email,))
            db.execute("delete from receipts where uid = ?", (uid,))
    db.close()


def age(shop: Shop) -> None:
    """Let the last comparison, and the first reading, be long ago."""
    db = store.open_db(shop.folder / "espomail.db", now=datetime.now(UTC))
    with store.transaction(db):
        db.execute("update account_rounds set last_reconciled_at = '2020-01-01T00:00:00Z'")
    db.close()


def test_mail_below_the_cursor_without_receipt_is_taken_in_once(shop: Shop, box: Callable[[], str]) -> None:
    filled(shop, box(), 5)
    assert shop.ask("fetch")["imported"] == 5
    forget(shop, 2, 4)
    assert shop.ask("fetch")["imported"] == 0
    gap = {"folder": "INBOX", "on_server": 5, "receipts": 3, "gone": 0, "new": 0, "missing": [2, 4], "taken_in": 0}
    assert shop.ask("reconcile support --dry-run") == {"account": "support", "folders": [gap], "missing": 2, "taken_in": 0}
    assert len(shop.emails()) == 3
    found = shop.ask("reconcile support")
    assert found == {"account": "support", "folders": [{**gap, "taken_in": 2}], "missing": 2, "taken_in": 2}
    assert sorted(email["subject"] for email in shop.emails()) == [f"Mail {n}" for n in range(1, 6)]
    assert sorted(case["name"] for case in shop.cases()) == [f"Mail {n}" for n in range(1, 6)]
    again = {**gap, "receipts": 5, "missing": []}
    assert shop.ask("reconcile support") == {"account": "support", "folders": [again], "missing": 0, "taken_in": 0}


def test_new_mail_comes_in_with_it_and_what_left_the_server_is_counted(
    shop: Shop, box: Callable[[], str], dovecot: servers.Dovecot
) -> None:
    mailbox = box()
    filled(shop, mailbox, 3)
    shop.run("fetch")
    inbox = dovecot.make_folder(mailbox, "INBOX")
    oldest = min((path for part in ("new", "cur") for path in (inbox / part).iterdir()), key=lambda path: path.name)
    oldest.unlink()
    shop.put(mailbox, letter("late@client.example"))
    gap = {"folder": "INBOX", "on_server": 3, "receipts": 4, "gone": 1, "new": 1, "missing": [], "taken_in": 0}
    assert shop.ask("reconcile support")["folders"] == [gap]
    assert len(shop.emails()) == 4


def test_mail_older_than_the_window_is_not_missing(shop: Shop, box: Callable[[], str], dovecot: servers.Dovecot) -> None:
    mailbox = box()
    for year in (2019, 2020, 2021):
        dovecot.put(mailbox, "INBOX", letter(f"y{year}@client.example"), at=datetime(year, 6, 1, tzinfo=UTC))
    shop.add_agents("ann")
    shop.add_account("support", "--fetch-since 2020-12-01", login=mailbox)
    assert shop.ask("fetch")["imported"] == 1
    gap = {"folder": "INBOX", "on_server": 3, "receipts": 1, "gone": 0, "new": 0, "missing": [], "taken_in": 0}
    assert shop.ask("reconcile support")["folders"] == [gap]


def test_a_round_compares_by_itself_when_the_last_time_was_an_hour_ago(shop: Shop, box: Callable[[], str]) -> None:
    filled(shop, box(), 3)
    shop.run("fetch")
    shop.run("reconcile support")
    forget(shop, 2)
    assert shop.ask("fetch")["imported"] == 0
    age(shop)
    report = shop.ask("fetch")
    folder = report["accounts"][0]["folders"][0]
    assert (folder["listed"], folder["imported"], folder["pending"], folder["last_uid"]) == (1, 1, 0, 3)
    assert len(shop.emails()) == 3


def test_an_account_without_a_mailbox_can_not_be_reconciled(shop: Shop) -> None:
    shop.run("group-account add desk --address desk@team.example")
    assert shop.run("reconcile desk", code=65) == ""
    assert shop.run("reconcile nobody", code=66) == ""


def test_a_missing_folder_keeps_the_others_from_no_comparison(shop: Shop, box: Callable[[], str]) -> None:
    filled(shop, box(), 3)
    shop.run("fetch")
    shop.run("group-account edit support --folder Gone --folder INBOX")
    forget(shop, 2)
    age(shop)
    assert shop.try_("fetch").returncode == 3
    assert [email["subject"] for email in shop.emails()] == ["Mail 1", "Mail 3", "Mail 2"]
