"""Mails that share a Message-ID and are not the same are kept apart; copies of one mail by other ways become one."""

from __future__ import annotations

import base64
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.shop import Shop, letter

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


class NoServer:
    """For shops whose mail comes from files."""

    host, port = "127.0.0.1", 1


def mail(n: int, *, id: str | None = None, sender: str = "", text: str = "", later: int = 0) -> bytes:
    """Customer n's question; what is given differs from it."""
    return letter(
        id or f"m{n}@client{n}.example",
        sender=sender or f"Cora <c{n}@client{n}.example>",
        subject=f"Mail {n}",
        text=text or f"The lamp {n} is dark.\nWhat now?",
        at=AT + timedelta(seconds=n + later),
    )


def with_attachment(n: int) -> bytes:
    """The same words and one file more."""
    head, _, text = mail(n).replace(b"Content-Type: text/plain", b"X-Was: text/plain").partition(b"\r\n\r\n")
    head = head.replace(b"Content-Transfer-Encoding: 7bit\r\n", b"") + b'\r\nContent-Type: multipart/mixed; boundary="b"'
    part = b"--b\r\nContent-Type: text/plain\r\n\r\n"
    file = b"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n%PDF" + b"%d" % n
    return head + b"\r\n\r\n" + part + text + b"\r\n" + file + b"\r\n--b--\r\n"


def as_base64(n: int) -> bytes:
    """The same mail as a gateway writes it that knows only base64."""
    head, _, text = mail(n).partition(b"\r\n\r\n")
    head = head.replace(b"Content-Transfer-Encoding: 7bit", b"Content-Transfer-Encoding: base64")
    return head + b"\r\n\r\n" + base64.encodebytes(text).replace(b"\n", b"\r\n")


def by_another_way(n: int) -> bytes:
    """The same mail with the marks of other servers, and the tag of a filter in its subject."""
    marks = b"Received: from a by b; Mon, 2 Mar 2026 09:00:00 +0000\r\nDelivered-To: x@team.example\r\nX-Spam-Score: 1\r\n"
    return marks + mail(n).replace(b"Subject: ", b"Subject: [lamps] ")


FOREIGN: dict[str, Callable[[int], bytes]] = {
    "other words": lambda n: mail(n, text="Please send the money elsewhere."),
    "another sender": lambda n: mail(n, sender=f"eve{n}@evil.example"),
    "another sender under the same name": lambda n: mail(n, sender=f"Cora <eve{n}@evil.example>"),
    "another time": lambda n: mail(n, later=3600),
    "everything else": lambda n: mail(n, sender=f"eve{n}@evil.example", text="Buy.", later=60),
}
VARIANT: dict[str, Callable[[int], bytes]] = {
    "another file": with_attachment,
    "a list's footer": lambda n: mail(n) + b"-- \r\nYou are on this list.\r\n",
}
SAME: dict[str, Callable[[int], bytes]] = {
    "other servers": by_another_way,
    "another encoding": as_base64,
    "byte for byte": mail,
}
ALIKE = VARIANT | SAME


@pytest.mark.parametrize("pairs", [pytest.param(60, id="short"), pytest.param(1000, id="full", marks=pytest.mark.long)])
def test_a_borrowed_message_id_hides_no_mail_and_lends_no_access(tmp_path: Path, tell, pairs):
    shop = Shop(tmp_path / "shop", NoServer())
    for team in ("support", "sales"):
        shop.run(f"team add {team}")
        shop.run(f"group-account add {team} --address {team}@team.example --team {team} --create-case")
    kinds = {n: list(FOREIGN)[n % len(FOREIGN)] if n % 3 else list(ALIKE)[n // 3 % len(ALIKE)] for n in range(pairs)}
    one, other = tmp_path / "one", tmp_path / "other"
    dice = random.Random(2)
    for n, kind in kinds.items():
        first, second = mail(n), (FOREIGN | ALIKE)[kind](n)
        for folder, content in zip(dice.sample((one, other), 2), (first, second), strict=True):
            folder.mkdir(exist_ok=True)
            (folder / f"{n:04}.eml").write_bytes(content)
    shop.run(f"import {one} --account support")
    shop.run(f"import {other} --account sales")
    found: dict[int, list[dict]] = {}
    for each in shop.emails():
        found.setdefault(int(each["subject"].split()[-1]), []).append(each)
    for n, kind in kinds.items():
        is_one, has_one_case = kind in SAME, kind in ALIKE
        cases = {each["case"] for each in found[n]} - {None}
        assert len(found[n]) == (1 if is_one else 2), kind
        assert len(cases) == (1 if has_one_case else 2), kind
        accounts = sorted(sorted(each["group_accounts"]) for each in found[n])
        assert accounts == ([["sales", "support"]] if is_one else [["sales"], ["support"]]), kind
        assert [bool(each["flags"]) for each in sorted(found[n], key=lambda email: email["id"])] == (
            [False] if is_one else [not has_one_case, True]
        ), kind
    count = Counter("one" if kind in SAME else "variant" if kind in VARIANT else "apart" for kind in kinds.values())
    tell(
        f"Message-ID: {pairs} pairs: {count['apart']} foreign kept apart, {count['one']} copies merged, "
        f"{count['variant']} variants two emails with one case"
    )
