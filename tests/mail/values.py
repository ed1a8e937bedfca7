"""Every string inside a value, so that a test can look at all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass


def strings_of(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from strings_of(item)
    elif isinstance(value, Mapping):
        yield from strings_of(tuple(value.items()))
    elif is_dataclass(value):
        for field in fields(value):
            yield from strings_of(getattr(value, field.name))
