"""Mail that a server lists and does not give: asked for again, told when it is given up, and in nobody's way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from espomail.store import db as store
from tests.faults.test_holes import Reached
from tests.scripted_imap import ScriptedImap, scripted_imap
from tests.shop import Shop, letter


@dataclass
class Refusing:
    """A shop and its server, which answers NO to whoever asks for one of the `refused` UIDs, and lists the `hidden` ones only."""

    shop: Shop
    server: ScriptedImap
    refused: set[int] = field(default_factory=set)
    hidden: set[int] = field(default_factory=set)
    uidvalidity: int = 7

    def twist(self, tag: bytes, line: str, answer: bytes) -> bytes:
        if line.startswith("EXAMINE"):
            next_uid = max(self.server.letters) + 1
            return b"* OK [UIDVALIDITY %d] x\r\n* OK [UIDNEXT %d] x\r\n" % (self.uidvalidity, next_uid) + tag + b" OK done\r\n"
        if line.startswith(("UID SEARCH SINCE", "UID SEARCH ALL")):
            return b"* SEARCH" + b"".join(b" %d" % uid for uid in self.server.letters) + b"\r\n" + tag + b" OK done\r\n"
        if self.hidden and line.startswith(("UID FETCH", "UID SEARCH UID 2")):
            return b"".join(
                part for part in answer.splitlines(keepends=True) if b"UID 2 " not in part and b"SEARCH" not in part
            )
        asked = re.match(r"UID FETCH (\S+) \(UID BODY", line)
        return tag + b" NO not now\r\n" if asked and self.refused & uids_of(asked[1]) else answer

    def wait(self) -> None:
        """What failed is due again."""
        db = store.open_db(self.shop.folder / "espomail.db", now=datetime.now(UTC))
        with store.transaction(db):
            db.execute("update receipts set next_try_at = '2020-01-01T00:00:00Z' where state = 'quarantined'")
        db.close()

    def quarantine(self) -> list[tuple[int, str, int]]:
        return sorted((q["uid"], q["status"], q["attempts"]) for q in self.shop.ask("quarantine list"))


def uids_of(text: str) -> set[int]:
    bounds = [part.partition(":") for part in text.split(",")]
    return {uid for low, _, high in bounds for uid in range(int(low), int(high or low) + 1)}


@contextmanager
def refusing(folder: Path, uids: range) -> Iterator[Refusing]:
    letters = {uid: letter(f"{uid}@client.example", subject=f"Mail {uid}") for uid in uids}
    with scripted_imap(letters) as server:
        made = Refusing(Shop(folder, Reached(server)), server)
        server.twist = made.twist
        made.shop.run("user add chief --email chief@team.example --admin")
        made.shop.add_account("support")
        yield made


def subjects(shop: Shop) -> list[Any]:
    return [each["subject"] for each in shop.emails()]


def test_a_mail_that_is_never_given_is_parked_and_the_admins_are_told(tmp_path: Path) -> None:
    with refusing(tmp_path, range(1, 4)) as box:
        box.refused = {2}
        assert box.shop.ask("fetch", code=3)["quarantined"] == 1
        for attempts in (2, 3, 4):
            box.wait()
            assert box.shop.ask("fetch")["quarantined"] == 0
            assert box.quarantine() == [(2, "parked" if attempts == 4 else "retrying", attempts)]
        (told,) = box.shop.ask("notification list --user chief")
        assert (told["type"], "not now" in told["text"]) == ("mail-parked", True)
        box.shop.run("quarantine retry 2")
        for _ in range(4):
            box.shop.run("fetch")
            box.wait()
        assert (box.quarantine(), len(box.shop.ask("notification list --user chief"))) == ([(2, "parked", 4)], 2)
        box.refused = set()
        box.shop.run("quarantine retry 2")
        box.shop.run("fetch")
        assert sorted(subjects(box.shop)) == ["Mail 1", "Mail 2", "Mail 3"]


def test_mail_that_is_refused_again_and_again_keeps_no_new_mail_waiting(tmp_path: Path) -> None:
    with refusing(tmp_path, range(1, 9)) as box:
        box.refused = {1, 3, 5, 7}
        assert box.shop.ask("fetch", code=3)["quarantined"] == 4
        box.wait()
        box.server.letters[9] = letter("9@client.example", subject="Mail 9")
        report = box.shop.ask("fetch")
        assert (report["imported"], report["accounts"][0]["ok"]) == (1, True)
        assert [attempts for _, _, attempts in box.quarantine()] == [2, 2, 1, 1]
        box.refused = set()
        assert box.shop.ask("fetch --retry-failed")["accounts"][0]["ok"]
        assert sorted(subjects(box.shop)) == [f"Mail {n}" for n in range(1, 10)]
        assert box.quarantine() == []


def test_a_refused_mail_that_comes_under_a_new_uid_waits_no_longer_under_the_old_one(tmp_path: Path) -> None:
    with refusing(tmp_path, range(1, 4)) as box:
        box.refused = {2}
        box.shop.run("fetch", code=3)
        box.refused, box.uidvalidity = set(), 8
        box.wait()
        box.shop.run("fetch")
        assert (sorted(subjects(box.shop)), box.quarantine()) == (["Mail 1", "Mail 2", "Mail 3"], [])


def test_a_refused_mail_that_no_new_uid_brings_is_parked_in_the_end(tmp_path: Path) -> None:
    """It came with an old date after the account was set up, so that the new window leaves it out."""
    with refusing(tmp_path, range(1, 2)) as box:
        box.shop.run("group-account edit support --fetch-since 2026-03-02")
        box.shop.run("fetch")
        box.server.letters[2], box.refused = letter("2@client.example", subject="Mail 2"), {2}
        box.shop.run("fetch", code=3)
        box.uidvalidity = 8
        for _ in range(3):
            box.wait()
            box.shop.run("fetch")
        assert box.quarantine() == [(2, "parked", 4)]
        assert len(box.shop.ask("notification list --user chief")) == 1


def test_a_mail_that_was_called_gone_and_is_there_after_all_is_taken_in_by_a_comparison(tmp_path: Path) -> None:
    with refusing(tmp_path, range(1, 4)) as box:
        box.hidden = {2}
        assert [folder["vanished"] for folder in box.shop.ask("fetch")["accounts"][0]["folders"]] == [1]
        box.hidden = set()
        assert box.shop.ask("reconcile support --dry-run")["folders"][0]["missing"] == [2]
        found = box.shop.ask("reconcile support")
        assert (found["folders"][0]["missing"], found["taken_in"]) == ([2], 1)
        assert sorted(subjects(box.shop)) == ["Mail 1", "Mail 2", "Mail 3"]
        assert box.shop.ask("reconcile support")["missing"] == 0
