"""Japanese as mails have it beyond the standard: signs of one maker in ISO-2022-JP. Pure; never fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_RUN = re.compile(rb"\x1b(\$[@B]|\([BJI])([^\x1b]*+)")


def as_shift_jis(content: bytes) -> bytes:
    """Given ISO-2022-JP, return it as Shift_JIS, where circled numbers and other signs outside of the standard have a place.

    (JIS X 0208 appendix 1: two rows of 94 become one of 188.)
    """
    return _RUN.sub(lambda run: _CONVERTED[run[1]](run[2]), content)


def _double(codes: bytes) -> bytes:
    """Pairs of bytes; line ends and the like between them stay."""
    made = bytearray()
    position = 0
    while position < len(codes):
        row, cell = codes[position], codes[position + 1] if position + 1 < len(codes) else 0
        if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
            made.append(row)
            position += 1
            continue
        made.append(((row - 0x21) >> 1) + (0x81 if row < 0x5F else 0xC1))
        if row & 1:
            made.append(cell + (0x1F if cell < 0x60 else 0x20))
        else:
            made.append(cell + 0x7E)
        position += 2
    return bytes(made)


def _half_width(codes: bytes) -> bytes:
    return bytes(code | 0x80 if code > 0x20 else code for code in codes)


def _single(codes: bytes) -> bytes:
    return codes


_CONVERTED: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"$B": _double,
    b"$@": _double,
    b"(I": _half_width,
    b"(B": _single,
    b"(J": _single,
}
