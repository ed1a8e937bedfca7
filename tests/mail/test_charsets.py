"""Bytes become the text that was meant, whatever the label says."""

from __future__ import annotations

import pytest

from espomail.mail.charsets import decode, html_charset
from espomail.mail.parse import parse

RUSSIAN = "Здравствуйте, заказ"
JAPANESE = "注文の件で連絡しました"


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("gb2312", "gb18030", "您好，朱镕基"),
        ("GBK", "gb18030", "镕"),
        ("cp936", "gb18030", "镕"),
        ("hz-gb-2312", "hz", "您好"),
        ("ks_c_5601-1987", "cp949", "안녕 뷁"),
        ("euc-kr", "cp949", "뷁"),
        ("iso-2022-kr", "iso2022_kr", "안녕하세요"),
        ("x-sjis", "cp932", "①髙島屋"),
        ("Windows-31J", "cp932", "①"),
        ("MS_Kanji", "cp932", "髙"),
        ("x-euc-jp", "euc-jp", JAPANESE),
        ("cp50220", "iso2022_jp", JAPANESE),
        ("iso-2022-jp-ms", "iso2022_jp", JAPANESE),
        ("iso-8859-8-i", "iso8859_8", "שלום"),
        ("logical", "iso8859_8", "שלום"),
        ("iso-8859-1", "cp1252", "“Größe” 5 €"),
        ("iso_8859-1:1987", "cp1252", "€"),
        ("unicode-1-1-utf-7", "utf-7", "Größe €"),
        ("unknown-8bit", "cp1252", "Größe"),
        ("win-1251", "cp1251", RUSSIAN),
        ("x-cp1251", "cp1251", RUSSIAN),
        ("CP-1251", "cp1251", RUSSIAN),
        ("koi8-ru", "koi8-u", "Привіт їжак"),
        ("x-mac-cyrillic", "mac-cyrillic", RUSSIAN),
        ("x-mac-ce", "mac-latin2", "Příliš"),
        ("big5", "cp950", "訂單裏"),
        ("big5", "big5hkscs", "我哋嘅訂單"),
        ("cn-big5", "cp950", "訂單"),
        ("tis-620", "cp874", "สวัสดี…"),
        ("ibm850", "cp850", "Größe"),
        ("ucs-2", "utf-16-be", "Größe"),
        ("'utf-8'", "utf-8", "Größe"),
        ("charset=iso-8859-2", "iso8859_2", "Příliš"),
        ("utf-8", "cp1252", "Grüße aus Köln"),
        ("us-ascii", "cp1252", "Grüße aus Köln"),
        ("gb2312", "utf-8", "您好，订单没有到"),
        ("iso-8859-1", "utf-8", "Grüße aus Köln"),
        ("iso-8859-1", "utf-8-sig", "Müller"),
        ("utf-16", "ascii", "hello wo"),
        ("iso-2022-jp", "euc-jp", JAPANESE),
        (None, "iso2022_jp", JAPANESE),
        ("us-ascii", "iso2022_jp", JAPANESE),
        (None, "iso2022_kr", "안녕하세요"),
        ("no such charset", "cp1252", "Größe"),
        ("idna", "cp1252", "Größe"),
    ],
)
def test_a_text_reads_as_it_was_meant(label: str | None, codec: str, text: str) -> None:
    assert decode(text.encode(codec), label) == (text, False)


@pytest.mark.parametrize("label", ["iso-2022-jp", None])
def test_signs_outside_of_the_japanese_standard_are_read(label: str | None) -> None:
    assert decode(b'a\x1b$B-!$3y!\x1b(B\n\x1b$B-"\x1b(I1\x1b(J.', label) == ("a①こ纊\n②ｱ.", False)


@pytest.mark.parametrize("text", ["costs $5 \x1b[1m bold", "a \x1b$ b", "Ã¼ber", "caf\u00c3\u00a9"])
def test_what_only_looks_like_another_charset_stays(text: str) -> None:
    assert decode(text.encode("cp1252"), "iso-8859-1") == (text, False)


def test_a_broken_byte_is_replaced_and_told() -> None:
    assert decode("Grüße aus Köln".encode() * 9 + b"\xff", "utf-8") == ("Grüße aus Köln" * 9 + "\ufffd", True)


@pytest.mark.parametrize(
    ("page", "charset"),
    [
        (b'<meta charset="windows-1251">', "windows-1251"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=gb2312">', "gb2312"),
        (b'<?xml version="1.0" encoding="koi8-r"?><html>', "koi8-r"),
        (b'<meta charset="utf-16">', "utf-8"),
        (b"<p>charset=koi8-r</p>", None),
    ],
)
def test_a_page_names_its_charset(page: bytes, charset: str | None) -> None:
    assert html_charset(page) == charset


@pytest.mark.parametrize("declared", ["", "; charset=us-ascii", "; charset=unknown-8bit", "; charset=nothing"])
def test_a_page_is_read_by_its_own_charset_where_the_mail_says_none(declared: str) -> None:
    page = f"<meta charset=windows-1251><p>{RUSSIAN}</p>".encode("cp1251")
    raw = f"From: a@b.example\nMIME-Version: 1.0\nContent-Type: text/html{declared}\n\n".encode() + page
    assert parse(raw).text == RUSSIAN
