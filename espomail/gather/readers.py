"""Whom a mail concerns, and what may keep a notice from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from espomail.gather.arrangements import Arrangements
from espomail.model import Thing
from espomail.rules.notices import Reader
from espomail.store import email_users, followers
from espomail.store.db import Connection
from espomail.store.emails import Email


def readers(
    db: Connection,
    email: Email,
    arranged: Arrangements,
    *,
    newly_linked: Mapping[int, str],
    silenced: Mapping[int, str],
    sender_id: int | None,
    assigned_id: int | None,
    is_news: bool,
) -> list[Reader]:
    """Everybody concerned, each once: the users whom the mail newly reached (with what silences it), then followers.

    Followers are concerned when the mail comes to hang on their record, not when another account brings it once more.
    `silenced` says what silences it for users who had the mail before.
    """
    attention = email_users.attention(db, email.id)
    shelved = email_users.shelved(db, email.id)
    followed = _followed(db, email) if is_news else {}
    found = []
    for user_id in dict.fromkeys((*newly_linked, *followed)):
        may_read_email = arranged.may_read_scope(db, user_id, "email")
        readable = [t for t in followed.get(user_id, ()) if arranged.may_read_scope(db, user_id, t.type)]
        reached = user_id in newly_linked and may_read_email
        found.append(
            Reader(
                user_id=user_id,
                inbox=reached and user_id not in shelved,
                follows=str(readable[0]) if readable else "",
                is_active=user_id in arranged.active_ids,
                is_sender=user_id == sender_id,
                was_assigned=user_id == assigned_id,
                needs_attention=attention.get(user_id, True),
                skipped_by=newly_linked.get(user_id) or silenced.get(user_id, ""),
                may_read_scope=reached or bool(readable),
            )
        )
    return found


def _followed(db: Connection, email: Email) -> dict[int, Sequence[Thing]]:
    """Who follows the email's record or its company, each with what they follow of them, the record first."""
    company = Thing("account", email.account_id) if email.account_id else None
    found: dict[int, list[Thing]] = {}
    for thing in dict.fromkeys(t for t in (email.parent, company) if t is not None):
        for user_id in followers.list_(db, thing):
            found.setdefault(user_id, []).append(thing)
    return dict(found)
