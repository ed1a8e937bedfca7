"""Bytes to text, whatever the label says. Pure; never fails.

Labels are often wrong: latin-1 means cp1252 (WHATWG Encoding), gb2312 means gb18030, ks_c_5601 means cp949. The order is: the
declared charset, then UTF-8, then cp1252 with replacement.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

_ALIASES = {
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "iso_8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252",
    "us-ascii": "utf-8", "ascii": "utf-8", "ansi_x3.4-1968": "utf-8", "utf8mb4": "utf-8", "default": "utf-8",
    "x-unknown": "utf-8", "unknown-8bit": "utf-8", "unknown": "utf-8", "binary": "utf-8", "8bit": "utf-8", "7bit": "utf-8",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "hz-gb-2312": "hz",
    "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "euc-kr": "cp949", "x-windows-949": "cp949",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "iso-2022-jp": "iso-2022-jp-ext",
    "big5": "cp950", "x-big5": "cp950", "big5-hkscs": "big5hkscs",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "iso-8859-9": "cp1254", "iso-8859-11": "cp874",
    "windows-874": "cp874", "x-mac-roman": "mac-roman", "macintosh": "mac-roman", "cp-850": "cp850",
    "unicode-1-1-utf-7": "utf-7",
}  # fmt: skip
_REFUSED = frozenset(
    {"idna", "punycode", "unicode-escape", "unicode_escape", "raw-unicode-escape", "raw_unicode_escape", "undefined"}
)
_TEXTUAL = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,39}")
_META = re.compile(rb"<meta\b[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_BAD = re.compile("[\x00\ud800-\udfff]")


def decode(content: bytes, charset: str | None) -> tuple[str, bool]:
    """Given bytes and their declared charset, return the text and whether something in it had to be replaced."""
    codec = lookup(charset)
    for name in (codec, "utf-8") if codec not in (None, "utf-8") else ("utf-8",):
        try:
            text = content.decode(name or "utf-8").removeprefix("\ufeff")
        except (UnicodeError, LookupError, ValueError):
            continue
        return (text.replace("\x00", "") if name == "utf-8" else clean(text)), False
    is_unsaid = codec is None or (codec == "utf-8" and "utf" not in (charset or "").lower())
    is_readable = not is_unsaid and _is_mostly_readable(content, codec or "utf-8")
    text = content.decode(codec if codec and is_readable else "cp1252", "replace")
    return clean(text), "\ufffd" in text


@lru_cache(maxsize=256)
def lookup(charset: str | None) -> str | None:
    """The codec for a declared charset, None when there is none or it is no text codec that we know."""
    name = (charset or "").strip().strip("\"'").lower()
    name = _ALIASES.get(name, name)
    if not _TEXTUAL.fullmatch(name):
        return None
    try:
        codec = codecs.lookup(name)
        "".encode(name)
        b"".decode(name)
    except (LookupError, UnicodeError, ValueError, TypeError):
        return None
    return None if codec.name in _REFUSED else name


def html_charset(content: bytes) -> str | None:
    """The charset that the first kilobytes of an HTML document name for itself."""
    found = _META.search(content[:2048])
    return found[1].decode("ascii") if found else None


def clean(text: str) -> str:
    """The text without NUL and lone surrogates, which neither SQLite nor a terminal can take."""
    if text.isascii():
        return text.replace("\x00", "") if "\x00" in text else text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _BAD.sub("", text)
    return text.replace("\x00", "") if "\x00" in text else text


def _is_mostly_readable(content: bytes, codec: str) -> bool:
    text = content[:65536].decode(codec, "replace")
    return text.count("\ufffd") * 10 <= len(text)
