"""What one round may take, mails and time, shared by the accounts that it reads side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

FIRST_PACE = 1000.0
"""Mails a second that the processing child is trusted with before it has shown its pace on `FIRST_MAILS`."""
FIRST_MAILS = 100


@dataclass(slots=True)
class Budget:
    """How much one round may take: mails left, and the moment (monotonic) when it stops starting new work.

    What was taken in has to be processed by then too, at the pace that processing has: taking in alone can be several times faster.
    An account whose turn comes with less than `least_s` left waits for the next round, which takes it first: begun now, a
    server that is merely slow would count as failing.
    """

    mails: int | None
    stop_at: float
    monotonic: Callable[[], float]
    least_s: float = 0.0
    _taken: int = 0
    _done: int = 0
    _since: float = 0.0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def is_over(self) -> bool:
        return self.monotonic() >= self.stop_at

    def is_too_late(self) -> bool:
        return self.monotonic() + self.least_s >= self.stop_at

    def is_spent(self) -> bool:
        return self._is_late_with(self._taken - self._done) or (self.mails is not None and self.mails <= 0)

    def _is_late_with(self, count: int) -> bool:
        """Whether processing so many mails takes all the time that is left."""
        now = self.monotonic()
        pace = self._done / (now - self._since) if self._done >= FIRST_MAILS and now > self._since else FIRST_PACE
        return now + max(count, 0) / pace >= self.stop_at

    def note_taken(self, count: int) -> None:
        """So many mails more wait to be processed."""
        with self._guard:
            self._since = self._since or self.monotonic()
            self._taken += count

    def note_done(self, count: int) -> None:
        """So many mails were processed; mail of an earlier round is among them."""
        with self._guard:
            self._since = self._since or self.monotonic()
            self._done += count

    def claim(self, count: int) -> int:
        """How many of so many mails may be taken in; they count as taken at once, since accounts are read side by side."""
        with self._guard:
            if self.mails is None:
                return count
            granted = min(count, self.mails)
            self.mails -= granted
            return granted
