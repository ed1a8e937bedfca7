"""Transfer encodings undone (RFC 2045 section 6; uuencode as mailers of the nineties label it). Pure; never fails."""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from espomail.mail.headers import base64_bytes, text_of

BROKEN_LINES_MAX = 1000
INLINE_FILES_MAX = 500
INLINE_STARTS_MAX = 1000

_UU_BEGIN = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} [^\r\n]{1,300}\r?\n", re.MULTILINE)
_NO_BASE64 = re.compile(
    rb"\s*+(?!(?:[A-Za-z0-9+/]{4}){0,20}+[A-Za-z0-9+/]{2}[A-Za-z0-9+/=]=[ \t])[^\s]{1,80}[ \t]{1,9}[^\s]"
    rb"|\s*+[A-Za-z0-9+/=]{0,80}[^\sA-Za-z0-9+/=]{2}"
)
_LABEL_END = re.compile("[;(]")
_UU_FILE = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,300}?)[ \t]*\r?\n", re.MULTILINE)
_UU_BYTES_MAX = 45
_UU_CHARS_MAX = 100
_UU_LABELS = ("x-uuencode", "uuencode", "x-uue", "uue")


class InlineFile(NamedTuple):
    """A file that stands uuencoded in a text."""

    name: bytes
    content: bytes


def decoded(content: bytes, start: int, end: int, label: str) -> tuple[bytes, bool]:
    """Given a stretch of a mail and its Content-Transfer-Encoding, return the bytes it stands for and whether some were lost.

    What carries no encoding that we know stays as it is, and so does plain text that is labelled base64.
    """
    word = _word(label[:200])
    if word == "base64":
        if _NO_BASE64.match(content, start, end):
            return content[start:end], True
        return base64_bytes(memoryview(content)[start:end]), False
    if word == "quoted-printable":
        return binascii.a2b_qp(memoryview(content)[start:end]), False
    body = content[start:end]
    return _uudecoded(body) if word in _UU_LABELS else (body, False)


@lru_cache(maxsize=256)
def _word(label: str) -> str:
    return _LABEL_END.split(text_of(label), 1)[0].strip(" \t\"'").lower()


def _uudecoded(body: bytes) -> tuple[bytes, bool]:
    begin = _UU_BEGIN.search(body)
    if begin is None:
        return body, True
    found: list[bytes] = []
    broken = 0
    for line in body[begin.end() :].split(b"\n"):
        bare = line.rstrip(b"\r")
        if bare.strip() in (b"end", b"`"):
            return b"".join(found), broken > 0
        piece = _uu_line(bare)
        broken += piece is None
        if broken > BROKEN_LINES_MAX:
            break
        found.append(piece or b"")
    return b"".join(found), True


def _uu_line(line: bytes) -> bytes | None:
    """One line; some encoders leave characters behind its end, which its first character tells."""
    if not line.strip(b" `"):
        return b""
    length = (((line[0] - 32) & 63) * 4 + 5) // 3
    for piece in (line, line[:length]):
        try:
            return binascii.a2b_uu(piece)
        except binascii.Error:
            continue
    return None


def without_inline_files(text: bytes) -> tuple[bytes, Sequence[InlineFile]]:
    """Given a text, return it without the uuencoded files in it, and these, at most 500.

    Only what is whole, from `begin` to `end`, is one; the rest stays text, and all that follows a thousand starts.
    """
    if b"begin " not in text:
        return text, ()
    kept: list[bytes] = []
    files: list[InlineFile] = []
    position = start = 0
    for _ in range(INLINE_STARTS_MAX):
        begin = _UU_FILE.search(text, position)
        if begin is None or len(files) == INLINE_FILES_MAX:
            break
        content, position = _uu_lines(text, begin.end())
        if content is not None:
            kept.append(text[start : begin.start()])
            files.append(InlineFile(begin[1], content))
            start = position
    return b"".join([*kept, text[start:]]), files


def _uu_lines(text: bytes, position: int) -> tuple[bytes | None, int]:
    """What the lines up to `end` stand for, None when one of them is no such line; and where reading goes on."""
    found: list[bytes] = []
    while position < len(text):
        stop = text.find(b"\n", position)
        stop = len(text) if stop < 0 else stop
        line = text[position : min(stop, position + 200)].rstrip(b"\r\n")
        if line.rstrip() == b"end" and found:
            return b"".join(found), min(stop + 1, len(text))
        is_short = len(line) <= _UU_CHARS_MAX and ((line[:1] or b" ")[0] - 32) & 63 <= _UU_BYTES_MAX
        piece = _uu_line(line) if is_short else None
        if piece is None:
            return None, position
        found.append(piece)
        position = stop + 1
    return None, len(text)
