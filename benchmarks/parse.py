"""How many mails a second `parse` reads on one core, beside other parsers on the same mails in the same run.

    python benchmarks/parse.py [--mails 10000] [--rounds 3]

The mails are made up, 30 kB on average. compat32 is the standard library's parser with every part decoded; fast-mail-parser
(Rust) is compared when it is installed. Only espomail makes the text, the addresses, the dates, the hashes and the bounce. Each
round runs all of them, one after the other; the best round of each counts.
"""

from __future__ import annotations

import argparse
import email
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.mails import mails
from espomail.mail.parse import parse, parse_head

Reader = Callable[[bytes], object]


def compat32(raw: bytes) -> None:
    for part in email.message_from_bytes(raw).walk():
        if not part.is_multipart():
            part.get_payload(decode=True)


def compat32_undecoded(raw: bytes) -> None:
    email.message_from_bytes(raw)


def readers() -> dict[str, Reader]:
    found: dict[str, Reader] = {
        "espomail parse": parse,
        "espomail parse_head": parse_head,
        "compat32": compat32,
        "compat32, parts not decoded": compat32_undecoded,
    }
    if importlib.util.find_spec("fast_mail_parser"):
        from fast_mail_parser import parse_email

        found["fast-mail-parser"] = parse_email
    return found


def seconds(read: Reader, letters: Sequence[bytes]) -> float:
    start = time.process_time()
    for raw in letters:
        read(raw)
    return time.process_time() - start


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mails", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    letters = list(mails(given.mails))
    print(f"{len(letters)} mails, {statistics.mean(map(len, letters)) / 1000:.1f} kB on average, one core, CPU time")
    times: dict[str, list[float]] = {name: [] for name in readers()}
    for _ in range(given.rounds):
        for name, read in readers().items():
            times[name].append(seconds(read, letters))
    ours = min(times["espomail parse"])
    for name, found in times.items():
        best = min(found)
        print(f"{name:30} {len(letters) / best:9.0f} mails/s   espomail parse takes {ours / best:6.2f} of its time")


if __name__ == "__main__":
    main()
