"""Who an address is: users and accounts of ours, and customers by contact, company or lead."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from espomail.store.db import Connection, one


@dataclass(frozen=True, slots=True)
class Customer:
    """A record that carries an address. `converted_…` are set for a converted lead; `account_id` for a contact."""

    address: str
    record_id: int
    type: str
    account_id: int | None
    converted_account_id: int | None
    converted_contact_id: int | None


_CUSTOMERS = """
    select a.address, r.id as record_id, r.type, r.account_id, r.converted_account_id, r.converted_contact_id
    from record_addresses a join records r on r.id = a.record_id
    where a.address = ? and r.type in ('contact', 'account', 'lead') order by r.id
"""


def customers(db: Connection, address: str) -> list[Customer]:
    """All records that carry an address, oldest record first."""
    return [Customer(**row) for row in db.execute(_CUSTOMERS, (address,))]


def find_record(db: Connection, record_id: int) -> Customer | None:
    """What a record stands for: its company, and what it became when it is a converted lead. `address` is ""."""
    row = db.execute(
        """select '' as address, id as record_id, type, account_id, converted_account_id, converted_contact_id
           from records where id = ?""",
        (record_id,),
    ).fetchone()
    return None if row is None else Customer(**row)


def users_by_address(db: Connection) -> dict[str, int]:
    """Every address of an active user with the user's id."""
    return dict(
        db.execute(
            "select a.address, a.user_id from user_addresses a join users u on u.id = a.user_id where u.is_active"
        ).fetchall()
    )


def active_ids(db: Connection) -> set[int]:
    """Every user who is active."""
    return {row[0] for row in db.execute("select id from users where is_active")}


def inactive_addresses(db: Connection) -> set[str]:
    return {
        row[0]
        for row in db.execute("select a.address from user_addresses a join users u on u.id = a.user_id where not u.is_active")
    }


def active_members(db: Connection, team_ids: Sequence[int]) -> list[int]:
    """The active users of any of the teams, by id."""
    rows = db.execute(
        """select distinct m.user_id from team_members m join users u on u.id = m.user_id
           where u.is_active and m.team_id in (select value from json_each(?)) order by m.user_id""",
        (json.dumps(list(team_ids)),),
    )
    return [row[0] for row in rows]


def is_active(db: Connection, user_id: int) -> bool:
    return bool(one(db, "select is_active from users where id = ?", (user_id,)))


def is_admin(db: Connection, user_id: int) -> bool:
    return bool(one(db, "select is_admin from users where id = ?", (user_id,)))


def owner_of_account(db: Connection, account_id: int | None) -> list[int]:
    """The user whose personal account it is; nobody for a group account."""
    rows = db.execute("select user_id from accounts where id = ? and user_id is not null", (account_id,))
    return [row[0] for row in rows]


def takes_part(db: Connection, case_number: int, address: str) -> bool:
    """Whether an address belongs to the case: its contact, lead or company, or somebody who wrote or was written to in it."""
    return bool(
        one(
            db,
            """select exists (
                   select 1 from cases c join record_addresses a on a.record_id in (c.contact_id, c.lead_id, c.account_id)
                   where c.number = :case and a.address = :address)
               or exists (select 1 from emails e where e.parent_type = 'case' and e.parent_id = :case
                          and e.from_address = :address)
               or exists (select 1 from emails e join email_addresses x on x.email_id = e.id
                          where e.parent_type = 'case' and e.parent_id = :case and x.address = :address)""",
            {"case": case_number, "address": address},
        )
    )


def open_opportunities(db: Connection, record_id: int) -> list[int]:
    """The open opportunities of a company or a contact, by id."""
    rows = db.execute(
        """select id from records where type = 'opportunity' and not is_closed and account_id = :id
           union select o.id from record_contacts c join records o on o.id = c.record_id
           where c.contact_id = :id and o.type = 'opportunity' and not o.is_closed order by 1""",
        {"id": record_id},
    )
    return [row[0] for row in rows]
