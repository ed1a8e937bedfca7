"""Group folders: shared by teams, who see the mail that is put there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from espomail.errors import BadInput, NotFound
from espomail.store.db import Connection, Row

_SELECT = """
    select g.id, g.name,
           (select json_group_array(json_array(team_id, name)) from (
                select x.team_id, t.name from group_folder_teams x join teams t on t.id = x.team_id
                where x.group_folder_id = g.id order by t.name)) as teams
    from group_folders g
"""


@dataclass(frozen=True, slots=True)
class GroupFolder:
    """A folder of teams, by their ids and names in the same order."""

    id: int
    name: str
    team_ids: tuple[int, ...]
    teams: tuple[str, ...]


def find(db: Connection, name: str) -> GroupFolder | None:
    return _group_folder(db.execute(_SELECT + "where g.name = ?", (name,)).fetchone())


def get(db: Connection, name: str) -> GroupFolder:
    folder = find(db, name)
    if folder is None:
        raise NotFound("group folder", name, "see: espomail group-folder list")
    return folder


def list_(db: Connection) -> list[GroupFolder]:
    """All group folders, newest first."""
    return [folder for row in db.execute(_SELECT + "order by g.id desc") if (folder := _group_folder(row))]


def add(db: Connection, name: str, *, team_ids: Iterable[int]) -> int:
    """Make a group folder and return its id; raise BadInput when the name is taken."""
    _refuse_taken(db, name)
    folder_id = int(db.execute("insert into group_folders (name) values (?)", (name,)).lastrowid or 0)
    set_teams(db, folder_id, team_ids)
    return folder_id


def set_name(db: Connection, folder: GroupFolder, name: str) -> None:
    if name != folder.name:
        _refuse_taken(db, name)
        db.execute("update group_folders set name = ? where id = ?", (name, folder.id))


def set_teams(db: Connection, folder_id: int, team_ids: Iterable[int]) -> None:
    """Replace the teams of a group folder; they gain the mail that is in it already."""
    db.execute("delete from group_folder_teams where group_folder_id = ?", (folder_id,))
    db.executemany(
        "insert or ignore into group_folder_teams (group_folder_id, team_id) values (?, ?)",
        [(folder_id, team_id) for team_id in team_ids],
    )
    db.execute(
        """insert or ignore into email_teams (email_id, team_id)
           select e.id, x.team_id from emails e join group_folder_teams x on x.group_folder_id = e.group_folder_id
           where e.group_folder_id = ?""",
        (folder_id,),
    )


def remove(db: Connection, folder: GroupFolder) -> None:
    """Remove a group folder; its mail stays with those who see it. Raise BadInput while a filter moves mail into it."""
    row = db.execute("select name from filters where group_folder_id = ? order by id", (folder.id,)).fetchone()
    if row:
        raise BadInput(f"the filter {row['name']} moves mail into {folder.name}", "remove or edit that filter first")
    db.execute("delete from group_folders where id = ?", (folder.id,))


def _refuse_taken(db: Connection, name: str) -> None:
    if find(db, name):
        raise BadInput(f"there is already a group folder named {name}", "see: espomail group-folder list")


def _group_folder(row: Row | None) -> GroupFolder | None:
    if row is None:
        return None
    teams = json.loads(row["teams"])
    return GroupFolder(row["id"], row["name"], tuple(team[0] for team in teams), tuple(team[1] for team in teams))
