"""Whether a mail opens a case, joins one, or does neither, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass

CLOSED = ("Closed", "Rejected", "Duplicate")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedCase:
    """The case that the mail belongs to; its own group account says what a follow-up to a closed case does."""

    number: int
    status: str
    closed_days: float | None = None
    followup_closed: str = "reopen"
    reopen_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """What decides: the account that brought the mail (`entitled`: a group account that opens cases), and the mail.

    `own` says why the mail is ours ("" when it isn't); `automatic` why it is automatic. `opened` is the case that the email has opened
    before, `decided_by` the account that was already entitled to its case; `variant_decided`: one was to that of a variant of it.
    """

    entitled: bool
    account: str
    with_case: bool = True
    own: str = ""
    automatic: str | None = None
    auto_submitted: str = "store"
    is_bounce: bool = False
    variant_decided: bool = False
    opened: int | None = None
    decided_by: int | None = None
    linked: LinkedCase | None = None


@dataclass(frozen=True, slots=True)
class OpenCase:
    reason: str
    follows: int | None = None


@dataclass(frozen=True, slots=True)
class JoinCase:
    number: int
    reason: str
    reopens: bool = False


@dataclass(frozen=True, slots=True)
class NoCase:
    reason: str


CaseDecision = OpenCase | JoinCase | NoCase


def decide(facts: CaseFacts) -> CaseDecision:
    """Given the facts of a mail, return what becomes of it among the cases."""
    if facts.is_bounce:
        return NoCase("a bounce never opens or joins a case; it is noted on the record of the mail that came back")
    if facts.linked is not None and facts.with_case:
        return _follow_up(facts, facts.linked)
    return _first_contact(facts)


def _follow_up(facts: CaseFacts, case: LinkedCase) -> CaseDecision:
    if case.status not in CLOSED:
        return JoinCase(case.number, f"belongs to case {case.number} ({case.status})")
    if facts.automatic or facts.own:
        return JoinCase(
            case.number, f"belongs to case {case.number} ({case.status}); {facts.automatic or facts.own}: never reopens"
        )
    late = case.reopen_days is not None and (case.closed_days or 0) > case.reopen_days
    if case.followup_closed == "new" or late:
        why = f"closed for more than {case.reopen_days} days" if late else "its account opens a new case for follow-ups"
        if not facts.entitled:
            return NoCase(f"case {case.number} is {case.status} and {why}, which only a group account that opens cases does")
        if settled := _settled(facts):
            return NoCase(settled)
        return OpenCase(f"case {case.number} is {case.status} and {why}", follows=case.number)
    if case.followup_closed == "note":
        return JoinCase(case.number, f"belongs to case {case.number}, which stays {case.status}")
    return JoinCase(case.number, f"belongs to case {case.number}, which was {case.status}: reopened", reopens=True)


def _settled(facts: CaseFacts) -> str:
    """Why the mail has had its chance of a case, "" when it has not."""
    if facts.opened is not None:
        return f"it has opened case {facts.opened} before"
    if facts.decided_by is not None:
        return "its case was decided when another account brought it"
    return "its case was decided when a variant of it came" if facts.variant_decided else ""


def _first_contact(facts: CaseFacts) -> CaseDecision:
    if settled := _settled(facts):
        return NoCase(settled)
    if not facts.entitled:
        return NoCase(f"{facts.account} opens no cases")
    if not facts.with_case:
        return NoCase("imported without cases")
    if facts.own:
        return NoCase(facts.own)
    if facts.automatic and facts.auto_submitted != "case":
        return NoCase(f"automatic mail ({facts.automatic}) opens no case on {facts.account}")
    return OpenCase(f"new to {facts.account}")
