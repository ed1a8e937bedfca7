"""What leaves is what was meant: hostile values never add a header, a recipient or a part."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from espomail.errors import BadInput
from espomail.mail.compose import Draft, compose, quote_reply, reply_recipients
from espomail.model import Address, Head

ANN = Address("Ann", "ann@customer.example")
BOB = Address("", "bob@customer.example")
SUPPORT = Address("Support", "support@team.example")
WHEN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)

SMUGGLED = (
    "\r\nBcc: evil@evil.example",
    "\nBcc: evil@evil.example",
    "\rBcc: evil@evil.example",
    "\r\n\r\nbody",
    "\x00",
    "a\x00b",
    "\x1b[31m",
    "\x7f",
    "\ud800",
    "\t",
)
ODD = (
    "",
    " ",
    "x" * 5000,
    "x " * 2000,
    "ü" * 3000,
    "日本語" * 400,
    "\u202eexe.txt",
    "\u2028Bcc: evil@evil.example",
    "\u0085Bcc: evil@evil.example",
    "=?utf-8?q?Bcc=3A_evil?=",
    "=?utf-8?b?DQpCY2M6IGV2aWxAZXZpbC5leGFtcGxl?=",
    "=?unknown?x?y?=",
    'a"b',
    "a\\",
    'quoted" <evil@evil.example>, "x',
    "a, evil@evil.example",
    "evil@evil.example;",
    "(comment",
    "name:; evil@evil.example",
    "<evil@evil.example>",
    "😀" * 100,
    "e\u0301" * 100,
    "%0d%0aBcc:",
    "  leading and trailing  ",
    "--boundary",
    "=_" + "0" * 32,
)


# The standard library's reader drops outer white space, ends a line at U+0085 and takes angle brackets off a file name.
UNCHANGED = [value for value in ODD if value.strip() == value and "\u0085" not in value and value[:1] != "<"]


def short(value: str) -> str:
    return ascii(value)[:30]


def draft(**changes: object) -> Draft:
    values: dict[str, object] = {
        "from_": SUPPORT,
        "to": (ANN,),
        "subject": "Hello",
        "text": "Good morning",
        "message_id": "espomail.case.1.n.s@team.example",
        "date": WHEN,
    }
    return Draft(**(values | changes))  # type: ignore[arg-type]


def reread(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def recipients(message: EmailMessage) -> set[str]:
    return {
        address.addr_spec for name in ("to", "cc", "bcc") for value in message.get_all(name, []) for address in value.addresses
    }


def assert_wire_safe(raw: bytes) -> None:
    assert raw.isascii()
    assert b"\x00" not in raw
    assert raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


PLAIN_HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]


@pytest.mark.parametrize("value", SMUGGLED, ids=short)
@pytest.mark.parametrize(
    "place",
    (
        "subject", "from name", "from", "to name", "to", "cc", "bcc", "bcc name", "reply-to", "message-id", "in-reply-to",
        "references", "header name", "header value", "file name", "file type",
    ),
)  # fmt: skip
def test_a_control_character_is_refused_in_every_header(place: str, value: str) -> None:
    bad = f"x{value}y"
    changes: dict[str, dict[str, object]] = {
        "subject": {"subject": bad},
        "from name": {"from_": Address(bad, "a@team.example")},
        "from": {"from_": Address("", f"a{value}@team.example")},
        "to name": {"to": (Address(bad, "ann@customer.example"),)},
        "to": {"to": (ANN, Address("", f"ann@customer.example{value}"))},
        "cc": {"cc": (Address("", f"{value}ann@customer.example"),)},
        "bcc": {"bcc": (Address("", f"ann{value}@customer.example"),)},
        "bcc name": {"bcc": (Address(bad, "ann@customer.example"),)},
        "reply-to": {"reply_to": (Address("", f"ann@{value}customer.example"),)},
        "message-id": {"message_id": f"a{value}@b"},
        "in-reply-to": {"in_reply_to": f"a{value}@b"},
        "references": {"references": ("a@b", f"a{value}@b")},
        "header name": {"headers": ((f"X{value}", "y"),)},
        "header value": {"headers": (("X-Note", bad),)},
        "file name": {"attachments": ((bad, "text/plain", b""),)},
        "file type": {"attachments": (("a.txt", f"text/plain{value}", b""),)},
    }
    with pytest.raises(BadInput):
        compose(draft(**changes[place]))


@pytest.mark.parametrize("value", ODD, ids=short)
@pytest.mark.parametrize("place", ["subject", "name", "header", "file name", "text", "html"])
def test_an_odd_value_stays_one_value(place: str, value: str) -> None:
    name = value[:255] if place == "file name" else value
    changes: dict[str, dict[str, object]] = {
        "subject": {"subject": value},
        "name": {"to": (Address(value, "ann@customer.example"), BOB)},
        "header": {"headers": (("X-Note", value),)},
        "file name": {"attachments": ((name, "text/plain", b"content"),)},
        "text": {"text": value},
        "html": {"html": value},
    }
    raw = compose(draft(**changes[place]))
    message = reread(raw)
    assert_wire_safe(raw)
    assert recipients(message) == (
        {"ann@customer.example", "bob@customer.example"} if place == "name" else {"ann@customer.example"}
    )
    assert message["bcc"] is None
    expected = [entry for entry in PLAIN_HEADERS if entry != "Content-Transfer-Encoding" or place not in ("file name", "html")]
    if place == "header":
        expected.insert(expected.index("MIME-Version"), "X-Note")
    assert message.keys() == expected


def shown_name(raw: bytes) -> str:
    """The display name of To by the older reader of the standard library; the newer one puts spaces between encoded words."""
    name, _ = parseaddr(" ".join(str(email.message_from_bytes(raw)["to"]).splitlines()))
    return str(make_header(decode_header(name))) if name.startswith("=?") else name


@pytest.mark.parametrize("value", UNCHANGED, ids=short)
def test_an_odd_value_arrives_unchanged(value: str) -> None:
    raw = compose(
        draft(subject=value, to=(Address(value, "ann@customer.example"),), attachments=((value[:255], "text/plain", b"x"),))
    )
    message = reread(raw)
    file_names = [part.get_filename("") for part in message.iter_attachments()]
    assert (str(message["subject"]), " ".join(shown_name(raw).split()), file_names) == (value, value, [value[:255]])


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200)


@settings(max_examples=300, deadline=None)
@given(words, words, words, words)
def test_no_text_adds_a_header_or_a_recipient(subject: str, name: str, file_name: str, body: str) -> None:
    raw = compose(
        draft(
            subject=subject,
            to=(Address(name, "ann@customer.example"),),
            cc=(Address(name, "bob@customer.example"),),
            bcc=(Address(name, "secret@customer.example"),),
            text=body,
            html=body,
            attachments=((file_name, "text/plain", body.encode()),),
        )
    )
    message = reread(raw)
    assert_wire_safe(raw)
    assert b"secret" not in raw
    assert recipients(message) == {"ann@customer.example", "bob@customer.example"}
    assert message.keys() == ["From", "To", "Cc", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/plain",
    ]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_whatever_is_sent_or_refused(value: str) -> None:
    places: tuple[dict[str, object], ...] = (
        {"subject": value},
        {"to": (Address(value, "a@b.example"),)},
        {"to": (Address("", value),)},
        {"message_id": value},
        {"headers": ((value, value),)},
        {"attachments": ((value, value, b""),)},
        {"text": value},
        {"references": (value,), "in_reply_to": value},
    )
    for changes in places:
        try:
            raw = compose(draft(**changes))
        except BadInput:
            continue
        assert_wire_safe(raw)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"]), max_size=3000))
def test_the_body_arrives_as_written(body: str) -> None:
    part = reread(compose(draft(text=body))).get_body(("plain",))
    assert part is not None
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.decode("utf-8").replace("\r\n", "\n").rstrip("\n") == body.rstrip("\n")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "a@",
        "@b",
        "a b@c.example",
        "a@b@c.example",
        "a,b@c.example",
        "<a@b.example>",
        "a@b..c",
        "a@-b.example",
        "ü@b.example",
        "a@b.example, c@d.example",
        "a" * 400 + "@b.example",
        "a@\u2024.example",
        "a@b\u3002\u3002c",
        "a(x)@b.example",
        '"a@b.example',
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadInput):
        compose(draft(to=(Address("", address),)))


def test_an_international_domain_is_sent_in_ascii() -> None:
    message = reread(compose(draft(to=(Address("", "ann@münchen.example"),))))
    assert recipients(message) == {"ann@xn--mnchen-3ya.example"}


def test_blind_copies_are_in_no_byte() -> None:
    raw = compose(draft(bcc=(Address("Secret", "secret@customer.example"),)))
    assert b"secret" not in raw.lower()


def test_a_mail_to_blind_copies_only_names_nobody() -> None:
    raw = compose(draft(to=(), bcc=(ANN,)))
    assert b"To: undisclosed-recipients:;\r\n" in raw


@pytest.mark.parametrize("name", ["Bcc", "bcc", "To", "Content-Type", "Content-Foo", "MIME-Version", "", "X Y", "X:", "Sender"])
def test_further_headers_can_not_replace_ours(name: str) -> None:
    with pytest.raises(BadInput):
        compose(draft(headers=((name, "x"),)))


def test_long_threads_keep_their_root_and_the_nearest_mails() -> None:
    references = tuple(f"{number}@x.example" for number in range(100))
    message = reread(compose(draft(references=references, in_reply_to="99@x.example")))
    assert str(message["references"]).split() == [f"<{number}@x.example>" for number in (0, *range(81, 100))]
    assert message["in-reply-to"] == "<99@x.example>"


def test_ids_that_are_none_are_left_out_of_a_thread() -> None:
    message = reread(compose(draft(references=("no id", "ok@x.example", "a@b>c"), in_reply_to="no id")))
    assert (message["references"], message["in-reply-to"]) == ("<ok@x.example>", None)


def test_a_draft_always_gives_the_same_bytes() -> None:
    full = draft(html="<p>x</p>", attachments=(("a.pdf", "application/pdf", b"%PDF"),))
    assert compose(full) == compose(full)


def test_parts_that_hold_a_boundary_stay_whole() -> None:
    inner = compose(draft(html="<p>x</p>"))
    message = reread(
        compose(draft(text=inner.decode("ascii"), html="<p>y</p>", attachments=(("mail.eml", "message/rfc822", inner),)))
    )
    attachment = next(iter(message.iter_attachments()))
    assert (attachment.get_content_type(), attachment.get_content()) == ("application/octet-stream", inner)


def test_the_parts_are_where_readers_look_for_them() -> None:
    raw = compose(draft(html="<p>Hi</p>", attachments=(("a.txt", "text/plain", b"A"), ("b.bin", "nonsense", b"B"))))
    message = reread(raw)
    attachments = [(part.get_filename(), part.get_content_type()) for part in message.iter_attachments()]
    assert attachments == [("a.txt", "text/plain"), ("b.bin", "application/octet-stream")]
    assert message.get_body(("html",)).get_content().strip() == "<p>Hi</p>"  # type: ignore[union-attr]


def test_the_date_and_id_are_those_of_the_draft() -> None:
    message = reread(compose(draft()))
    assert (message["date"].datetime, message["message-id"]) == (WHEN, "<espomail.case.1.n.s@team.example>")


# ---------------------------------------------------------------- quoting and recipients


@pytest.mark.parametrize(
    ("text", "sent_at", "expected"),
    [
        ("Hello\n\n> old\n", WHEN, "On 2026-03-01 09:00 UTC, Ann wrote:\n> Hello\n>\n>> old\n"),
        ("", None, "Ann wrote:\n>\n"),
        ("a\r\nb", None, "Ann wrote:\n> a\n> b\n"),
    ],
)
def test_an_answer_quotes_line_by_line(text: str, sent_at: datetime | None, expected: str) -> None:
    assert quote_reply(text, author="Ann", sent_at=sent_at) == expected


def test_an_author_can_not_break_out_of_the_attribution() -> None:
    assert quote_reply("x", author="Ann\r\n\r\nBcc: a", sent_at=None) == "Ann Bcc: a wrote:\n> x\n"


LIST = Address("List", "list@customer.example")
SHOUTED = Address("", "BOB@customer.example")
PLUS = Address("", "support+case42.abcdefghijklmnop@team.example")
OWN = ("support@team.example", "agent@team.example")


@pytest.mark.parametrize(
    ("mail", "reply_all", "expected"),
    [
        pytest.param(Head(sender=ANN, to=(SUPPORT,)), False, ((ANN,), ()), id="the sender"),
        pytest.param(Head(sender=ANN, reply_to=(BOB,), to=(SUPPORT,)), False, ((BOB,), ()), id="reply-to first"),
        pytest.param(Head(sender=ANN, reply_to=(SUPPORT,)), False, ((ANN,), ()), id="never ourselves as reply-to"),
        pytest.param(Head(sender=ANN, to=(SUPPORT, BOB), cc=(LIST, ANN)), True, ((ANN,), (BOB, LIST)), id="all but us"),
        pytest.param(
            Head(sender=SUPPORT, to=(ANN,), cc=(BOB,)), True, ((ANN,), (BOB,)), id="after our own mail, its recipients"
        ),
        pytest.param(Head(sender=ANN, cc=(SHOUTED, BOB)), True, ((ANN,), (SHOUTED,)), id="nobody twice"),
        pytest.param(Head(sender=ANN, to=(PLUS,)), True, ((ANN,), ()), id="no plus-address of ours"),
        pytest.param(Head(), True, ((), ()), id="nobody"),
        pytest.param(Head(sender=Address("x", "")), True, ((), ()), id="unreadable sender"),
    ],
)
def test_an_answer_goes_to(mail: Head, reply_all: bool, expected: object) -> None:
    assert reply_recipients(mail, own=OWN, reply_all=reply_all) == expected
