"""`espomail tidy`: purge what its time is over for."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from espomail.cli.frame import changed, command, pass_desk

if TYPE_CHECKING:
    from espomail.desk import Desk


@command(
    "tidy",
    help="""Purge mail that everybody who had it trashed trash_days ago, the bytes of mail that a filter skipped
    skipped_keep_days ago, and bytes that nothing needs. Cron runs it once a day.""",
    epilog="Example: espomail tidy",
)
@pass_desk
def tidy(desk: Desk) -> None:
    from espomail.rounds import tidying

    done = tidying.tidy(desk)
    words = f"{done.purged} emails purged, the bytes of {done.skipped} skipped mails and {done.orphans} others forgotten"
    changed(words, dataclasses.asdict(done))
