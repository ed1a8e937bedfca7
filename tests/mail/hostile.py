"""Mails made to hurt a parser, each of any size: a name, and what makes its bytes of a number of repetitions."""

from __future__ import annotations

import base64
from collections.abc import Callable

Maker = Callable[[int], bytes]

_HEAD = (
    b"From: a@example.org\nTo: b@example.org\nSubject: s\nMessage-ID: <1@example.org>\nDate: Mon, 2 Mar 2026 09:00:00 +0000\n"
)


def _mail(*fields: bytes, body: bytes = b"text\n") -> bytes:
    return _HEAD + b"".join(field + b"\n" for field in fields) + b"\n" + body


def _field(name: str, piece: bytes, before: bytes = b"", after: bytes = b"") -> Maker:
    """A field of which a piece is repeated; it comes first, so that it is the one that counts."""

    def make(count: int) -> bytes:
        return name.encode() + b": " + before + piece * count + after + b"\n" + _mail()

    return make


def _body(kind: bytes, piece: bytes, before: bytes = b"", after: bytes = b"", encoding: bytes = b"8bit") -> Maker:
    def make(count: int) -> bytes:
        head = (b"Content-Type: " + kind, b"Content-Transfer-Encoding: " + encoding)
        return _mail(*head, body=before + piece * count + after)

    return make


def _nested_multiparts(count: int) -> bytes:
    pieces = [b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (depth, depth) for depth in range(count)]
    return _HEAD + b"".join(pieces) + b"Content-Type: text/plain\n\nat the bottom\n"


def _nested_mails(count: int) -> bytes:
    return b"Content-Type: message/rfc822\n\n" * count + b"Subject: at the bottom\n\ntext\n"


def _one_boundary(count: int) -> bytes:
    return _HEAD + b'Content-Type: multipart/mixed; boundary="x"\n\n--x\n' * count + b"\ntext\n"


def _parts(kind: bytes, part: bytes = b"\nx") -> Maker:
    def make(count: int) -> bytes:
        head = b'Content-Type: %s; boundary="x"' % kind
        return _mail(head, body=b"".join(b"--x\n" + part + b"\n" for _ in range(count)) + b"--x--\n")

    return make


def _nested_digest(count: int) -> bytes:
    pieces = [b'Content-Type: multipart/digest; boundary="%d"\n\n--%d\n\n' % (depth, depth) for depth in range(count)]
    return _HEAD + b"".join(pieces) + b"Subject: x\n\ntext\n"


def _many_fields(name: bytes) -> Maker:
    return lambda count: b"".join(name % number + b": x\n" for number in range(count)) + _mail()


def _base64(count: int) -> bytes:
    return _mail(
        b"Content-Type: application/octet-stream",
        b"Content-Transfer-Encoding: base64",
        body=base64.encodebytes(b"\x00\x01\xff" * count),
    )


def _recursive_base64(count: int) -> bytes:
    """Mails in mails, each encoded again, so that every level is a third larger."""
    inner = b"Subject: x\n\n" + b"y" * count
    for _ in range(8):
        inner = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(inner)
    return inner


def _report(count: int) -> bytes:
    fields = b"Final-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.1.1\n\n" * count
    part = b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n" + fields
    return b"Return-Path: <>\n" + _mail(b'Content-Type: multipart/report; boundary="x"', body=b"--x\n" + part + b"\n--x--\n")


def _bounce_text(count: int) -> bytes:
    lines = b"<a@example.org>: 550 5.1.1 user unknown\n" * count
    return b"Return-Path: <>\nFrom: MAILER-DAEMON\n" + _mail(body=b"could not be delivered\n" + lines)


HOSTILE: dict[str, Maker] = {
    # structure
    "nested multiparts": _nested_multiparts,
    "nested mails": _nested_mails,
    "nested digests": _nested_digest,
    "one boundary at every depth": _one_boundary,
    "many parts": _parts(b"multipart/mixed"),
    "many alternatives": _parts(b"multipart/alternative", b"Content-Type: text/html\n\n<p>x</p>"),
    "many mails as parts": _parts(b"multipart/digest", b"\nSubject: x\n\ny"),
    "many named parts": _parts(b"multipart/mixed", b"Content-Type: a/b; name=x\n\nx"),
    "many parts without an end to their header": _parts(b"multipart/mixed", b"A: b"),
    "many invitations": _parts(b"multipart/mixed", b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x"),
    "many almost boundaries": _body(b'multipart/mixed; boundary="x"', b"--xy\n", b"--x\n\n"),
    "boundaries in one line": _body(b'multipart/mixed; boundary="x"', b"--x "),
    "a boundary of a blank": _body(b'multipart/mixed; boundary=" "', b"-- \n"),
    "a boundary of hyphens": _body(b'multipart/mixed; boundary="--"', b"----\n-----\n"),
    "a long boundary": lambda count: _mail(
        b'Content-Type: multipart/mixed; boundary="%s"' % (b"x" * count), body=b"--x\n" * count
    ),
    "mails in base64 in mails": _recursive_base64,
    # headers
    "many fields": _many_fields(b"X-%d"),
    "many fields of one name": lambda count: b"Subject: x\n" * count + _mail(),
    "many To fields": lambda count: b"To: c@example.org\n" * count + _mail(),
    "a long line": _field("X-Long", b"x"),
    "a long folded line": _field("X-Long", b"x\n "),
    "a header of blanks": _field("Subject", b" "),
    "a header of tabs and folds": _field("Subject", b"\n\t"),
    "a header that never ends": lambda count: b"From: a@example.org\nX: " + b"x" * count,
    "8-bit everywhere": _field("Subject", b"\xe9\xff\x00\x80"),
    "NUL everywhere": _field("Subject", b"\x00"),
    "colons": _field("Subject", b":"),
    "no colon": lambda count: b"x" * count,
    "colons only": lambda count: b":\n" * count,
    "carriage returns only": lambda count: b"Subject: x\r" * count + b"\rtext\r",
    "blank lines only": lambda count: b"\n" * count,
    "blank lines before it": lambda count: b"\r\n" * count + _mail(),
    "mbox lines": lambda count: b"From x Mon Mar  2 09:00:00 2026\n" * count + _mail(),
    # addresses
    "many addresses": _field("To", b"a@example.org, "),
    "opening parentheses": _field("From", b"("),
    "parentheses in parentheses": lambda count: b"From: " + b"(" * count + b")" * count + b" a@example.org\n" + _mail(),
    "quotes": _field("From", b'"'),
    "quoted pairs": _field("From", b'"\\"'),
    "backslashes": _field("From", b"\\"),
    "angle brackets": _field("From", b"<"),
    "angle brackets and quotes": _field("From", b'<">'),
    "angle brackets in quotes": _field("From", b'<"" >"'),
    "closing angle brackets": _field("From", b">"),
    "square brackets": _field("From", b"["),
    "domain literals": _field("From", b"a@[1.2.3.4]"),
    "groups": _field("To", b"g:a@example.org;"),
    "colons behind an address": _field("To", b":", b"a@example.org"),
    "at signs": _field("From", b"@"),
    "dots": _field("From", b".", b"a@"),
    "labels": _field("From", b"a.", b"a@"),
    "routes": _field("From", b"@a,", b"<", b":b@example.org>"),
    "commas": _field("To", b","),
    "puny domains": _field("From", b"xn--", b"a@", b".example.org"),
    # encoded words and parameters
    "encoded words": _field("Subject", b"=?utf-8?q?=C3=A9?= "),
    "encoded words without an end": _field("Subject", b"=?utf-8?q?x "),
    "starts of encoded words": _field("Subject", b"=?"),
    "question marks": _field("Subject", b"?=", b"=?utf-8?q?"),
    "encoded words of unknown charsets": _field("Subject", b"=?x-%s?b?/w==?= "),
    "parameters": _field("Content-Type", b"; a=b", b"text/plain"),
    "numbered parameters": lambda count: (
        b"Content-Type: text/plain" + b"".join(b"; name*%d*=%%41" % number for number in range(count)) + b"\n" + _mail()
    ),
    "semicolons": _field("Content-Type", b";", b"text/plain"),
    "blanks between parameters": _field("Content-Type", b" ", b"text/plain;", b"a=b"),
    "quotes in parameters": _field("Content-Type", b'"\\', b'text/plain; a="'),
    "equal signs": _field("Content-Type", b"=", b"text/plain; a"),
    "a long name": _field("Content-Disposition", b"x", b"attachment; filename=", b".pdf"),
    "percent signs": _field("Content-Disposition", b"%", b"attachment; filename*=utf-8''"),
    # ids and dates
    "references": _field("References", b"<1@example.org> "),
    "ids without an end": _field("References", b"<a@"),
    "ids without brackets": _field("In-Reply-To", b"a"),
    "digits in a date": _field("Date", b"1"),
    "parentheses in a date": _field("Date", b"(", b"Mon, 2 Mar 2026 "),
    "results of authentication": _field("Authentication-Results", b"; dmarc=", b"mx.example"),
    # bodies
    "a large text": _body(b"text/plain; charset=utf-8", b"some words of text\n"),
    "one line of text": _body(b"text/plain", b"x"),
    "a large attachment": _base64,
    "broken base64": _body(b"application/pdf", b"QUJD\n=?", encoding=b"base64"),
    "one letter too many": _body(b"application/pdf", b"Q", encoding=b"base64"),
    "soft line breaks": _body(b"text/plain", b"=\n", encoding=b"quoted-printable"),
    "equal signs in quoted-printable": _body(b"text/plain", b"=", encoding=b"quoted-printable"),
    "uuencode without an end": _body(b"text/plain", b"M" + b"9" * 60 + b"\n", b"begin 644 x\n", encoding=b"x-uuencode"),
    "starts of uuencode": _body(b"text/plain", b"begin 644 x\n", encoding=b"x-uuencode"),
    "uuencoded files in a text": _body(b"text/plain", b"begin 644 x\n#86)C\n`\nend\n"),
    "uuencoded files that never end": _body(b"text/plain", b"begin 644 x\n#86)C\n"),
    "pages behind a text": _parts(b"multipart/mixed", b"Content-Type: text/html\n\n<p>x\n--x\n\ny"),
    "UTF-8 labelled otherwise": _body(b"text/plain; charset=gb2312", "ü".encode()),
    "utf-7": _body(b"text/plain; charset=utf-7", b"+AGE-+"),
    "utf-16": _body(b"text/plain; charset=utf-16", b"\xd8\x00"),
    "punycode": _body(b"text/plain; charset=punycode", b"a-"),
    "escapes": _body(b"text/plain; charset=unicode_escape", b"\\ud800"),
    "shifts of iso-2022": _body(b"text/plain; charset=iso-2022-jp", b"\x1b$B\x1b(B"),
    "circled numbers in iso-2022": _body(b"text/plain; charset=iso-2022-jp", b"\x1b$B-!\x1b(B"),
    "escapes without a charset": _body(b"text/plain", b"\x1b$B"),
    "not in its charset": _body(b"text/plain; charset=big5", b"\xff\xfe"),
    "flowed lines": _body(b"text/plain; format=flowed", b"> a \n"),
    "quote marks": _body(b"text/plain", b">"),
    "quoted lines": _body(b"text/plain", b"> > > x\n"),
    "lines like attributions": _body(b"text/plain", b"On Mon, x wrote:\n"),
    "nested HTML": _body(b"text/html", b"<div>"),
    "HTML comments": _body(b"text/html", b"<!--"),
    "HTML brackets": _body(b"text/html", b"<"),
    "HTML entities": _body(b"text/html", b"&#55296;&amp"),
    "HTML attributes": _body(b"text/html", b' a="', b"<p"),
    "HTML scripts": _body(b"text/html", b"<script>"),
    "HTML charsets": _body(b"text/html", b"<meta charset"),
    "a calendar of folds": _body(b"text/calendar", b"\n ", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:"),
    "a calendar of events": _body(b"text/calendar", b"BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\n", b"BEGIN:VCALENDAR\n"),
    "a winmail.dat of nothing": _body(b"application/ms-tnef", b"\x00", b"\x78\x9f\x3e\x22"),
    "a winmail.dat of levels": _body(
        b"application/ms-tnef", b"\x01\x05\x90\x06\x00\x00\x00\x00\x00", b"\x78\x9f\x3e\x22\x01\x00"
    ),
    "a report on many": _report,
    "a bounce in words": _bounce_text,
}


def repetitions(make: Maker, size: int) -> int:
    """How often to repeat so that a mail has about so many bytes."""
    per_piece = (len(make(200)) - len(make(100))) / 100
    return max(1, int(size / max(per_piece, 1)))
