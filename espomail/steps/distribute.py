"""Who gets a new case, decided in the transaction that opens it."""

from __future__ import annotations

from espomail.gather.turns import situation
from espomail.model import Step, Thing
from espomail.rules import distribution
from espomail.steps.case import CaseResult
from espomail.steps.passage import Passage
from espomail.store import cases, notifications, turns
from espomail.store.emails import Email


def distribute(p: Passage, email: Email, case: CaseResult) -> int | None:
    """Choose an agent for a new case, in the transaction that opened it; return the user, None for nobody."""
    if case.opened is None or p.account is None:
        p.note(Step("distribute", "not needed", "no new case"))
        return None
    account, team = p.account, p.account.target_team_id
    choice = distribution.choose(account.distribution, situation(p.db, account, now=p.now))
    match choice:
        case distribution.Assigned(user_id=user_id, rule=rule, reason=reason, details=details):
            turns.add(
                p.db,
                rule=rule,
                team_id=team or 0,
                position=account.target_position,
                user_id=user_id,
                case_number=case.opened,
                at=p.now,
            )
            tell = p.tells_of(email) and p.arranged.may_read_scope(p.db, user_id, "case")
            cases.assign(p.db, case.opened, user_id, by_user_id=None, now=p.now, tell=tell)
            p.note(Step("distribute", "assigned", reason, {"user_id": user_id, "rule": rule, **details}))
            return user_id
        case distribution.Nobody(reason=reason, details=details):
            p.note(Step("distribute", "nobody", reason, dict(details)))
            if account.distribution != "none" and p.tells_of(email):
                _tell_admins(p, email, case.opened, reason)
            return None


def _tell_admins(p: Passage, email: Email, number: int, reason: str) -> None:
    for user_id in notifications.admins(p.db):
        notifications.add(
            p.db,
            user_id,
            "case-unassigned",
            f"unassigned:{number}",
            at=p.now,
            email_id=email.id,
            thing=Thing("case", number),
            text=f"Case {number} has nobody: {reason}",
        )
