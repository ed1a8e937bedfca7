"""Two mails are the same when who wrote them wrote the same; how they travelled does not count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.mail.identity import is_variant, message_ids, normal_bytes, normal_message_id, normal_text
from espomail.mail.parse import parse

MAIL = b"""Return-Path: <ann@example.org>
From: Ann <ann@example.org>
To: support@team.example
Subject: Broken screen
Date: Mon, 2 Mar 2026 09:00:00 +0000
Message-ID: <1@example.org>
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

It does not light up, it is gr\xc3\xbcn.
--b
Content-Type: image/png; name=screen.png
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--b--
"""
WITHOUT_ID = MAIL.replace(b"Message-ID: <1@example.org>\n", b"")


def key(raw: bytes) -> str:
    return parse(raw).content_key


@pytest.mark.parametrize(
    "other",
    [
        MAIL.replace(b"\n", b"\r\n"),
        b"Received: from mx by other; Mon, 2 Mar 2026 09:00:05 +0000\nDelivered-To: ann@team.example\n" + MAIL,
        MAIL.replace(b"Broken screen", b"[list] Broken screen"),
        MAIL.replace(b"gr\xc3\xbcn", b"gr=C3=BCn").replace(
            b"charset=utf-8\n", b"charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n"
        ),
        MAIL.replace(b"gr\xc3\xbcn", b"gr\xfcn").replace(b"charset=utf-8", b"charset=iso-8859-1"),
        MAIL.replace(b"boundary=b", b"boundary=c").replace(b"--b", b"--c"),
        MAIL.replace(b"09:00:00 +0000", b"10:00:00 +0100"),
        MAIL.replace(b"<ann@example.org>\nTo", b"<ANN@Example.org>\nTo"),
        MAIL.replace(b"it is", b"it\n  is"),
    ],
)
def test_the_same_mail_by_another_way_has_the_same_key(other: bytes) -> None:
    assert other != MAIL
    assert key(other) == key(MAIL)


@pytest.mark.parametrize(
    "other",
    [
        MAIL.replace(b"<1@example.org>", b"<2@example.org>"),
        MAIL.replace(b"Ann <ann@", b"Ann <eve@"),
        MAIL.replace(b"09:00:00", b"09:00:01"),
        MAIL.replace(b"light up", b"light down"),
        MAIL.replace(b"iVBORw0KGgo=", b"iVBORw0KGg=="),
    ],
)
def test_another_writing_has_another_key(other: bytes) -> None:
    assert other != MAIL
    assert key(other) != key(MAIL)


def test_a_mail_without_an_id_gets_the_same_one_everywhere() -> None:
    travelled = b"Received: from mx by other; Mon, 2 Mar 2026 09:00:05 +0000\n" + WITHOUT_ID
    assert parse(WITHOUT_ID).message_id == parse(travelled).message_id
    assert parse(WITHOUT_ID).message_id.endswith("@derived.espomail.invalid")
    assert parse(WITHOUT_ID.replace(b"Broken", b"Whole")).message_id != parse(WITHOUT_ID).message_id


def test_two_empty_mails_without_an_id_but_with_other_subjects_are_two() -> None:
    assert key(b"Subject: one\n\n") != key(b"Subject: two\n\n")


def test_what_shows_no_text_is_still_told_apart_by_its_bytes() -> None:
    assert key(b"") == key(b" \r\n\n") == key(b"From: \n\n")
    assert len({key(b""), key(b"\0"), key(b"\0\0"), key(b"Content-Type: text/html\n\n<hr>")}) == 4
    assert key(b"\0\0\r\n") == key(b"Received: from mx by other\n\n\0\0\n")


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        ("Hello there", "Hello there\n-- \nList info", True),
        ("[EXTERNAL] Hello\nthere", "Hello   there", True),
        ("Hello there", "Hello where", False),
        ("", "anything", False),
        ("", "", False),
        ("same", "same", True),
    ],
)
def test_a_footer_makes_a_variant(one: str, other: str, answer: bool) -> None:
    assert (is_variant(one, other), is_variant(other, one)) == (answer, answer)


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<1@example.org>", ("1@example.org",)),
        (" <1@example.org>\n <2@example.org> <1@example.org>", ("1@example.org", "2@example.org")),
        ("1@example.org", ("1@example.org",)),
        ("<no-at-sign>", ("no-at-sign",)),
        ("<no-at> <1@example.org>", ("1@example.org",)),
        ("Ann's message of Monday <1@example.org>", ("1@example.org",)),
        ("<@>", ()),
        ("<>", ()),
        ("words only", ()),
        ("", ()),
    ],
)
def test_ids_are_read_from_whatever_is_there(value: str, ids: tuple[str, ...]) -> None:
    assert message_ids(value) == ids
    assert normal_message_id(value) == (ids[0] if ids else None)


@given(st.text(max_size=200))
def test_an_id_holds_no_white_space_and_no_brackets(value: str) -> None:
    for found in message_ids(value):
        assert found == "".join(found.split())
        assert not {"<", ">", "\x00"} & set(found)


WHITE_SPACE = [character for character in map(chr, range(0x110000)) if character.isspace()]


@pytest.mark.parametrize("space", WHITE_SPACE, ids=ascii)
def test_any_white_space_folds_to_one_space(space: str) -> None:
    assert normal_bytes(f"{space}a{space}{space}b \n c\xe9{space}") == "a b c\xe9".encode()


@given(st.text(st.sampled_from([*WHITE_SPACE, "a", "\xe9", "\u2019", "\u3042"])))
def test_texts_are_compared_by_the_bytes_of_their_normal_form(text: str) -> None:
    assert normal_bytes(text) == normal_text(text).encode()
