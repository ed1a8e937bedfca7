"""Everything that may tell which record or case a mail belongs to."""

from __future__ import annotations

from collections.abc import Iterable

from espomail.gather.arrangements import Arrangements
from espomail.gather.citations import Citations
from espomail.gather.records import stand_in
from espomail.mail import tokens
from espomail.model import Account, Mail, Thing
from espomail.rules import linking
from espomail.store import cases, emails, people
from espomail.store.db import Connection


def clues_of(
    db: Connection, mail: Mail, cited: Citations, arranged: Arrangements, bringing: Account | None = None
) -> linking.Clues:
    """The clues of a mail; `bringing` is the account that it comes by."""
    sender = mail.sender.address if mail.sender else ""
    return linking.Clues(
        signed_ids=tuple(_signed_ids(db, cited, arranged)),
        cited=tuple(_cited(db, mail, sender, cited, arranged, bringing)),
        signed_addresses=tuple(_signed_addresses(db, mail, arranged)),
        token=_token(db, mail, sender, arranged),
        people=tuple(_people(db, mail, arranged)),
        link_to_open_opportunity=arranged.settings.link_to_open_opportunity,
    )


def _signed_ids(db: Connection, cited: Citations, arranged: Arrangements) -> Iterable[linking.Signed]:
    for message_id in cited.ids:
        match tokens.read_signed_id(arranged.signing_key, message_id):
            case tokens.SignedId(thing=thing):
                yield _existing(db, f"<{message_id}>", thing, arranged)
            case tokens.BrokenSignature():
                yield linking.Signed(f"<{message_id}>", None, "the signature is not ours")


def _signed_addresses(db: Connection, mail: Mail, arranged: Arrangements) -> Iterable[linking.Signed]:
    for address in mail.delivered_to:
        match tokens.read_plus_address(arranged.signing_key, address):
            case tokens.PlusAddress(number=number):
                yield _existing(db, address, Thing("case", number), arranged)
            case tokens.BrokenSignature():
                yield linking.Signed(address, None, "the signature is not ours")


def _existing(db: Connection, where: str, thing: Thing, arranged: Arrangements) -> linking.Signed:
    """A reference that we signed, read: a case, a record, or the record of an email; what is gone leads nowhere."""
    found: Thing | None = None
    if thing.type == "email":
        email = emails.find(db, thing.id)
        found = email.parent if email else None
    elif thing.type == "case":
        found = thing if cases.find(db, thing.id) else None
    elif people.find_record(db, thing.id):
        found = thing
    if found is None:
        return linking.Signed(where, None, f"signed by us for {thing}, which leads to no record any more")
    return linking.Signed(where, stand_in(db, found, arranged))


def _cited(
    db: Connection, mail: Mail, sender: str, cited: Citations, arranged: Arrangements, bringing: Account | None
) -> Iterable[linking.Cited]:
    found = [(i, cited.held[i], False) for i in cited.ids if i in cited.held]
    found += [(i, cited.shared[i], True) for i in cited.ids if i in cited.shared]
    found += [(mail.message_id, cited.late, True)] if cited.late else []
    for message_id, holder, is_shared in found:
        where = "In-Reply-To" if message_id in mail.in_reply_to else "References" if message_id in cited.ids else "Message-ID"
        parent = stand_in(db, holder.parent, arranged) if holder.parent else None
        if parent is None or parent.type != "case":
            yield linking.Cited(where, message_id, parent, is_shared)
            continue
        is_new = is_new_to(db, parent.id, sender, arranged)
        yield linking.Cited(where, message_id, parent, is_shared, is_new, strangers(db, parent.id, arranged, bringing))


def is_new_to(db: Connection, number: int, address: str, arranged: Arrangements) -> bool:
    """Whether an address is nobody of ours and has had no part in a case so far."""
    return not arranged.ours(address) and not people.takes_part(db, number, address)


def strangers(db: Connection, number: int, arranged: Arrangements, bringing: Account | None) -> str:
    """What somebody new to a case does by citing its mail, as its own account says, else the one that brings the mail."""
    case = cases.find(db, number)
    account = (arranged.accounts.get(case.group_account_id or 0) if case else None) or bringing
    return account.strangers if account else "attach"


def _token(db: Connection, mail: Mail, sender: str, arranged: Arrangements) -> linking.Token | None:
    number = tokens.subject_case_number(mail.subject)
    if number is None:
        return None
    exists = cases.find(db, number) is not None
    takes_part = exists and (sender in arranged.users or people.takes_part(db, number, sender))
    return linking.Token(number, exists, takes_part)


def _people(db: Connection, mail: Mail, arranged: Arrangements) -> Iterable[linking.Person]:
    """Whom From, the first Reply-To and the first To lead to, in this order."""
    places = [("From", mail.sender), ("Reply-To", next(iter(mail.reply_to), None)), ("To", next(iter(mail.to), None))]
    wanted = [(where, a.address) for where, a in places if a is not None and a.address]
    for where, address in wanted:
        who = linking.person(where, address, people.customers(db, address), b2c=arranged.settings.b2c_mode)
        if who is not None:
            yield _with_opportunities(db, who, arranged)


def _with_opportunities(db: Connection, who: linking.Person, arranged: Arrangements) -> linking.Person:
    if not arranged.settings.link_to_open_opportunity:
        return who
    of_contact = people.open_opportunities(db, who.contact_id) if who.contact_id else []
    found = of_contact or (people.open_opportunities(db, who.company_id) if who.company_id else [])
    return linking.Person(who.where, who.address, who.parent, who.company_id, who.contact_id, who.lead_id, tuple(found))


def customer(clues_of: linking.Clues) -> linking.Person | None:
    """Who wrote: the first of From and Reply-To that is a customer (To is whom they wrote to)."""
    return next((person for person in clues_of.people if person.where != "To"), None)
