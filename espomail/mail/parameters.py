"""The parameters of Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2231). Pure; never fails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from espomail.mail import charsets
from espomail.mail.headers import decode_words, unfold

PARAMETERS_MAX = 500
USUAL_CHARS_MAX = 120

_HEAD = re.compile(r"\s*([^\s;(]*)[^;]*")
_PARAM = re.compile(r';\s*+([^\s=;"]{1,100})\s*+=\s*+("(?:[^"\\]|\\.)*+"?|[^;]*+)', re.DOTALL)
_NAME = re.compile(r"([^*]+)(?:\*(\d{1,4}))?(\*)?")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


class _Piece(NamedTuple):
    """One `name*1*=value`: its number, whether it is percent-encoded, and its value."""

    number: int
    is_encoded: bool
    value: str


def parameters(value: str) -> tuple[str, Mapping[str, str]]:
    """Given `text/plain; charset="utf-8"`, return the part before the parameters (lower case) and the parameters, decoded.

    RFC 2231 continuations and charsets, encoded words where they must not stand, missing quotes and semicolons: all are read.
    The mapping may be one that was given before: most mails say `text/plain; charset=utf-8`.
    """
    return _usual_parameters(value) if len(value) <= USUAL_CHARS_MAX else _parameters(value)


@lru_cache(maxsize=512)
def _usual_parameters(value: str) -> tuple[str, Mapping[str, str]]:
    return _parameters(value)


def _parameters(value: str) -> tuple[str, Mapping[str, str]]:
    flat = unfold(value).replace("\x00", "")
    match = _HEAD.match(flat)
    head, rest = (match[1].lower(), flat[match.end(1) :]) if match and "=" not in match[1] else ("", flat)
    pieces: dict[str, list[_Piece]] = {}
    for count, found in enumerate(_PARAM.finditer(rest if rest.lstrip().startswith(";") else ";" + rest)):
        if count >= PARAMETERS_MAX:
            break
        name = _NAME.fullmatch(found[1].lower())
        if name is not None:
            pieces.setdefault(name[1], []).append(_Piece(int(name[2] or 0), name[3] is not None, _unquoted(found[2])))
    return head, MappingProxyType({name: _joined(found) for name, found in pieces.items()})


def _unquoted(value: str) -> str:
    value = value.strip()
    if not value.startswith('"'):
        return value
    inside = value[1:-1] if value.endswith('"') and len(value) > 1 else value[1:]
    return _QUOTED_PAIR.sub(r"\1", inside) if "\\" in inside else inside


def _joined(pieces: Sequence[_Piece]) -> str:
    """One value of its pieces, in the order of their numbers; of two with one number an encoded one wins, then the first."""
    if len(pieces) == 1 and not pieces[0].is_encoded:
        return decode_words(pieces[0].value)
    chosen: dict[int, _Piece] = {}
    for piece in pieces:
        if piece.number not in chosen or (piece.is_encoded and not chosen[piece.number].is_encoded):
            chosen[piece.number] = piece
    ordered = [chosen[number] for number in sorted(chosen)]
    if not any(piece.is_encoded for piece in ordered):
        return decode_words("".join(piece.value for piece in ordered))
    charset, has_charset, value = "utf-8", False, ordered[0].value
    if ordered[0].is_encoded and value.count("'") >= 2:
        charset, _, value = value.split("'", 2)
        has_charset = True
    pieces = [ordered[0]._replace(value=value), *ordered[1:]]
    text = charsets.decode(b"".join(_bytes(pieces)), charset or "utf-8")[0]
    return text if has_charset else decode_words(text)


def _bytes(pieces: Sequence[_Piece]) -> Iterator[bytes]:
    for piece in pieces:
        value = piece.value.encode("utf-8", "replace")
        yield unquote_to_bytes(value) if piece.is_encoded else value
