"""Try every public function of espomail.mail on random mails for a while; the log tells seeds, executions and findings.

    [ESPOMAIL_CORPUS=FOLDER] python benchmarks/fuzz_mail.py [--minutes 60] [--seed N] [--log FILE]

Each round takes one seed, makes one mail of it and calls every function on it. A finding is an exception that no docstring
names, an answer that can't be stored, a call over a second, or two different answers to the same input; it is printed with its
seed, and `--seed N --minutes 0` runs that one again. The mails that serve as material are those of tests/letters and of the corpus.
Exit code 1 when anything was found.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from espomail.mail.parse import parse  # noqa: E402
from tests.mail import corpus  # noqa: E402
from tests.mail.fuzzing import TARGETS, given_by, run  # noqa: E402

SECONDS_MAX = 1.0
LOG_EVERY_S = 60.0


def material() -> list[bytes]:
    """The mails that are changed; made-up ones only where there is no corpus."""
    letters = [path.read_bytes() for path in sorted((ROOT / "tests" / "letters").glob("*.eml"))]
    return letters + ([corpus.raw_of(entry) for entry in corpus.entries()] if corpus.FOLDER else [])


def findings(seed: int, mails: Sequence[bytes]) -> Iterator[str]:
    """What went wrong with the mail of one seed, one line or traceback each."""
    for name in TARGETS:
        start = time.process_time()
        try:
            wrong = run(name, given_by(seed, mails))
        except Exception:  # noqa: BLE001 - any exception is what a fuzzer looks for
            wrong = traceback.format_exc()
        taken_s = time.process_time() - start
        if wrong is None and taken_s > SECONDS_MAX:
            wrong = f"took {taken_s:.1f} s"
        if wrong is not None:
            yield f"seed {seed}, {name}: {wrong}"
    raw = given_by(seed, mails).raw
    if parse(raw) != parse(raw):
        yield f"seed {seed}, parse.parse: two answers to one mail"


def fuzz(first_seed: int, seconds: float, log: TextIO) -> int:
    """Run seed after seed until the time is over, one at least; return how many findings there were."""
    mails = material()
    start = logged = time.monotonic()
    seed, found = first_seed, 0
    while True:
        for finding in findings(seed, mails):
            found += 1
            print(finding, file=log, flush=True)
        seed += 1
        now = time.monotonic()
        is_over = now - start >= seconds
        if is_over or now - logged >= LOG_EVERY_S:
            logged = now
            executions = (seed - first_seed) * len(TARGETS)
            done = f"{now - start:.0f} s, seeds {first_seed} to {seed - 1}, {executions} executions of {len(TARGETS)} functions"
            print(f"{done} over {len(mails)} mails, {found} findings", file=log, flush=True)
        if is_over:
            return found


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=1, help="the first seed")
    options.add_argument("--log", type=Path, help="where to write; standard output when left out")
    chosen = options.parse_args()
    if chosen.log is None:
        found = fuzz(chosen.seed, chosen.minutes * 60, sys.stdout)
    else:
        with chosen.log.open("a", encoding="utf-8") as log:
            found = fuzz(chosen.seed, chosen.minutes * 60, log)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
