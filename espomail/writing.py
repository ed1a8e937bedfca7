"""A mail that a person writes: composed, kept as an email of ours, and put into the outbox with its bytes frozen.

Part of the corridor, like answering.py: gathers, asks rules/senders.py, writes into the caller's transaction. The caller has
authorised what the author reads (the mail that is answered, the parent); whether they may send is decided here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from espomail import answering, gather, reading, times
from espomail.errors import BadInput, NotFound, NotPermitted
from espomail.mail import body, compose, encode, tokens
from espomail.mail.parse import parse
from espomail.model import Account, Actor, Address, Head, Mail, Settings, Thing
from espomail.rules import linking, senders
from espomail.rules import settings as setting_rules
from espomail.rules import templates as template_rules
from espomail.rules.senders import MaySend, Writer
from espomail.store import (
    accounts,
    cases,
    drafts,
    email_teams,
    email_users,
    emails,
    emails_read,
    instance,
    notes,
    outbox,
    people,
    raw_mails,
    records,
    settings,
    templates,
    visibility,
)
from espomail.store.cases import Case
from espomail.store.db import Connection
from espomail.store.emails import Email
from espomail.store.emails_read import ReadEmail

CASE_MAILS_MAX = 200
_DATE_FIELD = re.compile(rb"^Date: [^\r\n]*\r\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who writes. `writer` is None for the system, which has neither a name nor a signature."""

    actor: Actor
    writer: Writer | None = None
    full_name: str = ""
    address: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What the author wants to say, to whom. `subject` None takes that of the mail it answers, of the case, of the template.

    `template` is a name; its words stand instead of `words`. `at` None sends with the next round.
    """

    sender: str
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    subject: str | None = None
    words: str = ""
    is_html: bool = False
    template: str | None = None
    attachments: tuple[tuple[str, str, bytes], ...] = ()
    parent: Thing | None = None
    answers: ReadEmail | None = None
    with_quote: bool = True
    at: datetime | None = None
    is_draft: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """The email that a letter became, and its row in the outbox, None for a draft."""

    email_id: int
    outbox_id: int | None


def may_send(db: Connection, author: Author, address: str) -> MaySend | senders.MayNotSend:
    """Whether the author may send from a normalised address, and through what."""
    found, limits = accounts.list_by_address(db, address), settings.load(db)
    if author.writer is None:
        return senders.system_may_send(address, accounts=found, settings=limits)
    return senders.may_send(author.writer, address, accounts=found, settings=limits)


def write(db: Connection, letter: Letter, author: Author, *, now: datetime, token: str) -> Written:
    """Keep the letter as a draft, or queue it; `token` is a fresh random word of a-z and 0-9.

    Raise NotPermitted for a From that the author may not use, BadInput for what can't be sent.
    """
    account = _account(db, author, letter.sender)
    if not letter.is_draft and not (letter.to or letter.cc or letter.bcc):
        raise BadInput("the mail goes to nobody", "name somebody with --to")
    parent = letter.parent or _inherited(db, letter)
    draft = _draft(db, letter, author, account, parent, now, token)
    content = compose.compose(draft)
    _refuse_too_large(content, settings.load(db))
    mail = replace(parse(content), bcc=letter.bcc)
    parent = parent or _customer(db, mail, author)
    email_id = _keep(db, letter, author, mail, content, parent, now)
    if letter.is_draft:
        return Written(email_id, None)
    return Written(email_id, _post(db, email_id, mail, content, author, account, at=letter.at, now=now))


def send_draft(db: Connection, email_id: int, author: Author, *, at: datetime | None, now: datetime) -> Written:
    """Queue a draft of the author's (an admin may send anybody's), dated anew; raise NotFound for any other email."""
    email = emails.find(db, email_id)
    if email is None or email.status != "draft" or not (author.actor.is_admin or email.created_by_id == author.actor.user_id):
        raise NotFound("draft", email_id, "see: espomail email drafts")
    account = _account(db, author, email.from_address)
    if not drafts.recipients(db, email_id):
        raise BadInput(f"draft {email_id} goes to nobody", "write it anew with --to")
    kept = raw_mails.find(db, email.raw_id)
    if kept is None:
        raise BadInput(f"the bytes of draft {email_id} are gone", "write it anew")
    dated = encode.folded("Date", [encode.date_text(at or now)])
    content = _DATE_FIELD.sub(lambda _: dated, kept, count=1)
    mail = parse(content)
    raw_id = raw_mails.add(db, raw_mails.pack(content))
    drafts.release(db, email_id, mail, raw_id=raw_id, status=_status(at), now=now)
    raw_mails.remove_unused(db, email.raw_id)
    return Written(email_id, _post(db, email_id, mail, content, author, account, at=at, now=now))


# ---------------------------------------------------------------- who sends, about what


def _account(db: Connection, author: Author, address: str) -> Account | None:
    """The account that the mail leaves through, None for the server of the system address; raise NotPermitted."""
    answer = may_send(db, author, address)
    if not isinstance(answer, MaySend):
        raise NotPermitted(f"{author.actor.name} may not send from {address}: {answer.reason}", answer.fix)
    return None if answer.account_id is None else accounts.find(db, answer.account_id)


def _inherited(db: Connection, letter: Letter) -> Thing | None:
    """What the answered mail hangs on, whether or not the author may see it: a mail client's answer would land there too."""
    return emails.get(db, letter.answers.id).parent if letter.answers else None


def _customer(db: Connection, mail: Mail, author: Author) -> Thing | None:
    """The record of whom a new mail goes to, if the author may see it."""
    clues = gather.clues(db, mail, gather.citations(db, mail), gather.arrangements(db))
    found, _ = linking.by_address(clues)
    return found if found is not None and visibility.may(db, author.actor, found) else None


def _case_of(db: Connection, parent: Thing | None) -> Case | None:
    return cases.find(db, parent.id) if parent is not None and parent.type == "case" else None


def _refuse_too_large(content: bytes, limits: Settings) -> None:
    if len(content) > limits.mail_size_max:
        most = setting_rules.write_size(limits.mail_size_max)
        raise BadInput(f"the mail has {len(content)} bytes, more than mail_size_max ({most})", "attach less")


# ---------------------------------------------------------------- composing


def _draft(
    db: Connection, letter: Letter, author: Author, account: Account | None, parent: Thing | None, now: datetime, token: str
) -> compose.Draft:
    case = _case_of(db, parent)
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
        case=_case_values(db, shown, now),
        email=email,
        person=next(iter(letter.to), None),
        user={"name": author.full_name, "address": author.address, "signature": author.signature},
        account={"name": account.name, "address": account.address} if account else None,
    )


def _case_values(db: Connection, case: Case | None, now: datetime) -> dict[str, object] | None:
    if case is None:
        return None
    owner = cases.agent(db, case.assigned_user_id, day=now.date()) if case.assigned_user_id is not None else None
    return template_rules.case_values(
        case.number, name=case.name, status=case.status, priority=case.priority, assigned_user=owner.name if owner else None
    )


# ---------------------------------------------------------------- keeping and posting


def _status(at: datetime | None) -> str:
    return "queued" if at is None else "scheduled"


def _keep(
    db: Connection, letter: Letter, author: Author, mail: Mail, content: bytes, parent: Thing | None, now: datetime
) -> int:
    """The email's row, in the thread of what it answers; so far nobody but its author has it."""
    new = emails.NewEmail(
        mail=mail,
        direction="out",
        status="draft" if letter.is_draft else _status(letter.at),
        received_at=None,
        raw_id=raw_mails.add(db, raw_mails.pack(content)),
        thread_id=letter.answers.thread_id if letter.answers else None,
        answers_email_id=letter.answers.id if letter.answers else None,
        created_by_id=author.actor.user_id,
    )
    email_id = emails.add(db, new, now=now)
    if parent is not None:
        emails.set_parent(db, email_id, parent, account_id=gather.company_of(db, parent))
    if author.actor.user_id is not None:
        email_users.link(db, email_id, author.actor.user_id, "author", is_read=True)
    return email_id


def _post(
    db: Connection,
    email_id: int,
    mail: Mail,
    content: bytes,
    author: Author,
    account: Account | None,
    *,
    at: datetime | None,
    now: datetime,
) -> int:
    """Let colleagues have the mail, note it on what it hangs on, and queue it; return the id in the outbox."""
    email = emails.get(db, email_id)
    _link_colleagues(db, email, mail, account)
    if email.parent is not None:
        data = {"not_before": times.to_text(at)} if at else None
        by_id = author.actor.user_id
        notes.add(db, email.parent, "email-sent", at=now, user_id=by_id, email_id=email_id, text=mail.subject, data=data)
    return outbox.add(
        db,
        outbox.NewOutgoing(
            kind="user",
            cause=f"email:{email_id}",
            envelope_from=email.from_address,
            recipients=drafts.recipients(db, email_id),
            subject=mail.subject,
            message_id=mail.message_id,
            content=content,
            email_id=email_id,
            account_id=account.id if account else None,
            created_by_id=author.actor.user_id,
            not_before=at,
        ),
        now=now,
    )


def _link_colleagues(db: Connection, email: Email, mail: Mail, account: Account | None) -> None:
    """The teams of the account, of the answered mail and of the case; the users in From, To and Cc, and whose case it is."""
    if account is not None and account.kind == "group":
        email_teams.link(db, email.id, account.team_ids)
    if email.answers_email_id is not None:
        email_teams.link(db, email.id, email_teams.list_(db, email.answers_email_id))
    users = people.users_by_address(db)
    for address in dict.fromkeys(a.address for a in ((mail.sender,) if mail.sender else ()) + mail.to + mail.cc):
        if address in users:
            email_users.link(db, email.id, users[address], "address", is_read=users[address] == email.created_by_id)
    case = _case_of(db, email.parent)
    if case is None:
        return
    email_teams.link(db, email.id, cases.teams_of(db, case.number))
    if case.assigned_user_id is not None and people.is_active(db, case.assigned_user_id):
        email_users.link(db, email.id, case.assigned_user_id, "assigned")


# ---------------------------------------------------------------- answering a case


def our_addresses(db: Connection) -> frozenset[str]:
    """Every address of a user or mail account, and those that answers are led to: none belongs into a reply's To or Cc."""
    ours = {*people.users_by_address(db), *people.inactive_addresses(db)}
    for account in accounts.list_(db):
        ours |= {address for address in (account.address, account.reply_to, account.reply_from) if address}
    return frozenset(ours)


def recipients(db: Connection, answers: ReadEmail) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """To and Cc of an answer to everybody in a mail but us."""
    head = Head(sender=answers.sender, to=answers.to, cc=answers.cc, reply_to=answers.reply_to)
    return compose.reply_recipients(head, own=our_addresses(db), reply_all=True)


def mail_to_answer(db: Connection, actor: Actor, number: int) -> ReadEmail | None:
    """The mail of a case that a reply answers, of those that the author may read: the newest from a person outside.

    Else the newest that came, else the newest that we sent; None when they may read none.
    """
    found = emails_read.list_(db, actor, emails_read.Wanted(parent=Thing("case", number)), limit=CASE_MAILS_MAX)
    there = [each for each in found if each.status in ("imported", "sent", "queued") and not each.is_bounce]
    came = [each for each in there if each.direction == "in"]
    return next(iter([each for each in came if not each.is_automatic] or came or there), None)


def customer_of(db: Connection, actor: Actor, case: Case) -> tuple[Address, ...]:
    """To whom a case's first mail goes: the contact, lead or company with an address that works, if the author may see it."""
    for kind, record_id in (("contact", case.contact_id), ("lead", case.lead_id), ("account", case.account_id)):
        record = records.find(db, record_id) if record_id is not None else None
        if record is None or not visibility.may(db, actor, Thing(kind, record.id)):
            continue
        working = [address for address in record.emails if address not in record.invalid_emails]
        if working:
            return (Address(record.name, working[0]),)
    return ()
