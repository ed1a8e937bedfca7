"""What Outlook packs into winmail.dat (MS-OXTNEF), by tnefparse where it is installed. Pure; junk gives None."""

from __future__ import annotations

import struct

TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
FILES_MAX = 500
ATTRIBUTES_MAX = 5000

_SIGNATURE = b"\x78\x9f\x3e\x22"
# tnefparse has no error of its own; a packet whose attributes come in the wrong order reads a variable before it is set.
_JUNK = (ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, struct.error, UnboundLocalError)


def unpack(content: bytes) -> list[tuple[str, str, bytes]] | None:
    """The (name, content type, bytes) of each file inside; None when nothing can be read, so that the packet itself stays."""
    if not content.startswith(_SIGNATURE) or not _is_well_formed(content):
        return None
    try:
        from tnefparse import TNEF
    except ImportError:
        return None
    try:
        packed = TNEF(content, do_checksum=False)
        found = [(_name(file), "application/octet-stream", bytes(file.data)) for file in packed.attachments[:FILES_MAX]]
    except _JUNK:
        return None
    return found or None


def _is_well_formed(content: bytes) -> bool:
    """Whether the packet is a chain of attributes, and not of so many that reading each from a copy of the rest takes long.

    Each is a level (1 for the mail, 2 for an attachment), an id of four bytes, a length of four, the bytes, a checksum of two.
    """
    position = 6
    for _ in range(ATTRIBUTES_MAX):
        if position >= len(content):
            return True
        if content[position] not in (1, 2) or position + 9 > len(content):
            return False
        position += 11 + int.from_bytes(content[position + 5 : position + 9], "little")
    return False


def _name(file: object) -> str:
    """The long name of a packed file, else its short one."""
    long_name = file.long_filename()  # type: ignore[attr-defined] # tnefparse carries no types
    return str(long_name or file.name or "").replace("\x00", "")  # type: ignore[attr-defined] # likewise
