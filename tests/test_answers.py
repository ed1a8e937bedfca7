"""A new case is answered once, by a real SMTP server, and the customer's answer finds its case whatever their program drops."""

from __future__ import annotations

import email
import email.policy
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from espomail.store import db as store
from tests import servers
from tests.shop import Shop, letter


class NoServer:
    """For shops whose mail is delivered, not fetched."""

    host, port = "127.0.0.1", 1


@pytest.fixture
def post():
    with servers.smtp() as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, post) -> Shop:
    shop = Shop(tmp_path, NoServer())
    shop.add_agents("ann")
    shop.run(
        "template add thanks --subject 'Re: {{ email.subject }}' --body 'Dear {{ person.name }}, your case is {{ case.number }}.'"
    )
    shop.run(
        "group-account add support --address support@team.example --team support --create-case --auto-reply "
        f"--reply-template thanks --smtp-host 127.0.0.1 --smtp-port {post.port} --smtp-security none"
    )
    return shop


def deliver(shop: Shop, content: bytes) -> dict:
    return shop.ask("deliver support", stdin=content)


def sent(post) -> list[EmailMessage]:
    return [email.message_from_bytes(mail.content, policy=email.policy.default) for mail in post.mails]


def question(id: str = "q1@client.example", **more) -> bytes:
    return letter(id, sender="Cora <cora@client.example>", subject="Lamp is dark", **more)


def test_a_new_case_is_answered_once_and_as_a_machine_should(shop, post):
    content = question()
    deliver(shop, content)
    deliver(shop, content)
    assert shop.ask("send") == {"sent": 1, "deferred": 0, "failed": 0, "unknown": 0}
    assert shop.ask("send") == {"sent": 0, "deferred": 0, "failed": 0, "unknown": 0}
    (reply,) = sent(post)
    assert (post.mails[0].sender, post.mails[0].recipients) == ("", ("cora@client.example",))
    assert {name: reply[name] for name in ("To", "Subject", "Reply-To", "In-Reply-To", "References", "Auto-Submitted")} == {
        "To": "cora@client.example",
        "Subject": "Re: [#1] Lamp is dark",
        "Reply-To": "support@team.example",
        "In-Reply-To": "<q1@client.example>",
        "References": "<q1@client.example>",
        "Auto-Submitted": "auto-replied",
    }
    assert (reply["X-Auto-Response-Suppress"], reply["Precedence"]) == ("All", "auto_reply")
    assert reply.get_content().strip() == "Dear Cora, your case is 1."
    stream = shop.ask("stream show case:1")["stream"]
    assert [note["type"] for note in stream if note["type"].startswith("email")] == ["email-received", "email-sent"]


@pytest.mark.parametrize(
    "drops",
    ["nothing", "references", "subject", "all but the plus-address"],
)
def test_the_answer_finds_its_case_whatever_the_program_drops(shop, post, drops):
    if drops == "all but the plus-address":
        shop.run("group-account edit support --plus-address")
    deliver(shop, question())
    shop.run("send")
    (reply,) = sent(post)
    keeps_thread = drops in ("nothing", "subject")
    keeps_subject = drops in ("nothing", "references")
    answer = letter(
        "a1@client.example",
        sender="Cora <cora@client.example>",
        to=str(reply["Reply-To"]),
        subject=str(reply["Subject"]) if keeps_subject else "hello again",
        answers=str(reply["Message-ID"]).strip("<>") if keeps_thread else None,
    )
    assert deliver(shop, answer)["case"] == 1
    assert len(shop.cases()) == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(
            question(headers=(("Auto-Submitted", "auto-replied"),)), "automatic mail is never answered", id="automatic"
        ),
        pytest.param(question(headers=(("List-Id", "<l.example>"),)), "automatic mail is never answered", id="list"),
        pytest.param(question(headers=(("Precedence", "bulk"),)), "automatic mail is never answered", id="bulk"),
        pytest.param(question(headers=(("Return-Path", "<>"),)), "automatic mail is never answered", id="empty return path"),
        pytest.param(
            question(headers=(("X-Auto-Response-Suppress", "OOF, AutoReply"),)),
            "automatic mail is never answered",
            id="suppressed",
        ),
        pytest.param(
            letter("s@x.example", subject="Automatic reply: A lamp"), "automatic mail is never answered", id="subject"
        ),
        pytest.param(letter("n@x.example", sender="no-reply@x.example"), "automatic mail is never answered", id="no-reply"),
        pytest.param(
            question(headers=(("Reply-To", "no-reply@client.example"),)),
            "automatic mail is never answered (Reply-To is no-reply)",
            id="answers to no-reply",
        ),
        pytest.param(letter("o@x.example", sender="ann@team.example"), "the address is one of ours", id="our own"),
        pytest.param(question(at=datetime.now(UTC) - timedelta(days=3)), "the mail is too old to be answered", id="old"),
    ],
)
def test_what_is_never_answered(shop, post, content, why):
    shop.run("group-account edit support --auto-submitted case")
    delivered = deliver(shop, content)
    assert delivered["case"] == 1
    step = shop.step(delivered["email"], "auto-reply")
    assert (step["outcome"], step["reason"].startswith(why)) == ("silent", True), step
    assert shop.ask("outbox list") == []


def test_an_account_without_a_server_answers_through_the_system_s(shop, post):
    shop.run("group-account edit support --clear smtp-host")
    deliver(shop, question())
    assert shop.ask("send")["deferred"] == 1
    shop.run(f"settings outbound --address crm@team.example --server 127.0.0.1:{post.port} --smtp-security none")
    deliver(shop, question("q2@client.example", text="and the other one"))
    assert shop.ask("send")["sent"] == 1
    (reply,) = sent(post)
    assert (reply["From"], reply["Reply-To"], post.mails[0].sender) == ("support@team.example", "support@team.example", "")


def test_a_copy_that_could_not_be_stored_is_trouble_but_unsends_nothing(shop, post):
    shop.run(
        "group-account edit support --imap-host 127.0.0.1 --imap-port 1 --imap-security none --imap-password-env MAIL_PASSWORD "
        "--store-sent Sent"
    )
    deliver(shop, question())
    assert shop.ask("send", code=3)["sent"] == 1
    assert [row["status"] for row in shop.ask("outbox list")] == ["sent"]
    assert len(sent(post)) == 1


def test_an_answer_can_name_who_has_the_case(shop, post):
    shop.run("template add yours --subject Hello --body", "{{ user.name }} <{{ user.address }}>, {{ case.assigned_user }}")
    shop.run("user edit ann --full-name", "Ann Agent")
    shop.run("group-account edit support --distribution round-robin --target-team support --reply-template yours")
    deliver(shop, question())
    shop.run("send")
    assert sent(post)[0].get_content().strip() == "Ann Agent <ann@team.example>, ann"


def test_what_people_wrote_as_an_account_does_not_leave_through_another_server(shop, post):
    deliver(shop, question())
    shop.run("case reply 1 --body hello")
    shop.run("group-account edit support --clear smtp-host")
    shop.run(
        f"settings outbound --address crm@team.example --server 127.0.0.1:{post.port} --smtp-security none",
    )
    assert shop.ask("send") == {"sent": 1, "deferred": 1, "failed": 0, "unknown": 0}
    assert [mail["Auto-Submitted"] for mail in sent(post)] == ["auto-replied"]


def test_automatic_mail_that_opens_no_case_is_silent_for_what_it_is(shop, post):
    delivered = deliver(shop, question(headers=(("Auto-Submitted", "auto-replied"),)))
    assert delivered["case"] is None
    assert "Auto-Submitted: auto-replied" in shop.step(delivered["email"], "auto-reply")["reason"]


@pytest.mark.parametrize("header", ["From", "Reply-To"])
@pytest.mark.parametrize("address", ["help@team.example", "help+case7.abcdef@team.example", "crm@team.example"])
def test_where_answers_come_back_to_us_nobody_is_answered(shop, address, header):
    shop.run("group-account edit support --reply-to help@team.example")
    shop.run("settings outbound --address crm@team.example --server 127.0.0.1:25 --smtp-security none")
    content = letter("q@x.example", sender=address) if header == "From" else question(headers=(("Reply-To", address),))
    delivered = deliver(shop, content)
    assert shop.step(delivered["email"], "auto-reply")["reason"] == "the address is one of ours"


def test_an_address_is_answered_only_so_often(shop, post):
    shop.run("settings set auto_reply_limit 3")
    for n in range(5):
        deliver(shop, question(f"q{n}@client.example", text=f"question {n}"))
    assert len(shop.ask("outbox list")) == 3


def test_too_many_in_an_hour_trip_the_breaker(shop, post):
    shop.run("settings set auto_reply_hourly_cap 2")
    delivered = [deliver(shop, letter(f"q{n}@client.example", sender=f"c{n}@client.example")) for n in range(4)]
    assert len(shop.ask("outbox list")) == 2
    assert "breaker" in shop.step(delivered[3]["email"], "auto-reply")["reason"]


def test_two_helpdesks_that_answer_each_other_stop(tmp_path, post):
    shops = []
    for name in ("one", "two"):
        shop = Shop(tmp_path / name, NoServer())
        shop.run("template add thanks --subject Thanks --body 'We got it.'")
        shop.run(
            f"group-account add support --address help@{name}.example --create-case --auto-submitted case --auto-reply "
            f"--reply-template thanks --smtp-host 127.0.0.1 --smtp-port {post.port} --smtp-security none"
        )
        shops.append(shop)
    content = letter("start@one.example", sender="help@one.example", to="help@two.example")
    for turn in range(6):
        before = len(post.mails)
        deliver(shops[(turn + 1) % 2], content)
        shops[(turn + 1) % 2].run("send")
        if len(post.mails) == before:
            break
        content = post.mails[-1].content
    assert len(post.mails) == 1


@pytest.mark.parametrize(
    ("answer", "code", "status"),
    [("451 later", 0, "deferred"), ("550 no such user", 3, "failed")],
)
def test_what_the_server_refuses_waits_or_fails(shop, post, answer, code, status):
    deliver(shop, question())
    post.answers["cora@client.example"] = answer
    shop.run("send", code=code)
    (row,) = shop.ask("outbox list")
    assert (row["status"], row["attempts"], row["last_reply"]) == (status, 1, answer)
    assert post.mails == []


def test_a_server_out_of_reach_defers_everything(shop, post):
    shop.run("group-account edit support --smtp-port 1")
    deliver(shop, question())
    shop.run("send", code=69)
    (row,) = shop.ask("outbox list")
    assert (row["status"], row["attempts"]) == ("deferred", 1)


def test_what_was_cancelled_does_not_leave(shop, post):
    deliver(shop, question())
    shop.run("outbox cancel 1")
    assert shop.ask("send")["sent"] == 0
    assert post.mails == []


@pytest.mark.parametrize(("phase", "sent_again"), [("rcpt", 1), ("data", 0)])
def test_a_machine_s_mail_whose_fate_is_unknown_is_not_sent_again(shop, post, phase, sent_again):
    deliver(shop, question())
    db = store.open_db(shop.folder / "espomail.db", now=datetime.now(UTC))
    with store.transaction(db):
        db.execute("update outbox set status = 'sending', phase = ?", (phase,))
    db.close()
    shop.try_("send")
    assert len(post.mails) == sent_again
    assert shop.ask("outbox list")[0]["status"] == ("sent" if sent_again else "unknown")


def test_killed_at_any_moment_automatic_mail_leaves_at_most_once(shop, post, tell):
    for n in range(30):
        deliver(shop, letter(f"q{n}@client.example", sender=f"c{n}@client.example"))
    kills = 0
    for pause in [n * 0.02 for n in range(8, 28)]:
        process = subprocess.Popen([sys.executable, "-m", "espomail", "send"], env=shop.environment, stderr=subprocess.DEVNULL)
        time.sleep(pause)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    shop.try_("send")
    got = [mail.recipients[0] for mail in post.mails]
    statuses = {row["to"][0]: row["status"] for row in shop.ask("outbox list --limit 100")}
    assert len(got) == len(set(got))
    assert {address for address, status in statuses.items() if status == "sent"} <= set(got)
    assert {address for address, status in statuses.items() if status not in ("sent", "unknown")} == set()
    assert kills > 0
    tell(f"{kills} kills hit a sending process; {len(got)} of 30 arrived, {list(statuses.values()).count('unknown')} unknown")


def test_a_bounce_is_noted_on_the_case_and_marks_the_address(shop, post):
    shop.run("record add contact --name Cora --email cora@client.example")
    deliver(shop, question())
    shop.run("send")
    (reply,) = sent(post)
    report = bounce_of(str(reply["Message-ID"]))
    delivered = deliver(shop, report)
    assert (delivered["case"], len(shop.cases())) == (1, 1)
    notes = [note for note in shop.ask("stream show case:1")["stream"] if note["type"] == "bounce"]
    assert [note["text"].startswith("delivery to cora@client.example failed: 5.1.1") for note in notes] == [True]
    assert shop.ask("record show contact Cora")["invalid_emails"] == ["cora@client.example"]


def test_who_wrote_what_came_back_is_told_of_it_once(shop, post):
    """Ann follows the case too, so the bounce is also new mail there."""
    shop.run("role edit agent --add-set group-email-account=team")
    shop.run("group-account edit support --shared")
    deliver(shop, question())
    shop.run("follow case:1 --as ann")
    written = shop.ask("case reply 1 --body hi --as ann")
    shop.run("send")
    before = len(shop.ask("notification list --as ann"))
    deliver(shop, bounce_of(shop.ask(f"email show {written['email']}")["message_id"].join("<>")))
    told = shop.ask("notification list --as ann")
    assert [notice["type"] for notice in told[: len(told) - before]] == ["bounce"]


def test_a_bounce_that_is_imported_without_notices_tells_nobody(shop, post):
    shop.run("role edit agent --add-set group-email-account=team")
    shop.run("group-account edit support --shared")
    deliver(shop, question())
    written = shop.ask("case reply 1 --body hi --as ann")
    shop.run("send")
    before = shop.ask("notification list")
    returned = bounce_of(shop.ask(f"email show {written['email']}")["message_id"].join("<>"))
    assert shop.ask("import - --account support --no-notify", stdin=returned)["imported"] == 1
    assert shop.ask("stream show case:1")["stream"][-1]["type"] == "bounce"
    assert shop.ask("notification list") == before


def test_whoever_looks_after_a_case_sees_that_its_mail_came_back(shop, post):
    """Bob may read his own mail only; the auto-reply that came back is nobody's."""
    shop.run("role add own --set case.read=own --set email.read=own")
    shop.run("user add bob --email bob@team.example --role own")
    deliver(shop, question())
    shop.run("case assign 1 bob")
    shop.run("send")
    bounce = deliver(shop, bounce_of(str(sent(post)[0]["Message-ID"])))["email"]
    assert shop.ask(f"email show {bounce} --as bob")["is_bounce"]
    assert shop.ask("notification list --as bob")[0]["email"] == bounce


def test_a_bounce_of_no_mail_of_ours_changes_nothing(shop, post):
    shop.run("record add contact --name Cora --email cora@client.example")
    deliver(shop, question())
    delivered = deliver(shop, bounce_of("<made-up@team.example>"))
    assert delivered["case"] is None
    assert shop.ask("record show contact Cora")["invalid_emails"] == []


def bounce_of(message_id: str) -> bytes:
    """A delivery failure report as RFC 3464 has it."""
    return (
        "Return-Path: <>\r\nFrom: Mail Delivery System <mailer-daemon@mx.example>\r\nTo: support@team.example\r\n"
        f"Subject: Undelivered Mail Returned to Sender\r\nDate: {email.utils.format_datetime(datetime.now(UTC))}\r\n"
        "Message-ID: <bounce.1@mx.example>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"\r\n\r\n'
        "--=_b\r\nContent-Type: text/plain\r\n\r\nThe mail could not be delivered.\r\n"
        "--=_b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        "Final-Recipient: rfc822; cora@client.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n"
        f"--=_b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\nTo: cora@client.example\r\n\r\n--=_b--\r\n"
    ).encode()
