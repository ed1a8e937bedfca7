"""IMAP's words, and folder names of every script."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.errors import BadInput
from espomail.wire import folder_names, imap_grammar

NAMES = [
    ("INBOX", b"INBOX"), ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"), ("&", b"&-"), ("A&B&-", b"A&-B&--"),
    ("Entwürfe", b"Entw&APw-rfe"), ("😀", b"&2D3eAA-"), ("a\\b\"c", b'a\\b"c'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "wire"), NAMES)
def test_names_go_out_in_modified_utf_7_and_come_back(name: str, wire: bytes) -> None:
    assert (folder_names.encode(name), folder_names.decode(wire)) == (wire, name)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_every_name_comes_back(name: str) -> None:
    wire = folder_names.encode(name)
    assert wire.isascii()
    assert folder_names.decode(wire) == name


@given(st.binary())
def test_whatever_a_server_calls_a_folder_is_a_name(wire: bytes) -> None:
    assert isinstance(folder_names.decode(wire), str)


@pytest.mark.parametrize("name", ["", "a\nb", "\x00", "\x7f", "\x85", "\ud800"])
def test_names_with_control_characters_are_refused(name: str) -> None:
    with pytest.raises(BadInput):
        folder_names.encode(name)


ANSWERS = [
    ([b'(UID 5 FLAGS (\\Seen $Junk) BODY[] ', b"a)b", b")"], [["UID", "5", "FLAGS", ["\\Seen", "$Junk"], "BODY[]", b"a)b"]]),
    ([b'(\\HasNoChildren) "/" "a \\"b\\" \\\\"'], [["\\HasNoChildren"], b"/", b'a "b" \\']),
    ([b'(BODY[] NIL X "NIL" nil ())'], [["BODY[]", None, "X", b"NIL", None, []]]),
    ([b"1 2  3 "], ["1", "2", "3"]),
    ([b"(BODY[HEADER.FIELDS (TO)]<0> ", b"x", b" UID 7)"], [["BODY[HEADER.FIELDS (TO)]<0>", b"x", "UID", "7"]]),
    ([b""], []),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "expected"), ANSWERS)
def test_answers_read_as_values(parts: list[bytes], expected: object) -> None:
    assert imap_grammar.values(parts) == expected


@pytest.mark.parametrize(
    "parts", [[b"("], [b")"], [b'"a'], [b"(BODY[] ", b"x", b"rest)"], [b"a ", b"x", b"(b)"], [b"a]["], [b"BODY[ x"]]
)
def test_what_is_no_answer_is_refused(parts: list[bytes]) -> None:
    with pytest.raises(ValueError):
        imap_grammar.values(parts)


@given(st.lists(st.binary(), min_size=1, max_size=5))
def test_any_bytes_are_values_or_a_value_error(parts: list[bytes]) -> None:
    try:
        assert isinstance(imap_grammar.values(parts), list)
    except ValueError:
        return


@given(st.sets(st.integers(1, imap_grammar.UID_MAX), min_size=1))
def test_a_set_names_exactly_its_uids(uids: set[int]) -> None:
    named: set[int] = set()
    for part in imap_grammar.uid_set(uids).decode().split(","):
        low, _, high = part.partition(":")
        named |= set(range(int(low), int(high or low) + 1))
    assert named == uids


def test_neighbours_are_joined_and_an_empty_set_is_refused() -> None:
    assert imap_grammar.uid_set([9, 1, 2, 3, 3, 7]) == b"1:3,7,9"
    with pytest.raises(BadInput):
        imap_grammar.uid_set([])


MOMENTS = [
    (b"17-Jul-1996 02:44:25 -0700", datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC)),
    (b" 1-Mar-2026 09:00:00 +0100", datetime(2026, 3, 1, 8, 0, tzinfo=UTC)),
    (b"01-mar-2026 00:00:00 +0530", datetime(2026, 2, 28, 18, 30, tzinfo=UTC)),
]


@pytest.mark.parametrize(("text", "expected"), MOMENTS)
def test_internal_dates_are_utc(text: bytes, expected: datetime) -> None:
    assert imap_grammar.moment(text) == expected


@pytest.mark.parametrize(
    "text",
    [b"", None, b"01-Foo-2026 09:00:00 +0100", b"31-Feb-2026 09:00:00 +0100", b"01-Mar-0000 09:00:00 +0100",
     b"01-Jan-0001 00:00:00 +0100", b"01-Mar-2026 09:00:00 +9900", b"01-Mar-2026 25:00:00 +0000"],
)  # fmt: skip
def test_what_is_no_internal_date_is_a_value_error(text: bytes | None) -> None:
    with pytest.raises(ValueError):
        imap_grammar.moment(text)


def test_days_and_moments_are_written_in_english_and_utc() -> None:
    local = datetime(2026, 5, 3, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))
    assert imap_grammar.moment_argument(local) == b'" 2-May-2026 23:02:03 +0000"'
    assert imap_grammar.day_argument(date(2026, 12, 9)) == b"9-Dec-2026"
