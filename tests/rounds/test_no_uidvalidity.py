"""A server that gives no UIDVALIDITY: what a mail is tells its content, so that UIDs may mean what they like."""

from __future__ import annotations

from pathlib import Path

from tests.faults.test_holes import Reached
from tests.scripted_imap import ScriptedImap, scripted_imap
from tests.shop import Shop, letter


def without_uidvalidity(server: ScriptedImap) -> None:
    def twist(tag: bytes, line: str, answer: bytes) -> bytes:
        if line.startswith("EXAMINE"):
            return b"* %d EXISTS\r\n" % len(server.letters) + tag + b" OK done\r\n"
        if line.startswith(("UID SEARCH SINCE", "UID SEARCH ALL")):
            return b"* SEARCH" + b"".join(b" %d" % uid for uid in server.letters) + b"\r\n" + tag + b" OK done\r\n"
        return answer

    server.twist = twist


MAILS = {n: letter(f"{n}@client.example", subject=f"Mail {n}", text="line\n" * n) for n in (1, 2, 3, 4, 9)}


def test_nothing_is_lost_or_doubled_when_uids_start_over(tmp_path: Path) -> None:
    with scripted_imap({uid: MAILS[uid] for uid in (1, 2, 3)}) as server:
        without_uidvalidity(server)
        shop = Shop(tmp_path, Reached(server))
        shop.add_account("support")
        assert shop.ask("fetch")["imported"] == 3
        assert shop.ask("fetch")["accounts"][0]["folders"][0]["listed"] == 0
        server.letters.clear()
        server.letters.update({1: MAILS[2], 2: MAILS[9], 3: MAILS[3]})
        report = shop.ask("fetch")
        assert (report["imported"], report["duplicates"]) == (1, 2)
        server.letters[4] = MAILS[4]
        assert shop.ask("fetch")["accounts"][0]["folders"][0]["listed"] == 1
        assert sorted(each["subject"] for each in shop.emails()) == [f"Mail {n}" for n in MAILS]
