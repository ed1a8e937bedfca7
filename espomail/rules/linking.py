"""Which record or case a mail belongs to: the first hit of STEPS wins, and says which step and why. Pure.

Nothing in a mail is believed that a stranger could make up: a thread is followed by a signed id, by a Message-ID that
we hold, by an unseen id that a held mail cites too, by a signed address, or by a case number from somebody who already
takes part in that case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from espomail.model import Thing

REFERENCES_MAX = 50


class Customer(Protocol):
    """A record that carries an address; `store.people.Customer` is the real one."""

    @property
    def record_id(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def account_id(self) -> int | None: ...
    @property
    def converted_account_id(self) -> int | None: ...
    @property
    def converted_contact_id(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed id or address: the case or email that it names, or None with the reason why it is not believed."""

    where: str
    thing: Thing | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Cited:
    """A message id that the mail cites and that leads to something we hold (directly, or by a mail that cites it too)."""

    where: str
    message_id: str
    parent: Thing | None
    is_shared: bool = False
    sender_is_new: bool = False
    strangers: str = "attach"


@dataclass(frozen=True, slots=True)
class Token:
    """The `[#42]` of the subject: whether there is such a case and whether the sender takes part in it."""

    number: int
    exists: bool
    sender_takes_part: bool


@dataclass(frozen=True, slots=True)
class Person:
    """What an address of the mail leads to: the record to link, its company, and the customer's own records."""

    where: str
    address: str
    parent: Thing
    company_id: int | None
    contact_id: int | None
    lead_id: int | None
    opportunities: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """All that a mail and the store say about where it belongs, gathered before deciding."""

    signed_ids: tuple[Signed, ...] = ()
    cited: tuple[Cited, ...] = ()
    signed_addresses: tuple[Signed, ...] = ()
    token: Token | None = None
    people: tuple[Person, ...] = ()
    link_to_open_opportunity: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """The decision: the record or case (None when no step hit), the step that hit, why, and why earlier steps did not."""

    parent: Thing | None
    step: str
    reason: str
    passed: Mapping[str, str] = field(default_factory=dict)


Outcome = tuple[Thing | None, str]


def link(clues: Clues, *, with_case: bool = True) -> Link:
    """Given the clues, return where the mail belongs; without `with_case` no step leads it to a case."""
    passed: dict[str, str] = {}
    for name, step in STEPS:
        parent, reason = step(clues)
        if parent is not None and parent.type == "case" and not with_case:
            passed[name] = f"{reason}, which leads to {parent}, but it was imported without cases"
        elif parent is not None:
            return Link(parent, name, reason, passed)
        elif reason:
            passed[name] = reason
    return Link(None, "none", "no step found a record", passed)


def by_signed_id(clues: Clues) -> Outcome:
    """A Message-ID that we signed, in In-Reply-To, then in References nearest first."""
    return _first_signed(clues.signed_ids)


def by_parent(clues: Clues) -> Outcome:
    """The record of the mail it answers, or of a mail that answers the same mail."""
    reasons = []
    for cited in clues.cited:
        how = "shares an ancestor that we never saw" if cited.is_shared else "answers a mail that we hold"
        if cited.parent is None:
            reasons.append(f"{cited.where} <{cited.message_id}>: a held mail without a record")
        elif cited.parent.type == "case" and cited.sender_is_new and cited.strangers == "new-case":
            reasons.append(f"{cited.where} leads to {cited.parent}, but the sender is new to it and strangers open a new case")
        else:
            return cited.parent, f"{how}: {cited.where} <{cited.message_id}>"
    return None, "; ".join(reasons)


def by_signed_address(clues: Clues) -> Outcome:
    """A plus-address that we signed, in To, Cc, Delivered-To or X-Original-To."""
    return _first_signed(clues.signed_addresses)


def by_subject_token(clues: Clues) -> Outcome:
    """`[#42]`, but only from somebody who already takes part in that case."""
    token = clues.token
    if token is None:
        return None, ""
    if not token.exists:
        return None, f"[#{token.number}] in the subject: no such case"
    if not token.sender_takes_part:
        return None, f"[#{token.number}] in the subject, but the sender takes no part in that case"
    return Thing("case", token.number), f"[#{token.number}] in the subject, from somebody who takes part in the case"


def by_address(clues: Clues) -> Outcome:
    """The customer: From, then the first Reply-To, then the first To."""
    for person in clues.people:
        if clues.link_to_open_opportunity and len(person.opportunities) == 1:
            opportunity = Thing("opportunity", person.opportunities[0])
            return opportunity, f"{person.where} {person.address}: the one open opportunity of {person.parent}"
        return person.parent, f"{person.where} {person.address}"
    return None, "no contact, company or lead has one of its addresses"


STEPS: Sequence[tuple[str, Callable[[Clues], Outcome]]] = (
    ("signed-id", by_signed_id),
    ("parent", by_parent),
    ("plus-address", by_signed_address),
    ("subject-token", by_subject_token),
    ("address", by_address),
)


def person(where: str, address: str, customers: Sequence[Customer], *, b2c: bool) -> Person | None:
    """Given the records that carry an address, return whom it means: a contact, else a company, else a lead; oldest first.

    A contact stands for its company (itself in B2C mode or without one), a converted lead for what it became.
    """
    for kind in ("contact", "account", "lead"):
        for customer in customers:
            if customer.type == kind:
                return _person(where, address, customer, b2c=b2c)
    return None


def _person(where: str, address: str, customer: Customer, *, b2c: bool) -> Person:
    contact_id, company_id, lead_id = _records(customer)
    if contact_id is not None and (b2c or company_id is None):
        parent = Thing("contact", contact_id)
    elif company_id is not None:
        parent = Thing("account", company_id)
    else:
        parent = Thing(customer.type, customer.record_id)
    return Person(where, address, parent, company_id, contact_id, lead_id)


def _records(customer: Customer) -> tuple[int | None, int | None, int | None]:
    """(contact, company, lead) of a customer's record; a converted lead is its contact and company, no lead any more."""
    match customer.type:
        case "contact":
            return customer.record_id, customer.account_id, None
        case "account":
            return None, customer.record_id, None
        case _ if customer.converted_contact_id is not None or customer.converted_account_id is not None:
            return customer.converted_contact_id, customer.converted_account_id, None
        case _:
            return None, None, customer.record_id


def _first_signed(candidates: Sequence[Signed]) -> Outcome:
    for signed in candidates:
        if signed.thing is not None:
            return signed.thing, f"signed by us: {signed.where}"
    return None, "; ".join(f"{signed.where}: {signed.problem}" for signed in candidates)
