"""The emails of a case: whom it lets see them, and those put into it by hand with the replies that wait for it."""

from __future__ import annotations

from datetime import datetime

from espomail.model import Thing
from espomail.store import cases, email_teams, email_users, emails, notes, people
from espomail.store.db import Connection

_WITH_WAITING_REPLIES = """
    with recursive joined (id) as (
        select :email
        union
        select e.id from joined j join emails e on e.answers_email_id = j.id
        where e.thread_id = :thread and e.parent_type is null and not e.is_taken_off
          and e.status not in ('draft', 'cancelled')
    )
    select id from joined order by id
"""


def add(db: Connection, number: int, email_id: int, *, by_user_id: int | None, now: datetime) -> list[int]:
    """Put an email into a case, and the replies to it that hang on nothing; return the ids of all that joined.

    Each stands in the stream once, and the case's teams and its user see it.
    """
    email = emails.find(db, email_id)
    if email is None:
        return []
    case = cases.get(db, number)
    joined = with_waiting_replies(db, email)
    for each in joined:
        if hang_by_hand(db, each, case.thing, company_id=case.account_id, by_user_id=by_user_id, now=now):
            link_people(db, case, each)
    return joined


def with_waiting_replies(db: Connection, email: emails.Email) -> list[int]:
    """An email and the replies to it, and to those, that hang on nothing: what goes where it goes; by id."""
    rows = db.execute(_WITH_WAITING_REPLIES, {"email": email.id, "thread": email.thread_id})
    return [row[0] for row in rows]


def hang_by_hand(
    db: Connection, email_id: int, thing: Thing, *, company_id: int | None, by_user_id: int | None, now: datetime
) -> bool:
    """Hang an email on a case or record as a person wants it, with its entry in the stream; return False if it hangs there."""
    email = emails.find(db, email_id)
    if email is None or email.parent == thing:
        return False
    emails.set_parent(db, email_id, thing, account_id=company_id)
    data = {"by_hand": True}
    notes.move_or_add(db, thing, email.note_type, at=now, user_id=by_user_id, email_id=email_id, text=email.subject, data=data)
    return True


def link_people(db: Connection, case: cases.Case, email_id: int) -> None:
    """Have the case's teams, and whoever looks after it, see an email."""
    email_teams.link(db, email_id, cases.teams_of(db, case.number))
    if case.assigned_user_id is not None and people.is_active(db, case.assigned_user_id):
        email_users.link(db, email_id, case.assigned_user_id, "assigned")
