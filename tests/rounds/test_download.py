"""A mail over the size gate is read whole on demand, and only while the server has that very mail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from espomail.store import db as store
from tests import servers
from tests.shop import Shop, letter

USERS = ("one", "two", "three", "four", "five", "six", "seven")


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Dovecot]:
    with servers.dovecot(tmp_path_factory.mktemp("dovecot"), users=dict.fromkeys(USERS, "secret")) as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, dovecot: servers.Dovecot) -> Shop:
    shop = Shop(tmp_path, dovecot)
    shop.run("settings set mail_size_max 50K")
    return shop


def big_letter(text: str = "the text of it", more: str | None = None) -> bytes:
    message = EmailMessage()
    message["From"] = "customer@client.example"
    message["To"] = "support@team.example"
    message["Subject"] = "Large"
    message["Message-ID"] = "<large@client.example>"
    message["Date"] = "Mon, 2 Mar 2026 09:00:00 +0000"
    message.set_content(text)
    message.add_attachment(b"\x00\x01" * 400_000, maintype="application", subtype="octet-stream", filename="film.bin")
    if more:
        message.add_attachment(b"\x02", maintype="application", subtype="octet-stream", filename=more)
    message.set_boundary("==large")
    return message.as_bytes().replace(b"\n", b"\r\n")


def test_the_whole_mail_comes_with_its_attachments(shop: Shop, tmp_path: Path) -> None:
    shop.add_account("support", login="one")
    shop.put("one", big_letter())
    shop.run("fetch")
    assert "oversize" in shop.ask("email show 1")["flags"]
    done = shop.ask("email download 1")
    assert (done["flags"], done["has_attachment"], done["size_bytes"]) == ([], True, len(big_letter()))
    assert shop.try_("email raw 1").stdout == big_letter()
    (saved,) = shop.ask(f"email attachments 1 --save {tmp_path}/files")
    assert Path(saved["path"]).read_bytes() == b"\x00\x01" * 400_000
    assert shop.ask("email download 1")["flags"] == []
    assert shop.ask("fetch")["imported"] == 0


def test_what_only_the_whole_mail_holds_is_found_once_it_has_come(shop: Shop) -> None:
    shop.add_account("support", login="seven")
    shop.put("seven", big_letter(text="word " * 120_000 + "lighthouse", more="contract.bin"))
    shop.run("fetch")
    wanted = ("lighthouse", "contract", "film", "Large", "customer", "has:attachment contract")
    assert [len(shop.ask(f"email search '{words}'")) for words in wanted] == [0, 0, 0, 1, 1, 0]
    shop.run("email download 1")
    assert [len(shop.ask(f"email search '{words}'")) for words in wanted] == [1, 1, 1, 1, 1, 1]
    assert shop.ask("doctor")["ok"]


def test_a_mail_that_the_server_has_no_more_stays_as_it_is(shop: Shop, dovecot: servers.Dovecot) -> None:
    shop.add_account("support", login="two")
    shop.put("two", big_letter())
    shop.run("fetch")
    dovecot.renew_uids("two")
    before = shop.ask("email show 1")
    shop.run("email download 1", code=69)
    assert shop.ask("email show 1") == before


def test_a_server_that_is_away_hides_no_other_that_has_the_mail(shop: Shop) -> None:
    for name in ("five", "six"):
        shop.add_account(name, login=name)
        shop.put(name, big_letter())
        shop.run("fetch")
    shop.run("group-account edit five --imap-port 1")
    assert shop.ask("email download 1")["size_bytes"] == len(big_letter())


def test_a_mail_that_is_held_in_part_is_never_deleted_on_the_server(shop: Shop, dovecot: servers.Dovecot) -> None:
    shop.add_account("support", "--after-import delete", login="four")
    shop.put("four", big_letter(), letter("small@client.example"))
    shop.run("fetch")
    dovecot.renew_uids("four")
    assert shop.ask("fetch")["duplicates"] == 1
    assert dovecot.count("four", "INBOX") == 1
    assert shop.ask("email download 1")["size_bytes"] == len(big_letter())


def test_a_large_mail_that_the_server_first_refused_is_read_in_part_too(shop: Shop) -> None:
    shop.add_account("support", login="three")
    shop.put("three", letter("small@client.example"), big_letter())
    shop.run("fetch --limit 1")
    refused_once(shop, uid=2)
    shop.run("fetch")
    assert [("oversize" in email["flags"]) for email in shop.emails()] == [False, True]
    db = store.open_db(shop.folder / "espomail.db", now=datetime.now(UTC))
    read, announced = store.one(db, "select max(size_bytes) from raw_mails"), len(big_letter())
    assert (read < announced, store.one(db, "select size_bytes from receipts where uid = 2")) == (True, announced)
    db.close()


def refused_once(shop: Shop, *, uid: int) -> None:
    """Let a mail be one that the server would not give, and whose time to ask again has come."""
    db = store.open_db(shop.folder / "espomail.db", now=datetime.now(UTC))
    with store.transaction(db):
        db.execute(
            """insert into receipts (source, account_id, mailbox_id, uid, origin, state, size_bytes, received_at, taken_in_at,
                   attempts, next_try_at)
               select source, account_id, mailbox_id, ?, origin, 'quarantined', 0, received_at, taken_in_at, 1, received_at
               from receipts""",
            (uid,),
        )
        db.execute("update mailboxes set last_uid = ?", (uid,))
    db.close()
