"""What belongs to cases beside their rows, by name and in one query for a whole list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from espomail.store.db import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What belongs to a case beside its row, by name; `emails` and `attachments` whoever may see them.

    `account`, `contact` and `lead` are (type, id, name); an attachment is one of the mail that opened the case.
    """

    assigned_user: str | None
    group_account: str | None
    teams: tuple[str, ...]
    followers: tuple[str, ...]
    account: tuple[str, int, str] | None
    contact: tuple[str, int, str] | None
    lead: tuple[str, int, str] | None
    emails: tuple[int, ...]
    attachments: tuple[Mapping[str, Any], ...]


_AROUND = """
    select c.number,
           (select name from users where id = c.assigned_user_id) as assigned_user,
           (select name from accounts where id = c.group_account_id) as group_account,
           (select json_group_array(name) from (
                select t.name from case_teams x join teams t on t.id = x.team_id
                where x.case_number = c.number order by t.name)) as teams,
           (select json_group_array(name) from (
                select u.name from followers f join users u on u.id = f.user_id
                where f.thing_type = 'case' and f.thing_id = c.number order by u.name)) as followers,
           (select json_array(type, id, name) from records where id = c.account_id) as account,
           (select json_array(type, id, name) from records where id = c.contact_id) as contact,
           (select json_array(type, id, name) from records where id = c.lead_id) as lead,
           (select json_group_array(id) from (
                select id from emails where parent_type = 'case' and parent_id = c.number order by id)) as emails,
           (select json_group_array(json_object('id', id, 'email', email_id, 'name', name, 'content_type', content_type,
                   'size_bytes', size_bytes, 'sha256', sha256, 'is_inline', is_inline)) from (
                select * from attachments where email_id = c.opened_by_email_id order by position)) as attachments
    from cases c where c.number in (select value from json_each(?))
"""


def around(db: Connection, numbers: Iterable[int]) -> dict[int, Around]:
    """What belongs to each of the cases, in one query."""
    rows = db.execute(_AROUND, (json.dumps(list(numbers)),))
    return {row["number"]: _around(row) for row in rows}


def _around(row: Mapping[str, Any]) -> Around:
    account, contact, lead = (tuple(json.loads(row[key])) if row[key] else None for key in ("account", "contact", "lead"))
    return Around(
        assigned_user=row["assigned_user"],
        group_account=row["group_account"],
        teams=tuple(json.loads(row["teams"])),
        followers=tuple(json.loads(row["followers"])),
        account=account,
        contact=contact,
        lead=lead,
        emails=tuple(json.loads(row["emails"])),
        attachments=tuple({**each, "is_inline": bool(each["is_inline"])} for each in json.loads(row["attachments"])),
    )
