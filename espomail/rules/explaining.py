"""What of a mail's decisions a user who is not admin is told: what is about themselves and what they may see. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from espomail.model import Step, Thing

Seen = Callable[[Thing], bool]


def for_user(steps: Sequence[Step], *, user_id: int, seen: Seen) -> list[Step]:
    """Given all steps and which things the user may see, return what is theirs to know.

    Left out are other people, filters and counts of others, and cases and records that they may not see.
    """
    return [told for step in steps if (told := TELLERS[step.step](step, user_id, seen)) is not None]


def things_of(steps: Sequence[Step]) -> set[Thing]:
    """The cases and records that the steps speak of, to be asked which of them may be seen."""
    return {thing for step in steps for thing in (_case_of(step), _followed_by(step), _parent_of(step)) if thing is not None}


def _whole(step: Step, user_id: int, seen: Seen) -> Step | None:
    return step


def _outcome(reason: str) -> Callable[[Step, int, Seen], Step | None]:
    def tell(step: Step, user_id: int, seen: Seen) -> Step | None:
        return Step(step.step, step.outcome, reason)

    return tell


def _filter(step: Step, user_id: int, seen: Seen) -> Step | None:
    own = [inbox for inbox in step.details.get("inboxes", ()) if inbox.get("user_id") == user_id]
    details = {"inboxes": own} if own else {}
    return Step(step.step, step.outcome, "whether a filter kept it out or put it away", details)


def _link(step: Step, user_id: int, seen: Seen) -> Step | None:
    parent = _parent_of(step)
    if parent is None or not seen(parent):
        return None
    # behind the step that hit, the reason has those that did not, which may name other cases
    reason = step.reason.partition("; ")[0]
    return Step("link", step.outcome, reason, {"step": step.details.get("step"), "parent": str(parent)})


def _case(step: Step, user_id: int, seen: Seen) -> Step | None:
    case, followed = _case_of(step), _followed_by(step)
    if case is None or not seen(case):
        return None
    reason = step.reason if followed is None or seen(followed) else "it follows up on a closed case"
    return Step("case", step.outcome, reason, {"case": case.id})


def _distribute(step: Step, user_id: int, seen: Seen) -> Step | None:
    if step.details.get("user_id") != user_id:
        return None
    return Step("distribute", step.outcome, "the case was given to you", {"user_id": user_id})


def _notify(step: Step, user_id: int, seen: Seen) -> Step | None:
    for key, outcome in (("told", "notified"), ("not_told", "not notified")):
        for each in step.details.get(key, ()):
            if each.get("user_id") == user_id:
                return Step("notify", outcome, each["why"], {"user_id": user_id})
    return None


TELLERS: Mapping[str, Callable[[Step, int, Seen], Step | None]] = {
    "parse": _whole,
    "known": _outcome("whether we held this mail already"),
    "filter": _filter,
    "link": _link,
    "case": _case,
    "distribute": _distribute,
    "notify": _notify,
    "auto-reply": _outcome("whether the sender was answered by itself"),
}


def _case_of(step: Step) -> Thing | None:
    number: Any = step.details.get("case") if step.step == "case" else None
    return Thing("case", number) if isinstance(number, int) else None


def _followed_by(step: Step) -> Thing | None:
    number: Any = step.details.get("follows") if step.step == "case" else None
    return Thing("case", number) if isinstance(number, int) else None


def _parent_of(step: Step) -> Thing | None:
    parent = step.details.get("parent") if step.step == "link" else None
    type_, _, id_ = str(parent or "").partition(":")
    return Thing(type_, int(id_)) if id_.isdigit() else None
