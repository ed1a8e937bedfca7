"""The record or case that an email belongs to."""

from __future__ import annotations

from collections.abc import Mapping

from espomail import answering
from espomail.gather.records import company_of, stand_in
from espomail.model import Mail, Step, Thing
from espomail.rules import linking
from espomail.steps.passage import Passage
from espomail.store import emails, notes
from espomail.store.emails import Email


def link_record(p: Passage, mail: Mail, email: Email, clues: linking.Clues) -> Thing | None:
    """Hang the email on what it belongs to; one that hangs on a case already, or was hung or taken off by hand, stays so."""
    if email.is_taken_off:
        p.note(Step("link", "not linked", "a person took it off what it hung on", {"step": "known", "parent": None}))
        return None
    if mail.bounce is not None:
        return answering.note_bounce(p.db, mail, email, p.note, tell=p.tells_of(email), now=p.now)
    if email.parent is not None and (email.parent.type == "case" or notes.is_by_hand(p.db, email.parent, email.id)):
        p.note(Step("link", "linked", f"belongs to {email.parent} already", {"parent": str(email.parent), "step": "known"}))
        return email.parent
    found = linking.link(clues, with_case=bool(email.with_case and p.receipt.with_case))
    parent = stand_in(p.db, found.parent, p.arranged) if found.parent else None
    details = {"step": found.step, "parent": str(parent) if parent else None, "passed": dict(found.passed)}
    passed = "".join(f"; {why}" for step, why in found.passed.items() if step != "address")
    p.note(Step("link", "linked" if parent else "not linked", f"{found.step}: {found.reason}{passed}", details))
    if parent is not None and parent.type != "case":
        hang(p, email, parent, company_id=company_of(p.db, parent))
    return parent


def hang(
    p: Passage,
    email: Email,
    parent: Thing,
    *,
    company_id: int | None,
    kind: str | None = None,
    data: Mapping[str, object] | None = None,
) -> None:
    """Make a thing the email's parent and note the mail in its stream, once per email; `kind` None goes by its direction."""
    emails.set_parent(p.db, email.id, parent, account_id=company_id)
    user_id = p.arranged.users.get(email.from_address)
    notes.move_or_add(
        p.db,
        parent,
        kind or email.note_type,
        at=p.now,
        user_id=user_id,
        email_id=email.id,
        text=email.subject,
        data=dict(data or {}),
    )
