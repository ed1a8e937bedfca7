"""Patterns in which `*` stands for any text and nothing else is special, compared without regard to case. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable


def wildcard(pattern: str) -> Callable[[str], bool]:
    """Given a pattern, return what tells whether it fits a whole value: `*` stands for any text, nothing else is special.

    Case and the way an accent is encoded don't count; accents do. Each literal piece is searched once, from left to
    right, so a value costs time in proportion to its length whatever the pattern.
    """
    first, *others = folded(pattern).split("*")
    if not others:
        return lambda value: folded(value) == first
    *middle, last = others

    def fits(value: str) -> bool:
        text = folded(value)
        if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
            return False
        at, end = len(first), len(text) - len(last)
        for piece in middle:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    return fits


def folded(text: str) -> str:
    """The text as it is compared: without regard to case, each accented letter in one form."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
