"""Filters: whether a mail comes in through this account at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from espomail.model import Head, Mail, Step
from espomail.rules import filters
from espomail.steps.passage import Passage


@dataclass(frozen=True, slots=True)
class Screening:
    step: Step
    skipped: bool = False
    filter_name: str | None = None
    hit: filters.Filter | None = None


def screen(p: Passage, head: Head, whole: Callable[[], Mail]) -> Screening:
    """The global filters, then those of the account; a skip means: not imported through this account."""
    tried: dict[str, str] = {}
    own = p.arranged.account_filters.get(p.receipt.account_id or 0, ())
    for rules in (p.arranged.global_filters, own):
        verdict = filters.first_hit(rules, head, whole)
        tried |= dict(verdict.tried)
        hit = verdict.hit
        if hit is not None and hit.action == "skip":
            step = Step("filter", "skipped", f"the {hit.kind} filter {hit.name} matches", {"tried": tried, "filter": hit.name})
            p.note(step)
            return Screening(step, skipped=True, filter_name=hit.name)
        if hit is not None and rules is own:
            reason = f"the {hit.kind} filter {hit.name} matches: {hit.action}"
            return Screening(Step("filter", "matched", reason, {"tried": tried, "filter": hit.name}), hit=hit)
    if p.account and p.account.auto_submitted == "skip" and head.automatic and whole().bounce is None:
        step = Step("filter", "skipped", f"automatic mail ({head.automatic}) and {p.account.name} skips it", {"tried": tried})
        p.note(step)
        return Screening(step, skipped=True, filter_name="auto-submitted")
    return Screening(Step("filter", "passed", "no filter matches" if tried else "no filters", {"tried": tried}))
