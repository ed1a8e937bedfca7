"""Five hundred hostile values in every place of an outgoing mail: the standard library reads exactly what was meant, or nothing leaves.

A value stands alone and in the middle of harmless words. With a control character it is refused by ourselves, in every place
where a header is made of it; the words of a mail may hold anything.
"""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from espomail.errors import BadInput
from espomail.mail.compose import compose
from espomail.model import Address
from espomail.rules import templates
from tests.mail.test_compose import PLAIN_HEADERS, WHEN, assert_wire_safe, draft, recipients, reread

EVIL = "evil@evil.example"
CORES = (
    f"\r\nBcc: {EVIL}", f"\nBcc: {EVIL}", f"\rBcc: {EVIL}", f"\r\n Bcc: {EVIL}", f"\r\n\r\n{EVIL}", "\x00", f"\x00\r\nTo: {EVIL}",
    "\x0b", "\x0c", "\x1b]0;x\x07", "\x7f", "\x85", f"\u0085Bcc: {EVIL}", f"\u2028Bcc: {EVIL}", f"\u2029To: {EVIL}",
    "\ud800", "\udcff", f"\udc0d\udc0aBcc: {EVIL}", "\u202egnp.exe", "\u2066\u2069", "\u200b\ufeff", "\ufffe\uffff",
    "=?utf-8?q?=0D=0ABcc=3A_evil?=", "=?utf-8?b?DQpCY2M6IGV2aWxAZXZpbC5leGFtcGxl?=", "=?x?q?=00?=", "=?utf-8?q?", "?=",
    f'" <{EVIL}>, "', f"<{EVIL}>", f",{EVIL},", f";{EVIL};", f"x:{EVIL};", "(", ")", "((((", '"', "\\", '\\"', "@", "@@",
    "x" * 3000, "ü" * 3000, "😀" * 600, "日本 " * 600, "\t" * 2000, "e\u0301" * 400, "%0d%0aBcc:", "{{ 7*7 }}", "{% raw %}", "--=_",
)  # fmt: skip
WRAPS = ("{}", "a{}", "{}z", "a {} z", "a{}z{}", "  {}", "{}  ", '"{}"', "ü{}ü", "a,{}")
VALUES = [wrap.replace("{}", core) for core, wrap in itertools.product(CORES, WRAPS)]
HEADERS = ("subject", "from name", "to name", "cc name", "bcc name", "reply-to name", "own header", "file name")


def changes(place: str, value: str) -> dict[str, object]:
    """The mail with the value in one place."""
    ann, cc, bcc = "ann@customer.example", "bob@customer.example", "secret@customer.example"
    return {
        "subject": {"subject": value},
        "from name": {"from_": Address(value, "support@team.example")},
        "to name": {"to": (Address(value, ann),)},
        "cc name": {"cc": (Address(value, cc),)},
        "bcc name": {"bcc": (Address(value, bcc),)},
        "reply-to name": {"reply_to": (Address(value, "support@team.example"),)},
        "own header": {"headers": (("X-Note", value),)},
        "file name": {"attachments": ((value, "text/plain", b"content"),)},
    }[place]  # type: ignore[return-value]


def check(raw: bytes, place: str) -> None:
    """Exactly the intended headers, recipients and parts, by another parser."""
    message = reread(raw)
    assert_wire_safe(raw)
    added = {"cc name": "Cc", "reply-to name": "Reply-To", "own header": "X-Note"}.get(place)
    lacks = {"Content-Transfer-Encoding"} if place == "file name" else set()
    assert Counter(message.keys()) == Counter({*PLAIN_HEADERS, *([added] if added else [])} - lacks)
    assert recipients(message) == {"ann@customer.example", *(["bob@customer.example"] if place == "cc name" else [])}
    assert [a.addr_spec for a in message["from"].addresses] == ["support@team.example"]
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == (["multipart/mixed", "text/plain", "text/plain"] if place == "file name" else ["text/plain"])
    assert b"secret" not in raw


def test_there_are_five_hundred_values() -> None:
    assert len(set(VALUES)) == len(VALUES) == 500


@pytest.mark.parametrize("place", HEADERS)
def test_a_hostile_value_in_a_header_stays_there_or_is_refused(place: str) -> None:
    outcomes = Counter[str]()
    for value in VALUES:
        try:
            raw = compose(draft(**changes(place, value)))
        except BadInput:
            outcomes["refused"] += 1
            continue
        assert not set(value) & set("\r\n\x00"), ascii(value)[:80]
        check(raw, place)
        outcomes["sent"] += 1
    print(f"\n{place}: {dict(outcomes)}")
    assert min(outcomes["sent"], outcomes["refused"]) >= 100


@pytest.mark.parametrize("is_html", [False, True], ids=["text", "html"])
def test_a_hostile_value_in_a_template_adds_nothing(is_html: bool) -> None:
    outcomes = Counter[str]()
    words = "{{ case.name }}|{{ person.name }}|{{ user.name }}|{{ email.subject }}|{{ account.name }}"
    for value in VALUES:
        given = templates.variables(
            now=WHEN,
            case=templates.case_values(7, name=value, status="New", priority="Low", assigned_user=value),
            email=templates.email_values(1, sender=Address(value, EVIL), subject=value, sent_at=WHEN),
            person=Address(value, "ann@customer.example"),
            user={"name": value, "address": "x@team.example", "signature": value},
            account={"name": value, "address": "support@team.example"},
        )
        subject, body = templates.filled(words, words, given, is_html=is_html)
        assert "49" not in subject + body, "a value was taken for a template"
        assert not is_html or "<evil" not in body
        try:
            raw = compose(draft(subject=subject, **({"html": body} if is_html else {"text": body})))
        except BadInput:
            outcomes["refused"] += 1
            continue
        message = reread(raw)
        assert_wire_safe(raw)
        assert Counter(message.keys()) == Counter(
            PLAIN_HEADERS if not is_html else set(PLAIN_HEADERS) - {"Content-Transfer-Encoding"}
        )
        assert recipients(message) == {"ann@customer.example"}
        outcomes["sent"] += 1
    print(f"\ntemplate: {dict(outcomes)}")
    assert outcomes["sent"] > 250


def test_a_hostile_value_is_no_address() -> None:
    """As an address, a value that is not one is refused: what leaves goes to whom it was meant for."""
    sent = []
    for value in VALUES:
        for address in (value, f"{value}@customer.example", f"ann@{value}.example", f"ann@customer.example{value}"):
            try:
                raw = compose(draft(to=(Address("", address),)))
            except BadInput:
                continue
            found = recipients(reread(raw))
            sent.append(address)
            assert_wire_safe(raw)
            assert len(found) == 1, (address, found)
            assert EVIL not in found
    print(f"\n{len(sent)} of {4 * len(VALUES)} are addresses after all")
