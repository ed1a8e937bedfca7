"""`fetch --dry-run` walks the whole way on a copy: it tells what the fetch after it does, and leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from espomail.rounds import locks
from tests import servers
from tests.shop import Shop, letter


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Dovecot]:
    with servers.dovecot(tmp_path_factory.mktemp("dovecot"), users={"help": "secret", "sales": "secret"}) as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, dovecot: servers.Dovecot) -> Shop:
    """Two accounts that mark as read what they took in, and a filter."""
    shop = Shop(tmp_path / "shop", dovecot)
    shop.add_agents("ann", "bob")
    for name in ("help", "sales"):
        shop.add_account(name, "--create-case --distribution round-robin --target-team support --after-import seen")
    shop.run("filter add adverts --global --subject 'Buy*' --action skip")
    return shop


def files_of(shop: Shop) -> dict[str, bytes]:
    """What lies in the shop's folder, without the journal's own index and the locks."""
    found = (path for path in shop.folder.rglob("*") if path.is_file())
    return {path.name: path.read_bytes() for path in found if not path.name.endswith(("-shm", ".lock"))}


def seen(shop: Shop, mailbox: str) -> list[Path]:
    """The mails of an inbox that are marked as read."""
    return list(shop.server.make_folder(mailbox, "INBOX").glob("cur/*:2,*S*"))


def without_time(report: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in report.items() if key != "seconds"}


def test_a_dry_run_tells_what_the_fetch_after_it_does(shop: Shop) -> None:
    both = letter("both@client.example", subject="To both of you")
    shop.put("help", both, letter("follow@client.example", answers="both@client.example"))
    shop.put("help", letter("advert@shop.example", subject="Buy now"), letter("other@client.example", sender="x@other.example"))
    shop.put("sales", both)
    before = files_of(shop)
    told = shop.ask("fetch --jobs 1 --dry-run")
    assert files_of(shop) == before
    assert not seen(shop, "help")
    assert (told["imported"], told["duplicates"], told["filtered"], told["cases_created"]) == (3, 1, 1, 2)
    assert without_time(told) == without_time(shop.ask("fetch --jobs 1"))
    assert len(seen(shop, "help")) == 3  # a skipped mail stays unread
    assert without_time(shop.ask("fetch --jobs 1 --dry-run")) == without_time(shop.ask("fetch --jobs 1"))


def test_what_a_killed_dry_run_left_is_removed_by_the_next_and_once_a_day(shop: Shop) -> None:
    left = shop.folder / "espomail.db.dry-run"
    for command in ("fetch --dry-run", "tidy", "cron"):
        left.mkdir()
        (left / "espomail.db").write_bytes(b"half a copy")
        shop.run(command)
        assert not left.exists()


def test_a_second_dry_run_at_once_is_told_to_come_again(shop: Shop) -> None:
    left = shop.folder / "espomail.db.dry-run"
    left.mkdir()
    with locks.hold(locks.folder_of(shop.folder / "espomail.db") / "dry-run.lock") as is_held:
        assert is_held
        shop.run("fetch --dry-run", code=75)
        shop.run("tidy")
        assert left.exists()


def test_reprocess_tells_what_it_would_change_and_then_changes_just_that(shop: Shop) -> None:
    """Stored mail gets the case that its account opens now; skipped mail comes in once its filter is gone."""
    shop.run("user add chief --email chief@team.example --admin")
    shop.run("group-account edit sales --no-create-case")
    shop.put("sales", letter("old@client.example", subject="Old question"), letter("a@shop.example", subject="Buy old"))
    shop.run("fetch")
    (stored,) = (each["id"] for each in shop.emails() if each["subject"] == "Old question")
    shop.run("group-account edit sales --create-case")
    shop.run("filter remove adverts --yes")
    before = files_of(shop)
    told = shop.ask(f"reprocess {stored} --skipped --dry-run")
    assert files_of(shop) == before
    number = len(shop.cases()) + 1
    assert {(each["subject"], each["field"], each["before"], each["after"]) for each in told} >= {
        ("Old question", "parent", None, f"case:{number}"),
        ("Old question", "assigned_user", None, "ann"),
        ("Buy old", "state", "filtered", "done"),
    }
    assert told == shop.ask(f"reprocess {stored} --skipped --yes")
    assert {"Old question", "Buy old"} <= {case["name"] for case in shop.cases()}
    assert shop.ask(f"reprocess {stored} --skipped --dry-run") == []
    assert shop.ask("reprocess --since 1d --dry-run") == []


def test_reprocess_leaves_mail_where_a_person_put_it(shop: Shop) -> None:
    shop.run("group-account edit sales --no-create-case")
    for name in ("Acme", "Other"):
        shop.run(f"record add account --name {name} --email {name.lower()}@client.example")
    shop.put("sales", letter("put@client.example", sender="other@client.example"))
    shop.run("fetch")
    (email,) = shop.ask("email list --parent account:Other")
    shop.run(f"email link {email['id']} account:Acme")
    assert shop.ask("reprocess --since 1d --yes") == []
    assert shop.ask(f"email show {email['id']}")["parent"]["name"] == "Acme"
