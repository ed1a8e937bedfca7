"""The numbers that options and arguments take: none that SQLite can't hold, none that is no number."""

from __future__ import annotations

import math
from typing import Any

import click

_LARGEST = 2**63 - 1

ID = click.IntRange(1, _LARGEST)
COUNT = click.IntRange(0, _LARGEST)
ONE_OR_MORE = ID


class _Seconds(click.FloatRange):
    """A span of at least a second; `nan`, which is neither smaller nor larger than any moment, is refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value!r} is no number.", param, ctx)
        return seconds


SECONDS = _Seconds(min=1)

limit_option = click.option("--limit", type=COUNT, default=50, show_default=True, help="how many")
number_argument = click.argument("number", metavar="NUMBER", type=ID)


def read_id(text: str) -> int | None:
    """The id that a text names; None for anything but digits, and for what no row can have."""
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(_LARGEST)) or int(text) > _LARGEST:
        return None
    return int(text)
