"""Bytes to text, whatever the label says. Pure; never fails.

Labels are often wrong: latin-1 means cp1252 (WHATWG Encoding), gb2312 means gb18030, ks_c_5601 means cp949. The order is: the
declared charset, then UTF-8, then its kin, then cp1252 with replacement. Before all of them comes what the bytes themselves say
beyond doubt: a byte order mark, the escapes of ISO-2022 where no charset is declared, UTF-8 that is labelled otherwise.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache

from espomail.mail.charset_names import codec_name
from espomail.mail.japanese import as_shift_jis

_REFUSED = frozenset(
    {"idna", "punycode", "unicode-escape", "unicode_escape", "raw-unicode-escape", "raw_unicode_escape", "undefined"}
)
_RELATED = {
    "iso-2022-jp-ext": ("euc-jp",),
    "euc-jp": ("euc_jisx0213", "cp932"),
    "cp950": ("big5hkscs",),
    "hz": ("gb18030",),
}
_WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
_LEADS = re.compile(rb"[\xc2-\xf4]")
_SEQUENCES_MIN = 2
_TEXTUAL = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,39}")
_XML = re.compile(rb"\s*+<\?xml\b[^>]{0,100}?encoding\s{0,9}=\s{0,9}[\"']([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_META = re.compile(rb"<meta\b[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_BAD = re.compile("[\x00\ud800-\udfff]")


def decode(content: bytes, charset: str | None) -> tuple[str, bool]:
    """Given bytes and their declared charset, return the text and whether something in it had to be replaced."""
    codec = lookup(charset)
    if codec in (None, "utf-8") and b"\x1b" in content and b"\x1b$" in content:
        codec = "iso2022_kr" if b"\x1b$)C" in content else "iso-2022-jp-ext"
    for name in _candidates(content, codec):
        try:
            text = content.decode(name).removeprefix("\ufeff")
        except (UnicodeError, LookupError, ValueError):
            continue
        return (text.replace("\x00", "") if name == "utf-8" else clean(text)), False
    if codec == "iso-2022-jp-ext" and content.isascii():
        text = as_shift_jis(content).decode("cp932", "replace")
        return clean(text), "\ufffd" in text
    is_readable = is_said(charset) and _is_mostly_readable(content, codec or "utf-8")
    text = content.decode(codec if codec and is_readable else "cp1252", "replace")
    return clean(text), "\ufffd" in text


def _candidates(content: bytes, codec: str | None) -> Iterator[str]:
    """The codecs to try, in their order."""
    if codec in (None, "utf-8"):
        yield "utf-8"
        return
    is_ascii = content.isascii()
    is_mislabelled = (codec in _WIDE and b"\x00" not in content) if is_ascii else _is_utf_8(content)
    if is_mislabelled:
        yield "utf-8"
    yield codec or "utf-8"
    if not (is_ascii and b"\x1b" in content):
        yield "utf-8"
        yield from _RELATED.get(codec or "", ())


def _is_utf_8(content: bytes) -> bool:
    """Whether bytes that are labelled otherwise are UTF-8 beyond doubt: a mark at the start, or nothing but whole sequences.

    In another charset two sequences in a row of words would be such as `Ã¼`, and nothing else; one could be chance.
    """
    if content.startswith(codecs.BOM_UTF8):
        return True
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return len(_LEADS.findall(content[:65536])) >= _SEQUENCES_MIN


@lru_cache(maxsize=256)
def lookup(charset: str | None) -> str | None:
    """The codec for a declared charset, None when there is none or it is no text codec that we know."""
    name = codec_name(charset or "")
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
    """The charset that the first kilobytes of an HTML document name for itself; as they can be read, none of two bytes a sign."""
    start = content[:2048]
    found = _META.search(start) or _XML.match(start)
    name = found[1].decode("ascii") if found else None
    return "utf-8" if lookup(name) in _WIDE else name


def is_said(charset: str | None) -> bool:
    """Whether a declared charset says more than that nobody knows it: not `us-ascii`, `unknown-8bit`, or none."""
    return "utf" in (charset or "").lower() or lookup(charset) not in (None, "utf-8")


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
