"""Who is told of an email."""

from __future__ import annotations

from collections.abc import Mapping

from espomail import times
from espomail.gather.readers import readers
from espomail.mail import tokens
from espomail.model import Mail, Step
from espomail.rules import filters, notices
from espomail.steps.passage import Passage
from espomail.store import notifications
from espomail.store.emails import Email


def notify(
    p: Passage,
    mail: Mail,
    email: Email,
    newly_linked: Mapping[int, str],
    *,
    silenced: Mapping[int, str],
    agent_id: int | None,
    hit: filters.Filter | None,
    is_news: bool,
) -> None:
    """Tell whom the mail newly reached, and who follows its record where it `is_news` there: when it comes to hang on it.

    `silenced` says what silences it for those who had it before, `hit` is the account's filter that matched.
    """
    everybody = readers(
        p.db,
        email,
        p.arranged,
        newly_linked=newly_linked,
        silenced=silenced,
        sender_id=p.arranged.users.get(email.from_address),
        assigned_id=agent_id,
        is_news=is_news,
    )
    chosen = notices.choose(everybody, unwanted=_unwanted(p, mail, email, hit))
    who = mail.sender.name or mail.sender.address if mail.sender else "somebody unknown"
    told = [n for n in chosen.told if _tell(p, n, email, f"New mail from {who}: {mail.subject}")]
    p.note(
        Step(
            "notify",
            "notified" if told else "nobody",
            f"{len(told)} told, {len(chosen.not_told)} not",
            {
                "told": [{"user_id": n.user_id, "why": n.why} for n in told],
                "not_told": [{"user_id": s.user_id, "why": s.why} for s in chosen.not_told],
            },
        )
    )


def _tell(p: Passage, notice: notices.Notice, email: Email, text: str) -> bool:
    return notifications.add(
        p.db, notice.user_id, notice.type, f"email:{email.id}", at=p.now, email_id=email.id, thing=email.parent, text=text
    )


def _unwanted(p: Passage, mail: Mail, email: Email, hit: filters.Filter | None) -> str:
    """Why nobody is told of this mail at all, "" when they may be."""
    if tokens.is_notice(p.arranged.signing_key, mail.message_id):
        return "a notice of ours: telling of it would never end"
    if not p.tells_of(email):
        return "imported without notices"
    if hit is not None and hit.skip_notification:
        return f"the filter {hit.name} says so"
    received = times.from_text(email.received_at or p.receipt.received_at)
    if p.now - received > p.arranged.settings.notify_max_age:
        return "received too long ago"
    return ""
