"""Made-up mails for measurements: the same ones for the same seed, of the kinds and sizes a support team gets."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Iterator
from random import Random

_WORDS = [
    "order",
    "invoice",
    "printer",
    "please",
    "Müller",
    "account",
    "broken",
    "would",
    "the",
    "a",
    "we",
    "not",
    "größer",
    "café",
]
_RECEIVED = (
    "Received: from relay{n}.example.net (relay{n}.example.net [192.0.2.{n}])\r\n\tby mx.team.example (Postfix) with ESMTPS id "
    "{n}F{n}C\r\n\tfor <support@team.example>; Mon, 02 Mar 2026 09:0{n}:00 +0100 (CET)\r\n"
)


def mails(count: int, *, seed: int = 1) -> Iterator[bytes]:
    """`count` mails of 30 kB on average: two in five plain, two in five with HTML, one in five with an attachment."""
    random = Random(seed)
    for number in range(count):
        yield _mail(random, number)


def _mail(random: Random, number: int) -> bytes:
    head = _head(random, number)
    match number % 5:
        case 0 | 2:
            return head + _leaf("text/plain", _text(random, random.randint(300, 8_000)))
        case 1 | 3:
            return head + _multipart("alternative", _bodies(random), number)
        case _:
            inside = _multipart("alternative", _bodies(random), number + 1_000_000)
            file = base64.encodebytes(random.randbytes(random.randint(30_000, 84_000))).replace(b"\n", b"\r\n")
            attached = (
                b'Content-Type: application/pdf; name="offer.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
                b'Content-Disposition: attachment; filename="offer.pdf"\r\n\r\n' + file
            )
            return head + _multipart("mixed", [inside, attached], number)


def _head(random: Random, number: int) -> bytes:
    lines = "".join(_RECEIVED.format(n=n) for n in range(1, random.randint(3, 7)))
    lines += (
        f"DKIM-Signature: v=1; a=rsa-sha256; d=customer{number % 400}.example; s=k1;\r\n\th=from:to:subject:date;\r\n"
        f"\tbh={random.randbytes(32).hex()};\r\n\tb={random.randbytes(120).hex()}\r\n"
        f"Return-Path: <person{number % 400}@customer{number % 400}.example>\r\n"
        f'From: "Person {number % 400}" <person{number % 400}@customer{number % 400}.example>\r\n'
        "To: Support <support@team.example>\r\nCc: =?utf-8?q?J=C3=BCrgen?= <sales@team.example>, other@team.example\r\n"
        f"Subject: =?utf-8?b?{base64.b64encode(_text(random, 40).encode()[:45]).decode()}?= {number}\r\n"
        f"Date: Mon, 02 Mar 2026 {number % 24:02}:{number % 60:02}:00 +0100\r\n"
        f"Message-ID: <{number}.{random.getrandbits(48):x}@customer.example>\r\n"
        "MIME-Version: 1.0\r\nX-Mailer: Example Mail 16.2\r\nContent-Language: de\r\n"
    )
    return lines.encode()


def _bodies(random: Random) -> list[bytes]:
    text = _text(random, random.randint(500, 6_000))
    rows = "".join(
        f'<tr><td style="font-family:Calibri,sans-serif;font-size:11pt">{line}</td></tr>\r\n' for line in text.split("\r\n")
    )
    html = f"<html><head><style>td {{ color: #333 }}</style></head><body><table>{rows}{rows}</table></body></html>"
    return [_leaf("text/plain", text), _leaf("text/html", html)]


def _text(random: Random, size: int) -> str:
    lines, made = [], 0
    while made < size:
        line = " ".join(random.choices(_WORDS, k=11))
        lines.append(line)
        made += len(line) + 2
    return "\r\n".join(lines)


def _leaf(kind: str, text: str) -> bytes:
    body = quopri.encodestring(text.replace("\r\n", "\n").encode()).replace(b"\n", b"\r\n")
    return f'Content-Type: {kind}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'.encode() + body


def _multipart(kind: str, parts: list[bytes], number: int) -> bytes:
    boundary = f"----=_Part_{number}_8f3a"
    head = f'Content-Type: multipart/{kind};\r\n\tboundary="{boundary}"\r\n\r\n'.encode()
    return head + b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
