"""What tells a mail apart from others when nothing may be read of it: three lines of its head, as they stand."""

from __future__ import annotations

from typing import NamedTuple

HEAD_BYTES_MAX = 64 * 1024
CHARS_MAX = 200
FIELDS = (b"from", b"subject", b"date")


class Stub(NamedTuple):
    """The values of the fields, unfolded, not decoded, printable, at most 200 characters each; empty where there is none."""

    sender: str
    subject: str
    date: str


def stub(beginning: bytes) -> Stub:
    """Given the first bytes of a mail, return who it is from and what it is about, for a person to recognise it.

    It shares nothing with the reader of mails, which may be what such a mail kills: no expression, no decoding but UTF-8.
    """
    values: dict[bytes, list[bytes]] = {}
    name = b""
    for line in beginning[:HEAD_BYTES_MAX].splitlines():
        if not line:
            break
        if line[:1] not in (b" ", b"\t"):
            head, _, line = line.partition(b":")
            name = head.strip().lower()
        if name in FIELDS:
            values.setdefault(name, []).append(line.strip())
    return Stub(*(_text(values.get(field, [])) for field in FIELDS))


def _text(pieces: list[bytes]) -> str:
    text = b" ".join(pieces)[: 4 * CHARS_MAX].decode(errors="replace")[:CHARS_MAX]
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
