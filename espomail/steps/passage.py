"""One mail on its way through the steps."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from espomail.gather.arrangements import Arrangements
from espomail.model import Account, Step
from espomail.rules.filters import Verdict
from espomail.store.db import Connection
from espomail.store.emails import Email
from espomail.store.receipts import Receipt


@dataclass(slots=True)
class Passage:
    """One mail on its way: what came, what is arranged, and the steps decided so far."""

    db: Connection
    receipt: Receipt
    account: Account | None
    arranged: Arrangements
    now: datetime
    is_whole: bool = True
    steps: list[Step] = field(default_factory=list)

    def tells_of(self, email: Email) -> bool:
        """Whether anybody may be told of an email: neither it nor this copy of it was imported without notices."""
        return bool(email.with_notices and self.receipt.with_notices)

    def note_inbox(self, user_id: int, verdict: Verdict) -> None:
        """Tell in the step of the filters what a user's own filters made of the mail."""
        at = next(n for n, step in enumerate(self.steps) if step.step == "filter")
        step, hit = self.steps[at], verdict.hit
        told = {
            "user_id": user_id,
            "filter": hit.name if hit else None,
            "action": hit.action if hit else None,
            "tried": dict(verdict.tried),
        }
        reason = f"{step.reason}; in an inbox {hit.name} matches: {hit.action}" if hit else step.reason
        details = {**step.details, "inboxes": [*step.details.get("inboxes", ()), told]}
        self.steps[at] = replace(step, reason=reason, details=details)

    def note(self, step: Step) -> None:
        self.steps.append(step)
