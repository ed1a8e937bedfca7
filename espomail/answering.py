"""What a mail causes to be sent by itself, and what a mail that came back means for the one it returns.

Part of the corridor: gathers, asks rules/replies.py, writes into the caller's transaction. A reply that can't be built
never fails the mail that asked for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from espomail import times
from espomail.errors import BadInput
from espomail.gather.arrangements import Arrangements
from espomail.gather.citations import cited_ids
from espomail.mail import compose, tokens
from espomail.mail.addresses import normalise
from espomail.mail.automatic import robot_reason, subject_reason
from espomail.mail.parse import parse
from espomail.model import Account, Address, Mail, Step, Thing
from espomail.rules import replies
from espomail.rules import templates as template_rules
from espomail.store import (
    accounts,
    agents,
    case_emails,
    cases,
    email_teams,
    emails,
    notes,
    notifications,
    outbox,
    raw_mails,
    records,
    templates,
    users,
)
from espomail.store.cases import Case
from espomail.store.db import Connection
from espomail.store.emails import Email
from espomail.store.receipts import Receipt

AUTO_REPLY_HEADERS = (
    ("Auto-Submitted", "auto-replied"),
    ("X-Auto-Response-Suppress", "All"),
    ("Precedence", "auto_reply"),
)
LOOP_NONCE = "autoreply"
DERIVED_DOMAIN = "@derived.espomail.invalid"

# ---------------------------------------------------------------- auto-replies


def answer(
    db: Connection,
    mail: Mail,
    email: Email,
    receipt: Receipt,
    arranged: Arrangements,
    *,
    case_number: int | None,
    now: datetime,
) -> Step:
    """Queue the account's auto-reply to a mail, or say why there is none. `case_number` is the case that the mail opened."""
    account = arranged.accounts.get(receipt.account_id or 0)
    if account is None or not account.auto_reply:
        return Step("auto-reply", "silent", "the account sends no auto-replies")
    question = _question(db, mail, email, receipt, account, arranged, case_number, now)
    match replies.decide(question):
        case replies.Silence(reason=reason):
            return Step("auto-reply", "silent", reason)
        case replies.Reply(address=address, trips_breaker=trips):
            try:
                outbox_id = _queue(db, mail, email, account, arranged, address, now)
            except BadInput as error:
                return Step("auto-reply", "failed", f"the reply could not be built: {error.message}")
            if trips:
                accounts.set_breaker(db, account.id, now + times.parse_span("1h"))
            return Step("auto-reply", "queued", f"to {address}", {"outbox": outbox_id, "to": address})


def _question(
    db: Connection,
    mail: Mail,
    email: Email,
    receipt: Receipt,
    account: Account,
    arranged: Arrangements,
    case_number: int | None,
    now: datetime,
) -> replies.Question:
    limits = arranged.settings
    asked = next((a.address for a in (*mail.reply_to, *((mail.sender,) if mail.sender else ())) if a.address), "")
    case = email.parent.id if email.parent is not None and email.parent.type == "case" else None
    return replies.Question(
        wants_replies=account.auto_reply,
        has_template=account.reply_template is not None and templates.find(db, account.reply_template) is not None,
        per_case=account.create_case,
        opened_case=case_number is not None,
        address=asked,
        is_ours=arranged.leads_to_us(asked) or arranged.leads_to_us(mail.sender.address if mail.sender else ""),
        automatic=mail.automatic or subject_reason(mail.subject) or robot_reason("Reply-To", asked),
        is_bounce=mail.bounce is not None,
        quotes_our_reply=any(_is_auto_reply_of_ours(arranged.signing_key, i) for i in cited_ids(mail)),
        is_import=not receipt.with_auto_reply,
        was_quarantined=receipt.attempts > 0,
        is_answered=any(outbox.has_cause(db, f"auto-reply:{e.id}") for e in (email, *emails.list_variants(db, email))),
        sent_at=mail.sent_at,
        received_at=times.from_text(receipt.received_at),
        now=now,
        max_age=limits.auto_reply_max_age,
        sent_to=outbox.count_to(db, asked, since=now - limits.auto_reply_period),
        limit=limits.auto_reply_limit,
        period=limits.auto_reply_period,
        in_case=outbox.count_in_case(db, asked, case) if case is not None else 0,
        case_limit=limits.auto_reply_per_case,
        this_hour=outbox.count_of_account(db, account.id, now=now),
        hourly_cap=limits.auto_reply_hourly_cap,
        breaker_until=accounts.round_of(db, account.id).breaker_until,
    )


def _is_auto_reply_of_ours(key: bytes, message_id: str) -> bool:
    signed = tokens.read_signed_id(key, message_id)
    return isinstance(signed, tokens.SignedId) and signed.nonce.startswith(LOOP_NONCE)


def _queue(
    db: Connection, mail: Mail, email: Email, account: Account, arranged: Arrangements, address: str, now: datetime
) -> int:
    """Write the reply: an email of ours in the thread, a note on its record, and the outbox row with its frozen bytes."""
    draft = _draft(db, mail, email, account, arranged, address, now)
    content = compose.compose(draft)
    new = emails.NewEmail(
        mail=parse(content),
        direction="out",
        status="queued",
        received_at=None,
        raw_id=raw_mails.add(db, raw_mails.pack(content)),
        thread_id=email.thread_id,
        answers_email_id=email.id,
    )
    reply_id = emails.add(db, new, now=now)
    email_teams.link(db, reply_id, email_teams.list_(db, email.id))
    if email.parent is not None:
        emails.set_parent(db, reply_id, email.parent, account_id=email.account_id)
        notes.add(db, email.parent, "email-sent", at=now, email_id=reply_id, text=draft.subject, data={"auto_reply": True})
    outgoing = outbox.NewOutgoing(
        kind="auto-reply",
        cause=f"auto-reply:{email.id}",
        envelope_from="",
        recipients=[address],
        subject=draft.subject,
        message_id=draft.message_id,
        content=content,
        email_id=reply_id,
        account_id=account.id,
    )
    return outbox.add(db, outgoing, now=now)


def _draft(
    db: Connection, mail: Mail, email: Email, account: Account, arranged: Arrangements, address: str, now: datetime
) -> compose.Draft:
    template = templates.get(db, account.reply_template or "")
    sender = mail.sender or Address("", address)
    number = email.parent.id if email.parent is not None and email.parent.type == "case" else None
    case = cases.find(db, number) if number is not None else None
    values = template_rules.variables(
        now=now,
        case=case_values(db, case, now=now),
        user=_agent_values(db, case, now=now),
        email=template_rules.email_values(email.id, sender=sender, subject=mail.subject, sent_at=mail.sent_at),
        person=sender,
        account={"name": account.name, "address": account.address},
    )
    subject, body = template_rules.filled(template.subject, template.body, values, is_html=template.is_html)
    from_address = account.reply_from or account.address
    thing = email.parent if number is not None and email.parent is not None else Thing("email", email.id)
    known_id = not mail.message_id.endswith(DERIVED_DOMAIN)
    return compose.Draft(
        from_=Address(account.reply_from_name or account.from_name, from_address),
        to=(Address("", address),),
        reply_to=(Address("", reply_address(account, number, arranged.signing_key)),),
        subject=tokens.with_case_token(subject, number) if number is not None else subject,
        text="" if template.is_html else body,
        html=body if template.is_html else None,
        message_id=tokens.sign_message_id(
            arranged.signing_key, thing=str(thing), nonce=f"{LOOP_NONCE}{email.id}", domain=from_address.rpartition("@")[2]
        ),
        date=now,
        in_reply_to=mail.message_id if known_id else None,
        references=(*mail.references, mail.message_id) if known_id else mail.references,
        headers=AUTO_REPLY_HEADERS,
    )


def case_values(db: Connection, case: Case | None, *, now: datetime) -> dict[str, object] | None:
    """What `case` stands for in a template, None for none."""
    if case is None:
        return None
    owner = agents.find(db, case.assigned_user_id, day=now.date()) if case.assigned_user_id is not None else None
    return template_rules.case_values(
        case.number, name=case.name, status=case.status, priority=case.priority, assigned_user=owner.name if owner else None
    )


def _agent_values(db: Connection, case: Case | None, *, now: datetime) -> dict[str, object] | None:
    """What `user` stands for in an auto-reply: whom the case was given to; None for nobody."""
    owner = agents.find(db, case.assigned_user_id, day=now.date()) if case and case.assigned_user_id is not None else None
    user = users.find(db, owner.name) if owner else None
    if user is None:
        return None
    return {
        "name": user.profile.full_name or user.name,
        "address": next(iter(user.emails), ""),
        "signature": user.profile.signature,
    }


def reply_address(account: Account, number: int | None, key: bytes) -> str:
    """Where answers to a case's mail shall come: the account's reply-to address, or its signed plus-address."""
    base = account.reply_to or account.address
    return tokens.plus_address(key, address=base, number=number) if account.plus_address and number is not None else base


# ---------------------------------------------------------------- bounces


def note_bounce(
    db: Connection, mail: Mail, email: Email, note: Callable[[Step], None], *, tell: bool, now: datetime
) -> Thing | None:
    """Tie a bounce to the mail of ours that came back, note it there, and mark an address that does not exist.

    `tell` says whether who wrote that mail is to be told. A bounce that quotes no mail that we sent changes nothing: anybody can write one.
    """
    bounce = mail.bounce
    assert bounce is not None
    ours = _sent_by_us(db, bounce.original_message_id)
    if ours is None:
        note(Step("link", "not linked", "a bounce that quotes no mail of ours", {"quotes": bounce.original_message_id}))
        return None
    failed = [f"delivery to {r.address} failed: {r.status} {r.reason}".strip() for r in bounce.recipients]
    text = "; ".join(failed)[:2000] or "delivery failed"
    if ours.parent is not None:
        emails.set_parent(db, email.id, ours.parent, account_id=ours.account_id)
        notes.add(db, ours.parent, "bounce", at=now, email_id=email.id, text=text)
        if ours.parent.type == "case":
            case_emails.link_people(db, cases.get(db, ours.parent.id), email.id)
    marked = []
    for recipient in bounce.recipients:
        address = normalise(recipient.address)
        if recipient.is_hard and bounce.empty_return_path and address and outbox.went_to(db, ours.id, address):
            records.set_invalid(db, address, is_invalid=True)
            marked.append(address)
    if tell and ours.created_by_id is not None:
        notifications.add(
            db, ours.created_by_id, "bounce", f"email:{email.id}", at=now, email_id=email.id, thing=ours.parent, text=text
        )
    note(Step("link", "bounce", f"returns email {ours.id}: {text}", {"email": ours.id, "marked_invalid": marked}))
    return ours.parent


def _sent_by_us(db: Connection, message_id: str | None) -> Email | None:
    """The mail that we sent under a Message-ID; one that only came in with such an id is not ours."""
    if message_id is None:
        return None
    found = emails.list_by_message_id(db, message_id)
    return next((e for e in found if e.direction == "out" and e.status in ("queued", "sent", "failed", "unknown")), None)
