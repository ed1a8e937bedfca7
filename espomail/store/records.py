"""CRM records: companies (`account`), contacts, leads and opportunities, with addresses, contacts and teams."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple

from espomail import times
from espomail.errors import NotFound
from espomail.store.db import Connection, Row

_SELECT = """
    select r.id, r.type, r.name, r.is_closed, r.created_by_id, r.assigned_user_id, r.converted_at,
           r.converted_account_id, r.converted_contact_id, r.converted_opportunity_id,
           (select json_array(a.id, a.type, a.name) from records a where a.id = r.account_id) as account,
           (select name from users u where u.id = r.assigned_user_id) as assigned_user,
           (select json_group_array(json_array(address, is_invalid)) from (
                select address, is_invalid from record_addresses where record_id = r.id order by position)) as addresses,
           (select json_group_array(json_array(id, type, name)) from (
                select c.id, c.type, c.name from record_contacts x join records c on c.id = x.contact_id
                where x.record_id = r.id
                union
                select c.id, c.type, c.name from records c
                where c.account_id = r.id and c.type = 'contact' and r.type = 'account' order by 1)) as contacts,
           (select json_group_array(json_array(id, name)) from (
                select t.id, t.name from record_teams x join teams t on t.id = x.team_id
                where x.record_id = r.id order by t.name)) as teams,
           (select json_group_array(name) from (
                select u.name from followers f join users u on u.id = f.user_id
                where f.thing_type = r.type and f.thing_id = r.id order by u.name)) as followers
    from records r
"""
_ADD = """
    insert into records (type, name, account_id, assigned_user_id, created_by_id, is_closed, created_at)
    values (:type, :name, :account_id, :assigned_user_id, :created_by_id, :is_closed, :now)
"""
_SET = """
    update records set name = :name, account_id = :account_id, assigned_user_id = :assigned_user_id, is_closed = :is_closed
    where id = :id
"""


class Ref(NamedTuple):
    """A record as another one refers to it."""

    id: int
    type: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFields:
    """What can be edited of a record. Addresses are normalised, the first is the primary one."""

    name: str
    account_id: int | None = None
    assigned_user_id: int | None = None
    is_closed: bool = False
    emails: tuple[str, ...] = ()
    contact_ids: tuple[int, ...] = ()
    team_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record with the names of what it refers to: `contacts` are an opportunity's own, and those of a company.

    `converted_…` are set once on a lead.
    """

    id: int
    type: str
    name: str
    emails: tuple[str, ...]
    invalid_emails: tuple[str, ...]
    account: Ref | None
    contacts: tuple[Ref, ...]
    assigned_user_id: int | None
    assigned_user: str | None
    created_by_id: int | None
    team_ids: tuple[int, ...]
    teams: tuple[str, ...]
    followers: tuple[str, ...]
    is_closed: bool
    converted_at: str | None
    converted_account_id: int | None
    converted_contact_id: int | None
    converted_opportunity_id: int | None

    @property
    def fields(self) -> RecordFields:
        """What can be edited of it, as it is now."""
        return RecordFields(
            name=self.name,
            account_id=self.account.id if self.account else None,
            assigned_user_id=self.assigned_user_id,
            is_closed=self.is_closed,
            emails=self.emails,
            contact_ids=tuple(contact.id for contact in self.contacts) if self.type == "opportunity" else (),
            team_ids=self.team_ids,
        )


def find(db: Connection, record_id: int) -> Record | None:
    return _record(db.execute(_SELECT + "where r.id = ?", (record_id,)).fetchone())


def get(db: Connection, type_: str, record_id: int) -> Record:
    """The record of that type and id; raise NotFound."""
    record = find(db, record_id)
    if record is None or record.type != type_:
        raise NotFound(type_, record_id)
    return record


def list_(
    db: Connection, type_: str, *, limit: int, where: str = "1", parameters: dict[str, object] | None = None
) -> list[Record]:
    """The newest records of a type; `where` is a condition on `r` made of constants (see visibility.py)."""
    rows = db.execute(
        f"{_SELECT} where r.type = :type and {where} order by r.id desc limit :limit",
        {**(parameters or {}), "type": type_, "limit": limit},
    )
    return [record for row in rows if (record := _record(row))]


def ids_named(
    db: Connection, type_: str, name: str, *, where: str = "1", parameters: dict[str, object] | None = None
) -> list[int]:
    """The ids of the records of a type with exactly that name, oldest first; `where` as in `list_`."""
    rows = db.execute(
        f"select r.id from records r where r.type = :type and r.name = :name and {where} order by r.id",  # noqa: S608 (constants)
        {**(parameters or {}), "type": type_, "name": name},
    )
    return [row[0] for row in rows]


def list_by_name_and_email(db: Connection, type_: str) -> dict[tuple[str, str], int]:
    """The ids of all records of a type by name and primary address ("" without one); of equal ones the oldest."""
    rows = db.execute(
        """select r.id, r.name, coalesce(a.address, '') as address
           from records r left join record_addresses a on a.record_id = r.id and a.position = 0
           where r.type = ? order by r.id desc""",
        (type_,),
    )
    return {(row["name"], row["address"]): row["id"] for row in rows}


def add(db: Connection, type_: str, new: RecordFields, *, created_by_id: int | None, now: datetime) -> int:
    """Make a record and return its id."""
    row = {**asdict(new), "type": type_, "created_by_id": created_by_id, "now": times.to_text(now)}
    for plural in ("emails", "contact_ids", "team_ids"):
        del row[plural]
    record_id = int(db.execute(_ADD, row).lastrowid or 0)
    _set_sets(db, record_id, new)
    return record_id


def set_(db: Connection, record_id: int, changed: RecordFields) -> None:
    """Replace what can be edited; an address that stays keeps whether it is invalid."""
    row = {**asdict(changed), "id": record_id}
    for plural in ("emails", "contact_ids", "team_ids"):
        del row[plural]
    db.execute(_SET, row)
    _set_sets(db, record_id, changed)


def set_invalid(db: Connection, address: str, *, is_invalid: bool) -> list[int]:
    """Mark a normalised address as one that bounces, wherever it stands; return the records that carry it."""
    db.execute("update record_addresses set is_invalid = ? where address = ?", (int(is_invalid), address))
    rows = db.execute("select record_id from record_addresses where address = ? order by record_id", (address,))
    return [row[0] for row in rows]


def set_converted(
    db: Connection, lead_id: int, *, account_id: int | None, contact_id: int | None, opportunity_id: int | None, now: datetime
) -> None:
    """A lead became a company, a contact, an opportunity: new mail of its addresses hangs on them from now on."""
    db.execute(
        """update records set converted_at = :now, converted_account_id = :account, converted_contact_id = :contact,
               converted_opportunity_id = :opportunity
           where id = :lead""",
        {
            "now": times.to_text(now),
            "account": account_id,
            "contact": contact_id,
            "opportunity": opportunity_id,
            "lead": lead_id,
        },
    )


def remove(db: Connection, record: Record) -> None:
    """Remove a record with its stream and followers; its mails and cases stay and hang on nothing of it."""
    thing = {"type": record.type, "id": record.id}
    db.execute("update emails set parent_type = null, parent_id = null where parent_type = :type and parent_id = :id", thing)
    db.execute(
        "update tombstones set parent_type = null, parent_id = null where parent_type = :type and parent_id = :id", thing
    )
    db.execute("delete from notifications where thing_type = :type and thing_id = :id", thing)
    db.execute("delete from notes where thing_type = :type and thing_id = :id", thing)
    db.execute("delete from followers where thing_type = :type and thing_id = :id", thing)
    db.execute("delete from records where id = :id", thing)


def _set_sets(db: Connection, record_id: int, values: RecordFields) -> None:
    _set_addresses(db, record_id, values.emails)
    db.execute("delete from record_contacts where record_id = ?", (record_id,))
    db.executemany(
        "insert or ignore into record_contacts (record_id, contact_id) values (?, ?)",
        [(record_id, contact_id) for contact_id in values.contact_ids],
    )
    set_teams(db, record_id, values.team_ids)


def _set_addresses(db: Connection, record_id: int, addresses: Sequence[str]) -> None:
    invalid = {
        row[0] for row in db.execute("select address from record_addresses where record_id = ? and is_invalid", (record_id,))
    }
    db.execute("delete from record_addresses where record_id = ?", (record_id,))
    db.executemany(
        "insert into record_addresses (record_id, address, position, is_invalid) values (?, ?, ?, ?)",
        [(record_id, address, position, int(address in invalid)) for position, address in enumerate(dict.fromkeys(addresses))],
    )


def set_teams(db: Connection, record_id: int, team_ids: Iterable[int]) -> None:
    db.execute("delete from record_teams where record_id = ?", (record_id,))
    db.executemany(
        "insert or ignore into record_teams (record_id, team_id) values (?, ?)", [(record_id, team_id) for team_id in team_ids]
    )


def _record(row: Row | None) -> Record | None:
    if row is None:
        return None
    addresses = json.loads(row["addresses"])
    teams = json.loads(row["teams"])
    return Record(
        id=row["id"],
        type=row["type"],
        name=row["name"],
        emails=tuple(address for address, _ in addresses),
        invalid_emails=tuple(address for address, is_invalid in addresses if is_invalid),
        account=Ref(*json.loads(row["account"])) if row["account"] else None,
        contacts=tuple(Ref(*contact) for contact in json.loads(row["contacts"])),
        assigned_user_id=row["assigned_user_id"],
        assigned_user=row["assigned_user"],
        created_by_id=row["created_by_id"],
        team_ids=tuple(team_id for team_id, _ in teams),
        teams=tuple(name for _, name in teams),
        followers=tuple(json.loads(row["followers"])),
        is_closed=bool(row["is_closed"]),
        converted_at=row["converted_at"],
        converted_account_id=row["converted_account_id"],
        converted_contact_id=row["converted_contact_id"],
        converted_opportunity_id=row["converted_opportunity_id"],
    )
