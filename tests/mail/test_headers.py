"""Header fields as a person reads them, however they were folded, encoded or broken."""

from __future__ import annotations

import pytest

from espomail.mail.headers import FIELD_MAX, base64_bytes, decode_words, split_header, text_of
from espomail.mail.parameters import parameters


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("plain", "plain"),
        ("folded\r\n over\n\tlines", "folded over\tlines"),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe_aus?= =?utf-8?b?S8O2bG4=?=", "Grüße ausKöln"),
        ("=?utf-8?b?4pyT?= and =?iso-8859-1?q?caf=E9?=", "✓ and café"),
        ("=?utf-8?b?ww==?= =?utf-8?b?vA==?=", "ü"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),
        ("=?gb2312?b?vNK+3w==?=", "家具"),
        ("=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本"),
        ("=?utf-8*de?q?gr=C3=BCn?=", "grün"),
        ("=?x-unknown?q?caf=E9?=", "café"),
        ("=?utf-8?q?größer als_caf=C3=A9?=", "größer als café"),
        ("=?iso-8859-1?q?größer_als caf=E9?=", "größer als café"),
        ("=?utf-7?q?gr+APY-n?=", "grön"),
        ("=?utf-8?q?How_are_you??=", "How are you?"),
        ("=?utf-8?q?a?=b=?utf-8?q?c?=", "abc"),
        ("=?utf-8?q?never ends", "=?utf-8?q?never ends"),
        ("a =?= b", "a =?= b"),
        ("nul\x00and\ud800 half", "nuland half"),
    ],
)
def test_a_field_reads_as_it_was_meant(raw: str, read: str) -> None:
    assert text_of(raw) == read


def test_raw_8_bit_is_utf_8_when_it_is_and_else_windows_1252() -> None:
    header, _ = split_header("Subject: grün\nX-Old: grün €\n\n".encode())
    assert header.decoded() == (("subject", "grün"), ("x-old", "grün €"))
    assert split_header(b"Subject: gr\xfcn \x80\n\n")[0].decoded() == (("subject", "grün €"),)


def test_raw_bytes_inside_an_encoded_word_are_of_its_charset() -> None:
    header, _ = split_header(b"Subject: =?iso-8859-1?q?Fr\xf6sche?=\n\n")
    assert header.decoded() == (("subject", "Frösche"),)


@pytest.mark.parametrize(
    ("raw", "fields", "body"),
    [
        (b"A: 1\nB: 2\n\nbody", (("a", "1"), ("b", "2")), b"body"),
        (b"A: 1\r\nB:2\r\n more\r\n\r\nbody", (("a", "1"), ("b", "2 more")), b"body"),
        (b"A : 1\n\nbody", (("a", "1"),), b"body"),
        (b"A: 1\nno field here\nB: 2\n\nbody", (("a", "1"),), b"no field here\nB: 2\n\nbody"),
        (b"\nbody", (), b"body"),
        (b"just text", (), b"just text"),
        (b"From x Mon Mar 2\nA: 1\n\nbody", (("a", "1"),), b"body"),
        (b" astray\nA: 1\n\nbody", (("a", "1"),), b"body"),
        (b"A: 1", (("a", "1"),), b""),
    ],
)
def test_a_header_ends_where_its_fields_end(raw: bytes, fields: tuple[tuple[str, str], ...], body: bytes) -> None:
    header, start = split_header(raw)
    assert (header.decoded(), raw[start:]) == (fields, body)


def test_fields_over_the_caps_are_cut_and_said_to_be() -> None:
    long = split_header(b"Subject:" + b"x" * (FIELD_MAX + 10) + b"\nTo: a@example.org\n\n")[0]
    assert (len(long.fields[0][1]), long.fields[1], long.is_capped) == (FIELD_MAX, ("to", "a@example.org"), True)
    many, start = split_header(b"A: b\n" * 5000 + b"\nbody")
    assert (len(many.fields), many.is_capped, start) == (1000, True, 5 * 5000 + 1)
    assert not split_header(b"A: b\n" * 1000 + b"\nbody")[0].is_capped


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ('text/plain; charset="utf-8"', ("text/plain", {"charset": "utf-8"})),
        ("TEXT/HTML;Charset=UTF-8 ; format=flowed", ("text/html", {"charset": "UTF-8", "format": "flowed"})),
        ("text/html charset=utf-8", ("text/html", {"charset": "utf-8"})),
        ("text/plain (a comment); charset=utf-8", ("text/plain", {"charset": "utf-8"})),
        ("a/b; name*=utf-8''gr%C3%BCn.txt", ("a/b", {"name": "grün.txt"})),
        ("a/b; name*1*=%C3%BCn; name*0*=utf-8'de'gr; name*2=.txt", ("a/b", {"name": "grün.txt"})),
        ('a/b; name*0="long "; name*1="name.txt"', ("a/b", {"name": "long name.txt"})),
        ("a/b; name=plain.txt; name*=utf-8''b%C3%A9.txt", ("a/b", {"name": "bé.txt"})),
        ('a/b; name="=?utf-8?q?gr=C3=BCn.txt?="', ("a/b", {"name": "grün.txt"})),
        ('a/b; name="a;b\\"c.txt"', ("a/b", {"name": 'a;b"c.txt'})),
        ('a/b; name="never ends; x', ("a/b", {"name": "never ends; x"})),
        ('filename="no word before.txt"', ("", {"filename": "no word before.txt"})),
        ("a/b; name=one; name=two", ("a/b", {"name": "one"})),
        ("", ("", {})),
    ],
)
def test_parameters_read_in_all_their_forms(value: str, read: tuple[str, dict[str, str]]) -> None:
    assert parameters(value) == read


@pytest.mark.parametrize(
    ("encoded", "content"),
    [(b"aGVsbG8=", b"hello"), (b"aGV\nsbG8", b"hello"), (b"aG!Vs bG8=", b"hello"), (b"Nyaan", b"Nyaan"), (b"", b"")],
)
def test_damaged_base64_gives_what_can_be_saved(encoded: bytes, content: bytes) -> None:
    assert base64_bytes(encoded) == content


def test_words_of_two_charsets_are_decoded_apart() -> None:
    assert decode_words("=?iso-8859-1?q?=E9?= =?utf-8?q?=C3=A9?=") == "éé"
