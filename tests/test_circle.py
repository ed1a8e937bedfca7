"""The full circle over real servers: a customer writes, an agent answers from their own address, the customer answers the group."""

from __future__ import annotations

import email
import email.policy
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests import exchange, servers
from tests.shop import Shop, letter

BOXES = {"support@team.example": "support", "ann@team.example": "ann", "cora@client.example": "cora"}
CORA = "Cora <cora@client.example>"


@dataclass
class Circle:
    """The shop, whose mail OpenSMTPD takes and Dovecot serves; Cora has her mailbox on the same servers."""

    shop: Shop
    imap: servers.Dovecot
    exchange: exchange.Exchange

    def arrive(self, box: str, count: int) -> list[EmailMessage]:
        """The mails in a mailbox, oldest first, once there are `count`: the exchange delivers a moment after it has taken them."""
        until = time.monotonic() + 20
        while self.imap.count(box, "INBOX") < count and time.monotonic() < until:
            time.sleep(0.02)
        root = self.imap.make_folder(box, "INBOX")
        paths = sorted((p for part in ("new", "cur") for p in (root / part).iterdir()), key=lambda p: p.stat().st_mtime_ns)
        mails = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]
        assert len(mails) == count, [str(mail["Subject"]) for mail in mails]
        return mails

    def write(self, content: bytes, to: str = "support@team.example") -> None:
        """Cora's program hands a mail in; it has arrived afterwards."""
        box = BOXES[to.partition("+")[0] + "@team.example" if "+" in to else to]
        before = self.imap.count(box, "INBOX")
        self.exchange.send(content, to, sender="cora@client.example")
        self.arrive(box, before + 1)


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[Circle]:
    users = dict.fromkeys(BOXES.values(), "secret")
    with servers.dovecot(users=users) as imap, exchange.opensmtpd(imap, BOXES) as mx:
        shop = Shop(tmp_path, imap)
        shop.add_agents("ann")
        smtp = f"--smtp-host 127.0.0.1 --smtp-port {mx.port} --smtp-security none"
        shop.run("template add thanks --subject 'Re: {{ email.subject }}' --body 'Your case is {{ case.number }}.'")
        shop.add_account(
            "support",
            f"--team support --create-case --auto-reply --reply-template thanks {smtp} "
            "--distribution round-robin --target-team support",
        )
        imap.make_folder("ann", "Sent")
        shop.run(
            f"personal-account add ann --user ann --address ann@team.example {shop.imap('ann')} --folder INBOX --folder Sent "
            f"{smtp} --store-sent Sent"
        )
        yield Circle(shop, imap, mx)


DROPS = ("nothing", "the thread", "the subject", "both")


def reply_of_a_program(mail: EmailMessage, drops: str) -> tuple[bytes, str]:
    """What a customer's program that drops something makes of "reply" to a mail, and to whom it goes."""
    keeps_thread, keeps_subject = drops in ("nothing", "the subject"), drops in ("nothing", "the thread")
    references = tuple(each.strip("<>") for each in str(mail["References"]).split())
    content = letter(
        f"{drops.replace(' ', '-')}@client.example",
        sender=CORA,
        to=str(mail["Reply-To"]),
        subject=str(mail["Subject"]) if keeps_subject else "thanks",
        text=f"It works again; my program drops {drops}.",
        answers=str(mail["Message-ID"]).strip("<>") if keeps_thread else None,
        references=references if keeps_thread else (),
    )
    return content, str(mail["Reply-To"])


def ask_and_answer(circle: Circle) -> EmailMessage:
    """Cora asks, gets her auto-reply, and ann answers from her own address; that answer as it lies in Cora's mailbox."""
    circle.write(letter("q@client.example", sender=CORA, subject="Lamp is dark"))
    assert circle.shop.ask("fetch")["cases_created"] == 1
    assert circle.shop.ask("send")["sent"] == 1
    (receipt,) = circle.arrive("cora", 1)
    assert (receipt["Return-Path"], receipt["Auto-Submitted"]) == (None, "auto-replied")
    assert (receipt["Subject"], receipt["In-Reply-To"]) == ("Re: [#1] Lamp is dark", "<q@client.example>")
    circle.shop.run("case reply 1 --body 'Try another bulb.' --from ann@team.example --as ann")
    assert circle.shop.ask("send")["sent"] == 1
    _, answer = circle.arrive("cora", 2)
    return answer


@pytest.mark.parametrize("plus", [False, True], ids=["plain address", "plus-address"])
def test_an_answer_of_an_agent_comes_back_to_the_group_and_to_its_case(circle: Circle, plus: bool) -> None:
    shop = circle.shop
    if plus:
        shop.run("group-account edit support --plus-address")
    answer = ask_and_answer(circle)
    assert (answer["Return-Path"], answer["From"], answer["To"]) == ("<ann@team.example>", "ann <ann@team.example>", CORA)
    assert str(answer["Reply-To"]).startswith("support+case1." if plus else "support@team.example")
    assert (answer["Subject"], answer["In-Reply-To"]) == ("Re: [#1] Lamp is dark", "<q@client.example>")
    assert circle.imap.count("ann", "Sent") == 1
    report = shop.ask("fetch")
    assert (report["imported"], report["duplicates"], report["cases_created"]) == (0, 1, 0)

    for drops in DROPS:
        circle.write(*reply_of_a_program(answer, drops))
    report = shop.ask("fetch")
    lost = 0 if plus else 1  # no thread, no token, the bare address: nothing leads back, and that is a case of its own
    assert (report["imported"], report["cases_created"]) == (4, lost)
    by_id = {each["message_id"]: each for each in shop.emails()}
    back = [by_id[f"{drops.replace(' ', '-')}@client.example"] for drops in DROPS]
    assert [each["case"] for each in back] == [1, 1, 1, 1 + lost]
    stream = [(note["type"], note["email"]) for note in shop.ask("stream show case:1")["stream"]]
    came = [email for kind, email in stream if kind == "email-received"]
    assert set(came[1:]) == {each["id"] for each in back if each["case"] == 1}
    assert [kind for kind, _ in stream].count("email-sent") == 2
    told = [notice["email"] for notice in shop.ask("notification list --as ann")]
    assert [told.count(each["id"]) for each in back if each["case"] == 1] == [1] * (4 - lost)
    assert shop.ask("send")["sent"] == lost


def test_a_mail_that_the_exchange_can_not_deliver_comes_back_as_a_bounce_of_ours(circle: Circle) -> None:
    shop = circle.shop
    shop.run("record add contact --name Gone --email away@gone.example")
    shop.run("email send --from ann@team.example --to away@gone.example --body hello --subject Hello --as ann")
    assert shop.ask("send")["sent"] == 1
    circle.arrive("ann", 1)
    shop.run("fetch")
    (bounce,) = [each for each in shop.emails() if each["is_bounce"]]
    assert (bounce["parent"]["name"], bounce["case"], shop.cases()) == ("Gone", None, [])
    told = [note["text"] for note in shop.ask("stream show contact:Gone")["stream"] if note["type"] == "bounce"]
    assert told == ["delivery to away@gone.example failed: 5.1.1 550 5.1.1 nobody of that name"]
    assert shop.ask("send")["sent"] == 0
