"""What the store knows that a decision about a mail needs: one function per decision, reading only.

life.py asks here, hands the values to the pure rules, and writes what they decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from espomail import times
from espomail.mail import tokens
from espomail.model import Account, Mail, Settings, Thing
from espomail.rules import linking
from espomail.rules.cases import CaseFacts, LinkedCase
from espomail.rules.filters import Filter
from espomail.rules.notices import Reader
from espomail.store import accounts, cases, email_users, emails, followers, instance, people, roles, settings, threads
from espomail.store import filters as filter_rows
from espomail.store.db import Connection
from espomail.store.emails import Email
from espomail.store.receipts import Receipt
from espomail.store.threads import Held


@dataclass(slots=True)
class Arrangements:
    """What the administrators arranged, read once per batch inside its transaction; levels of users are read when asked."""

    settings: Settings
    accounts: Mapping[int, Account]
    account_addresses: Mapping[str, Account]
    account_filters: Mapping[int, Sequence[Filter]]
    global_filters: Sequence[Filter]
    user_filters: Mapping[int, Sequence[Filter]]
    users: Mapping[str, int]
    inactive: frozenset[str]
    signing_key: bytes
    _readers: dict[tuple[int, str], bool] = field(default_factory=dict)

    def may_read_scope(self, db: Connection, user_id: int, scope: str) -> bool:
        """Whether any role lets a user read anything of a scope; cached for the batch."""
        key = (user_id, scope)
        if key not in self._readers:
            levels = dict(roles.levels_of(db, user_id))
            self._readers[key] = people.is_admin(db, user_id) or levels.get(f"{scope}.read", "no") != "no"
        return self._readers[key]

    def ours(self, address: str) -> bool:
        return address in self.users or address in self.inactive or address in self.account_addresses


def arrangements(db: Connection) -> Arrangements:
    every_account = accounts.list_(db)
    every_filter = sorted((f for f in filter_rows.list_(db) if f.is_active), key=lambda f: f.id)
    return Arrangements(
        settings=settings.load(db),
        accounts={a.id: a for a in every_account},
        account_addresses={a.address: a for a in reversed(every_account)},
        account_filters=_grouped(
            (f.account_id, _rule(f)) for f in every_filter if f.kind in ("group-account", "personal-account")
        ),
        global_filters=[_rule(f) for f in every_filter if f.kind == "global"],
        user_filters=_grouped((f.user_id, _rule(f)) for f in every_filter if f.kind == "user"),
        users=people.users_by_address(db),
        inactive=frozenset(people.inactive_addresses(db)),
        signing_key=instance.signing_key(db),
    )


def _rule(row: filter_rows.FilterRow) -> Filter:
    return Filter(
        id=row.id,
        name=row.name,
        kind=row.kind,
        position=row.position,
        criteria=row.criteria,
        action=row.action,
        folder_id=row.folder_id,
        group_folder_id=row.group_folder_id,
        mark_read=row.mark_read,
        important=row.important,
        skip_notification=row.skip_notification,
        created_at=row.created_at,
    )


def _grouped(pairs: Iterable[tuple[int | None, Filter]]) -> dict[int, list[Filter]]:
    groups: dict[int, list[Filter]] = {}
    for owner, rule in pairs:
        if owner is not None:
            groups.setdefault(owner, []).append(rule)
    return groups


# ---------------------------------------------------------------- linking


@dataclass(frozen=True, slots=True)
class Citations:
    """The ids that a mail cites, nearest first: which of them we hold, and which unseen ones a held mail cites too.

    `late` is a held mail that cites this one: it came before the mail it answers.
    """

    ids: tuple[str, ...]
    held: Mapping[str, Held]
    shared: Mapping[str, Held]
    late: Held | None


@dataclass(frozen=True, slots=True)
class Thread:
    """Where a mail stands among those we hold: the email it answers, and the thread it joins (None: a new one)."""

    answers_email_id: int | None
    thread_id: int | None


def citations(db: Connection, mail: Mail, *, besides: int | None = None) -> Citations:
    """What the mail cites of what we hold; `besides` is the mail's own email, when it has one already."""
    ids = cited_ids(mail)
    held = {i: h for i, h in threads.held(db, ids).items() if h.email_id is None or h.email_id != besides} if ids else {}
    unseen = threads.citing(db, [*(i for i in ids if i not in held), mail.message_id], besides=besides)
    late = unseen.pop(mail.message_id, None)
    return Citations(tuple(ids), held, unseen, late)


def thread(cited: Citations) -> Thread:
    """The held mail nearest among those cited; else the thread of a mail that shares an ancestor, or that answers this one."""
    for message_id in cited.ids:
        if message_id in cited.held:
            return Thread(cited.held[message_id].email_id, cited.held[message_id].thread_id)
    related = [cited.shared[i] for i in cited.ids if i in cited.shared] + ([cited.late] if cited.late else [])
    return Thread(None, related[0].thread_id if related else None)


def cited_ids(mail: Mail) -> list[str]:
    """The ids that the mail cites: In-Reply-To, then References nearest first, at most 50, its own left out."""
    ids = dict.fromkeys((*mail.in_reply_to, *reversed(mail.references)))
    return [i for i in ids if i != mail.message_id][: linking.REFERENCES_MAX]


def clues(db: Connection, mail: Mail, cited: Citations, arranged: Arrangements) -> linking.Clues:
    sender = mail.sender.address if mail.sender else ""
    return linking.Clues(
        signed_ids=tuple(_signed_ids(db, cited, arranged)),
        cited=tuple(_cited(db, mail, sender, cited, arranged)),
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


def _cited(db: Connection, mail: Mail, sender: str, cited: Citations, arranged: Arrangements) -> Iterable[linking.Cited]:
    found = [(i, cited.held[i], False) for i in cited.ids if i in cited.held]
    found += [(i, cited.shared[i], True) for i in cited.ids if i in cited.shared]
    found += [(mail.message_id, cited.late, True)] if cited.late else []
    for message_id, holder, is_shared in found:
        where = "In-Reply-To" if message_id in mail.in_reply_to else "References" if message_id in cited.ids else "Message-ID"
        parent = stand_in(db, holder.parent, arranged) if holder.parent else None
        if parent is None or parent.type != "case":
            yield linking.Cited(where, message_id, parent, is_shared)
            continue
        is_new = not arranged.ours(sender) and not people.takes_part(db, parent.id, sender)
        yield linking.Cited(where, message_id, parent, is_shared, is_new, _strangers(db, parent.id, arranged))


def _strangers(db: Connection, number: int, arranged: Arrangements) -> str:
    case = cases.find(db, number)
    account = arranged.accounts.get(case.group_account_id or 0) if case else None
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


def stand_in(db: Connection, thing: Thing, arranged: Arrangements) -> Thing:
    """A converted lead stands for its company (its contact in B2C mode, or without one); everything else for itself."""
    if thing.type != "lead":
        return thing
    lead = people.find_record(db, thing.id)
    if lead is None:
        return thing
    order = [("contact", lead.converted_contact_id), ("account", lead.converted_account_id)]
    for kind, record_id in order if arranged.settings.b2c_mode else reversed(order):
        if record_id is not None:
            return Thing(kind, record_id)
    return thing


def company_of(db: Connection, thing: Thing | None) -> int | None:
    """The company that a record or case concerns, None when there is none."""
    if thing is None:
        return None
    if thing.type == "case":
        case = cases.find(db, thing.id)
        return case.account_id if case else None
    if thing.type == "account":
        return thing.id
    record = people.find_record(db, thing.id)
    return record.account_id if record else None


def customer(clues: linking.Clues) -> linking.Person | None:
    """Who wrote: the first of From and Reply-To that is a customer (To is whom they wrote to)."""
    return next((person for person in clues.people if person.where != "To"), None)


# ---------------------------------------------------------------- cases


def case_facts(
    db: Connection, mail: Mail, email: Email, receipt: Receipt, parent: Thing | None, arranged: Arrangements, *, now: datetime
) -> CaseFacts:
    account = arranged.accounts.get(receipt.account_id or 0)
    return CaseFacts(
        entitled=account is not None and account.kind == "group" and account.create_case,
        account=account.name if account else "the import",
        with_case=bool(email.with_case and receipt.with_case),
        own=_own(mail, email, receipt, arranged),
        automatic=mail.automatic,
        auto_submitted=account.auto_submitted if account else "store",
        is_bounce=mail.bounce is not None,
        is_variant=email.variant_of_id is not None,
        decided_by=email.case_account_id,
        linked=_linked_case(db, parent, account, arranged, now),
    )


def _own(mail: Mail, email: Email, receipt: Receipt, arranged: Arrangements) -> str:
    """Why a mail is our own, "" when it isn't. A From that belongs to a user proves nothing: it can be forged."""
    if email.direction == "out" and email.status != "imported":
        return "our own mail, sent from here"
    if receipt.is_sent:
        return f"found in the folder of sent mail {receipt.folder}"
    sender = arranged.account_addresses.get(mail.sender.address) if mail.sender else None
    if sender is not None and sender.kind == "group":
        return f"From is the address of the group account {sender.name}"
    return ""


def _linked_case(
    db: Connection, parent: Thing | None, account: Account | None, arranged: Arrangements, now: datetime
) -> LinkedCase | None:
    case = cases.find(db, parent.id) if parent is not None and parent.type == "case" else None
    if case is None:
        return None
    policy = arranged.accounts.get(case.group_account_id or 0) or account
    closed_days = (now - times.from_text(case.closed_at)) / timedelta(days=1) if case.closed_at else None
    days = policy.reopen_days if policy and policy.reopen_days is not None else arranged.settings.reopen_days
    return LinkedCase(
        number=case.number,
        status=case.status,
        closed_days=closed_days,
        followup_closed=policy.followup_closed if policy and policy.kind == "group" else "reopen",
        reopen_days=days,
    )


# ---------------------------------------------------------------- notices


def readers(
    db: Connection,
    email: Email,
    arranged: Arrangements,
    *,
    newly_linked: Mapping[int, str],
    sender_id: int | None,
    assigned_id: int | None,
) -> list[Reader]:
    """Everybody concerned, each once: the users whom the mail newly reached (with what silences it), then followers."""
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
    for thing in dict.fromkeys(t for t in (email.parent, company) if t is not None):
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
