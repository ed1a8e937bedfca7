"""What a person gets to see of a mail: its text, its HTML, and what is attached."""

from __future__ import annotations

import base64
import binascii

import pytest

from espomail.mail.content import TEXT_CHARS_MAX, Content, content_of, one_line
from espomail.mail.structure import split

PLAIN = b"Content-Type: text/plain\n\nplain"
PAGE = b"Content-Type: text/html\n\n<p>page</p>"
FOOTER = b"Content-Type: text/plain\n\nfooter of the list"
INVITE = b"""Content-Type: text/calendar; method=REQUEST; charset=utf-8

BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
SUMMARY:Kick-off
DTSTART:20260302T090000Z
DTEND:20260302T100000Z
LOCATION:Room 7
END:VEVENT
END:VCALENDAR
"""


def together(kind: str, *parts: bytes, boundary: bytes = b"b") -> bytes:
    inside = b"".join(b"--" + boundary + b"\n" + part + b"\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="'.encode() + boundary + b'"\n\n' + inside + b"--" + boundary + b"--\n"


def read(raw: bytes) -> Content:
    return content_of(split(raw).root)


def attached(raw: bytes) -> list[tuple[str, str, bytes, bool]]:
    return [(leaf.name, leaf.content_type, leaf.content, leaf.is_inline) for leaf in read(raw).leaves]


OTHER_PAGE = b"Content-Type: text/html\n\n<p>Offer 17: three printers</p>"
SAME_PAGE = b"Content-Type: text/html\n\n<p><b>Plain</b></p>"


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        pytest.param(together("mixed", PLAIN, OTHER_PAGE), ["text/html"], id="a page of its own behind a text"),
        pytest.param(together("mixed", PLAIN, SAME_PAGE), [], id="the text again as a page"),
        pytest.param(together("mixed", OTHER_PAGE, PLAIN), [], id="a text behind a page, both read"),
        pytest.param(together("alternative", PLAIN, OTHER_PAGE), [], id="another choice"),
        pytest.param(together("mixed", PLAIN, b"Content-Type: text/html\n\n<p></p>"), [], id="an empty page"),
    ],
)
def test_a_page_that_the_text_says_nothing_of_is_attached(raw: bytes, names: list[str]) -> None:
    assert [leaf.content_type for leaf in read(raw).leaves] == names


def test_an_attached_page_keeps_its_place_among_the_attachments() -> None:
    file = b"Content-Type: image/png; name=a.png\n\nx"
    raw = together("mixed", PLAIN, file, OTHER_PAGE, file)
    assert [leaf.content_type for leaf in read(raw).leaves] == ["image/png", "text/html", "image/png"]


@pytest.mark.parametrize(
    ("raw", "text", "html"),
    [
        pytest.param(PLAIN, "plain", None, id="plain"),
        pytest.param(PAGE, "page", "<p>page</p>", id="a page only"),
        pytest.param(together("alternative", PLAIN, PAGE), "plain", "<p>page</p>", id="a choice"),
        pytest.param(together("alternative", PAGE, PLAIN), "plain", "<p>page</p>", id="a choice the wrong way round"),
        pytest.param(together("mixed", PLAIN, PAGE), "plain", "<p>page</p>", id="twice the same, wrongly labelled"),
        pytest.param(
            together("mixed", PAGE, FOOTER), "page\nfooter of the list", "<p>page</p>", id="a page and a list's footer"
        ),
        pytest.param(
            together("mixed", together("alternative", PLAIN, PAGE, boundary=b"a"), FOOTER),
            "plain\nfooter of the list",
            "<p>page</p>",
            id="a choice and a list's footer",
        ),
        pytest.param(
            together("mixed", together("alternative", PAGE, boundary=b"a"), FOOTER),
            "page\nfooter of the list",
            "<p>page</p>",
            id="a choice of one and a list's footer",
        ),
        pytest.param(together("mixed", PLAIN, FOOTER), "plain\nfooter of the list", None, id="two texts"),
        pytest.param(
            together("alternative", b"Content-Type: text/plain\n\n \n", PAGE), "page", "<p>page</p>", id="an empty plain text"
        ),
        pytest.param(b"Content-Type: text/plain; name=mail.txt\n\nplain", "plain", None, id="a text with a name is the mail"),
        pytest.param(b"Subject: x\n\none\r\ntwo\rthree", "one\ntwo\nthree", None, id="line ends"),
        pytest.param(b"Content-Type: text/plain; format=flowed\n\nOne \nline.\n", "One line.\n", None, id="flowed"),
        pytest.param(b"Content-Type: text/plain; format=flowed; delsp=yes\n\nOn \ne.\n", "One.\n", None, id="flowed, no space"),
        pytest.param(b"Content-Type: application/pdf\n\n%PDF", "", None, id="no text at all"),
        pytest.param(b"Content-Type: text/plain\nContent-Disposition: attachment\n\nx", "", None, id="a file for a mail"),
        pytest.param(b"", "", None, id="nothing"),
    ],
)
def test_the_text_is_what_the_writer_wrote_once(raw: bytes, text: str, html: str | None) -> None:
    content = read(raw)
    assert (content.text.strip(" \n"), content.html) == (text.strip(" \n"), html)


def test_an_invitation_says_what_when_and_where() -> None:
    content = read(together("alternative", PLAIN, PAGE, INVITE))
    assert content.text.startswith("plain\n\n")
    for said in ("Kick-off", "2026-03-02 09:00", "Room 7"):
        assert said in content.text
    assert content.flags == ("invitation",)
    assert [(leaf.name, leaf.content_type) for leaf in content.leaves] == [("", "text/calendar")]


def test_an_invitation_alone_is_readable() -> None:
    assert "Kick-off" in read(INVITE).text


def test_attachments_keep_their_names_and_bytes() -> None:
    raw = together(
        "mixed",
        PLAIN,
        b"Content-Type: text/plain; name=notes.txt\n\nnotes",
        b"Content-Type: text/plain\nContent-Disposition: inline; filename=more.txt\n\nmore",
        b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment;\n"
        b" filename*=utf-8''Angebot%20M%C3%BCller.pdf\n\nJVBERg==",
        b"Content-Type: message/rfc822\n\nSubject: forwarded\n\nhello",
    )
    assert attached(raw) == [
        ("notes.txt", "text/plain", b"notes", False),
        ("more.txt", "text/plain", b"more", False),
        ("Angebot Müller.pdf", "application/pdf", b"%PDF", False),
        ("", "message/rfc822", b"Subject: forwarded\n\nhello", False),
    ]


@pytest.mark.parametrize(
    ("page", "disposition", "is_inline"),
    [
        pytest.param(b'<img src="cid:logo@x">', b"", True, id="shown in the page"),
        pytest.param(b"<p>no picture</p>", b"", False, id="named by nothing"),
        pytest.param(b"<p>no picture</p>", b"Content-Disposition: inline\n", True, id="said to be inline"),
        pytest.param(b'<img src="cid:logo@x">', b"Content-Disposition: attachment\n", False, id="said to be attached"),
    ],
)
def test_a_picture_in_the_page_is_inline(page: bytes, disposition: bytes, is_inline: bool) -> None:
    picture = b"Content-Type: image/png; name=logo.png\nContent-ID: <logo@x>\n" + disposition + b"\nPNG"
    leaves = read(together("related", b"Content-Type: text/html\n\n" + page, picture)).leaves
    assert [(leaf.name, leaf.content_id, leaf.is_inline) for leaf in leaves] == [("logo.png", "logo@x", is_inline)]


@pytest.mark.parametrize(
    ("raw", "flags"),
    [
        pytest.param(together("signed; protocol=application/pgp-signature", PLAIN), ("pgp",), id="PGP/MIME signature"),
        pytest.param(together("encrypted; protocol=application/pgp-encrypted", PLAIN), ("pgp",), id="PGP/MIME encryption"),
        pytest.param(b"Subject: x\n\n-----BEGIN PGP MESSAGE-----\n", ("pgp",), id="PGP in the text"),
        pytest.param(
            b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx", ("smime",), id="S/MIME encryption"
        ),
        pytest.param(together("signed; protocol=application/pkcs7-signature", PLAIN), ("smime",), id="S/MIME signature"),
        pytest.param(together("signed; protocol=application/x-pkcs7-signature", PLAIN), ("smime",), id="S/MIME, old label"),
        pytest.param(PLAIN, (), id="neither"),
    ],
)
def test_signed_and_encrypted_mail_is_shown_as_such(raw: bytes, flags: tuple[str, ...]) -> None:
    assert read(raw).flags == flags


def test_a_long_text_is_cut_and_said_to_be() -> None:
    content = read(b"Subject: x\n\n" + b"x" * (TEXT_CHARS_MAX + 1))
    assert (len(content.text), content.is_partial) == (TEXT_CHARS_MAX, True)
    content = read(b"Subject: x\n\n" + b"x" * TEXT_CHARS_MAX)
    assert (len(content.text), content.is_partial) == (TEXT_CHARS_MAX, False)


def test_names_and_subjects_stand_on_one_line_without_control_characters() -> None:
    assert one_line("a\r\nBcc: b\x00\x1b[2J") == "a Bcc: b [2J"
    assert one_line("Grüße  an\talle") == "Grüße an alle"


def test_a_packet_that_nobody_can_open_stays_an_attachment() -> None:
    junk = base64.encodebytes(b"\x78\x9f\x3e\x22 junk")
    raw = together(
        "mixed", PLAIN, b"Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n" + junk
    )
    assert attached(raw) == [("winmail.dat", "application/ms-tnef", b"\x78\x9f\x3e\x22 junk", False)]


UUENCODED = b"begin 644 hello.txt\n" + binascii.b2a_uu(b"hello, world\n") + b"`\nend\n"


@pytest.mark.parametrize(
    ("text", "shown", "names"),
    [
        pytest.param(b"See:\n" + UUENCODED + b"Bye\n", "See:\nBye\n", ["hello.txt"], id="in a text"),
        pytest.param(UUENCODED * 2, "", ["hello.txt", "hello.txt"], id="two in a row"),
        pytest.param(UUENCODED.replace(b"\n", b"\r\n"), "", ["hello.txt"], id="lines of the net"),
        pytest.param(UUENCODED.replace(b"`", b""), "", ["hello.txt"], id="spaces cut off"),
        pytest.param(UUENCODED[:-4], UUENCODED[:-4].decode(), [], id="never ends"),
        pytest.param(b"We\nbegin 644 times\na day\nend\n", "We\nbegin 644 times\na day\nend\n", [], id="words of a person"),
        pytest.param(b"> " + UUENCODED, "> " + UUENCODED.decode(), [], id="quoted"),
        pytest.param(b"begin 644 x\n" + UUENCODED, "begin 644 x\n", ["hello.txt"], id="begins twice"),
        pytest.param(b"begin 644 x\n" * 999 + UUENCODED, "begin 644 x\n" * 999, ["hello.txt"], id="begins a thousand times"),
        pytest.param(b"begin 644 x\n" * 1000 + UUENCODED, "begin 644 x\n" * 1000 + UUENCODED.decode(), [], id="and once more"),
    ],
)
def test_a_uuencoded_file_in_a_text_is_attached(text: bytes, shown: str, names: list[str]) -> None:
    content = read(b"Content-Type: text/plain\n\n" + text)
    assert (content.text, [leaf.name for leaf in content.leaves]) == (shown, names)
    assert {leaf.content for leaf in content.leaves} <= {b"hello, world\n"}
