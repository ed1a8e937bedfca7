"""Makes the program die by SIGKILL at one of its commits: put this folder on PYTHONPATH of the program under test.

`DIE_IN` is round or child: which process dies. `DIE_AT` counts its write transactions from 1, `DIE_WHEN` is before or after the
commit, or `statement 7`: when so many statements of the transaction have begun. It dies once: the file `DIE_ONCE` says that it has.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

is_child = "espomail.rounds.worker" in sys.orig_argv
if os.environ.get("DIE_IN") == ("child" if is_child else "round"):
    from espomail.store import db as store

    transaction = store.transaction
    passed = 0

    def die() -> None:
        """Kill this process, unless one has died of it before."""
        with contextlib.suppress(FileExistsError):
            os.close(os.open(os.environ["DIE_ONCE"], os.O_CREAT | os.O_EXCL))
            os.kill(os.getpid(), signal.SIGKILL)

    @contextlib.contextmanager
    def dying(db):
        global passed
        passed += 1
        number = passed
        with transaction(db) as given:
            if number == int(os.environ["DIE_AT"]) and os.environ["DIE_WHEN"].startswith("statement"):
                left = iter(range(int(os.environ["DIE_WHEN"].split()[1]), 0, -1))
                db.set_trace_callback(lambda sql: die() if next(left, 1) == 1 else None)
            yield given
            if number == int(os.environ["DIE_AT"]) and os.environ["DIE_WHEN"] == "before":
                die()
        if number == int(os.environ["DIE_AT"]):
            die()

    store.transaction = dying
