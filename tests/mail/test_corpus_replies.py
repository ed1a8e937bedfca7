"""Real mails: new text, bounces and automatic mail are told as other projects expect; ordinary mails are left alone.

Needs the folder named by ESPOMAIL_CORPUS. An expectation that is wrong, or asks for something we mean differently, stands in
a list below with its reason.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from espomail.mail.parse import parse, parse_head
from espomail.mail.quotes import split_reply
from espomail.model import Bounce

FOLDER = os.environ.get("ESPOMAIL_CORPUS", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="ESPOMAIL_CORPUS names no folder of real mails")

ALLOWED_SHARE = 0.05

# The report says in words that the user is unknown; the expectation calls it "filtered" or "suspend", because the server said
# so only after DATA. The address is wrong all the same.
NOT_HARD_ELSEWHERE = {
    "sisimai__lhost-amazonses-02.eml": "550-'Unknown user this-local-part-does-not-exist-on-the-server@docomo.ne.jp'",
    "sisimai__lhost-ezweb-02.eml": "550 user unknown (in reply to RCPT TO command)",
    "sisimai__lhost-mfilter-01.eml": "550 unknown user <kijitora@example.com>",
    "sisimai__lhost-postfix-03.eml": "550 Unknown user kijitora@example.net",
    "sisimai__lhost-postfix-07.eml": "550 <kijitora@user.example.or.jp>: User unknown",
    "sisimai__lhost-receivingses-02.eml": "550 5.1.1 Mailbox does not exist",
    "sisimai__lhost-surfcontrol-01.eml": "550 kijitora@example.com... No such user",
    "sisimai__lhost-x2-01.eml": "This user doesn't have a example.co.jp account",
    "sisimai__lhost-x2-02.eml": "This user doesn't have a example.com account",
    "sisimai__lhost-zoho-02.eml": "5.2.1 <mikeneko@example.co.jp>... User Unknown",
    "sisimai__rhost-kddi-01.eml": "550 : User unknown",
}

# Mails without a label that are no ordinary mail all the same.
AUTOMATIC_UNLABELLED = {
    "MimeKit__disposition-notification.eml": "Content-Type: multipart/report",
    "flanker__disposition-notification.eml": "Content-Type: multipart/report",
    "flanker__gmail-no-dns.eml": "Return-Path: <>, a bounce",
    "imap_tools__error_emails-bad_date_header.eml": "Precedence: junk",
    "flanker__from-encoding.eml": "Precedence: bulk, a list",
    "php-imap__issue-462.eml": "From postmaster, Subject: Undeliverable",
}
MACHINE_TAGS = frozenset({"bounce", "dsn", "arf", "list", "autoreply-header", "auto-generated-header"})


def index() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((Path(FOLDER) / "index.json").read_text(encoding="utf-8"))
    return entries


def expecting(field: str) -> list[dict[str, Any]]:
    """The entries with an undisputed expectation of the field; `is_dsn` says of a mail that it is no bounce."""
    chosen = [entry for entry in index() if field in entry.get("expect", {}) and field not in entry.get("expect_disputed", [])]
    assert chosen, f"the corpus expects nothing about {field}"
    return chosen


def raw_of(entry: dict[str, Any]) -> bytes:
    return (Path(FOLDER) / entry["file"]).read_bytes()


def bounce_of(entry: dict[str, Any]) -> Bounce | None:
    return parse(raw_of(entry)).bounce


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("field", "part"), [("reply_text", "new"), ("elided", "elided")])
def test_new_and_elided_text_are_as_expected(field: str, part: str) -> None:
    entries = expecting(field)
    got = {entry["file"]: words(getattr(split_reply(parse(raw_of(entry)).text), part)) for entry in entries}
    assert got == {entry["file"]: words(entry["expect"][field]) for entry in entries}


def test_bounces_are_told_from_delays_and_reports() -> None:
    entries = expecting("is_bounce") + expecting("is_dsn")
    got = {entry["file"]: bounce_of(entry) is not None for entry in entries}
    assert got == {entry["file"]: entry["expect"].get("is_bounce", False) for entry in entries}


def test_the_addresses_that_failed_are_as_expected() -> None:
    entries = [entry for entry in expecting("bounced_addresses") if not entry["expect"].get("is_dsn")]
    got: dict[str, set[str]] = {}
    for entry in entries:
        bounce = bounce_of(entry)
        got[entry["file"]] = {recipient.address.lower() for recipient in bounce.recipients} if bounce else set()
    assert got == {entry["file"]: {address.lower() for address in entry["expect"]["bounced_addresses"]} for entry in entries}


def test_each_failed_recipient_has_its_status_and_hardness() -> None:
    entries = [entry for entry in expecting("bounce") if not entry["expect"].get("is_dsn")]
    wrong: list[str] = []
    for entry in entries:
        bounce = bounce_of(entry)
        assert bounce is not None
        expected = entry["expect"]["bounce"]
        assert len(bounce.recipients) == len(expected), entry["file"]
        for recipient, row in zip(bounce.recipients, expected, strict=True):
            # 5.0.9xx are codes of the other project's own, in no mail.
            if ".0.9" not in row["status"] and recipient.status != row["status"]:
                wrong.append(f"{entry['file']}: {recipient.status} for {row['status']}")
            if recipient.is_hard != row["hard"] and not (recipient.is_hard and entry["file"] in NOT_HARD_ELSEWHERE):
                wrong.append(f"{entry['file']}: hard is {recipient.is_hard}: {recipient.reason}")
    assert wrong == []


def test_our_message_id_is_found_wherever_the_bounce_returns_it() -> None:
    """Of the mails whose returned part shows a Message-ID, every one gives it."""
    missed: list[str] = []
    for entry in expecting("is_bounce"):
        raw = raw_of(entry)
        head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
        bounce = bounce_of(entry)
        own = dict(reversed(parse(raw).headers)).get("message-id", "").strip("<> ").encode()
        returned = [
            line for line in body.split(b"\n") if line.lower().startswith(b"message-id:") and (not own or own not in line)
        ]
        if returned and bounce is not None and bounce.original_message_id is None and head:
            missed.append(entry["file"])
    assert missed == []


def test_no_ordinary_mail_is_taken_for_a_bounce_or_for_automatic() -> None:
    taken: dict[str, str] = {}
    ordinary = [entry for entry in index() if not MACHINE_TAGS & set(entry["tags"])]
    for entry in ordinary:
        mail = parse(raw_of(entry))
        if mail.automatic or mail.is_auto_reply or mail.bounce:
            taken[entry["file"]] = mail.automatic or "auto-reply"
    assert {name: why for name, why in taken.items() if name not in AUTOMATIC_UNLABELLED} == {}
    assert len(AUTOMATIC_UNLABELLED) <= ALLOWED_SHARE * len(ordinary)


def test_every_bounce_and_auto_reply_is_known_as_automatic() -> None:
    missed: list[str] = []
    for entry in index():
        if not {"autoreply-header", "auto-generated-header"} & set(entry["tags"]) and not entry.get("expect", {}).get(
            "is_bounce"
        ):
            continue
        if parse_head(raw_of(entry)).automatic is None:
            missed.append(entry["file"])
    assert missed == []
