"""Folder names between people and IMAP servers: modified UTF-7 (RFC 3501 section 5.1.3). Pure."""

from __future__ import annotations

import binascii
import re

from espomail.errors import BadInput

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NOT_PLAIN = re.compile(r"[^\x20-\x7e]+|&")
_SHIFTED = re.compile(rb"&([A-Za-z0-9+,]*)-")


def encode(name: str) -> bytes:
    """Given a folder's name, return it as servers want it; raise BadInput for an empty one or control characters."""
    if not name or _CONTROL.search(name):
        raise BadInput(f"not a folder name: {name!r}", "folder names hold no control characters and are not empty")
    try:
        return _NOT_PLAIN.sub(_shift, name).encode("ascii")
    except UnicodeEncodeError as error:
        raise BadInput(f"not a folder name: {name!r}", "it holds half a character") from error


def decode(name: bytes) -> str:
    """Given a name from a server, return it for people. Total.

    A name that is no modified UTF-7 is kept as it stands: some servers send raw UTF-8, some a bare `&`.
    """
    try:
        if _SHIFTED.sub(b"", name).count(b"&"):
            raise ValueError("a bare ampersand")
        return _SHIFTED.sub(_unshift, name).decode("utf-8")
    except ValueError:
        return name.decode("utf-8", "replace")


def _shift(found: re.Match[str]) -> str:
    if found[0] == "&":
        return "&-"
    packed = binascii.b2a_base64(found[0].encode("utf-16-be"), newline=False)
    return "&" + packed.rstrip(b"=").replace(b"/", b",").decode("ascii") + "-"


def _unshift(found: re.Match[bytes]) -> bytes:
    if not found[1]:
        return b"&"
    packed = found[1].replace(b",", b"/")
    return binascii.a2b_base64(packed + b"=" * (-len(packed) % 4)).decode("utf-16-be").encode("utf-8")
