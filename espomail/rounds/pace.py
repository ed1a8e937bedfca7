"""How many mails are read and committed at once: as many as a server gives in about a second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

CHUNK_MAILS = 200
CHUNK_BYTES = 4 * 1024 * 1024
CHUNK_S = 1.0
FIRST_SHARE = 1 / 50


@dataclass(slots=True)
class Pace:
    """`share` of the largest chunk is read at once; it follows how long the chunk before took.

    A chunk that a slow server can't give within a round's time would be asked for, and thrown away, by every round.
    """

    share: float = FIRST_SHARE

    def keep(self, seconds: float) -> None:
        """A chunk took this long to read: the next is up to twice as large, or as much smaller as it was too slow."""
        self.share *= CHUNK_S / max(seconds, CHUNK_S / 2)
        self.share = min(1.0, max(self.share, 1 / CHUNK_MAILS))

    def chunks(self, uids: Sequence[int], sizes: dict[int, tuple[int, datetime]]) -> Iterator[list[int]]:
        """The UIDs, ascending, in groups bounded by count and by announced bytes; a large mail is a group of its own."""
        chunk: list[int] = []
        total = 0
        for uid in uids:
            size = sizes[uid][0] if uid in sizes else 0
            if chunk and (len(chunk) >= CHUNK_MAILS * self.share or total + size > CHUNK_BYTES * self.share):
                yield chunk
                chunk, total = [], 0
            chunk.append(uid)
            total += size
        if chunk:
            yield chunk
