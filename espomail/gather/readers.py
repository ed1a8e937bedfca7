"""Whom a mail concerns, and what may keep a notice from them."""

from __future__ import annotations

from collections.abc import Mapping

from espomail.gather.arrangements import Arrangements
from espomail.model import Thing
from espomail.rules.notices import Reader
from espomail.store import email_users, followers, people
from espomail.store.db import Connection
from espomail.store.emails import Email


def readers(
    db: Connection,
    email: Email,
    arranged: Arrangements,
    *,
    newly_linked: Mapping[int, str],
    sender_id: int | None,
    assigned_id: int | None,
    is_news: bool,
) -> list[Reader]:
    """Everybody concerned, each once: the users whom the mail newly reached (with what silences it), then followers.

    Followers are concerned when the mail comes to hang on their record, not when another account brings it once more.
    """
    attention = email_users.attention(db, email.id)
    found = [
        Reader(
            user_id=user_id,
            inbox=True,
            is_active=people.is_active(db, user_id),
            is_sender=user_id == sender_id,
            was_assigned=user_id == assigned_id,
            needs_attention=attention.get(user_id, True),
            skipped_by=skipped_by,
            may_read_scope=arranged.may_read_scope(db, user_id, "email"),
        )
        for user_id, skipped_by in newly_linked.items()
    ]
    company = Thing("account", email.account_id) if email.account_id else None
    for thing in dict.fromkeys(t for t in (email.parent, company) if is_news and t is not None):
        for user_id in followers.list_(db, thing):
            if all(r.user_id != user_id for r in found):
                found.append(
                    Reader(
                        user_id=user_id,
                        follows=str(thing),
                        is_active=people.is_active(db, user_id),
                        is_sender=user_id == sender_id,
                        was_assigned=user_id == assigned_id,
                        may_read_scope=arranged.may_read_scope(db, user_id, thing.type),
                    )
                )
    return found
