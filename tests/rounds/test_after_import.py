"""What cannot be done on the server after the import is told, and stops neither the import nor other accounts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.faults.test_holes import Reached
from tests.scripted_imap import scripted_imap
from tests.shop import Shop, letter


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Dovecot]:
    with servers.dovecot(tmp_path_factory.mktemp("dovecot"), users=dict.fromkeys(("one", "two", "three"), "secret")) as server:
        yield server


def test_mail_that_cannot_be_moved_is_in_and_the_other_accounts_are_read(tmp_path: Path, dovecot: servers.Dovecot) -> None:
    shop = Shop(tmp_path, dovecot)
    shop.add_account("moving", "--after-import move:Done", login="one")
    shop.add_account("plain", "", login="two")
    shop.put("one", letter("1@client.example"))
    shop.put("two", letter("2@client.example"))
    first = shop.try_("fetch --json")
    report = json.loads(first.stdout)
    moving, plain = report["accounts"]
    assert (first.returncode, report["imported"]) == (3, 2)
    assert (moving["ok"], plain["ok"]) == (False, True)
    assert moving["error"].startswith("no such folder") and moving["error"].endswith(": Done")
    (trouble,) = [each for each in shop.ask("doctor", code=3)["findings"] if each["check"] == "account-trouble"]
    assert trouble["message"].startswith("moving: after the import: no such folder")
    assert "no such folder" in shop.ask("group-account test moving", code=69)["imap"]["message"]
    dovecot.make_folder("one", "Done")
    assert "Done" in shop.ask("group-account test moving")["imap"]["folders"]
    assert shop.try_("fetch --json").returncode == 0
    assert (dovecot.count("one", "INBOX"), dovecot.count("one", "Done")) == (0, 1)


def test_a_folder_that_is_gone_keeps_no_mail_of_other_folders_from_being_moved(
    tmp_path: Path, dovecot: servers.Dovecot
) -> None:
    shop = Shop(tmp_path, dovecot)
    side = dovecot.make_folder("three", "Side")
    shop.add_account("moving", "--folder Side --folder INBOX --after-import move:Done", login="three")
    dovecot.put("three", "Side", letter("8@client.example"))
    dovecot.put("three", "INBOX", letter("9@client.example"))
    assert shop.ask("fetch", code=3)["imported"] == 2
    dovecot.make_folder("three", "Done")
    shutil.rmtree(side)
    (account,) = shop.ask("fetch", code=3)["accounts"]
    assert account["error"].endswith(": Side")
    assert (dovecot.count("three", "INBOX"), dovecot.count("three", "Done")) == (0, 1)


def test_an_account_that_the_round_did_not_come_to_is_not_called_well(tmp_path: Path, dovecot: servers.Dovecot) -> None:
    shop = Shop(tmp_path, dovecot)
    shop.add_account("early", "", login="one")
    shop.add_account("late", "", login="two")
    dovecot.put("one", "INBOX", letter("3@client.example"))
    shop.run("fetch --jobs 1 --limit 1")
    succeeded = {each["account"]: each["last_success_at"] is not None for each in shop.ask("status")["accounts"]}
    assert succeeded == {"early": True, "late": False}


def test_what_a_round_left_waits_also_in_the_report_of_one_that_does_not_come_to_it(
    tmp_path: Path, dovecot: servers.Dovecot
) -> None:
    shop = Shop(tmp_path, dovecot)
    shop.add_account("other", "", login="two")  # the first of the two that were read within one second
    shop.add_account("full", "", login="one")
    shop.run("fetch")
    shop.put("one", letter("4@client.example"), letter("5@client.example"), letter("6@client.example"))
    shop.put("two", letter("7@client.example"))
    shop.run("fetch full --limit 1")
    report = shop.ask("fetch --jobs 1 --limit 1")
    assert {each["account"]: (each["backlog"], len(each["folders"])) for each in report["accounts"]} == {
        "full": (2, 0),
        "other": (0, 1),
    }
    assert {each["account"]: each["backlog"] for each in shop.ask("status")["accounts"]} == {"full": 2, "other": 0}


def test_accounts_that_are_read_side_by_side_share_one_limit(tmp_path: Path, dovecot: servers.Dovecot) -> None:
    shop = Shop(tmp_path, dovecot)
    shop.add_account("left", "", login="one")
    shop.add_account("right", "", login="two")
    shop.run("fetch")
    for number in range(3):
        shop.put("one", letter(f"left{number}@client.example"))
        shop.put("two", letter(f"right{number}@client.example"))
    report = shop.ask("fetch --jobs 2 --limit 2")
    assert (report["imported"], sum(each["backlog"] for each in report["accounts"])) == (2, 4)


def test_however_many_mails_are_marked_no_command_line_is_too_long_for_a_server(tmp_path: Path) -> None:
    """RFC 7162 section 4: a client keeps its lines below 8192 bytes. Mails have been deleted in between, so no UIDs join up."""

    def short_of_breath(tag: bytes, line: str, answer: bytes) -> bytes:
        return tag + b" BAD too long argument\r\n" if len(line) > 8192 else answer

    letters = {uid: letter(f"{uid}@client.example") for uid in range(10_001, 15_001, 2)}
    with scripted_imap(letters, twist=short_of_breath) as server:
        shop = Shop(tmp_path, Reached(server))
        shop.add_account("support", "--after-import seen")
        assert shop.ask("fetch")["imported"] == len(letters)
        assert sum(line.startswith("UID STORE") for line in server.heard) == 5


def test_a_server_that_declines_what_comes_after_the_import_was_reached(tmp_path: Path) -> None:
    def declining(tag: bytes, line: str, answer: bytes) -> bytes:
        return tag + b" NO not here\r\n" if line.startswith("UID STORE") else answer

    with scripted_imap({1: letter("1@client.example")}, twist=declining) as server:
        shop = Shop(tmp_path, Reached(server))
        shop.add_account("support", "--after-import seen")
        assert shop.ask("fetch", code=3)["imported"] == 1
