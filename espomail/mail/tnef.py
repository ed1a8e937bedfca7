"""What Outlook packs into winmail.dat (MS-OXTNEF), by tnefparse where it is installed. Pure; junk gives None."""

from __future__ import annotations

import struct

TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SIGNATURE = b"\x78\x9f\x3e\x22"


def unpack(content: bytes) -> list[tuple[str, str, bytes]] | None:
    """The (name, content type, bytes) of each file inside; None when nothing can be read, so that the packet itself stays."""
    if not content.startswith(_SIGNATURE):
        return None
    try:
        from tnefparse import TNEF
    except ImportError:
        return None
    try:
        packed = TNEF(content, do_checksum=False)
        found = [(str(a.long_filename() or a.name or ""), "application/octet-stream", bytes(a.data)) for a in packed.attachments]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, UnicodeError, struct.error, OverflowError):
        return None
    return found or None
