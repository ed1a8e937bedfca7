"""A letter composed: its header in the thread and with the marks of its case, its words with template, signature and quote."""

from __future__ import annotations

from datetime import datetime

from espomail import answering, reading, times
from espomail.mail import body, compose, encode, tokens
from espomail.model import Account, Address, Thing
from espomail.rules import templates as template_rules
from espomail.store import accounts, cases, drafts, instance, settings, templates, visibility
from espomail.store.cases import Case
from espomail.store.db import Connection
from espomail.store.emails_read import ReadEmail
from espomail.writing.letters import Author, Letter


def draft(
    db: Connection, letter: Letter, author: Author, account: Account | None, parent: Thing | None, now: datetime, token: str
) -> compose.Draft:
    case = case_of(db, parent)
    key = instance.signing_key(db)
    subject, written = _words(db, letter, author, account, case, now)
    thing = case.thing if case else Thing("email", drafts.next_email_id(db))
    domain = encode.ascii_address("From", letter.sender).rpartition("@")[2]
    answered, references = _thread(letter.answers)
    return compose.Draft(
        from_=Address(_from_name(db, author, account), letter.sender),
        to=letter.to,
        cc=letter.cc,
        bcc=letter.bcc,
        reply_to=_reply_to(db, case, key),
        subject=tokens.with_case_token(subject, case.number) if case else subject,
        text=written.text,
        html=written.html,
        attachments=letter.attachments,
        message_id=tokens.sign_message_id(key, thing=str(thing), nonce=token[:16].lower(), domain=domain),
        date=letter.at or now,
        in_reply_to=answered,
        references=references,
    )


def _thread(answers: ReadEmail | None) -> tuple[str | None, tuple[str, ...]]:
    """In-Reply-To and References; an id that we made up for a mail without one says nothing to anybody else."""
    if answers is None:
        return None, ()
    if answers.message_id.endswith(answering.DERIVED_DOMAIN):
        return None, answers.references
    return answers.message_id, tuple(dict.fromkeys((*answers.references, answers.message_id)))


def _reply_to(db: Connection, case: Case | None, key: bytes) -> tuple[Address, ...]:
    """The group's address, so that the answer returns to the group; none where the case came through no group account."""
    account = accounts.find(db, case.group_account_id) if case is not None and case.group_account_id is not None else None
    if case is None or account is None:
        return ()
    return (Address("", answering.reply_address(account, case.number, key)),)


def _from_name(db: Connection, author: Author, account: Account | None) -> str:
    if account is None:
        return settings.load(db).outbound_from_name or ""
    return account.from_name or (author.full_name if account.kind == "personal" else "")


def _words(
    db: Connection, letter: Letter, author: Author, account: Account | None, case: Case | None, now: datetime
) -> tuple[str, body.Body]:
    """The subject without the case's token, and the whole body."""
    words, is_html, subject, signature = letter.words, letter.is_html, letter.subject, author.signature
    own_subject = tokens.reply_subject(letter.answers.subject) if letter.answers else case.name if case else ""
    if letter.template is not None:
        template = templates.get(db, letter.template)
        values = _variables(db, letter, author, account, case, now)
        filled, words = template_rules.filled(template.subject, template.body, values, is_html=template.is_html)
        is_html = template.is_html
        own_subject = own_subject if letter.answers else filled
        signature = "" if "user.signature" in template.body else signature
    quoted = _quoted(db, letter.answers) if letter.answers and letter.with_quote else None
    return own_subject if subject is None else subject, body.written(words, is_html=is_html, signature=signature, quoted=quoted)


def _quoted(db: Connection, answers: ReadEmail) -> body.Quoted:
    sent_at = times.from_text(answers.sent_at) if answers.sent_at else None
    return body.Quoted(answers.sender.name or answers.sender.address, sent_at, reading.read(db, answers).text)


def _variables(
    db: Connection, letter: Letter, author: Author, account: Account | None, case: Case | None, now: datetime
) -> dict[str, object]:
    """The placeholders; of a case that the author may not see there are none."""
    email, answers = None, letter.answers
    if answers is not None:
        sent_at = times.from_text(answers.sent_at) if answers.sent_at else None
        email = template_rules.email_values(answers.id, sender=answers.sender, subject=answers.subject, sent_at=sent_at)
    shown = case if case is not None and visibility.may(db, author.actor, case.thing) else None
    return template_rules.variables(
        now=now,
        case=answering.case_values(db, shown, now=now),
        email=email,
        person=next(iter(letter.to), None),
        user={"name": author.full_name, "address": author.address, "signature": author.signature},
        account={"name": account.name, "address": account.address} if account else None,
    )


def case_of(db: Connection, parent: Thing | None) -> Case | None:
    return cases.find(db, parent.id) if parent is not None and parent.type == "case" else None
