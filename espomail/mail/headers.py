"""Header fields: from raw lines to decoded values (RFC 5322, 2047). Pure; never fails."""

from __future__ import annotations

import binascii
import re
from functools import lru_cache
from typing import NamedTuple

from espomail.mail import charsets

FIELD_MAX = 64 * 1024
HEADER_MAX = 256 * 1024
FIELDS_MAX = 1000
LINE_MAX = FIELD_MAX + 1000
USUAL_CHARS_MAX = 200

_NAME = re.compile(rb"[!-9;-~]{1,200}[ \t]{0,8}:")
_FIELD = re.compile(r"^([!-9;-~]{1,200})[ \t]{0,8}:([^\n]*+)", re.MULTILINE)
_KNOWN = re.compile(
    rb"(From|To|Cc|Subject|Date|Message-ID|In-Reply-To|References|Reply-To|MIME-Version|Content-(?:Type|Transfer-Encoding))[ \t]{0,8}:",
    re.IGNORECASE,
)
_UNFOLDED = re.compile(rb"\n(?![ \t])")
_BLANK = re.compile(rb"\n\r?\n")
_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?((?:[^?=\r\n]|\?(?!=)|=(?!\?[^?\s]{1,80}\?[bBqQ]\?))*+)\?=")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
_SHORT_WORD = 76


class Header(NamedTuple):
    """The fields of a header in order: lower-case name and undecoded value; `is_capped` when something was too long."""

    fields: tuple[tuple[str, str], ...]
    is_capped: bool

    def decoded(self) -> tuple[tuple[str, str], ...]:
        """The fields as a person reads them (`text_of`)."""
        return tuple([(name, text_of(value) if _is_coded(value) else value) for name, value in self.fields])


def split_header(raw: bytes, start: int = 0, end: int | None = None) -> tuple[Header, int]:
    """Given a mail or part, return its header and where its body starts.

    A line that is no field ends the header, as if a blank line were missing there, unless one of the usual fields comes next that
    was not there yet. A field is cut at 64 KB, a header at 256 KB and 1,000 fields.
    """
    end = len(raw) if end is None else end
    return _split_plain(raw, start, end) or _split_by_line(raw, start, end)


def _split_plain(raw: bytes, start: int, end: int) -> tuple[Header, int] | None:
    """The header at once, when it is short, ASCII and has nothing but fields in it; None otherwise."""
    blank = _BLANK.search(raw, start, min(end, start + FIELD_MAX))
    if blank is None:
        return None
    block = raw[start : blank.start()].replace(b"\r\n", b"\n").rstrip(b"\r")
    if not block.isascii() or b"\r" in block or b"\x1b" in block:
        return None
    text = block.decode("ascii").replace("\n ", " ").replace("\n\t", "\t")
    fields = _FIELD.findall(text)
    if len(fields) != 1 + text.count("\n") or len(fields) > FIELDS_MAX:
        return None
    return Header(tuple([(name.lower(), value.strip()) for name, value in fields]), False), blank.end()


class _Lines:
    """The fields read so far, line by line."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.values: list[list[str]] = []
        self.size = 0
        self.field_size = 0
        self.is_capped = False
        self.is_over = False

    @property
    def is_full(self) -> bool:
        """Whether nothing more is kept, so that only the end of the header is of interest."""
        return self.is_over or self.size >= HEADER_MAX

    def open(self, name: bytes, rest: bytes) -> None:
        self.field_size = 0
        if len(self.names) >= FIELDS_MAX:
            self.is_capped = self.is_over = True
            return
        self.names.append(name[:-1].strip().decode("ascii").lower())
        self.values.append([])
        self.go_on(rest)

    def go_on(self, line: bytes) -> None:
        """Add a line to the field that is open; what is over a cap is left out."""
        if not self.values:
            return
        room = min(FIELD_MAX - self.field_size, HEADER_MAX - self.size)
        if len(line) > room:
            self.is_capped = True
        if room > 0:
            self.values[-1].append(_raw_text(line[:room]))
        self.field_size += len(line)
        self.size += min(len(line), max(room, 0)) + 1

    def misses(self, field: re.Match[bytes] | None) -> bool:
        """Whether a header is under way that has no such field yet."""
        return bool(self.names) and field is not None and field[1].decode("ascii").lower() not in self.names

    def header(self) -> Header:
        self.is_capped = self.is_capped or self.is_full
        joined = ("\n".join(lines).strip() for lines in self.values)
        return Header(tuple(zip(self.names, joined, strict=True)), self.is_capped)


def _split_by_line(raw: bytes, start: int, end: int) -> tuple[Header, int]:
    """The header of whatever is there, one line after the other."""
    lines = _Lines()
    position = start
    while position < end:
        if lines.is_full:
            blank = _BLANK.search(raw, max(position - 1, start), end)
            return lines.header(), blank.end() if blank else end
        stop = raw.find(b"\n", position, end)
        next_line = end if stop < 0 else stop + 1
        line = raw[position : min(next_line, position + LINE_MAX)].rstrip(b"\r\n")
        name = _NAME.match(line)
        if not line:
            return lines.header(), next_line
        if line[:1] in b" \t":
            lines.go_on(line)
            if lines.field_size >= FIELD_MAX:
                unfolded = _UNFOLDED.search(raw, next_line - 1, end)
                lines.is_capped = lines.is_capped or unfolded is None or unfolded.end() > next_line
                next_line = unfolded.end() if unfolded else end
        elif name is not None:
            lines.open(name[0], line[name.end() :])
        elif lines.misses(_KNOWN.match(raw, next_line, end)):
            pass  # a line astray, as of a program that broke its own header
        elif lines.names or not line.startswith((b"From ", b">From ")):
            return lines.header(), position
        position = next_line
    return lines.header(), position


def _raw_text(line: bytes) -> str:
    """8-bit header text has no declared charset: UTF-8 when it is that (RFC 6532), else cp1252; ISO-2022 shows by its escapes."""
    return line.decode("ascii") if line.isascii() and b"\x1b" not in line else charsets.decode(line, None)[0]


def unfold(value: str) -> str:
    """The value on one line (RFC 5322 section 2.2.3)."""
    return value.replace("\r", "").replace("\n", "") if "\n" in value else value


def decode_words(value: str) -> str:
    """Given an unfolded value, return it with its encoded words (RFC 2047) decoded.

    White space between two of them goes; words of one charset are joined as bytes first, since senders split inside characters.
    """
    if "=?" not in value:
        return charsets.clean(value)
    return _usual_words(value) if len(value) <= USUAL_CHARS_MAX else _decode_words(value)


@lru_cache(maxsize=1024)
def _usual_words(value: str) -> str:
    """The same of a short value, remembered: a mail is asked for its subject and names more than once, and so are its answers."""
    return _decode_words(value)


def _decode_words(value: str) -> str:
    out: list[str] = []
    charset, content, position = "", b"", 0
    for match in _WORD.finditer(value):
        between = value[position : match.start()]
        word_charset = match[1].partition("*")[0].lower()
        is_separate = bool(between.strip()) or position == 0
        if content and (is_separate or word_charset != charset):
            out.append(charsets.decode(content, charset)[0])
            content = b""
        if is_separate:
            out.append(between)
        charset = word_charset
        content += _word_bytes(match[2], match[3], word_charset)
        position = match.end()
    out += [charsets.decode(content, charset)[0], value[position:]]
    return charsets.clean("".join(out))


def _word_bytes(encoding: str, text: str, charset: str) -> bytes:
    """The bytes of a word; signs that stand in it undisguised were of its charset before the header was read."""
    if encoding in "qQ":
        codec = "ascii" if text.isascii() else charsets.lookup(charset) or "utf-8"
        return binascii.a2b_qp(text.encode(codec, "replace"), header=True)
    return base64_bytes(text.encode("ascii", "ignore"))


def base64_bytes(content: bytes | memoryview) -> bytes:
    """Base64, however damaged: what is no alphabet is passed over, a broken end is cut; a word of impossible length is text."""
    try:
        return binascii.a2b_base64(content)
    except binascii.Error:
        alphabet = bytes(content).translate(None, _NOT_BASE64)
        left = len(alphabet) % 4
        if left == 1 and len(alphabet) < _SHORT_WORD:
            return bytes(content)
        if left == 1:
            return binascii.a2b_base64(memoryview(alphabet)[:-1])
        return binascii.a2b_base64(alphabet + b"=" * (-left % 4))


def _is_coded(value: str) -> bool:
    """Whether a stripped value is not yet what a person reads."""
    return "=?" in value or not value.isascii() or "\n" in value or "\x00" in value


def text_of(value: str | None) -> str:
    """A field as a person reads it: unfolded, decoded, without white space at its ends."""
    if not value:
        return ""
    flat = unfold(value)
    return decode_words(flat).strip() if "=?" in flat else charsets.clean(flat).strip()
