"""What a soak does to running processes: start them again and again, kill them, and measure those that stay."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def start(line: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """A command as the leader of a process group of its own; its last words go to nobody."""
    return subprocess.Popen(
        [sys.executable, "-m", "espomail", *line.split()],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(word) for word in task.read_text().split()]
    return found


@dataclass
class Rounds(threading.Thread):
    """Runs one command over and over, as cron does, with a pause between two runs; `codes` counts how they ended."""

    line: str
    environment: Mapping[str, str]
    pause_s: float
    over: threading.Event
    current: subprocess.Popen[bytes] | None = None
    codes: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        while not self.over.is_set():
            self.current = start(self.line, self.environment)
            self.codes[self.current.wait()] += 1
            self.over.wait(self.pause_s)


@dataclass
class Killer(threading.Thread):
    """kill -9 every so often: a whole round with its child, or only the child of a round or of the watching process.

    It waits for its victim to be at work, so that each kill hits; `hits` counts them by what they hit.
    """

    fetching: Rounds
    sending: Rounds
    watching: subprocess.Popen[bytes]
    every_s: float
    over: threading.Event
    hits: Counter[str] = field(default_factory=Counter)
    dice: random.Random = field(default_factory=lambda: random.Random(11))

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        kinds = ("a fetch and its child", "the child of a fetch", "a send", "the child of watch")
        number = 0
        while not self.over.wait(self.every_s):
            kind = kinds[number % len(kinds)]
            number += 1
            until = time.monotonic() + self.every_s / 2
            while time.monotonic() < until and not self.over.is_set():
                if self._kill(kind):
                    self.hits[kind] += 1
                    break
                time.sleep(0.002)

    def _kill(self, kind: str) -> bool:
        """Whether somebody was at work and is now dead; the moment within the work is random."""
        rounds = self.sending if kind == "a send" else self.fetching
        leader = self.watching if "watch" in kind else rounds.current
        if leader is None or leader.poll() is not None or not (children(leader.pid) or kind == "a send"):
            return False
        time.sleep(self.dice.uniform(0, 0.3))
        try:
            if "the child" in kind:
                victims = children(leader.pid)
                for pid in victims[:1]:
                    os.kill(pid, signal.SIGKILL)
                return bool(victims)
            os.killpg(leader.pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True


@dataclass(frozen=True)
class Sample:
    """One look at a process: when, resident bytes, open descriptors."""

    at_s: float
    rss_bytes: int
    descriptors: int


def look(pid: int, at_s: float) -> Sample | None:
    """What the kernel says of a process; None when it is gone."""
    try:
        resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
        return Sample(at_s, resident, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))
    except (OSError, IndexError):
        return None


@dataclass
class Sampler(threading.Thread):
    """Looks at the watching process and at the running fetch every second."""

    watching: subprocess.Popen[bytes]
    fetching: Rounds
    over: threading.Event
    watch: list[Sample] = field(default_factory=list)
    rounds: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        began = time.monotonic()
        while not self.over.wait(1):
            current = self.fetching.current
            for pid, kept in ((self.watching.pid, self.watch), (current.pid if current else 0, self.rounds)):
                sample = look(pid, time.monotonic() - began)
                if sample is not None and sample.rss_bytes:
                    kept.append(sample)
