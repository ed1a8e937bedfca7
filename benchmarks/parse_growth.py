"""How the time to parse grows with the mail: each hostile mail at n, 2n, 4n and 8n; the time per doubling must stay below 2.6.

    python benchmarks/parse_growth.py [--bytes 100000] [--rounds 3] [NAME …]

Prints the milliseconds at each size and the largest ratio of neighbours; exit code 1 when one is above the limit. Times below
5 ms say nothing and are left out of the ratios. n is chosen so that the smallest mail has about --bytes bytes.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from espomail.mail.parse import parse
from espomail.mail.quotes import split_reply
from tests.mail.hostile import HOSTILE, Maker, repetitions

RATIO_MAX = 2.6
MEANINGFUL_S = 0.005


def read(raw: bytes) -> None:
    split_reply(parse(raw).text)


def seconds(raw: bytes, rounds: int) -> float:
    """The shortest of some rounds, in CPU seconds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        read(raw)
        best = min(best, time.process_time() - start)
    return best


def growth(make: Maker, size: int, rounds: int) -> tuple[list[float], float]:
    """The times at n … 8n and the largest ratio of two neighbours that mean something."""
    count = repetitions(make, size)
    times = [seconds(make(count * factor), rounds) for factor in (1, 2, 4, 8)]
    ratios = [after / before for before, after in itertools.pairwise(times) if before >= MEANINGFUL_S]
    return times, max(ratios, default=0.0)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--bytes", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("names", nargs="*")
    given = options.parse_args()
    above = []
    for name in given.names or HOSTILE:
        times, ratio = growth(HOSTILE[name], given.bytes, given.rounds)
        print(f"{name:45} {' '.join(f'{t * 1000:9.1f}' for t in times)} ms   ×{ratio:.2f}", flush=True)
        if ratio > RATIO_MAX:
            above.append(name)
    print(f"{len(given.names or HOSTILE)} kinds of mail, above ×{RATIO_MAX}: {', '.join(above) or 'none'}")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
