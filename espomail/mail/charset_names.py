"""The names that mails give to charsets, and the codecs that read what programs mean by them (WHATWG Encoding). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

ALIASES: Mapping[str, str] = {
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "iso_8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252",
    "iso88591": "cp1252", "8859-1": "cp1252", "ansi_x3.110-1983": "cp1252", "iso_8859-1:1987": "cp1252", "ansi": "cp1252",
    "us-ascii": "utf-8", "ascii": "utf-8", "ansi_x3.4-1968": "utf-8", "ansi_x3.4-1986": "utf-8", "utf8mb4": "utf-8",
    "default": "utf-8", "x-unknown": "utf-8", "unknown-8bit": "utf-8", "unknown": "utf-8", "binary": "utf-8",
    "8bit": "utf-8", "7bit": "utf-8", "unicode-1-1-utf-8": "utf-8", "x-utf-8": "utf-8", "utf-8n": "utf-8",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "hz-gb-2312": "hz",
    "cp936": "gb18030", "ms936": "gb18030", "windows-936": "gb18030", "euc-cn": "gb18030", "x-euc-cn": "gb18030",
    "cn-gb": "gb18030", "chinese": "gb18030",
    "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "ks_c_5601-1989": "cp949", "ksc5601": "cp949", "ksc_5601": "cp949",
    "euc-kr": "cp949", "x-windows-949": "cp949", "windows-949": "cp949", "korean": "cp949",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "ms_kanji": "cp932",
    "windows-31j": "cp932", "cswindows31j": "cp932", "windows-932": "cp932",
    "x-euc-jp": "euc-jp", "x-euc": "euc-jp",
    "iso-2022-jp": "iso-2022-jp-ext", "iso-2022-jp-ms": "iso-2022-jp-ext", "csiso2022jp": "iso-2022-jp-ext",
    "cp50220": "iso-2022-jp-ext", "cp50221": "iso-2022-jp-ext", "cp50222": "iso-2022-jp-ext", "jis": "iso-2022-jp-ext",
    "big5": "cp950", "x-big5": "cp950", "cn-big5": "cp950", "big5-eten": "cp950", "windows-950": "cp950",
    "x-x-big5": "cp950", "big5-hkscs": "big5hkscs",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "logical": "iso-8859-8", "visual": "iso-8859-8",
    "iso-8859-9": "cp1254", "latin5": "cp1254", "iso-8859-11": "cp874", "tis-620": "cp874", "dos-874": "cp874",
    "koi": "koi8-r", "koi8": "koi8-r", "koi8-ru": "koi8-u", "dos-866": "cp866",
    "x-mac-roman": "mac-roman", "macintosh": "mac-roman", "mac": "mac-roman", "x-mac-cyrillic": "mac-cyrillic",
    "x-mac-ukrainian": "mac-cyrillic", "x-mac-ce": "mac-latin2", "x-mac-greek": "mac-greek",
    "x-mac-turkish": "mac-turkish", "x-mac-icelandic": "mac-iceland",
    "ucs-2": "utf-16-be", "iso-10646-ucs-2": "utf-16-be", "utf-16-le": "utf-16-le",
    "unicode-1-1-utf-7": "utf-7", "x-user-defined": "cp1252",
}  # fmt: skip

_CODE_PAGE = re.compile(r"(?:x-)?(?:windows|win|cp|ms|ibm|dos|x-ansi)[-_]?(\d{3,4})")


def codec_name(label: str) -> str:
    """Given a charset as it is written, return the name to look a codec up by: `Win-1251` gives `cp1251`."""
    name = label.strip().strip("\"'").strip().lower().removeprefix("charset=")
    if name in ALIASES:
        return ALIASES[name]
    code_page = _CODE_PAGE.fullmatch(name)
    return f"cp{code_page[1]}" if code_page and name not in ("cp65001", "cp037") else name
