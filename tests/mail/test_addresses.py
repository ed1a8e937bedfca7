"""Addresses are read strictly: where two readings differ, a mailbox has a name and no address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.mail.addresses import ADDRESSES_MAX, _read_any, _read_simple, normalise, read_addresses


@pytest.mark.parametrize(
    ("value", "boxes"),
    [
        ("a@example.org", [("", "a@example.org")]),
        ("Ann <A@Example.ORG>", [("Ann", "a@example.org")]),
        ('"Doe, Ann" <a@example.org>, b@example.org', [("Doe, Ann", "a@example.org"), ("", "b@example.org")]),
        ("a@example.org (Ann)", [("Ann", "a@example.org")]),
        ("Ann (from (the) shop) <a@example.org>", [("Ann", "a@example.org")]),
        ("=?utf-8?q?J=C3=BCrgen?= <j@example.org>", [("Jürgen", "j@example.org")]),
        ("=?utf-8?q?Doe,_Ann?= <a@example.org>", [("Doe, Ann", "a@example.org")]),
        ("=?utf-8?b?YUBnb29kLmV4YW1wbGU=?= <b@evil.example>", [("a@good.example", "b@evil.example")]),
        (
            "Team: a@example.org, Bob <b@example.org>;, c@example.org",
            [("", "a@example.org"), ("Bob", "b@example.org"), ("", "c@example.org")],
        ),
        ("undisclosed-recipients:;", []),
        ("", []),
        ("<>", [("", "")]),
        ('"a b"@example.org', [("", '"a b"@example.org')]),
        ('"ab"@example.org', [("", "ab@example.org")]),
        ("<@relay.example:a@example.org>", [("", "a@example.org")]),
        ("a@[192.0.2.1]", [("", "a@[192.0.2.1]")]),
        ("a@xn--mller-kva.example", [("", "a@müller.example")]),
        ("a@MÜLLER.example", [("", "a@müller.example")]),
        ("Doe, Ann <a@example.org>", [("Doe, Ann", "a@example.org")]),
        ("Ann; <a@example.org>", [("Ann", "a@example.org")]),
        ("Ann <a@example.org", [("Ann", "a@example.org")]),
        ('Ann "the boss <a@example.org>', [("Ann the boss", "a@example.org")]),
        ("a @ shop (the big one) . example", [("the big one", "a@shop.example")]),
        ("Ann <a@shop.  example>, b@shop\t.example", [("Ann", "a@shop.example"), ("", "b@shop.example")]),
    ],
)
def test_a_field_gives_its_mailboxes(value: str, boxes: list[tuple[str, str]]) -> None:
    assert [tuple(box) for box in read_addresses(value)] == boxes


@pytest.mark.parametrize(
    ("value", "boxes"),
    [
        ("a@good.example <b@evil.example>", [("a@good.example", "b@evil.example")]),
        ('"a@good.example" <b@evil.example>', [("a@good.example", "b@evil.example")]),
        ("<a@good.example> <b@evil.example>", [("", "")]),
        ("<a@good.example> <b>", [("", "")]),
        ("<a@good.example> b@evil.example", [("b@evil.example", "")]),
        ("a@good.example b@evil.example", [("a@good.example b@evil.example", "")]),
        ("a@good.example@evil.example", [("a@good.example@evil.example", "")]),
        ("<a@good.example@evil.example>", [("", "")]),
        ("<a@good.example\x00@evil.example>", [("", "")]),
        ("<a@good.example,b@evil.example>", [("", "")]),
        ("=?utf-8?q?<a=40good.example>?= <b@evil.example>", [("", "")]),
        ("a@good.example\n <b@evil.example>", [("a@good.example", "b@evil.example")]),
    ],
)
def test_two_readings_link_to_nobody_and_a_name_is_no_address(value: str, boxes: list[tuple[str, str]]) -> None:
    assert [tuple(box) for box in read_addresses(value)] == boxes


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        (" Ann@Example.ORG ", "ann@example.org"),
        ("<ann@example.org>", "ann@example.org"),
        ("ann@example.org.", "ann@example.org"),
        ("ann", ""),
        ("@example.org", ""),
        ("ann@", ""),
        ("ann@exa mple.org", ""),
        ("ann@-example.org", ""),
        ("a n@example.org", ""),
        ('"a\\"b"@example.org', '"a\\"b"@example.org'),
        ('"a\nb"@example.org', ""),
        ("a" * 400 + "@example.org", ""),
        ("ann@xn--\x00.org", ""),
    ],
)
def test_a_normal_address_is_one_to_compare_by(typed: str, normal: str) -> None:
    assert normalise(typed) == normal


@given(st.text(max_size=60))
def test_what_is_normal_stays_normal(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


WORDS = ["a", "Ann B", "a@example.org", "<a@b.org>", '"x, y"', "(c)", "=?utf-8?q?=C3=BC?=", "é"]
PIECES = st.sampled_from([*WORDS, *r'@<>",;:\ .-_', ", ", "=?"])


@given(st.lists(PIECES, max_size=7).map("".join))
def test_the_usual_forms_read_at_once_as_they_read_token_by_token(value: str) -> None:
    assert _read_simple(value) in ((), _read_any(value))


def test_no_more_than_a_thousand_are_read() -> None:
    assert len(read_addresses("a@example.org," * 5000)) == ADDRESSES_MAX
    assert len(read_addresses("<a@example.org>;" * 5000)) == ADDRESSES_MAX
