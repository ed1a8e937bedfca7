"""Header fields: from raw lines to decoded values and parameters (RFC 5322, 2047, 2231). Pure; never fails."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from espomail.mail import charsets

FIELD_MAX = 64 * 1024
HEADER_MAX = 256 * 1024

_NAME = re.compile(rb"[!-9;-~]{1,200}[ \t]{0,8}:")
_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?([^?\r\n]{0,20000})\?=")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_PARAM = re.compile(r';\s*([^\s=;"]{1,100})\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)', re.DOTALL)
_CONTINUED = re.compile(r"([^*]+)(?:\*(\d{1,4}))?(\*)?")


class Header(NamedTuple):
    """The fields of a header in order, raw: lower-case name and undecoded value; `is_capped` when something was too long."""

    fields: tuple[tuple[str, str], ...]
    is_capped: bool
    is_broken: bool

    def first(self, name: str) -> str | None:
        return next((value for field, value in self.fields if field == name), None)

    def all(self, name: str) -> list[str]:
        return [value for field, value in self.fields if field == name]


def split_header(raw: bytes, start: int = 0, end: int | None = None) -> tuple[Header, int]:
    """Given a mail or part, return its header and where its body starts.

    A line that is no field ends the header, as if a blank line were missing there.
    """
    end = len(raw) if end is None else end
    fields: list[tuple[str, list[str]]] = []
    position, size, capped, broken = start, 0, False, False
    while position < end:
        stop = raw.find(b"\n", position, end)
        next_line = end if stop < 0 else stop + 1
        line = raw[position : min(next_line, position + FIELD_MAX)].rstrip(b"\r\n")
        capped = capped or next_line - position > FIELD_MAX + 2
        if not line.strip(b"\r"):
            position = next_line
            break
        if line[:1] in b" \t":
            if fields and len(fields[-1][1]) < FIELD_MAX // 64 and size < HEADER_MAX:
                fields[-1][1].append(_raw_text(line))
            else:
                capped = capped or bool(fields)
        else:
            name = _NAME.match(line)
            if name is None:
                if not line.startswith((b"From ", b">From ")) or fields:
                    broken = True
                    break
            elif size < HEADER_MAX:
                key = name[0][:-1].strip().decode("ascii").lower()
                fields.append((key, [_raw_text(line[name.end() :])]))
            else:
                capped = True
        size += len(line)
        position = next_line
    joined = tuple((name, "\n".join(lines)[:FIELD_MAX].strip()) for name, lines in fields)
    return Header(joined, capped, broken), position


def _raw_text(line: bytes) -> str:
    """8-bit header text has no declared charset: UTF-8 when it is, else cp1252 (RFC 6532 says UTF-8)."""
    try:
        return line.decode("ascii")
    except UnicodeDecodeError:
        return charsets.decode(line, "utf-8")[0]


def unfold(value: str) -> str:
    """The value on one line (RFC 5322 section 2.2.3)."""
    return value.replace("\r", "").replace("\n", "") if "\n" in value else value


def decode_words(value: str) -> str:
    """Given an unfolded value, return it with its encoded words (RFC 2047) decoded.

    White space between two of them goes; words of one charset are joined as bytes first, since senders split inside characters.
    """
    if "=?" not in value:
        return charsets.clean(value)
    out: list[str] = []
    charset, content = "", b""
    position = 0
    for match in _WORD.finditer(value):
        between = value[position : match.start()]
        joins = match[1].partition("*")[0].lower() == charset and not between.strip()
        if content and not joins:
            out.append(charsets.decode(content, charset)[0])
            content = b""
        if between.strip() or position == 0:
            out.append(between)
        charset = match[1].partition("*")[0].lower()
        content += _word_bytes(match[2], match[3])
        position = match.end()
    out += [charsets.decode(content, charset)[0], value[position:]]
    return charsets.clean("".join(out))


def _word_bytes(encoding: str, text: str) -> bytes:
    if encoding in "qQ":
        return binascii.a2b_qp(text.replace("_", " ").encode("latin-1", "replace"), header=False)
    return base64_bytes(text.encode("ascii", "ignore"))


def base64_bytes(content: bytes) -> bytes:
    """Base64, however damaged: what is no alphabet is passed over, a broken end is cut."""
    try:
        return binascii.a2b_base64(content)
    except binascii.Error:
        alphabet = re.sub(rb"[^A-Za-z0-9+/]", b"", content)
        usable = alphabet[: len(alphabet) // 4 * 4]
        rest = alphabet[len(usable) :]
        if len(rest) > 1:
            usable += rest + b"=" * (4 - len(rest))
        return binascii.a2b_base64(usable)


def text_of(value: str | None) -> str:
    """A field as a person reads it: unfolded, decoded, on one line without control characters at the ends."""
    return decode_words(unfold(value)).strip() if value else ""


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Given `text/plain; charset="utf-8"`, return the part before the parameters and the parameters, decoded.

    RFC 2231 continuations and charsets, encoded words where they must not stand, missing quotes: all are read.
    """
    flat = unfold(value)
    head, _, rest = flat.partition(";")
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for count, match in enumerate(_PARAM.finditer(";" + rest)):
        if count > 500:
            break
        parsed = _CONTINUED.fullmatch(match[1].lower())
        if parsed is not None:
            pieces.setdefault(parsed[1], []).append((int(parsed[2] or 0), parsed[3] is not None, _unquote(match[2])))
    return head.strip().lower(), {name: _joined(parts) for name, parts in pieces.items()}


def _unquote(value: str) -> str:
    value = value.strip()
    if value.startswith('"'):
        value = value[1:-1] if value.endswith('"') and len(value) > 1 else value[1:]
        return re.sub(r"\\(.)", r"\1", value) if re.search(r'\\["\\]', value) else value
    return value


def _joined(parts: Sequence[tuple[int, bool, str]]) -> str:
    ordered = sorted(parts, key=lambda part: part[0])
    if not any(encoded for _, encoded, _ in ordered):
        numbered = [value for _, _, value in ordered]
        return decode_words("".join(numbered) if len({n for n, _, _ in ordered}) == len(ordered) else numbered[0])
    extended = [part for part in ordered if part[1]] if len({n for n, _, _ in ordered}) < len(ordered) else ordered
    first = extended[0][2]
    charset, _, rest = first.partition("'") if first.count("'") >= 2 else ("utf-8", "", first)
    values = [rest.partition("'")[2] if first.count("'") >= 2 else first, *(value for _, _, value in extended[1:])]
    return charsets.decode(b"".join(_extended_bytes(values, extended)), charset)[0]


def _extended_bytes(values: Iterable[str], parts: Sequence[tuple[int, bool, str]]) -> Iterable[bytes]:
    for value, (_, encoded, _) in zip(values, parts, strict=True):
        yield unquote_to_bytes(value) if encoded else value.encode("utf-8", "replace")
