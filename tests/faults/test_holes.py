"""What could slip past a cursor: a mail behind one that vanished, and a mail that somebody has read already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.scripted_imap import ScriptedImap, scripted_imap
from tests.shop import Shop, letter

LETTERS = {
    uid: letter(f"m{uid}@c.example", sender=f"c{uid}@c.example", subject=f"Mail {uid}", text="line\n" * uid)
    for uid in (3, 4, 9, 12, 20)
}
GONE = 12


@dataclass
class Reached:
    """The scripted server as a shop knows its server."""

    server: ScriptedImap
    host: str = "127.0.0.1"

    @property
    def port(self) -> int:
        return self.server.port


def test_a_mail_that_vanished_does_not_pull_the_cursor_over_mails_that_did_not_arrive(tmp_path: Path) -> None:
    def cut(_tag: bytes, line: str, answer: bytes) -> bytes | list[bytes | None]:
        """One mail is listed and then gone, and the line breaks in the bodies of the others."""
        if line == f"UID SEARCH UID {GONE}":
            return answer.replace(b" %d" % GONE, b"")
        if "RFC822.SIZE" in line:
            return b"".join(part for part in answer.splitlines(keepends=True) if b"UID %d " % GONE not in part)
        return [answer[: len(answer) // 2], None] if "BODY.PEEK[])" in line else answer

    with scripted_imap(LETTERS) as server:
        shop = Shop(tmp_path / "shop", Reached(server))
        shop.run("team add support")
        shop.add_account("support", "--team support --create-case")
        honest, server.twist = server.twist, cut
        shop.try_("fetch --now")
        assert server.hits >= 2
        server.twist = honest
        shop.run("fetch --now")
        assert sorted(int(each["subject"].split()[-1]) for each in shop.emails()) == sorted(LETTERS)


def test_a_mail_that_somebody_has_read_elsewhere_is_taken_in(traffic, dovecot) -> None:
    busy = traffic(1, answers=False)
    (account,) = busy.accounts
    for n, seen in enumerate((True, False, True)):
        dovecot.put(account, "INBOX", letter(f"m{n}@c.example", sender=f"c{n}@c.example", subject=f"Mail {n}"), seen=seen)
    assert busy.shop.ask("fetch --now")["imported"] == 3
    dovecot.put(account, "INBOX", letter("m3@c.example", sender="c3@c.example", subject="Mail 3"), seen=True)
    assert busy.shop.ask("fetch --now")["imported"] == 1
