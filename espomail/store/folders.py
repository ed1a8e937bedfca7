"""Email folders: each belongs to one user, who may have it skip notifications."""

from __future__ import annotations

import json
from dataclasses import dataclass

from espomail.errors import BadInput, NotFound
from espomail.store.db import Connection, Row

_SELECT = """
    select f.id, f.user_id, u.name as user, f.name, f.skip_notifications
    from folders f join users u on u.id = f.user_id
"""


@dataclass(frozen=True, slots=True)
class Folder:
    """A user's own folder."""

    id: int
    user_id: int
    user: str
    name: str
    skip_notifications: bool


def find(db: Connection, user_id: int, name: str) -> Folder | None:
    return _folder(db.execute(_SELECT + "where f.user_id = ? and f.name = ?", (user_id, name)).fetchone())


def find_by_id(db: Connection, folder_id: int) -> Folder | None:
    return _folder(db.execute(_SELECT + "where f.id = ?", (folder_id,)).fetchone())


def get(db: Connection, user_id: int, name: str) -> Folder:
    folder = find(db, user_id, name)
    if folder is None:
        raise NotFound("folder", name, "see: espomail folder list")
    return folder


def list_(db: Connection, user_id: int | None = None) -> list[Folder]:
    """The folders of a user, or with None everybody's, newest first."""
    rows = db.execute(_SELECT + "where :user is null or f.user_id = :user order by f.id desc", {"user": user_id})
    return [folder for row in rows if (folder := _folder(row))]


def list_named(db: Connection, name: str) -> list[Folder]:
    """Every user's folder of that name."""
    return [folder for row in db.execute(_SELECT + "where f.name = ? order by f.id", (name,)) if (folder := _folder(row))]


def add(db: Connection, user_id: int, name: str, *, skip_notifications: bool) -> int:
    """Make a folder and return its id; raise BadInput when the user has one of that name."""
    _refuse_taken(db, user_id, name)
    cursor = db.execute(
        "insert into folders (user_id, name, skip_notifications) values (?, ?, ?)", (user_id, name, int(skip_notifications))
    )
    return int(cursor.lastrowid or 0)


def set_(db: Connection, folder: Folder, *, name: str, skip_notifications: bool) -> None:
    """Rename a folder or change what it skips; the folder maps of its user's accounts follow."""
    if name != folder.name:
        _refuse_taken(db, folder.user_id, name)
        _rename_in_accounts(db, folder, name)
    db.execute("update folders set name = ?, skip_notifications = ? where id = ?", (name, int(skip_notifications), folder.id))


def remove(db: Connection, folder: Folder) -> None:
    """Remove a folder; its mail goes back to the inbox. Raise BadInput while a filter or an account puts mail into it."""
    row = db.execute("select name from filters where folder_id = ? order by id", (folder.id,)).fetchone()
    if row:
        raise BadInput(f"the filter {row['name']} moves mail into {folder.name}", "remove or edit that filter first")
    for _, name, folder_map, default in _accounts_of(db, folder.user_id):
        if folder.name == default or any(target == folder.name for _, target in folder_map):
            raise BadInput(
                f"the personal account {name} puts mail into {folder.name}",
                f"first: espomail personal-account edit {name} --clear map --clear default-folder",
            )
    db.execute("delete from folders where id = ?", (folder.id,))


def _rename_in_accounts(db: Connection, folder: Folder, name: str) -> None:
    for account_id, _, folder_map, default in _accounts_of(db, folder.user_id):
        renamed = [[source, name if target == folder.name else target] for source, target in folder_map]
        db.execute(
            "update accounts set folder_map = ?, default_folder = ? where id = ?",
            (json.dumps(renamed, ensure_ascii=False), name if default == folder.name else default, account_id),
        )


def _accounts_of(db: Connection, user_id: int) -> list[tuple[int, str, list[list[str]], str | None]]:
    rows = db.execute("select id, name, folder_map, default_folder from accounts where user_id = ? order by id", (user_id,))
    return [(row["id"], row["name"], json.loads(row["folder_map"]), row["default_folder"]) for row in rows]


def _refuse_taken(db: Connection, user_id: int, name: str) -> None:
    taken = find(db, user_id, name)
    if taken:
        raise BadInput(f"{taken.user} already has a folder named {name}", "see: espomail folder list")


def _folder(row: Row | None) -> Folder | None:
    if row is None:
        return None
    return Folder(row["id"], row["user_id"], row["user"], row["name"], bool(row["skip_notifications"]))
