"""What Outlook packs into winmail.dat: the files with their long names (MS-OXTNEF, MS-OXCDATA 2.11). Pure; junk gives None.

A packet is a chain of attributes; an attachment begins with its rendering data, then come title, bytes, and a list of MAPI
properties, of which we want the long file name and the type. What is cut off or out of order is read as far as it goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from espomail.mail import charsets

TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
FILES_MAX = 500
ATTRIBUTES_MAX = 5000
PROPERTIES_MAX = 1000

_SIGNATURE = b"\x78\x9f\x3e\x22"
_CODE_PAGE, _RENDERING, _TITLE, _DATA, _PROPERTIES = 0x9007, 0x9002, 0x8010, 0x800F, 0x9005
_OBJECT, _SHORT_NAME, _LONG_NAME, _MIME_TYPE = 0x3701, 0x3704, 0x3707, 0x370E
_FIXED_SIZES = {2: 4, 11: 4, 3: 4, 4: 4, 10: 4, 5: 8, 6: 8, 7: 8, 20: 8, 64: 8, 72: 16}
_EMBEDDED, _STRING, _UNICODE, _BINARY = 0x0D, 0x1E, 0x1F, 0x102
_VARIABLE = (_EMBEDDED, _STRING, _UNICODE, _BINARY)
_MANY = 0x1000
_MIME = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,60}/[a-z0-9][a-z0-9.+_-]{0,60}")


@dataclass(slots=True)
class _File:
    """One packed file as it is put together; a long name counts for more than the eight letters of a title."""

    title: str = ""
    long_name: str = ""
    content_type: str = "application/octet-stream"
    content: bytes | None = None


def unpack(content: bytes) -> list[tuple[str, str, bytes]] | None:
    """The (name, content type, bytes) of each file inside; None when nothing can be read, so that the packet itself stays."""
    if not content.startswith(_SIGNATURE):
        return None
    files: list[_File] = []
    charset = "cp1252"
    for level, kind, value in _attributes(content):
        if kind == _CODE_PAGE:
            charset = f"cp{int.from_bytes(value[:4], 'little')}"
        elif level == 2 and kind == _RENDERING and len(files) < FILES_MAX:
            files.append(_File())
        elif level == 2 and files:
            _read(files[-1], kind, value, charset)
    found = [(file.long_name or file.title, file.content_type, file.content) for file in files if file.content is not None]
    return found or None


def _attributes(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The level (1 mail, 2 attachment), id and bytes of each attribute; the rest of a packet that is no chain is left."""
    position = 6
    for _ in range(ATTRIBUTES_MAX):
        start = position + 9
        if start > len(content) or content[position] not in (1, 2):
            return
        stop = start + int.from_bytes(content[position + 5 : start], "little")
        if stop > len(content):
            return
        yield content[position], int.from_bytes(content[position + 1 : position + 3], "little"), content[start:stop]
        position = stop + 2


def _read(file: _File, kind: int, value: bytes, charset: str) -> None:
    if kind == _TITLE:
        file.title = _text(value, charset)
    elif kind == _DATA:
        file.content = value
    elif kind == _PROPERTIES:
        for number, kind_of_value, content in _properties(value):
            if number == _OBJECT and kind_of_value in (_EMBEDDED, _BINARY):
                file.content = content[16:] if kind_of_value == _EMBEDDED else content
            elif kind_of_value == _UNICODE:
                _name(file, number, charsets.clean(content.decode("utf-16-le", "ignore").partition("\x00")[0]))
            elif kind_of_value == _STRING:
                _name(file, number, _text(content, charset))


def _name(file: _File, number: int, text: str) -> None:
    if number == _LONG_NAME or (number == _SHORT_NAME and not file.long_name):
        file.long_name = text or file.long_name
    elif number == _MIME_TYPE and _MIME.fullmatch(text.lower()):
        file.content_type = text.lower()


def _text(value: bytes, charset: str) -> str:
    return charsets.decode(value.partition(b"\x00")[0], charset)[0]


def _properties(value: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The number, type and first value of each property."""
    position = 4
    for _ in range(min(_number(value, 0), PROPERTIES_MAX)):
        kind, number = _number(value, position) & 0xFFFF, _number(value, position) >> 16
        position = _after_name(value, position + 4) if number >= 0x8000 else position + 4
        if position >= len(value):
            return
        start, stop, position = _value(value, position, kind)
        yield number, kind, value[start:stop]


def _number(value: bytes, position: int) -> int:
    return int.from_bytes(value[position : position + 4], "little")


def _after_name(value: bytes, position: int) -> int:
    """A property with a name of its own carries it: a GUID of 16 bytes, then a number or a text."""
    if _number(value, position + 16) == 0:
        return position + 24
    return position + 24 + _padded(_number(value, position + 20))


def _padded(size: int) -> int:
    return size + (-size % 4)


def _value(value: bytes, position: int, kind: int) -> tuple[int, int, int]:
    """From where to where the first value of a property goes, and where the next property starts; an unknown type ends all."""
    single = kind & ~_MANY
    if single in _VARIABLE:
        return _variable_values(value, position)
    size = _FIXED_SIZES.get(single, len(value))
    if kind & _MANY:
        return position + 4, position + 4, position + 4 + size * _number(value, position)
    return position, position + size, position + size


def _variable_values(value: bytes, position: int) -> tuple[int, int, int]:
    """Texts and binaries come with their count, each with its length, filled up to four bytes."""
    count, position = _number(value, position), position + 4
    start, stop = position + 4, position + 4 + _number(value, position)
    for _ in range(min(count, PROPERTIES_MAX)):
        position += 4 + _padded(_number(value, position))
        if position >= len(value):
            break
    return start, stop, position
