"""What one round may take, mails and time, shared by the accounts that it reads side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Budget:
    """How much one round may take: mails left, and the moment (monotonic) when it stops starting new work.

    An account whose turn comes with less than `least_s` left waits for the next round, which takes it first: begun now, a
    server that is merely slow would count as failing.
    """

    mails: int | None
    stop_at: float
    monotonic: Callable[[], float]
    least_s: float = 0.0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def is_over(self) -> bool:
        return self.monotonic() >= self.stop_at

    def is_too_late(self) -> bool:
        return self.monotonic() + self.least_s >= self.stop_at

    def is_spent(self) -> bool:
        return self.is_over() or (self.mails is not None and self.mails <= 0)

    def claim(self, count: int) -> int:
        """How many of so many mails may be taken in; they count as taken at once, since accounts are read side by side."""
        with self._guard:
            if self.mails is None:
                return count
            granted = min(count, self.mails)
            self.mails -= granted
            return granted
