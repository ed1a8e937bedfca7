"""No bytes make a public function of espomail.mail raise; `benchmarks/fuzz_mail.py` goes on for hours where this stops."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import espomail.mail
from tests.mail import corpus
from tests.mail.fuzzing import TARGETS, given_by, is_storable, run

LETTERS = sorted((Path(__file__).parent.parent / "letters").glob("*.eml"))
SEEDS = 40


def public_functions() -> set[str]:
    names = set()
    for found in pkgutil.iter_modules(espomail.mail.__path__):
        module = importlib.import_module(f"espomail.mail.{found.name}")
        functions = [(name, value) for name, value in vars(module).items() if callable(value) and not inspect.isclass(value)]
        own = [name for name, value in functions if value.__module__ == module.__name__ and not name.startswith("_")]
        names |= {f"{found.name}.{name}" for name in own}
    return names


def test_every_public_function_is_tried() -> None:
    assert set(TARGETS) == public_functions()


@pytest.mark.parametrize("name", TARGETS)
def test_no_bytes_make_it_fail(name: str) -> None:
    material = [path.read_bytes() for path in LETTERS]
    material += [corpus.raw_of(entry) for entry in corpus.entries()[::10]] if corpus.FOLDER else []
    wrong = {seed: found for seed in range(SEEDS) if (found := run(name, given_by(seed, material))) is not None}
    assert wrong == {}


def test_what_can_not_be_stored_is_seen() -> None:
    assert [is_storable(text) for text in ("Grüße\r\n\x1b", "a\x00", "\ud800", "")] == [True, False, False, True]
