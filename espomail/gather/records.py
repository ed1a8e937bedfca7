"""Which record stands for another, and which company a record or case concerns."""

from __future__ import annotations

from espomail.gather.arrangements import Arrangements
from espomail.model import Thing
from espomail.store import cases, people
from espomail.store.db import Connection


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
