"""Machines that write to machines: lists, bounces and vacations are never answered; one that hides what it is, only so often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from espomail.store import db as store
from tests.conftest import NOW
from tests.faults.traffic import Traffic
from tests.shop import letter

ROBOTS = 5
AUTO_REPLY_LIMIT = 5


def robot(n: int, *headers: tuple[str, str], sender: str = "", subject: str = "") -> bytes:
    """A machine's mail, from an address of its own."""
    return letter(
        f"r{n}@m{n}.example", sender=sender or f"r{n}@m{n}.example", subject=subject or f"Notice {n}", headers=headers
    )


def bounce(n: int) -> bytes:
    """A delivery failure report as RFC 3464 has it."""
    head, _, _ = robot(n, ("Return-Path", "<>"), sender=f"mailer-daemon@m{n}.example").partition(b"Content-Type:")
    report = b"Reporting-MTA: dns; m.example\r\n\r\nFinal-Recipient: rfc822; x@m.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    return (
        head
        + b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        + b"--b\r\nContent-Type: text/plain\r\n\r\nNot delivered.\r\n"
        + b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        + report
        + b"\r\n--b--\r\n"
    )


MACHINES: dict[str, Callable[[int], bytes]] = {
    "a list": lambda n: robot(n, ("List-Id", f"<l{n}.example>"), ("List-Post", "<mailto:l@m.example>")),
    "a list of old": lambda n: robot(n, ("Precedence", "list")),
    "bulk": lambda n: robot(n, ("Precedence", "bulk")),
    "junk": lambda n: robot(n, ("Precedence", "junk")),
    "a newsletter": lambda n: robot(n, ("List-Unsubscribe", "<mailto:out@m.example>")),
    "a vacation": lambda n: robot(n, ("Auto-Submitted", "auto-replied"), subject=f"Out of office {n}"),
    "a vacation with words": lambda n: robot(n, ("Auto-Submitted", "auto-replied; vacation")),
    "a cron job": lambda n: robot(n, ("Auto-Submitted", "auto-generated")),
    "an answer of old": lambda n: robot(n, ("Precedence", "auto_reply")),
    "an answering program": lambda n: robot(n, ("X-Autoreply", "yes")),
    "an exchange server": lambda n: robot(n, ("X-Auto-Response-Suppress", "All")),
    "no return path": lambda n: robot(n, ("Return-Path", "<>")),
    "a bounce": bounce,
    "a mailer-daemon": lambda n: robot(n, sender=f"MAILER-DAEMON@m{n}.example"),
    "a no-reply": lambda n: robot(n, sender=f"no-reply@m{n}.example"),
}


def answered(traffic: Traffic) -> Counter[str]:
    """How many automatic answers wait for each address."""
    db = store.open_db(traffic.shop.folder / "espomail.db", now=NOW)
    try:
        rows = db.execute(
            "select address from outbox o join outbox_recipients r on r.outbox_id = o.id where kind = 'auto-reply'"
        ).fetchall()
    finally:
        db.close()
    return Counter(row[0] for row in rows)


@pytest.mark.parametrize("count", [pytest.param(300, id="short"), pytest.param(10_000, id="full", marks=pytest.mark.long)])
def test_no_machine_is_answered_and_one_that_hides_is_answered_so_often_and_no_more(traffic, tell, count):
    """Five machines in a hundred mails say nowhere what they are, and write again and again."""
    shop = traffic(1)
    (box,) = shop.accounts
    shop.shop.run(f"group-account edit {box} --auto-submitted case")
    shop.shop.run(f"settings set auto_reply_limit {AUTO_REPLY_LIMIT}")
    kinds = list(MACHINES.values())
    people = hiding = 0
    for n in range(count):
        if n % 10 == 9:
            people += 1
            shop.shop.put(box, letter(f"p{n}@c{n}.example", sender=f"p{n}@c{n}.example", subject=f"Help {n}"))
        elif n % 10 == 4:
            hiding += 1
            shop.shop.put(box, letter(f"h{n}@h.example", sender=f"h{n // 10 % ROBOTS}@h.example", text=f"I answer {n}"))
        else:
            shop.shop.put(box, kinds[n % len(kinds)](n))
    report = shop.shop.ask("fetch --now")
    assert (report["imported"], report["quarantined"]) == (count, 0)
    got = answered(shop)
    wanted = {f"p{n}@c{n}.example": 1 for n in range(9, count, 10)}
    of_hiding = min(AUTO_REPLY_LIMIT, hiding // ROBOTS)
    assert got == wanted | dict.fromkeys((f"h{n}@h.example" for n in range(ROBOTS)), of_hiding)
    tell(
        f"loops: {count - people - hiding} mails of {len(MACHINES)} kinds of machines got 0 answers, {people} people one each, "
        f"{ROBOTS} machines that hide wrote {hiding} mails and got {of_hiding} each"
    )
