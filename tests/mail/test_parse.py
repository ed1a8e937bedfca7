"""A whole mail: what its values are when the usual and the unusual meet."""

from __future__ import annotations

import struct

import pytest

from espomail.mail.headers import FIELD_MAX, HEADER_MAX
from espomail.mail.parse import attachment_content, parse, parse_head
from espomail.mail.structure import DEPTH_MAX, NAME_BYTES_MAX, PARTS_MAX, split
from espomail.model import Address


def test_the_sender_is_from_else_sender_else_nobody() -> None:
    assert parse_head(b"From: a@example.org\nSender: b@example.org\n\n").sender == Address("", "a@example.org")
    assert parse_head(b"Sender: b@example.org\n\n").sender == Address("", "b@example.org")
    assert parse_head(b"Subject: x\n\n").sender is None


def test_everybody_it_was_delivered_to_is_known_once_and_in_order() -> None:
    raw = b"Delivered-To: d@x.org\nX-Original-To: o@x.org\nCc: C <c@x.org>, t@x.org\nTo: t@x.org\nBcc: b@x.org\n\n"
    assert parse_head(raw).delivered_to == ("t@x.org", "c@x.org", "d@x.org", "o@x.org")


def test_of_a_field_that_stands_twice_the_first_counts_and_recipients_are_added() -> None:
    head = parse_head(b"Subject: one\nSubject: two\nTo: a@x.org\nTo: b@x.org\nMessage-ID: <1@x>\nMessage-ID: <2@x>\n\n")
    assert (head.subject, [box.address for box in head.to], head.message_id) == ("one", ["a@x.org", "b@x.org"], "1@x")


def test_a_subject_is_one_line_whatever_an_encoded_word_holds() -> None:
    assert parse_head(b"Subject: =?utf-8?q?a=0D=0ABcc:_x=00=1B[2J?=\n\n").subject == "a Bcc: x [2J"


@pytest.mark.parametrize(
    ("field", "verdict"),
    [
        (b"mx.team.example; dmarc=pass; spf=fail", "pass"),
        (b"mx.team.example; dmarc=fail; dkim=pass", "fail"),
        (b"MX.team.example 1; dkim=pass", "pass"),
        (b"mx.team.example; spf=softfail", "none"),
        (b"mx.team.example; spf=fail", "fail"),
        (b"mx.team.example; none", "none"),
        (b"mx.other.example; dmarc=pass", "none"),
    ],
)
def test_only_our_own_server_can_vouch_for_a_sender(field: bytes, verdict: str) -> None:
    raw = b"Authentication-Results: " + field + b"\nAuthentication-Results: mx.other.example; dmarc=pass\n\n"
    assert parse_head(raw, trusted_authserv_id="mx.team.example").sender_auth == verdict
    assert parse_head(raw).sender_auth == "none"


def test_a_server_s_verdict_is_the_topmost_one_that_carries_its_name() -> None:
    raw = b"Authentication-Results: mx.team.example; dmarc=fail\nAuthentication-Results: mx.team.example; dmarc=pass\n\n"
    assert parse_head(raw, trusted_authserv_id="mx.team.example").sender_auth == "fail"


def test_a_mail_with_carriage_returns_only_and_an_mbox_line_reads_as_usual() -> None:
    mail = parse(b"From ann Mon Mar  2 09:00:00 2026\rFrom: a@x.org\rSubject: hi\r\rline one\rline two\r")
    assert (mail.subject, mail.text.split("\n")[:2]) == ("hi", ["line one", "line two"])


def test_a_missing_blank_line_loses_nothing() -> None:
    mail = parse(b"From: a@x.org\nSubject: hi\nDear team, it is broken.\nRegards\n")
    assert (mail.subject, mail.text) == ("hi", "Dear team, it is broken.\nRegards\n")


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        (b"Content-Type: text/plain; charset=iso-8859-1", b"5 \x80", "5 €"),
        (b"Content-Type: text/plain; charset=us-ascii", "grün".encode(), "grün"),
        (b"Content-Type: text/plain; charset=utf-8", b"gr\xfcn and much more text", "gr\ufffdn and much more text"),
        (b"Content-Type: text/plain; charset=gb2312", "镕".encode("gb18030"), "镕"),
        (b"Content-Type: text/plain; charset=no-such", "grün".encode(), "grün"),
        (b"Content-Type: text/plain", b"gr\xfcn", "grün"),
        (b"Content-Type: text/plain", b"n\x00u\x00l", "nul"),
        (b"Content-Type: text/plain; charset=iso-8859-1", b"n\x00u\x00l \xfc", "nul ü"),
        (b"Content-Type: text/plain; charset=utf-16", "grün".encode("utf-16"), "grün"),
        (b"Content-Type: text/plain; charset=utf-8", b"\xef\xbb\xbfmarked", "marked"),
        (b"Content-Type: nonsense", b"text", "text"),
        (b"Content-Type: multipart/mixed", b"text", "text"),
        (b"Content-Type: multipart/mixed; boundary=b", b"text", "text"),
        (b"Content-Type: text/plain\nContent-Transfer-Encoding: base64", b"This is plain text.", "This is plain text."),
        (b"Content-Type: text/plain\nContent-Transfer-Encoding: Quoted-Printable;", b"gr=C3=BCn =\nland =ZZ", "grün land =ZZ"),
        (b"Content-Type: text/html", b"<meta charset=koi8-r><p>\xf0\xf2\xe9", "ПРИ"),
        (b"Content-Type: text/plain; format=flowed; delsp=yes", b"one \ntwo", "onetwo"),
    ],
)
def test_a_body_reads_in_the_charset_it_is_really_in(head: bytes, body: bytes, text: str) -> None:
    assert parse(head + b"\n\n" + body).text == text


def test_uuencode_is_undone_and_what_is_broken_in_it_is_flagged() -> None:
    head = b'Content-Type: application/pdf; name="x.pdf"\nContent-Transfer-Encoding: x-uuencode\n\n'
    whole = head + b"begin 644 x.pdf\n%:&5L;&\\\n`\nend\n"
    assert (attachment_content(whole, 0), parse(whole).is_partial) == (b"hello", False)
    assert parse(head + b"no beginning").is_partial


def test_an_embedded_mail_is_an_attachment_whose_parts_can_be_read() -> None:
    raw = b"Content-Type: message/rfc822\nContent-Disposition: attachment; filename=old.eml\n\nSubject: inside\n\ntext"
    mail = parse(raw)
    assert [(a.name, a.content_type, a.size_bytes) for a in mail.attachments] == [("old.eml", "message/rfc822", 21)]
    assert split(raw).root.parts[0].headers == (("subject", "inside"),)
    assert attachment_content(raw, 0) == b"Subject: inside\n\ntext"


def _tnef_attribute(level: int, kind: int, content: bytes) -> bytes:
    return struct.pack("<BII", level, kind, len(content)) + content + struct.pack("<H", sum(content) & 0xFFFF)


def test_what_outlook_packed_is_unpacked_and_junk_stays_a_packet() -> None:
    packet = struct.pack("<IH", 0x223E9F78, 1) + _tnef_attribute(1, 0x00089006, struct.pack("<I", 0x00010000))
    packet += _tnef_attribute(2, 0x00069002, b"\0" * 14) + _tnef_attribute(2, 0x00018010, b"offer.txt\0")
    packet += _tnef_attribute(2, 0x0006800F, b"two for one")
    head = b"Content-Type: application/ms-tnef; name=winmail.dat\n\n"
    raw = head + packet
    assert [(a.name, a.size_bytes) for a in parse(raw).attachments] == [("offer.txt", 11)]
    assert attachment_content(raw, 0) == b"two for one"
    assert [(a.name, a.size_bytes) for a in parse(head + packet[:4] + b"junk").attachments] == [("winmail.dat", 8)]


def test_the_caps_are_the_agreed_ones() -> None:
    assert (DEPTH_MAX, PARTS_MAX, NAME_BYTES_MAX, FIELD_MAX, HEADER_MAX) == (50, 2000, 255, 64 * 1024, 256 * 1024)


def test_depth_parts_names_and_addresses_are_capped_and_flagged() -> None:
    deep = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(DEPTH_MAX + 5))
    many = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * (PARTS_MAX + 5)
    named = b"Content-Type: a/b; name=" + b"x" * 400 + b".pdf\n\nx"
    addressed = b"To: " + b"a@x.org," * 1500 + b"\n\nx"
    for raw in (deep, many, named, addressed):
        assert parse(raw).is_partial
    assert len(split(many).root.parts) <= PARTS_MAX
    assert parse(named).attachments[0].name == "x" * (NAME_BYTES_MAX - 4) + ".pdf"
    assert len(parse(addressed).to) == 1000


def test_an_attachment_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        attachment_content(b"Subject: x\n\ntext", 0)


def test_nothing_at_all_is_a_mail_too() -> None:
    mail = parse(b"")
    assert (mail.subject, mail.sender, mail.text, mail.html, mail.attachments, mail.size_bytes) == ("", None, "", None, (), 0)
    assert mail.message_id.endswith("@derived.espomail.invalid")
