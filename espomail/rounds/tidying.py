"""The daily round: what its time is over for, and what a killed dry run left."""

from __future__ import annotations

from espomail.desk import Desk
from espomail.rounds import rehearsal
from espomail.rules import access
from espomail.store import deleting, settings
from espomail.store.db import transaction
from espomail.store.deleting import Tidied


def tidy(desk: Desk) -> Tidied:
    """Purge it and return the counts; raise NotPermitted for who is no admin."""
    with transaction(desk.db):
        access.require_admin(desk.actor)
        done = deleting.tidy(desk.db, settings.load(desk.db), now=desk.now())
    rehearsal.forget_killed(desk)
    return done
