"""Auto-replies can't run away: helpdesks that answer each other, lists, vacations, bounces, forgeries and our own addresses.

What is sent is counted at a real SMTP server, and is exactly what the limits allow.
"""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.shop import Shop, letter
from tests.test_answers import bounce_of

LIMIT = 5
AUTOMATIC = {
    "list": (("List-Id", "<talk.lists.example>"), ("Precedence", "list")),
    "vacation": (("Auto-Submitted", "auto-replied (vacation)"),),
    "exchange": (("X-Auto-Response-Suppress", "DR, OOF, AutoReply"),),
    "autoreply": (("X-Autoreply", "yes"),),
    "empty path": (("Return-Path", "<>"),),
}


@pytest.fixture
def imap() -> Iterator[servers.Dovecot]:
    with servers.dovecot(users={"help": "secret"}) as server:
        yield server


@pytest.fixture
def post() -> Iterator[servers.SmtpServer]:
    with servers.smtp() as server:
        yield server


def helpdesk(folder: Path, imap: servers.Dovecot | None, post: servers.SmtpServer, domain: str) -> Shop:
    """An instance that opens a case for whatever comes, automatic or not, and answers each by itself."""
    shop = Shop(folder, imap)
    reads = shop.imap("help") if imap else ""
    shop.run("template add thanks --subject Thanks --body 'We got it.'")
    shop.run(
        f"group-account add help --address help@{domain} {reads} --create-case --auto-submitted case --auto-reply "
        f"--reply-template thanks --smtp-host 127.0.0.1 --smtp-port {post.port} --smtp-security none"
    )
    return shop


def stripped(content: bytes, number: int) -> bytes:
    """A mail as the worst of gateways passes it on: nothing says any more that a machine wrote it, or what it answers."""
    mail = email.message_from_bytes(content, policy=email.policy.default)
    return letter(f"{number}@gateway.example", sender=str(mail["From"]), to=str(mail["To"]), subject=f"turn {number}")


@pytest.mark.parametrize("limit", [2, pytest.param(LIMIT, marks=pytest.mark.long)])
def test_two_helpdesks_behind_a_gateway_that_hides_everything_stop_at_the_limit(
    tmp_path: Path, post: servers.SmtpServer, limit: int
) -> None:
    shops = [helpdesk(tmp_path / name, None, post, f"{name}.example") for name in ("one", "two")]
    for shop in shops:
        shop.run(f"settings set auto_reply_limit {limit}")
    content = letter("start@one.example", sender="help@one.example", to="help@two.example")
    for turn in range(4 * limit):
        receiver = shops[(turn + 1) % 2]
        receiver.ask("deliver help", stdin=content)
        if receiver.ask("send")["sent"] == 0:
            break
        content = stripped(post.mails[-1].content, turn)
    assert Counter(mail.recipients for mail in post.mails) == {("help@one.example",): limit, ("help@two.example",): limit}
    assert {mail.sender for mail in post.mails} == {""}


def storm(imap: servers.Dovecot, each: int) -> int:
    """Put `each` mails of every kind into the mailbox, mixed; return how many."""
    made = 0
    for n in range(each):
        kinds = {
            **{
                kind: letter(f"{kind.split()[0]}{n}@x.example", sender=f"{kind.split()[0]}{n}@x.example", headers=headers)
                for kind, headers in AUTOMATIC.items()
            },
            "bounce": bounce_of(f"<nothing{n}@us.example>").replace(b"bounce.1@", b"bounce.%d@" % n),
            "forged": bounce_of(f"<espomail.case.{n}.a.b@us.example>")
            .replace(b"Return-Path: <>\r\n", b"")
            .replace(b"mailer-daemon@mx.example", b"forger%d@x.example" % n)
            .replace(b"bounce.1@", b"forged.%d@" % n),
            "no-reply": letter(f"noreply{n}@x.example", sender=f"no-reply@x{n}.example"),
            "our own": letter(f"own{n}@us.example", sender="ann@us.example" if n % 2 else "help@us.example"),
            "unmarked vacation": letter(f"away{n}@x.example", sender="away@x.example", text=f"I am away, day {n}"),
            "customer": letter(f"customer{n}@x.example", sender=f"customer{n}@x.example", text=f"question {n}"),
        }
        for content in kinds.values():
            imap.put("help", "INBOX", content)
        made += len(kinds)
    return made


def weather(tmp_path: Path, imap: servers.Dovecot, post: servers.SmtpServer, each: int) -> str:
    shop = helpdesk(tmp_path, imap, post, "us.example")
    shop.run("user add ann --email ann@us.example")
    shop.run(f"settings set auto_reply_hourly_cap {each * 2}")
    made = storm(imap, each)
    assert shop.ask("fetch")["imported"] == made
    shop.run("send")
    told = Counter(mail.recipients[0] for mail in post.mails)
    expected = {f"customer{n}@x.example": 1 for n in range(each)} | {"away@x.example": LIMIT}
    assert told == expected
    assert {mail.sender for mail in post.mails} == {""}
    assert shop.ask("send")["sent"] == 0
    return f"loops: {made} mails got {len(post.mails)} answers, {told['away@x.example']} of them an unmarked vacation"


def test_lists_vacations_bounces_and_forgeries_get_nothing_and_customers_one_answer_each(
    tmp_path: Path, imap: servers.Dovecot, post: servers.SmtpServer, tell: Callable[[str], None]
) -> None:
    tell(weather(tmp_path, imap, post, 20))


@pytest.mark.long
def test_ten_thousand_mails_of_every_kind_are_answered_exactly_as_the_limits_allow(
    tmp_path: Path, imap: servers.Dovecot, post: servers.SmtpServer, tell: Callable[[str], None]
) -> None:
    tell(weather(tmp_path, imap, post, 910))


def test_the_breaker_lets_through_exactly_the_hourly_cap_and_doctor_tells_of_it(
    tmp_path: Path, imap: servers.Dovecot, post: servers.SmtpServer
) -> None:
    shop = helpdesk(tmp_path, imap, post, "us.example")
    shop.run("settings set auto_reply_hourly_cap 7")
    for n in range(30):
        imap.put("help", "INBOX", letter(f"c{n}@x.example", sender=f"c{n}@x.example", text=f"question {n}"))
    assert shop.ask("fetch")["cases_created"] == 30
    shop.run("send")
    assert len(post.mails) == 7
    done = shop.try_("doctor --json")
    assert done.returncode in (1, 3)
    assert b'"auto-reply-breaker"' in done.stdout
