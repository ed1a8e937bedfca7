"""Users: who they are, their addresses, teams and roles, and what is left to whom when one goes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple

from espomail import times
from espomail.errors import BadInput, NotFound
from espomail.store import accounts, cases, email_users
from espomail.store.db import Connection, Row

_SELECT = """
    select u.id, u.name, u.full_name, u.is_admin, u.is_active, u.os_login, u.signature, u.notify_mail,
           u.absent_from, u.absent_until,
           (select json_group_array(address) from (
                select address from user_addresses where user_id = u.id order by position)) as emails,
           (select json_group_array(json_array(team_id, name, position)) from (
                select m.team_id, t.name, m.position
                from team_members m join teams t on t.id = m.team_id where m.user_id = u.id order by t.name)) as teams,
           (select json_group_array(name) from (
                select r.name from user_roles x join roles r on r.id = x.role_id where x.user_id = u.id order by r.name)
           ) as roles
    from users u
"""
_BY_ADDRESS = "where u.id = (select user_id from user_addresses where address = ?)"
_ADD = """
    insert into users (name, full_name, is_admin, is_active, os_login, signature, notify_mail, absent_from, absent_until,
                       created_at)
    values (:name, :full_name, :is_admin, :is_active, :os_login, :signature, :notify_mail, :absent_from, :absent_until, :now)
"""
_SET = """
    update users set name = :name, full_name = :full_name, is_admin = :is_admin, is_active = :is_active,
        os_login = :os_login, signature = :signature, notify_mail = :notify_mail, absent_from = :absent_from,
        absent_until = :absent_until
    where id = :id
"""
_REASSIGN = (
    "update records set assigned_user_id = :to where assigned_user_id = :user",
    "update cases set assigned_user_id = :to where assigned_user_id = :user",
    "update emails set assigned_user_id = :to where assigned_user_id = :user",
    "update accounts set assigned_user_id = :to where assigned_user_id = :user",
    "update accounts set assign_to_user_id = :to where assign_to_user_id = :user",
)


class Membership(NamedTuple):
    """A team of a user and the position there, None without one."""

    team_id: int
    team: str
    position: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is kept about a user in one row. Absence runs from `absent_from` to `absent_until`, both ISO dates, both absent."""

    name: str
    full_name: str = ""
    is_admin: bool = False
    is_active: bool = True
    os_login: str | None = None
    signature: str = ""
    notify_mail: str = "off"
    absent_from: str | None = None
    absent_until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user; `emails` primary first, `teams` and `roles` by name."""

    id: int
    profile: Profile
    emails: tuple[str, ...]
    teams: tuple[Membership, ...]
    roles: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.profile.name


def find(db: Connection, name: str) -> User | None:
    return _user(db.execute(_SELECT + "where u.name = ?", (name,)).fetchone())


def get(db: Connection, name: str) -> User:
    user = find(db, name)
    if user is None:
        raise NotFound("user", name, "see: espomail user list")
    return user


def find_by_os_login(db: Connection, os_login: str) -> User | None:
    return _user(db.execute(_SELECT + "where u.os_login = ?", (os_login,)).fetchone())


def find_by_address(db: Connection, address: str) -> User | None:
    """The one user to whom a normalised address belongs."""
    return _user(db.execute(_SELECT + _BY_ADDRESS, (address,)).fetchone())


def list_(db: Connection) -> list[User]:
    """All users, newest first."""
    return [user for row in db.execute(_SELECT + "order by u.id desc") if (user := _user(row))]


def add(db: Connection, profile: Profile, *, now: datetime) -> int:
    """Make a user and return the id; raise BadInput when the name or the OS log-in is taken."""
    _refuse_taken(db, profile, user_id=None)
    return int(db.execute(_ADD, {**asdict(profile), "now": times.to_text(now)}).lastrowid or 0)


def set_profile(db: Connection, user_id: int, profile: Profile) -> None:
    """Replace what is kept in the user's row; one who becomes active gains the mail of their addresses, see `emails`."""
    _refuse_taken(db, profile, user_id=user_id)
    was_active = db.execute("select is_active from users where id = ?", (user_id,)).fetchone()
    db.execute(_SET, {**asdict(profile), "id": user_id})
    if was_active is not None and bool(was_active[0]) != profile.is_active:
        email_users.relink_addresses(db, user_id)


def set_addresses(db: Connection, user_id: int, addresses: Sequence[str]) -> None:
    """Replace a user's normalised addresses, primary first, and work out anew which mail they link the user to.

    Raise BadInput when one belongs to somebody else, naming them.
    """
    for address in addresses:
        owner = find_by_address(db, address)
        if owner and owner.id != user_id:
            raise BadInput(f"the address {address} belongs to the user {owner.name}", "an address belongs to one user")
    db.execute("delete from user_addresses where user_id = ?", (user_id,))
    db.executemany(
        "insert into user_addresses (address, user_id, position) values (?, ?, ?)",
        [(address, user_id, position) for position, address in enumerate(dict.fromkeys(addresses))],
    )
    email_users.relink_addresses(db, user_id)


def set_teams(db: Connection, user_id: int, memberships: Iterable[tuple[int, str | None]]) -> None:
    """Replace a user's teams, each with the position there."""
    db.execute("delete from team_members where user_id = ?", (user_id,))
    db.executemany(
        "insert or replace into team_members (team_id, user_id, position) values (?, ?, ?)",
        [(team_id, user_id, position) for team_id, position in memberships],
    )


def set_roles(db: Connection, user_id: int, role_ids: Iterable[int]) -> None:
    db.execute("delete from user_roles where user_id = ?", (user_id,))
    db.executemany("insert or ignore into user_roles (user_id, role_id) values (?, ?)", [(user_id, role) for role in role_ids])


def remove(db: Connection, user_id: int, *, reassign_to: int | None, by_user_id: int | None, now: datetime) -> None:
    """Remove a user with their folders, filters and personal accounts; what was assigned to them goes to `reassign_to`.

    With None it is assigned to nobody. Open cases change hands as `cases.assign` has it, so that the heir knows of them.
    Mail stays. Raise BadInput for a user who is to inherit from themselves, or whose accounts can't go (`accounts.remove`).
    """
    if reassign_to == user_id:
        raise BadInput("a user who goes can't inherit their own work", "name another user with --reassign")
    for account in accounts.list_(db, kind="personal", user_id=user_id):
        accounts.remove(db, account)
    for case in cases.list_(db, cases.Wanted(status="open", assigned_user_id=user_id), limit=-1):
        cases.assign(db, case.number, reassign_to, by_user_id=by_user_id, now=now)
    for statement in _REASSIGN:
        db.execute(statement, {"user": user_id, "to": reassign_to})
    db.execute("delete from users where id = ?", (user_id,))


def _refuse_taken(db: Connection, profile: Profile, *, user_id: int | None) -> None:
    namesake = find(db, profile.name)
    if namesake and namesake.id != user_id:
        raise BadInput(f"there is already a user named {profile.name}", f"see: espomail user show {profile.name}")
    if profile.os_login is None:
        return
    owner = find_by_os_login(db, profile.os_login)
    if owner and owner.id != user_id:
        raise BadInput(f"the OS log-in {profile.os_login} belongs to the user {owner.name}", "a log-in belongs to one user")


def _user(row: Row | None) -> User | None:
    if row is None:
        return None
    return User(
        id=row["id"],
        profile=Profile(
            name=row["name"],
            full_name=row["full_name"],
            is_admin=bool(row["is_admin"]),
            is_active=bool(row["is_active"]),
            os_login=row["os_login"],
            signature=row["signature"],
            notify_mail=row["notify_mail"],
            absent_from=row["absent_from"],
            absent_until=row["absent_until"],
        ),
        emails=tuple(json.loads(row["emails"])),
        teams=tuple(Membership(*team) for team in json.loads(row["teams"])),
        roles=tuple(json.loads(row["roles"])),
    )
