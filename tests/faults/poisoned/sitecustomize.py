"""Makes the program fail on mails that say so: put this folder on PYTHONPATH of the program under test, and set `POISON`.

`POISON` is raise, hang, memory or kill: what happens when a mail with the word MARKED-AS-POISON in it is parsed; or late: it
raises when all of the mail's effects are written, just before its receipt. `POISON_CPU_S` shortens the CPU limit of one
mail, which a hanging parser uses up four times.
"""

from __future__ import annotations

import os
import signal


def swallow() -> None:
    """Do what `POISON` says."""
    match os.environ["POISON"]:
        case "raise" | "late":
            raise ValueError("poison")
        case "hang":
            while True:
                pass
        case "memory":
            kept = []
            while True:
                kept.append(bytes(64 * 1024 * 1024))
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)


if os.environ.get("POISON") == "late":
    from espomail.store import raw_mails, receipts

    set_final = receipts.set_final

    def poisoned_end(db, receipt_id, state, **more):
        raw_id = db.execute("select raw_id from receipts where id = ?", (receipt_id,)).fetchone()[0]
        if b"MARKED-AS-POISON" in (raw_mails.find(db, raw_id) or b""):
            swallow()
        set_final(db, receipt_id, state, **more)

    receipts.set_final = poisoned_end
elif os.environ.get("POISON"):
    from espomail.mail import parse as parser

    parse_head = parser.parse_head

    def poisoned(raw, **more):
        if b"MARKED-AS-POISON" in raw:
            swallow()
        return parse_head(raw, **more)

    parser.parse_head = poisoned

if limit := os.environ.get("POISON_CPU_S"):
    set_timer = signal.setitimer
    signal.setitimer = lambda which, seconds: set_timer(which, min(seconds, float(limit)))
