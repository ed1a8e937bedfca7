"""Whether an email opens a case or joins one, and what those that answer it owe to it."""

from __future__ import annotations

from dataclasses import dataclass

from espomail.gather.cases import case_facts
from espomail.gather.clues import is_new_to, strangers
from espomail.model import Mail, Step, Thing
from espomail.rules import cases as rules
from espomail.rules import linking
from espomail.steps.link import hang
from espomail.steps.passage import Passage
from espomail.store import case_emails, cases, email_teams, emails, notes, threads
from espomail.store.emails import Email


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The case of the email after the step (`number`), and the one that it opened (`opened`)."""

    number: int | None = None
    opened: int | None = None


def decide_case(p: Passage, mail: Mail, email: Email, parent: Thing | None, who: linking.Person | None) -> CaseResult:
    facts = case_facts(p.db, mail, email, p.receipt, parent, p.arranged, now=p.now)
    decision = rules.decide(facts)
    if facts.entitled and p.account is not None:
        emails.set_case_account(p.db, email.id, p.account.id)
    match decision:
        case rules.OpenCase(reason=reason, follows=follows):
            number = _open_case(p, mail, email, who, follows)
            p.note(Step("case", "opened", reason, {"case": number, "follows": follows}))
            return CaseResult(number, number)
        case rules.JoinCase(number=number, reason=reason, reopens=reopens):
            newcomer = _join_case(p, email, number, reopens=reopens)
            p.note(Step("case", "reopened" if reopens else "joined", reason, {"case": number, "new_to_it": newcomer}))
            return CaseResult(number)
        case rules.NoCase(reason=reason):
            p.note(Step("case", "none", reason))
            return CaseResult()


def _open_case(p: Passage, mail: Mail, email: Email, who: linking.Person | None, follows: int | None) -> int:
    assert p.account is not None
    team_ids = (p.account.target_team_id,) if p.account.target_team_id else p.account.team_ids
    number = cases.add(
        p.db,
        name=mail.subject or "(no subject)",
        description=mail.text[: cases.DESCRIPTION_MAX],
        account_id=who.company_id if who else None,
        contact_id=who.contact_id if who else None,
        lead_id=who.lead_id if who else None,
        group_account_id=p.account.id,
        opened_by_email_id=email.id,
        follows_case=follows,
        team_ids=team_ids,
        now=p.now,
    )
    hang(p, email, Thing("case", number), company_id=who.company_id if who else None, kind="email-received")
    email_teams.link(p.db, email.id, team_ids)
    return number


def _join_case(p: Passage, email: Email, number: int, *, reopens: bool) -> str | None:
    """Put the email into the case's stream, its people into the email; return the sender's address if new to the case."""
    case = cases.get(p.db, number)
    newcomer = email.from_address if is_new_to(p.db, number, email.from_address, p.arranged) else None
    data = {"new_to_it": newcomer} if newcomer else {}
    hang(p, email, Thing("case", number), company_id=case.account_id, data=data)
    case_emails.link_people(p.db, case, email.id)
    if reopens:
        cases.reopen(p.db, number, by_user_id=None, now=p.now)
    return newcomer


def pass_on(p: Passage, email: Email, case: CaseResult, *, came_late: bool, is_known: bool) -> None:
    """What those that answer this email owe to it: its teams, and its case where they came first and found none.

    Only an email that came after its answers, or that another account brings once more, has any.
    """
    if came_late:
        threads.adopt_answers(p.db, email.id, email.message_id)
        threads.join_citing(p.db, email.thread_id, email.message_id)
        if case.number is not None:
            _join_waiting(p, email.message_id, case.number)
    if came_late or is_known:
        email_teams.spread(p.db, email.id)


def _join_waiting(p: Passage, message_id: str, number: int) -> None:
    """Put the emails that answer a mail of the case into it, where they wait for one, and those that answer them in turn."""
    cited = [message_id]
    while cited:
        for reply in threads.list_waiting_replies(p.db, cited.pop()):
            if _would_have_joined(p, reply, number):
                _join_case(p, reply, number, reopens=False)
                cited.append(reply.message_id)


def _would_have_joined(p: Passage, reply: Email, number: int) -> bool:
    """Whether an email would hang on the case had it come after the mail that it answers."""
    if reply.is_taken_off or (reply.parent is not None and notes.is_by_hand(p.db, reply.parent, reply.id)):
        return False
    attaches = strangers(p.db, number, p.arranged, p.account) == "attach"
    return attaches or not is_new_to(p.db, number, reply.from_address, p.arranged)
