"""The parts of a mail: MIME structure found by searching for boundaries, not line by line (RFC 2045, 2046). Pure; never fails.

Faster than a line-by-line parser by about the ratio of lines to parts; the tests hold it equal to the standard library's parser
over real and made-up mails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from espomail.mail import charsets
from espomail.mail.encodings import decoded
from espomail.mail.headers import Header, split_header, text_of
from espomail.mail.parameters import parameters

DEPTH_MAX = 50
PARTS_MAX = 2000
NAME_BYTES_MAX = 255
TEXT_BYTES_MAX = 8_000_000
EMBEDDED_BYTES_MAX = 300_000_000
LOOKALIKES_MAX = 200
SWEEPS_MAX = 2
GUESS_BYTES_MAX = 20_000

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,120}")
_TOKEN = re.compile(r"[^\s()<>@,;:\\\"/\[\]?=]+")
_BLANK_LINES = re.compile(rb"(?:\r?\n)++")
_EMBEDDED = ("message/rfc822", "message/global")
_LIKELY_DELIMITER = re.compile(
    rb"^--([^\r\n]{0,199}[^\s])[ \t]*\r?\nContent-(?:Type|Transfer-Encoding|Disposition|ID|Description)[ \t]*:",
    re.MULTILINE | re.I,
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part: type, parameters, decoded header fields, transfer-decoded content, and the parts inside it.

    `content_type` is lower case, `text/plain` when missing or unreadable. `content` of a leaf is its decoded body, of
    message/rfc822 the embedded mail, of a multipart empty. `parts` are the children of a multipart, or (root,) of an embedded
    mail.
    """

    content_type: str
    params: Mapping[str, str]
    headers: tuple[tuple[str, str], ...]
    disposition: str
    name: str
    content_id: str | None
    content: bytes
    parts: tuple[Part, ...]

    def text(self) -> str:
        """The content as text, by its declared charset, or for HTML by the one its head names."""
        return self.decoded()[0]

    def decoded(self) -> tuple[str, bool]:
        """The content as text, at most 8 MB of it, and whether something in it was cut or had to be replaced."""
        declared = self.params.get("charset")
        if self.content_type == "text/html" and not charsets.is_said(declared):
            declared = charsets.html_charset(self.content) or declared
        text, is_lossy = charsets.decode(self.content[:TEXT_BYTES_MAX], declared)
        return text, is_lossy or len(self.content) > TEXT_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Structure:
    """The parts of a mail with its raw header; `is_partial` when a cap cut something or something was broken."""

    root: Part
    header: Header
    is_partial: bool


@dataclass(slots=True)
class _Walk:
    """The mail that is taken apart, and what is counted on the way."""

    parts: int = 0
    embedded_bytes: int = 0
    sweep_bytes: int = 100_000
    is_partial: bool = False


def split(raw: bytes) -> Structure:
    """Given the bytes of a mail, return its parts."""
    content = with_line_feeds(raw)
    walk = _Walk()
    walk.sweep_bytes += SWEEPS_MAX * len(content)
    header, start = split_header(content, after_mbox_line(content))
    root = _part(_Stretch(content, start, len(content)), header, walk)
    return Structure(root, header, walk.is_partial or header.is_capped)


def with_line_feeds(raw: bytes) -> bytes:
    """A mail whose lines end in CR alone gets line feeds; anything else stays as it is."""
    return raw.replace(b"\r", b"\n") if b"\n" not in raw and b"\r" in raw else raw


def after_mbox_line(content: bytes) -> int:
    """A byte order mark, blank lines and an mbox `From ` line may stand before the header."""
    start = 3 if content.startswith(b"\xef\xbb\xbf") else 0
    blank = _BLANK_LINES.match(content, start)
    start = blank.end() if blank else start
    if content.startswith((b"From ", b">From "), start):
        return content.find(b"\n", start) + 1 or len(content)
    return start


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A body: from where to where in which bytes, how deep inside the mail, and what its type is when none is given."""

    content: bytes
    start: int
    end: int
    depth: int = 0
    default: str = "text/plain"

    def inside(self, start: int, end: int, default: str) -> _Stretch:
        return _Stretch(self.content, start, end, self.depth + 1, default)


def _part(body: _Stretch, header: Header, walk: _Walk) -> Part:
    walk.parts += 1
    named = {field: value for field, value in reversed(header.fields) if field.startswith("content-")}
    kind, params = _type_of(named.get("content-type", ""), body.default)
    disposition, more = parameters(named["content-disposition"]) if "content-disposition" in named else ("", {})
    encoding = named.get("content-transfer-encoding", "")
    kind, content, children = _opened(body, kind, params.get("boundary", ""), encoding, walk)
    return Part(
        content_type=kind,
        params=params,
        headers=header.decoded(),
        disposition=_disposition(disposition),
        name=_short_name(more.get("filename") or params.get("name") or "", walk),
        content_id=text_of(named.get("content-id")).strip("<> \t") or None,
        content=content,
        parts=children,
    )


def _type_of(value: str, default: str) -> tuple[str, Mapping[str, str]]:
    if not value:
        return default, {}
    kind, params = parameters(value)
    if _TYPE.fullmatch(kind):
        return ("message/rfc822" if kind in _EMBEDDED else kind), params
    return ("text/plain" if "/" in kind else default), params


def _disposition(word: str) -> str:
    """An unknown disposition means attachment (RFC 2183 section 2.8); one that is no word at all means nothing."""
    if word in ("", "inline", "attachment"):
        return word
    return "attachment" if _TOKEN.fullmatch(word) else ""


def _short_name(name: str, walk: _Walk) -> str:
    """The name in at most 255 bytes; its ending stays."""
    if len(name) * 4 <= NAME_BYTES_MAX or len(name.encode()) <= NAME_BYTES_MAX:
        return name
    walk.is_partial = True
    stem, dot, ending = name.rpartition(".")
    tail = (dot + ending).encode()[:40] if stem else b""
    return (name.encode()[: NAME_BYTES_MAX - len(tail)] + tail).decode("utf-8", "ignore")


def _opened(body: _Stretch, kind: str, boundary: str, encoding: str, walk: _Walk) -> tuple[str, bytes, tuple[Part, ...]]:
    """The type as it turns out, the decoded content of a leaf, and the parts inside."""
    is_multipart = kind.startswith("multipart/")
    if (is_multipart or kind == "message/rfc822") and (body.depth >= DEPTH_MAX or walk.parts > PARTS_MAX):
        walk.is_partial = True
        return "application/octet-stream", body.content[body.start : body.end], ()
    if is_multipart:
        children = _children_by_any_name(body, boundary, kind, walk)
        if children is not None or (boundary and not body.content[body.start : body.end].strip()):
            return kind, b"", children or ()
    content, is_broken = decoded(body.content, body.start, body.end, encoding)
    walk.is_partial = walk.is_partial or is_broken
    if kind == "message/rfc822":
        return kind, content, _embedded(content, body.depth, walk)
    return ("text/plain" if is_multipart else kind), content, ()


def _embedded(content: bytes, depth: int, walk: _Walk) -> tuple[Part, ...]:
    """The mail in a message/rfc822; mails in mails are copies in copies, so that there is an end to them."""
    walk.embedded_bytes += len(content)
    if walk.embedded_bytes > EMBEDDED_BYTES_MAX:
        walk.is_partial = True
        return ()
    header, start = split_header(content, after_mbox_line(content))
    return (_part(_Stretch(content, start, len(content), depth + 1), header, walk),)


def _children_by_any_name(body: _Stretch, boundary: str, kind: str, walk: _Walk) -> tuple[Part, ...] | None:
    """The parts by the boundary that the header names, else by the one that the body shows: gateways rewrite either alone."""
    children = _children(body, boundary, kind, walk) if boundary else None
    if children is None and boundary != boundary.rstrip():
        children = _children(body, boundary.rstrip(), kind, walk)
    if children is not None:
        return children
    shown = _LIKELY_DELIMITER.search(body.content, body.start, min(body.end, body.start + GUESS_BYTES_MAX))
    return _children(body, shown[1].decode("utf-8", "ignore"), kind, walk) if shown else None


def _children(body: _Stretch, boundary: str, kind: str, walk: _Walk) -> tuple[Part, ...] | None:
    """The parts between the delimiter lines, None without any such line; the last part ends at the end when nothing ends it."""
    content, end = body.content, body.end
    delimiter = b"--" + boundary.encode("utf-8", "ignore")
    default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    found: list[Part] = []
    opened = -1
    position = _find_delimiter(content, delimiter, body.start, end, walk)
    if position < 0:
        return None
    while position >= 0:
        if opened >= 0:
            found.append(_child(body.inside(opened, _before_line_end(content, opened, position), default), walk))
        after = position + len(delimiter)
        if content.startswith(b"--", after):
            return tuple(found)
        if walk.parts > PARTS_MAX:
            walk.is_partial = True
            return tuple(found)
        line_end = content.find(b"\n", after, end)
        opened = end if line_end < 0 else line_end + 1
        position = _find_delimiter(content, delimiter, opened, end, walk)
    if 0 <= opened < end:
        found.append(_child(body.inside(opened, end, default), walk))
    return tuple(found)


def _child(stretch: _Stretch, walk: _Walk) -> Part:
    header, start = split_header(stretch.content, stretch.start, stretch.end)
    body = _Stretch(stretch.content, start, stretch.end, stretch.depth, stretch.default)
    return _part(body, header, walk)


def _find_delimiter(content: bytes, delimiter: bytes, start: int, end: int, walk: _Walk) -> int:
    """Where the next delimiter line begins, -1 for nowhere: at the start of a line, with `--` or white space behind it."""
    position = start
    for _ in range(LOOKALIKES_MAX):
        position = content.find(delimiter, position, end)
        if position < 0:
            return -1
        after = position + len(delimiter)
        tail = content[after : min(after + 2, end)]
        begins_line = position == start or content[position - 1] == 10
        if begins_line and (tail == b"--" or not tail or tail[:1] in b" \t\r\n"):
            return position
        position = after
    return _find_among_lookalikes(content, delimiter, position, end, walk)


def _find_among_lookalikes(content: bytes, delimiter: bytes, start: int, end: int, walk: _Walk) -> int:
    """The same in one sweep; it is slower by the byte, so that a mail made for it is swept over a few times only."""
    if walk.sweep_bytes <= 0:
        walk.is_partial = True
        return -1
    line = re.compile(rb"(?<=\n)" + re.escape(delimiter) + rb"(?=--|[ \t\r\n]|\Z)").search(content, start, end)
    walk.sweep_bytes -= (line.start() if line else end) - start
    return line.start() if line else -1


def _before_line_end(content: bytes, start: int, position: int) -> int:
    """The line end before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1)."""
    if position > start and content[position - 1] == 10:
        position -= 1
        if position > start and content[position - 1] == 13:
            position -= 1
    return position
