"""Cases: opened once per mail, numbered 1, 2, 3 … without reuse, given to agents, closed and reopened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from espomail import times
from espomail.errors import NotFound
from espomail.model import Thing
from espomail.store import agents, followers, notes, notifications, people, roles
from espomail.store.db import Connection, one

DESCRIPTION_MAX = 200_000
STATUSES = ("New", "Assigned", "Pending", "Closed", "Rejected", "Duplicate")
CLOSED = ("Closed", "Rejected", "Duplicate")
PRIORITIES = ("Low", "Normal", "High", "Urgent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of `cases`; moments are text as the database holds them."""

    number: int
    name: str
    description: str
    status: str
    priority: str
    type: str | None
    account_id: int | None
    contact_id: int | None
    lead_id: int | None
    group_account_id: int | None
    assigned_user_id: int | None
    created_by_id: int | None
    opened_by_email_id: int | None
    follows_case: int | None
    created_at: str
    closed_at: str | None

    @property
    def thing(self) -> Thing:
        return Thing("case", self.number)

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED


_COLUMNS = ", ".join(f"c.{f.name}" for f in fields(Case))
_SELECT = f"select {_COLUMNS} from cases c "  # noqa: S608 (field names, no values)
_LISTED = """
    (:status is null or c.status = :status)
    and (not :open or c.status not in ('Closed', 'Rejected', 'Duplicate'))
    and (:assigned is null or c.assigned_user_id = :assigned)
    and (not :unassigned or c.assigned_user_id is null)
    and (:team is null or exists (select 1 from case_teams x where x.case_number = c.number and x.team_id = :team))
    and (:group_account is null or c.group_account_id = :group_account)
    and (:since is null or c.created_at >= :since)
"""
_ADD = """
    insert into cases (name, description, priority, type, account_id, contact_id, lead_id, group_account_id,
                       created_by_id, opened_by_email_id, follows_case, created_at)
    values (:name, :description, :priority, :type, :account_id, :contact_id, :lead_id, :group_account_id,
            :created_by_id, :opened_by_email_id, :follows_case, :created_at)
"""


def find(db: Connection, number: int) -> Case | None:
    row = db.execute(_SELECT + "where c.number = ?", (number,)).fetchone()
    return None if row is None else Case(**row)


def get(db: Connection, number: int) -> Case:
    case = find(db, number)
    if case is None:
        raise NotFound("case", number, "see: espomail case list")
    return case


def opened_by(db: Connection, email_id: int) -> int | None:
    """The case that an email has opened, whether it still hangs on it or not; None where it opened none."""
    found = one(db, "select number from cases where opened_by_email_id = ?", (email_id,))
    return None if found is None else int(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which cases to list; a None asks nothing. `status` is a status or `open`; `unassigned` asks for those of nobody."""

    status: str | None = None
    assigned_user_id: int | None = None
    unassigned: bool = False
    team_id: int | None = None
    group_account_id: int | None = None
    since: datetime | None = None


def list_(
    db: Connection,
    wanted: Wanted | None = None,
    *,
    limit: int,
    offset: int = 0,
    where: str = "1",
    parameters: Mapping[str, object] | None = None,
) -> list[Case]:
    """The newest cases; `where` is a condition on `c` made of constants (see visibility.py)."""
    asked = wanted or Wanted()
    is_open = asked.status == "open"
    rows = db.execute(
        f"{_SELECT} where {where} and {_LISTED} order by c.number desc limit :limit offset :offset",
        {
            **(parameters or {}),
            "status": None if is_open else asked.status,
            "open": int(is_open),
            "assigned": asked.assigned_user_id,
            "unassigned": int(asked.unassigned),
            "team": asked.team_id,
            "group_account": asked.group_account_id,
            "since": times.to_text_or_none(asked.since),
            "limit": limit,
            "offset": offset,
        },
    )
    return [Case(**row) for row in rows]


def add(
    db: Connection,
    *,
    name: str,
    description: str = "",
    priority: str = "Normal",
    type: str | None = None,
    account_id: int | None = None,
    contact_id: int | None = None,
    lead_id: int | None = None,
    group_account_id: int | None = None,
    created_by_id: int | None = None,
    opened_by_email_id: int | None = None,
    follows_case: int | None = None,
    team_ids: Iterable[int] = (),
    now: datetime,
) -> int:
    """Open a New case and return its number; its stream begins with `create`. An email opens one at most (IntegrityError)."""
    row = {
        "name": name,
        "description": description,
        "priority": priority,
        "type": type,
        "account_id": account_id,
        "contact_id": contact_id,
        "lead_id": lead_id,
        "group_account_id": group_account_id,
        "created_by_id": created_by_id,
        "opened_by_email_id": opened_by_email_id,
        "follows_case": follows_case,
        "created_at": times.to_text(now),
    }
    number = int(db.execute(_ADD, row).lastrowid or 0)
    add_teams(db, number, team_ids)
    data = {"follows": follows_case} if follows_case else None
    notes.add(db, Thing("case", number), "create", at=now, user_id=created_by_id, text=name, data=data)
    return number


def add_teams(db: Connection, number: int, team_ids: Iterable[int]) -> None:
    db.executemany("insert or ignore into case_teams (case_number, team_id) values (?, ?)", [(number, t) for t in team_ids])


def teams_of(db: Connection, number: int) -> list[int]:
    return [row[0] for row in db.execute("select team_id from case_teams where case_number = ? order by team_id", (number,))]


def assign(
    db: Connection, number: int, user_id: int | None, *, by_user_id: int | None, now: datetime, tell: bool | None = None
) -> None:
    """Give a case to a user (None: to nobody) and note it; nothing happens when it is theirs already.

    A New case becomes Assigned, an Assigned one that is taken from everybody New. The user follows the case, is linked to
    its emails, and is notified unless they took it themselves or no role lets them read cases. Whoever had it before
    keeps the mail they had. `tell` says whether the user is to be told, where the caller knows.
    """
    case = get(db, number)
    if case.assigned_user_id == user_id:
        return
    before, after = ("New", "Assigned") if user_id is not None else ("Assigned", "New")
    status = after if case.status == before else case.status
    db.execute("update cases set assigned_user_id = ?, status = ? where number = ?", (user_id, status, number))
    data = {"from": _name(db, case.assigned_user_id), "to": _name(db, user_id)}
    note_id = notes.add(db, case.thing, "assign", at=now, user_id=by_user_id, data=data)
    if user_id is None:
        return
    followers.add(db, case.thing, user_id)
    link_emails(db, number, user_id)
    if user_id != by_user_id and (_may_read_cases(db, user_id) if tell is None else tell):
        text = f"Case {number} is yours: {case.name}"
        notifications.add(db, user_id, "case-assigned", f"assign:{number}:{note_id}", at=now, thing=case.thing, text=text)


def link_emails(db: Connection, number: int, user_id: int) -> None:
    """Put every email of a case into a user's inbox, because the case is theirs."""
    row = {"case": number, "user": user_id}
    db.execute(
        """insert or ignore into email_users (email_id, user_id)
           select id, :user from emails where parent_type = 'case' and parent_id = :case""",
        row,
    )
    db.execute(
        """insert or ignore into email_user_reasons (email_id, user_id, reason)
           select id, :user, 'assigned' from emails where parent_type = 'case' and parent_id = :case""",
        row,
    )


def _name(db: Connection, user_id: int | None) -> str | None:
    found = one(db, "select name from users where id = ?", (user_id,))
    return None if found is None else str(found)


def _may_read_cases(db: Connection, user_id: int) -> bool:
    return people.is_admin(db, user_id) or dict(roles.levels_of(db, user_id)).get("case.read", "no") != "no"


def set_status(db: Connection, number: int, status: str, *, by_user_id: int | None, now: datetime) -> None:
    """Change the status and note it; nothing happens when it is so already.

    `closed_at` is the moment it was closed in any way (Closed, Rejected, Duplicate), none while it is open.
    """
    case = get(db, number)
    if case.status == status:
        return
    closed_at = (case.closed_at or times.to_text(now)) if status in CLOSED else None
    db.execute("update cases set status = ?, closed_at = ? where number = ?", (status, closed_at, number))
    notes.add(db, case.thing, "status", at=now, user_id=by_user_id, data={"from": case.status, "to": status})


def reopen(db: Connection, number: int, *, by_user_id: int | None, now: datetime) -> str:
    """Open a closed case again and return its status: Assigned if its user can still serve, else New and nobody's.

    One who is inactive or absent can't. A case that is open stays as it is.
    """
    case = get(db, number)
    if not case.is_closed:
        return case.status
    user = agents.find(db, case.assigned_user_id, day=now.date()) if case.assigned_user_id is not None else None
    can_serve = user is not None and user.is_active and not user.is_absent
    status = "Assigned" if can_serve else "New"
    set_status(db, number, status, by_user_id=by_user_id, now=now)
    if not can_serve:
        assign(db, number, None, by_user_id=by_user_id, now=now)
    return status


def last_number(db: Connection) -> int:
    """The number given last, 0 before the first case."""
    return int(one(db, "select coalesce((select seq from sqlite_sequence where name = 'cases'), 0)"))


def count_opened(db: Connection, *, after_number: int, first_receipt_id: int) -> int:
    """How many cases with a number above one were opened by mails whose receipts have an id from the other on."""
    return int(
        one(
            db,
            """select count(*) from cases where number > :number and opened_by_email_id in
                   (select email_id from receipts where id >= :receipt and +email_id is not null)""",
            {"number": after_number, "receipt": first_receipt_id},
        )
    )
