"""Emails hung by hand on a case or a record, and taken off again."""

from __future__ import annotations

from datetime import datetime

from espomail.model import Thing
from espomail.store import case_emails, emails
from espomail.store.db import Connection, one

_COMPANY = "select case type when 'account' then id else account_id end from records where id = ?"


def link(db: Connection, email_id: int, thing: Thing, *, by_user_id: int | None, now: datetime) -> list[int]:
    """Hang an email, and the replies to it that hang on nothing, on a case or record; return the ids of all that were hung.

    Each stands in the thing's stream once; what it stood in before loses it.
    """
    if thing.type == "case":
        return case_emails.add(db, thing.id, email_id, by_user_id=by_user_id, now=now)
    email = emails.find(db, email_id)
    if email is None:
        return []
    company_id = one(db, _COMPANY, (thing.id,))
    hung = case_emails.with_waiting_replies(db, email)
    for each in hung:
        case_emails.hang_by_hand(db, each, thing, company_id=company_id, by_user_id=by_user_id, now=now)
    return hung


def unlink(db: Connection, email_id: int) -> None:
    """Take an email off what it hangs on, and out of its stream, for good. Who gained the mail by that keeps it."""
    email = emails.find(db, email_id)
    if email is None or email.parent is None:
        return
    db.execute(
        "update emails set parent_type = null, parent_id = null, account_id = null, is_taken_off = 1 where id = ?", (email_id,)
    )
    db.execute(
        """delete from notes where email_id = ? and thing_type = ? and thing_id = ?
               and type in ('email-received', 'email-sent')""",
        (email_id, email.parent.type, email.parent.id),
    )
