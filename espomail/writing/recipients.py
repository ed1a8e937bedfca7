"""To whom an answer goes, and which mail of a case it answers."""

from __future__ import annotations

from espomail.mail import compose
from espomail.model import Actor, Address, Head, Thing
from espomail.rules import accounts as account_rules
from espomail.store import accounts, emails_read, people, records, settings, visibility
from espomail.store.cases import Case
from espomail.store.db import Connection
from espomail.store.emails_read import ReadEmail

CASE_MAILS_MAX = 200


def our_addresses(db: Connection) -> frozenset[str]:
    """Every address of a user, of a mail account and of the system: none belongs into a reply's To or Cc."""
    of_accounts = account_rules.own_addresses(accounts.list_(db), settings.load(db))
    return of_accounts.union(people.users_by_address(db), people.inactive_addresses(db))


def of_answer(db: Connection, answers: ReadEmail) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """To and Cc of an answer to everybody in a mail but us."""
    head = Head(sender=answers.sender, to=answers.to, cc=answers.cc, reply_to=answers.reply_to)
    return compose.reply_recipients(head, own=our_addresses(db), reply_all=True)


def of_reply(
    db: Connection, actor: Actor, case: Case, answers: ReadEmail | None
) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """To and Cc of a reply in a case to `answers`, the mail that it answers; None: it is the first mail of the case."""
    return of_answer(db, answers) if answers else (of_case(db, actor, case), ())


def mail_to_answer(db: Connection, actor: Actor, number: int) -> ReadEmail | None:
    """The mail of a case that a reply answers, of those that the author may read: the newest from a person outside.

    Else the newest that came, else the newest that we sent; None when they may read none.
    """
    found = emails_read.list_(db, actor, emails_read.Wanted(parent=Thing("case", number)), limit=CASE_MAILS_MAX)
    there = [each for each in found if each.status in ("imported", "sent", "queued") and not each.is_bounce]
    came = [each for each in there if each.direction == "in"]
    return next(iter([each for each in came if not each.is_automatic] or came or there), None)


def of_case(db: Connection, actor: Actor, case: Case) -> tuple[Address, ...]:
    """To whom a case's first mail goes: the contact, lead or company with an address that works, if the author may see it."""
    for kind, record_id in (("contact", case.contact_id), ("lead", case.lead_id), ("account", case.account_id)):
        record = records.find(db, record_id) if record_id is not None else None
        if record is None or not visibility.may(db, actor, Thing(kind, record.id)):
            continue
        working = [address for address in record.emails if address not in record.invalid_emails]
        if working:
            return (Address(record.name, working[0]),)
    return ()
