"""Write docs/reading.md: how many expectations of the corpus each field meets.

ESPOMAIL_CORPUS=FOLDER python -m tests.reading
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

from espomail.mail.parse import parse
from tests.mail import corpus
from tests.mail.exceptions import EXCEPTIONS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reading.md"

HEAD = """# How real mail reads

{mails} real mails from the test suites of other projects, {with_expectations} of them with what those projects expect of them.
Where they disagree with each other nothing is asserted. White space and the letter case of addresses are passed over, nothing
else.
An expectation that is wrong, or that means something else than we do, is listed below with its reason; nothing else may differ.
The slowest mail took {slowest_ms:.0f} ms; none raised.

An hour of random mails (`python benchmarks/fuzz_mail.py --seed 5000000`, seeds to 5343136, 24.7 million calls of 72 functions)
had five findings, each a zero byte in the words of a report or in a parameter; they are letters of the tests now. An hour on what came
of it and of the mails of other parsers (`--seed 7000000`, seeds to 7353327, 27.9 million calls of 79 functions) had none.

This page is made by `ESPOMAIL_CORPUS=FOLDER python -m tests.reading`.

| field | expected | as expected | listed exceptions | neither |
|---|---|---|---|---|
"""


def main() -> None:
    if not corpus.FOLDER:
        sys.exit("ESPOMAIL_CORPUS names no folder of real mails")
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The whole page."""
    found = corpus.readings()
    expected = Counter(reading.field for reading in found)
    right = Counter(reading.field for reading in found if reading.is_right)
    listed = Counter(reading.field for reading in found if (reading.file, reading.field) in EXCEPTIONS)
    rows = [
        f"| {field} | {expected[field]} | {right[field]} ({right[field] / expected[field]:.1%}) | {listed[field]} "
        f"| {expected[field] - right[field] - listed[field]} |\n"
        for field in corpus.FIELDS
        if expected[field]
    ]
    reasons = [f"- `{file}`, {field}: {reason}.\n" for (file, field), reason in EXCEPTIONS.items()]
    return _head() + "".join(rows) + "\n## Exceptions\n\n" + "".join(reasons)


def _head() -> str:
    entries = corpus.entries()
    slowest = max(_seconds(corpus.raw_of(entry)) for entry in entries)
    asked = sum(1 for entry in entries if entry.get("expect"))
    return HEAD.format(mails=len(entries), with_expectations=asked, slowest_ms=slowest * 1000)


def _seconds(raw: bytes) -> float:
    start = time.process_time()
    parse(raw)
    return time.process_time() - start


if __name__ == "__main__":
    main()
