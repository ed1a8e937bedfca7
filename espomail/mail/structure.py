"""The parts of a mail: MIME structure found by searching for boundaries, not line by line (RFC 2045, 2046). Pure; never fails.

Faster than a line-by-line parser by about the ratio of lines to parts; the tests hold it equal to the standard library's parser over
the corpus.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from espomail.mail import charsets
from espomail.mail.headers import Header, base64_bytes, parameters, split_header, text_of

DEPTH_MAX = 50
PARTS_MAX = 2000
NAME_MAX = 255
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,120}")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\r\n]{1,300}\r?\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Part:
    """One part: type, parameters, decoded header fields, transfer-decoded content, and the parts inside it.

    `content_type` is lower case, `text/plain` when missing or unreadable. `content` of a leaf is its decoded body, of
    message/rfc822 the embedded mail, of a multipart empty. `parts` are the children of a multipart, or (root,) of an embedded mail.
    """

    content_type: str
    params: Mapping[str, str]
    headers: tuple[tuple[str, str], ...]
    disposition: str
    name: str
    content_id: str | None
    content: bytes
    parts: tuple[Part, ...]
    charset: str | None = None

    def text(self) -> str:
        """The content as text, by its declared charset, or for HTML by the one its head names."""
        return self.decoded()[0]

    def decoded(self) -> tuple[str, bool]:
        """The content as text, and whether something in it had to be replaced."""
        declared = self.charset or (charsets.html_charset(self.content) if self.content_type == "text/html" else None)
        return charsets.decode(self.content, declared)


@dataclass(frozen=True, slots=True)
class Structure:
    """The parts of a mail with its raw header; `is_partial` when a cap cut something or something was broken."""

    root: Part
    header: Header
    is_partial: bool


@dataclass(slots=True)
class _Walk:
    """What is counted while the parts are found."""

    parts: int = 0
    is_partial: bool = False


def split(raw: bytes) -> Structure:
    """Given the bytes of a mail, return its parts."""
    content = with_line_feeds(raw)
    walk = _Walk()
    header, start = split_header(content, after_mbox_line(content))
    root = _part(content, header, start, len(content), walk, 0, "text/plain")
    return Structure(root, header, walk.is_partial or header.is_capped)


def with_line_feeds(raw: bytes) -> bytes:
    """A mail whose lines end in CR alone gets line feeds; anything else stays as it is."""
    return raw.replace(b"\r", b"\n") if b"\n" not in raw and b"\r" in raw else raw


def after_mbox_line(content: bytes) -> int:
    """Blank lines and an mbox `From ` line may stand before the header."""
    start = len(content) - len(content.lstrip(b"\r\n")) if content[:2] in (b"\r\n", b"\n\n") or content[:1] == b"\n" else 0
    if content.startswith((b"From ", b">From "), start):
        return content.find(b"\n", start) + 1 or len(content)
    return start


def _part(content: bytes, header: Header, start: int, end: int, walk: _Walk, depth: int, default: str) -> Part:
    walk.parts += 1
    kind, params = parameters(header.first("content-type") or "")
    if not _TYPE.fullmatch(kind):
        kind = default if not kind or "/" not in kind else "text/plain"
    disposition, more = parameters(header.first("content-disposition") or "")
    name = (more.get("filename") or params.get("name") or "")[:NAME_MAX]
    too_deep = depth >= DEPTH_MAX or walk.parts > PARTS_MAX
    walk.is_partial = walk.is_partial or (too_deep and kind.startswith(("multipart/", "message/rfc822")))
    children: tuple[Part, ...] = ()
    body = b""
    encoding = (header.first("content-transfer-encoding") or "").split(";")[0].strip().lower()
    boundary = params.get("boundary", "")
    if kind.startswith("multipart/") and boundary and not too_deep:
        children = _children(content, start, end, boundary, walk, depth, kind)
        if not children and content[start:end].strip():
            kind, body = "text/plain", _decoded(content[start:end], encoding, walk)
    elif kind in ("message/rfc822", "message/global") and not too_deep:
        kind, body = "message/rfc822", _decoded(content[start:end], encoding, walk)
        inner, inner_start = split_header(body, after_mbox_line(body))
        children = (_part(body, inner, inner_start, len(body), walk, depth + 1, "text/plain"),)
    else:
        body = _decoded(content[start:end], encoding, walk)
        kind = "text/plain" if kind.startswith("multipart/") else kind
    content_id = (header.first("content-id") or "").strip().strip("<>").strip() or None
    headers = tuple((field, text_of(value)) for field, value in header.fields)
    disposition = disposition if disposition in ("inline", "attachment") else "attachment" if disposition else ""
    return Part(kind, params, headers, disposition, name, content_id, body, children, params.get("charset"))


def _children(content: bytes, start: int, end: int, boundary: str, walk: _Walk, depth: int, kind: str) -> tuple[Part, ...]:
    """The parts between the delimiter lines; a missing last delimiter ends the last part at the end."""
    delimiter = b"--" + boundary.encode("utf-8", "ignore")
    default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    found: list[Part] = []
    opened = -1
    position = _find_delimiter(content, delimiter, start, end, at_start=True)
    while position >= 0 and walk.parts <= PARTS_MAX:
        if opened >= 0:
            found.append(_child(content, opened, _before_line_end(content, opened, position), walk, depth, default))
        after = position + len(delimiter)
        if content.startswith(b"--", after):
            return tuple(found)
        line_end = content.find(b"\n", after, end)
        opened = end if line_end < 0 else line_end + 1
        position = _find_delimiter(content, delimiter, opened, end, at_start=True)
    if opened >= 0 and opened < end and walk.parts <= PARTS_MAX:
        found.append(_child(content, opened, end, walk, depth, default))
    walk.is_partial = walk.is_partial or walk.parts > PARTS_MAX
    return tuple(found)


def _child(content: bytes, start: int, end: int, walk: _Walk, depth: int, default: str) -> Part:
    header, body = split_header(content, start, end)
    return _part(content, header, body, end, walk, depth + 1, default)


def _find_delimiter(content: bytes, delimiter: bytes, start: int, end: int, *, at_start: bool) -> int:
    """Where the next delimiter line begins: at the start of a line, followed by nothing but `--` or white space."""
    position = start
    while True:
        position = content.find(delimiter, position, end)
        if position < 0:
            return -1
        after = position + len(delimiter)
        begins_line = (position == start and at_start) or content[position - 1 : position] == b"\n"
        tail = content[after : after + 2]
        if begins_line and (tail == b"--" or not tail or tail[:1] in b" \t\r\n"):
            return position
        position = after


def _before_line_end(content: bytes, start: int, position: int) -> int:
    """The line end before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1)."""
    if position > start and content[position - 1 : position] == b"\n":
        position -= 1
        if position > start and content[position - 1 : position] == b"\r":
            position -= 1
    return position


def _decoded(body: bytes, encoding: str, walk: _Walk) -> bytes:
    match encoding:
        case "base64":
            return base64_bytes(body)
        case "quoted-printable":
            return binascii.a2b_qp(body)
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            return _uudecoded(body, walk)
        case _:
            return body


def _uudecoded(body: bytes, walk: _Walk) -> bytes:
    begin = _UU_BEGIN.search(body)
    if begin is None:
        walk.is_partial = True
        return body
    out = []
    for line in body[begin.end() :].split(b"\n"):
        if line.strip() in (b"end", b"`"):
            break
        try:
            out.append(binascii.a2b_uu(line.rstrip(b"\r")))
        except binascii.Error:
            walk.is_partial = True
            count = ((line[0] - 32) & 63) * 4 // 3 + 1 if line else 0
            try:
                out.append(binascii.a2b_uu(line[:count]))
            except binascii.Error:
                continue
    return b"".join(out)
