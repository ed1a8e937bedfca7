"""What people change of a case by hand, status and user apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from espomail.store import cases
from espomail.store.db import Connection

CUSTOMERS = {
    "account": "update cases set account_id = :id where number = :number",
    "contact": """
        update cases set contact_id = :id,
            account_id = coalesce(account_id, (select account_id from records where id = :id)) where number = :number
    """,
    "lead": "update cases set lead_id = :id where number = :number",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFields:
    """What can be edited of a case."""

    name: str
    description: str
    priority: str
    type: str | None
    account_id: int | None
    contact_id: int | None
    lead_id: int | None
    team_ids: tuple[int, ...]


def set_(db: Connection, number: int, changed: CaseFields) -> None:
    """Replace what can be edited."""
    row = asdict(changed)
    team_ids = row.pop("team_ids")
    db.execute(
        """update cases set name = :name, description = :description, priority = :priority, type = :type,
               account_id = :account_id, contact_id = :contact_id, lead_id = :lead_id where number = :number""",
        {**row, "number": number},
    )
    db.execute("delete from case_teams where case_number = ?", (number,))
    cases.add_teams(db, number, team_ids)


def set_customer(db: Connection, number: int, type: str, record_id: int) -> None:
    """Say whom a case concerns, `type` being one of CUSTOMERS; a contact brings the company where the case has none."""
    db.execute(CUSTOMERS[type], {"id": record_id, "number": number})
