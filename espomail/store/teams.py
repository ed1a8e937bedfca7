"""Teams: who is in them in which position, and the roles their members inherit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from espomail.errors import BadInput, NotFound
from espomail.store.db import Connection, Row

_SELECT = """
    select t.id, t.name,
           (select json_group_array(name) from (
                select r.name from team_roles x join roles r on r.id = x.role_id where x.team_id = t.id order by r.name)
           ) as roles,
           (select json_group_array(json_object('user_id', user_id, 'user', name, 'position', position)) from (
                select m.user_id, u.name, m.position
                from team_members m join users u on u.id = m.user_id where m.team_id = t.id order by m.user_id)
           ) as members
    from teams t
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A user in a team; `position` None when they have none there."""

    user_id: int
    user: str
    position: str | None


@dataclass(frozen=True, slots=True)
class Team:
    """A team with the names of its roles and its members by id."""

    id: int
    name: str
    roles: tuple[str, ...]
    members: tuple[Member, ...]


def find(db: Connection, name: str) -> Team | None:
    return _team(db.execute(_SELECT + "where t.name = ?", (name,)).fetchone())


def get(db: Connection, name: str) -> Team:
    team = find(db, name)
    if team is None:
        raise NotFound("team", name, "see: espomail team list")
    return team


def list_(db: Connection) -> list[Team]:
    """All teams, newest first."""
    return [team for row in db.execute(_SELECT + "order by t.id desc") if (team := _team(row))]


def add(db: Connection, name: str, *, role_ids: Iterable[int] = ()) -> int:
    """Make a team and return its id; raise BadInput when the name is taken."""
    _refuse_taken(db, name)
    team_id = int(db.execute("insert into teams (name) values (?)", (name,)).lastrowid or 0)
    set_roles(db, team_id, role_ids)
    return team_id


def set_name(db: Connection, team: Team, name: str) -> None:
    if name != team.name:
        _refuse_taken(db, name)
        db.execute("update teams set name = ? where id = ?", (name, team.id))


def set_roles(db: Connection, team_id: int, role_ids: Iterable[int]) -> None:
    """Replace the roles that members of a team inherit."""
    db.execute("delete from team_roles where team_id = ?", (team_id,))
    db.executemany("insert or ignore into team_roles (team_id, role_id) values (?, ?)", [(team_id, role) for role in role_ids])


def add_member(db: Connection, team_id: int, user_id: int, *, position: str | None) -> None:
    """Put a user into a team; one who is there gets the new position."""
    db.execute(
        """insert into team_members (team_id, user_id, position) values (:team, :user, :position)
           on conflict (team_id, user_id) do update set position = :position""",
        {"team": team_id, "user": user_id, "position": position},
    )


def remove_member(db: Connection, team_id: int, user_id: int) -> bool:
    """Take a user out of a team; return whether they were in it."""
    return db.execute("delete from team_members where team_id = ? and user_id = ?", (team_id, user_id)).rowcount > 0


def remove(db: Connection, team: Team) -> None:
    """Take a team away from everybody and everything; raise BadInput while an account distributes its cases to it."""
    row = db.execute("select name from accounts where target_team_id = ? order by id", (team.id,)).fetchone()
    if row:
        raise BadInput(
            f"the group account {row['name']} gives its cases to the team {team.name}",
            f"first: espomail group-account edit {row['name']} --target-team OTHER",
        )
    db.execute("delete from teams where id = ?", (team.id,))


def _refuse_taken(db: Connection, name: str) -> None:
    if find(db, name):
        raise BadInput(f"there is already a team named {name}", f"see: espomail team show {name}")


def _team(row: Row | None) -> Team | None:
    if row is None:
        return None
    members = tuple(Member(**member) for member in json.loads(row["members"]))
    return Team(row["id"], row["name"], tuple(json.loads(row["roles"])), members)
