"""Known or new: which email a mail is, and the row of a new one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from espomail import times
from espomail.gather.citations import Thread
from espomail.mail import identity
from espomail.model import Mail, Step
from espomail.steps.passage import Passage
from espomail.store import emails
from espomail.store.db import Connection
from espomail.store.emails import Email
from espomail.store.receipts import Receipt


@dataclass(frozen=True, slots=True)
class Recognition:
    """What the mail is to us: `email_id` of the same mail we hold; `is_over` when nothing is left to do for it."""

    email_id: int | None = None
    is_over: bool = False
    variant_of: int | None = None
    flags: tuple[str, ...] = ()


def recognise(p: Passage, mail: Mail) -> Recognition:
    parsed = Step("parse", "partial" if mail.is_partial else "read", _parse_reason(mail), {"flags": list(flags_of(p, mail))})
    p.note(parsed)
    if emails.find_tombstone(p.db, mail.content_key):
        p.note(Step("known", "deleted", "this mail was deleted; it does not come back"))
        return Recognition(is_over=True)
    namesakes = emails.list_by_message_id(p.db, mail.message_id)
    same = next((e for e in namesakes if e.content_key == mail.content_key), None)
    if same is not None:
        return _same(p, same)
    variant = next((e for e in namesakes if _is_variant(p.db, mail, e)), None)
    if variant is not None:
        p.note(Step("known", "variant", f"email {variant.id} with more or less text around it", {"email": variant.id}))
        return Recognition(variant_of=variant.variant_of_id or variant.id, flags=("variant",))
    if namesakes:
        for email in namesakes:
            emails.add_flag(p.db, email.id, "reused-message-id")
        others = [email.id for email in namesakes]
        p.note(Step("known", "new", "another mail has used the same Message-ID; both are flagged", {"emails": others}))
        return Recognition(flags=("reused-message-id",))
    if emails.is_id_of_deleted(p.db, mail.message_id):
        p.note(Step("known", "new", "a mail that was deleted had the same Message-ID; this one is flagged"))
        return Recognition(flags=("reused-message-id",))
    p.note(Step("known", "new", "never seen"))
    return Recognition()


def _same(p: Passage, same: Email) -> Recognition:
    details = {"email": same.id}
    if p.account is None or emails.has_account(p.db, same.id, p.account.id):
        p.note(Step("known", "duplicate", f"email {same.id}, which this account has already brought", details))
        return Recognition(email_id=same.id, is_over=True)
    reason = f"email {same.id}, brought before by another account; what {p.account.name} adds is added"
    p.note(Step("known", "known", reason, details))
    return Recognition(email_id=same.id)


def _is_variant(db: Connection, mail: Mail, held: Email) -> bool:
    same_frame = held.from_address == (mail.sender.address if mail.sender else "") and held.sent_at == times.to_text_or_none(
        mail.sent_at
    )
    return same_frame and identity.is_variant(mail.text, emails.text_of(db, held.id))


def _parse_reason(mail: Mail) -> str:
    return "something could not be read and was replaced" if mail.is_partial else f"{mail.size_bytes} bytes"


def flags_of(p: Passage, mail: Mail) -> tuple[str, ...]:
    """What is unusual about a mail; `oversize` when only its head and the first of its text were read from the server."""
    return mail.flags if p.is_whole else (*mail.flags, "oversize")


def stored(p: Passage, mail: Mail, recognition: Recognition, thread: Thread) -> Email:
    """The email's row: the one we hold, or a new one in the thread it belongs to."""
    email_id = recognition.email_id
    if email_id is None:
        sender = mail.sender.address if mail.sender else ""
        new = emails.NewEmail(
            mail=mail,
            direction="out" if p.arranged.ours(sender) else "in",
            status="imported",
            received_at=_received_at(p.receipt, mail),
            raw_id=p.receipt.raw_id,
            thread_id=thread.thread_id,
            answers_email_id=thread.answers_email_id,
            variant_of_id=recognition.variant_of,
            with_case=bool(p.receipt.with_case),
            with_notices=bool(p.receipt.with_notices),
            flags=tuple(f for f in (*flags_of(p, mail), *recognition.flags) if f not in mail.flags),
        )
        email_id = emails.add(p.db, new, now=p.now)
    if p.account is not None:
        emails.link_account(p.db, email_id, p.account.id)
    return emails.get(p.db, email_id)


def _received_at(receipt: Receipt, mail: Mail) -> datetime:
    """INTERNALDATE, or when the MTA delivered; a file's own time says little, so there the Date header counts if earlier."""
    received = times.from_text(receipt.received_at)
    return min(received, mail.sent_at) if receipt.source == "import" and mail.sent_at else received
