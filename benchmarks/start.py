"""How long the program takes to start, beside Python with its command-line library alone.

python benchmarks/start.py [--runs 20]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = {
    "espomail --version": ["-m", "espomail", "--version"],
    "espomail case list -h": ["-m", "espomail", "case", "list", "-h"],
    "python, click": ["-c", "import click"],
    "python": ["-c", "pass"],
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=20)
    runs = options.parse_args().runs
    best = {name: min(seconds(words) for _ in range(runs)) for name, words in COMMANDS.items()}
    for name, taken in best.items():
        print(f"{name:24} {taken * 1000:6.0f} ms")
    print(f"espomail --version / python, click: {best['espomail --version'] / best['python, click']:.1f}   (best of {runs})")


def seconds(words: list[str]) -> float:
    start = time.monotonic()
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, capture_output=True)
    return time.monotonic() - start


if __name__ == "__main__":
    main()
