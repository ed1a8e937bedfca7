"""Numbers in the text format that Prometheus reads. Pure.

Source: prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal


@dataclass(frozen=True, slots=True)
class Sample:
    """One number: the metric's name, what it means, what tells it from its siblings."""

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    kind: Literal["gauge", "counter"] = "gauge"


def text(samples: Iterable[Sample]) -> str:
    """The samples as text; those of one name must follow each other."""
    lines: list[str] = []
    for name, group in groupby(samples, key=lambda sample: sample.name):
        family = list(group)
        lines += [f"# HELP {name} {_help(family[0].help)}", f"# TYPE {name} {family[0].kind}"]
        lines += [f"{name}{_labels(sample.labels)} {_number(sample.value)}" for sample in family]
    return "".join(f"{line}\n" for line in lines)


def _help(words: str) -> str:
    return words.replace("\\", "\\\\").replace("\n", "\\n")


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_help(value).replace(chr(34), chr(92) + chr(34))}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
