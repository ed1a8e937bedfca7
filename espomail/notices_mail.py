"""Notifications as mail: one each, or one a day for all of them; queued in the outbox as automatic mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from espomail.mail import compose, tokens
from espomail.model import Account, Address
from espomail.store import instance, outbox
from espomail.store.db import Connection
from espomail.store.tellings import Telling

HEADERS = (("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All"), ("Precedence", "bulk"))
SUBJECT_MAX = 150


def queue(db: Connection, address: str, told: Sequence[Telling], sender: Account, *, as_digest: bool, now: datetime) -> int:
    """Queue mail about the notifications to one address; return how many notifications went into it. Each goes once."""
    groups = [list(told)] if as_digest else [[each] for each in told]
    for group in groups:
        cause = f"digest:{group[-1].id}" if as_digest else f"notice:{group[0].id}"
        if not outbox.has_cause(db, cause):
            _queue_one(db, address, group, sender, cause, now)
    return len(told)


def _queue_one(db: Connection, address: str, group: Sequence[Telling], sender: Account, cause: str, now: datetime) -> None:
    first = " ".join(group[0].text.split())[:SUBJECT_MAX]
    subject = first if len(group) == 1 else f"{len(group)} news, the latest: {group[-1].text[:SUBJECT_MAX]}"
    from_address = sender.address or f"espomail@{instance.uuid(db)}.invalid"
    draft = compose.Draft(
        from_=Address(sender.from_name or "espomail", from_address),
        to=(Address("", address),),
        subject=" ".join(subject.split()),
        text="\n".join(_line(each) for each in group) + "\n",
        message_id=tokens.sign_message_id(
            instance.signing_key(db),
            thing="email:0",
            nonce=f"{tokens.NOTICE_NONCE}{group[-1].id}",
            domain=from_address.rpartition("@")[2],
        ),
        date=now,
        headers=HEADERS,
    )
    new = outbox.NewOutgoing(
        kind="notice",
        cause=cause,
        envelope_from="",
        recipients=[address],
        subject=draft.subject,
        message_id=draft.message_id,
        content=compose.compose(draft),
        account_id=sender.id or None,
    )
    outbox.add(db, new, now=now)


def _line(telling: Telling) -> str:
    """One notification on one line, with the command that shows what it is about."""
    text = " ".join(telling.text.split())
    if telling.email is not None:
        return f"{text}\n    espomail email show {telling.email}"
    if telling.thing is not None and telling.thing.type == "case":
        return f"{text}\n    espomail case show {telling.thing.id}"
    return text
