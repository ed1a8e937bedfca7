"""Bytes to text, whatever the label says. Pure; never fails.

Labels are often wrong: latin-1 means cp1252 (WHATWG Encoding), gb2312 means gb18030, ks_c_5601 means cp949. The order is: the
declared charset, then UTF-8, then cp1252 with replacement.
"""

from __future__ import annotations

import codecs
import re

_ALIASES = {
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "us-ascii": "utf-8", "ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8", "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949", "euc-kr": "cp949", "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "cp-850": "cp850", "unicode-1-1-utf-7": "utf-7", "utf8mb4": "utf-8",
    "windows-874": "cp874", "x-mac-roman": "mac-roman", "macintosh": "mac-roman", "iso-8859-9": "cp1254", "iso-8859-11": "cp874",
    "iso-2022-jp": "iso-2022-jp-ext", "utf-16": "utf-16", "x-unknown": "utf-8", "unknown-8bit": "utf-8", "default": "utf-8",
}  # fmt: skip
_TEXTUAL = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,39}")
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_BAD = re.compile("[\x00\ud800-\udfff]")


def decode(content: bytes, charset: str | None) -> tuple[str, bool]:
    """Given bytes and their declared charset, return the text and whether something in it had to be replaced."""
    codec = lookup(charset)
    for name in dict.fromkeys((codec, "utf-8")) if codec else ("utf-8",):
        try:
            return clean(content.decode(name)), False
        except (UnicodeError, LookupError, ValueError):
            continue
    if codec not in (None, "utf-8", "cp1252") and _is_mostly_readable(content, codec):
        return clean(content.decode(codec or "utf-8", "replace")), True
    if codec == "utf-8" and charset and "utf" in charset.lower() and _is_mostly_readable(content, "utf-8"):
        return clean(content.decode("utf-8", "replace")), True
    text = content.decode("cp1252", "replace")
    return clean(text), "\ufffd" in text


def lookup(charset: str | None) -> str | None:
    """The codec for a declared charset, None when there is none or it is no text codec that we know."""
    name = (charset or "").strip().strip("\"'").lower()
    name = _ALIASES.get(name, name)
    if not _TEXTUAL.fullmatch(name):
        return None
    try:
        codecs.lookup(name)
        "".encode(name)
        b"".decode(name)
    except (LookupError, UnicodeError, ValueError, TypeError):
        return None
    return name


def html_charset(content: bytes) -> str | None:
    """The charset that the first kilobyte of an HTML document names for itself."""
    found = _META.search(content[:2048])
    return found[1].decode("ascii") if found else None


def clean(text: str) -> str:
    """The text without NUL and lone surrogates, which neither SQLite nor a terminal can take."""
    return _BAD.sub("", text) if not text.isascii() or "\x00" in text else text


def _is_mostly_readable(content: bytes, codec: str | None) -> bool:
    text = content[:65536].decode(codec or "utf-8", "replace")
    return text.count("\ufffd") * 10 <= len(text)
