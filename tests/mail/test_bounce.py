"""A delivery failure tells whom our mail did not reach; nothing else is taken for one."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.mail.bounce import read_bounce
from espomail.mail.delivery_status import judge, read_delivery_status
from espomail.mail.parse import parse
from espomail.mail.structure import split
from espomail.model import Bounce, BouncedRecipient

REPORT = """\
Return-Path: <>
From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: support@team.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

This is the mail system at host mx.example. I'm sorry to have to inform you that
your message could not be delivered to one or more recipients.

<ann@customer.example>: host customer.example said: 550 5.1.1 User unknown

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

{status}
--b
Content-Type: message/rfc822

From: support@team.example
To: ann@customer.example
Message-ID: <espomail.case.42.n.s@team.example>
Subject: Hello

Hello
--b--
"""
FAILED = """\
Final-Recipient: rfc822; ann@customer.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User
 unknown
"""
ANN = BouncedRecipient("ann@customer.example", "5.1.1", "550 5.1.1 User unknown", is_hard=True)

TOLD = """\
Return-Path: <{path}>
From: {sender}
To: support@team.example
Subject: {subject}

{text}
"""


def bounce_of(raw: str) -> Bounce | None:
    content = raw.encode()
    return parse(content).bounce


def told(
    text: str, *, path: str = "", sender: str = "MAILER-DAEMON@mx.example", subject: str = "failure notice"
) -> Bounce | None:
    return bounce_of(TOLD.format(path=path, sender=sender, subject=subject, text=text))


def addresses(bounce: Bounce | None) -> list[str] | None:
    return None if bounce is None else [entry.address for entry in bounce.recipients]


def test_a_delivery_report_names_the_recipient_the_reason_and_our_mail() -> None:
    expected = Bounce((ANN,), "espomail.case.42.n.s@team.example", empty_return_path=True)
    assert bounce_of(REPORT.format(status=FAILED)) == expected


def test_a_return_path_that_is_not_empty_is_told() -> None:
    bounce = bounce_of(REPORT.format(status=FAILED).replace("Return-Path: <>", "Return-Path: <x@mx.example>"))
    assert bounce is not None and not bounce.empty_return_path


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_a_delay_or_a_success_is_no_bounce(action: str) -> None:
    assert bounce_of(REPORT.format(status=FAILED.replace("failed", action).replace("5.1.1", "4.4.1"))) is None


@pytest.mark.parametrize("subtype", ["feedback-report", "disposition-notification"])
def test_abuse_reports_and_read_receipts_are_no_bounces(subtype: str) -> None:
    raw = REPORT.format(status="Feedback-Type: abuse").replace("message/delivery-status", f"message/{subtype}")
    raw = raw.replace("Undelivered Mail Returned to Sender", "Read: Hello")
    raw = (
        raw[: raw.index("This is the mail")]
        + "Your message was displayed.\n"
        + raw[raw.index("\n--b\nContent-Type: message/" + subtype) :]
    )
    assert bounce_of(raw) is None


def test_a_person_who_quotes_or_forwards_a_bounce_is_a_person() -> None:
    quoted = "> Undelivered Mail Returned to Sender\n> <bob@x.example>: 550 5.1.1 User unknown\n\nWhat does this mean?"
    assert told(quoted, path="ann@customer.example", sender="Ann <ann@customer.example>", subject="Undelivered mail?") is None
    forwarded = REPORT.format(status=FAILED).replace("Return-Path: <>", "Return-Path: <ann@customer.example>")
    forwarded = forwarded.replace("MAILER-DAEMON@mx.example (Mail Delivery System)", "ann@customer.example")
    assert bounce_of(forwarded.replace("multipart/report; report-type=delivery-status", "multipart/mixed")) is None


def test_a_vacation_notice_with_an_empty_return_path_is_no_bounce() -> None:
    assert told("I am away until Monday.", sender="ann@customer.example", subject="Out of office") is None


QMAIL = """\
Hi. This is the qmail-send program at mx.example.
I wasn't able to deliver your message.

<ann@customer.example>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Message-ID: <a@team.example>
To: bob@customer.example
"""
EXIM = """\
A message that you sent could not be delivered to all of its recipients.

  ann@customer.example:
    550 unknown user
  bob@customer.example
    mailbox is full

------ This is a copy of the message ------

To: eve@customer.example
"""
GOOGLE = "Delivery to the following recipient failed permanently:\n\n     ann@customer.example\n"
TO_US = "Your message to support@team.example could not be delivered to ann@customer.example."
HELP = "Undeliverable: ann@customer.example\nPlease contact postmaster@mx.example for assistance."
RETURNED = "Your mail could not be delivered.\n\n--- Original message ---\nTo: ann@customer.example\n"
OPENSMTPD = "An error has occurred while attempting to deliver a message:\n\nann@customer.example: 550 unknown\n"
LOG = "|--- Message log follows ---|\n mail failed\n ann@customer.example ... unknown host\n|--- Message text follows: ---|\nTo: b@x.cc\n"
ALIAS = "could not be delivered:\n\n  box@far.example\n    (ultimately generated from ann@customer.example)\n    550 refused\n"
PIPE = 'permanent errors\n"|/bin/sort"\n    (expanded from: <ann@customer.example>)\n'
BY_US = "A message sent by\n\n  <boss@team.example>\n\ncould not be delivered to\n\n  ann@customer.example\n"
TO_OURSELVES = "I wasn't able to deliver your message.\n\n<support@team.example>:\ndisk quota exceeded\n"
FIELDS = "Action: failed\nFinal-Recipient: rfc822; ann@customer.example\nStatus: 5.1.1\nX-Sender: rfc822; eve@x.example\n"
NO_BOUNDARY = f"Returned mail.\n\n{FIELDS}\nFrom: eve@x.example\n"
JAPANESE = "メッセージを配信できません。\n\nRCPT TO:<ann@customer.example>\n550 5.1.1 user unknown\n"
CHINESE = "邮件无法送达。\n\n<ann@customer.example>:\n"
GIVEN_UP = "Delivery to these recipients was aborted after 5 hours:\n\n  * ann@customer.example\n"
DELAYED = "Message delayed: ann@customer.example. Delivery attempts will continue to be made."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(QMAIL, ["ann@customer.example"], id="qmail"),
        pytest.param(EXIM, ["ann@customer.example", "bob@customer.example"], id="exim"),
        pytest.param(GOOGLE, ["ann@customer.example"], id="old google"),
        pytest.param(TO_US, ["ann@customer.example"], id="not us"),
        pytest.param(HELP, ["ann@customer.example"], id="not the postmaster"),
        pytest.param(RETURNED, ["ann@customer.example"], id="only in the returned mail"),
        pytest.param(RETURNED.replace("To: ", "To: bob@x.example, "), [], id="one of two, nobody knows which"),
        pytest.param(OPENSMTPD, ["ann@customer.example"], id="opensmtpd"),
        pytest.param(LOG, ["ann@customer.example"], id="a log above the mail"),
        pytest.param(ALIAS, ["ann@customer.example"], id="the alias we wrote to, not what it became"),
        pytest.param(PIPE, ["ann@customer.example"], id="the alias of a program"),
        pytest.param(BY_US, ["ann@customer.example"], id="not who sent it"),
        pytest.param(TO_OURSELVES, ["support@team.example"], id="we wrote to ourselves"),
        pytest.param(NO_BOUNDARY, ["ann@customer.example"], id="the fields of a report in plain text"),
        pytest.param(JAPANESE, ["ann@customer.example"], id="japanese"),
        pytest.param(CHINESE, ["ann@customer.example"], id="chinese"),
        pytest.param(GIVEN_UP, ["ann@customer.example"], id="given up"),
        pytest.param(DELAYED, None, id="delayed"),
        pytest.param("Hello, how are you?", [], id="nothing told but the subject"),
    ],
)
def test_a_failure_told_in_words_names(text: str, expected: list[str] | None) -> None:
    assert addresses(told(text, subject="News of your mail" if expected else "failure notice")) == expected


def test_an_action_nobody_defined_is_a_failure() -> None:
    assert addresses(bounce_of(REPORT.format(status=FAILED.replace("failed", "expired")))) == ["ann@customer.example"]


def test_our_message_id_is_found_below_the_words() -> None:
    bounce = told("<ann@customer.example>:\nno mailbox\n\n--- Below this line is a copy.\n\nMessage-ID: <a.b@team.example>\n")
    assert bounce is not None and bounce.original_message_id == "a.b@team.example"


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        ("5.1.1", "", ("5.1.1", True)),
        ("5.0.0", "550 5.1.1 User unknown", ("5.1.1", True)),
        ("", "550 no such user here", ("5.0.0", True)),
        ("", "450 4.2.1 mailbox temporarily unavailable", ("4.2.1", False)),
        ("4.4.1", "user unknown", ("4.4.1", False)),
        ("5.2.2", "552 5.2.2 mailbox full", ("5.2.2", False)),
        ("5.1.1", "user over quota", ("5.1.1", False)),
        ("5.7.1", "550 5.7.1 blocked as spam", ("5.7.1", False)),
        ("5.7.26", "does not pass DMARC", ("5.7.26", False)),
        ("5.1.8", "Domain of sender address x@y.example does not exist", ("5.1.8", False)),
        ("5.0.0", "sender address rejected", ("5.0.0", False)),
        ("5.4.4", "Host or domain name not found", ("5.4.4", True)),
        ("", "Name service error: Host not found, try again", ("5.0.0", False)),
        ("", "host mx.customer.example not found", ("5.0.0", True)),
        ("", "the domain's MX record says it has no SMTP service", ("5.0.0", True)),
        ("", "Ann (a@b.example) is not listed in the company directory", ("5.0.0", True)),
        ("5.1.1", "552 5.2.2 mailbox full", ("5.2.2", False)),
        ("4.4.7", "450 4.7.1 access denied", ("4.7.1", False)),
        ("5.1.1", "after RCPT: 552 5.2.2 mailbox full", ("5.1.1", False)),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", ("5.4.1", True)),
        ("5.7.26", "550 5.7.26 Recipient address rejected: authentication checks failed", ("5.7.26", False)),
        ("", "550 5.6.0 <a@b.example>: Recipient address rejected: media type", ("5.6.0", False)),
        ("", "error after MAIL FROM:<us@team.example>: 550 5.1.0 no such domain", ("5.1.0", False)),
        ("5.0.0", "", ("5.0.0", False)),
        ("", "", ("5.0.0", False)),
        ("5.0.0 (permanent failure)", "from 192.0.2.1 5.3.0 other", ("5.3.0", False)),
    ],
)
def test_only_a_wrong_address_is_hard(status: str, words: str, expected: tuple[str, bool]) -> None:
    judged = judge("a@b.example", status, words)
    assert (judged.status, judged.is_hard) == expected


def test_reports_without_blank_lines_between_recipients_are_read() -> None:
    content = (
        "Reporting-MTA: dns; x\nFinal-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.2.2\n"
        "Action: failed\nFinal-Recipient: rfc822;<b@x.example>\nOriginal-Recipient: rfc822;c@x.example\nStatus: 5.1.1\n"
        "\nFinal-Recipient: rfc822; d@x.example\nAction: delayed\n"
    )
    report = read_delivery_status(content)
    assert report.names_recipients
    assert report.failed == (
        BouncedRecipient("a@x.example", "5.2.2", "", is_hard=False),
        BouncedRecipient("c@x.example", "5.1.1", "", is_hard=True),
    )


@given(st.text(), st.text())
def test_any_report_is_read(status: str, text: str) -> None:
    bounce = bounce_of(REPORT.format(status="x") + status + text)
    assert bounce is None or isinstance(bounce, Bounce)
    assert len(read_delivery_status(status).failed) <= len(status)


@pytest.mark.parametrize(
    "piece",
    ["a@b.cc\n", "<", "@", "a.", "a@a.", "Final-Recipient: a@b.cc\n", "-- ", "could not be ", "user ", "To: a@b.cc\n"],
    ids=ascii,
)
def test_two_megabytes_take_a_moment(piece: str) -> None:
    content = (
        TOLD.format(path="", sender="MAILER-DAEMON", subject="failure notice", text=piece * (2_000_000 // len(piece)))
    ).encode()
    tree, text = split(content).root, parse(content).text
    started = process_time()
    read_bounce(tree, text=text)
    read_delivery_status(text)
    assert process_time() - started < 3
