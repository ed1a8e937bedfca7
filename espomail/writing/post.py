"""A mail that a person writes: composed, kept as an email of ours, and put into the outbox with its bytes frozen.

Part of the corridor, like answering.py: gathers, asks rules/senders.py, writes into the caller's transaction. The caller has
authorised what the author reads (the mail that is answered, the parent); whether they may send is decided here.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from espomail import times
from espomail.errors import BadInput, NotFound, NotPermitted
from espomail.gather.arrangements import arrangements
from espomail.gather.citations import citations
from espomail.gather.clues import clues_of
from espomail.gather.records import company_of
from espomail.mail import compose, encode
from espomail.mail.parse import parse
from espomail.model import Account, Mail, Settings, Thing
from espomail.rules import linking, senders
from espomail.rules import settings as setting_rules
from espomail.rules.senders import MaySend
from espomail.store import (
    accounts,
    case_emails,
    drafts,
    email_teams,
    email_users,
    emails,
    notes,
    outbox,
    people,
    raw_mails,
    settings,
    visibility,
)
from espomail.store.db import Connection
from espomail.store.emails import Email
from espomail.writing import wording
from espomail.writing.letters import Author, Letter, Written

_DATE_FIELD = re.compile(rb"^Date: [^\r\n]*\r\n", re.MULTILINE)


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
    draft = wording.draft(db, letter, author, account, parent, now, token)
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
    clues = clues_of(db, mail, citations(db, mail), arrangements(db))
    found, _ = linking.by_address(clues)
    return found if found is not None and visibility.may(db, author.actor, found) else None


def _refuse_too_large(content: bytes, limits: Settings) -> None:
    if len(content) > limits.mail_size_max:
        most = setting_rules.write_size(limits.mail_size_max)
        raise BadInput(f"the mail has {len(content)} bytes, more than mail_size_max ({most})", "attach less")


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
        emails.set_parent(db, email_id, parent, account_id=company_of(db, parent))
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
    case = wording.case_of(db, email.parent)
    if case is not None:
        case_emails.link_people(db, case, email.id)
