"""A user's own view of their mail: read, important, folder, trash, archive; sharing, and the folders of teams.

What is said of an email that is not among a user's mail changes nothing: their view holds only what has reached them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from espomail import times
from espomail.store import email_teams, email_users, people
from espomail.store.db import Connection
from espomail.store.group_folders import GroupFolder

_MARK = """
    update email_users set is_read = coalesce(:is_read, is_read), is_important = coalesce(:is_important, is_important)
    where user_id = :user and email_id in (select value from json_each(:ids))
"""
_TRASH = """
    update email_users set in_trash = 1, trashed_at = :at
    where user_id = :user and email_id in (select value from json_each(:ids)) and not in_trash
"""
_UNTRASH = """
    update email_users set in_trash = 0, trashed_at = null
    where user_id = :user and email_id in (select value from json_each(:ids))
"""
_ARCHIVE = """
    update email_users set in_archive = 1, in_trash = 0, trashed_at = null, folder_id = null
    where user_id = :user and email_id in (select value from json_each(:ids))
"""
_MOVE = """
    update email_users set folder_id = :folder, in_archive = 0, in_trash = 0, trashed_at = null
    where user_id = :user and email_id in (select value from json_each(:ids))
"""


def held(db: Connection, user_id: int, ids: Sequence[int]) -> set[int]:
    """Which of the emails are among a user's mail."""
    rows = db.execute(
        "select email_id from email_users where user_id = ? and email_id in (select value from json_each(?))",
        (user_id, json.dumps(list(ids))),
    )
    return {row[0] for row in rows}


def mark(
    db: Connection, user_id: int, ids: Sequence[int], *, is_read: bool | None = None, is_important: bool | None = None
) -> None:
    """Mark emails for a user; None leaves what was."""
    db.execute(_MARK, {"is_read": is_read, "is_important": is_important, "user": user_id, "ids": json.dumps(list(ids))})


def trash(db: Connection, user_id: int, ids: Sequence[int], *, now: datetime) -> None:
    """Put emails into a user's trash; what is in it already keeps its time."""
    db.execute(_TRASH, {"user": user_id, "ids": json.dumps(list(ids)), "at": times.to_text(now)})


def untrash(db: Connection, user_id: int, ids: Sequence[int]) -> None:
    """Take emails out of a user's trash, back to where they lay."""
    db.execute(_UNTRASH, {"user": user_id, "ids": json.dumps(list(ids))})


def archive(db: Connection, user_id: int, ids: Sequence[int]) -> None:
    """Put emails into a user's archive, out of folders and trash."""
    db.execute(_ARCHIVE, {"user": user_id, "ids": json.dumps(list(ids))})


def move(db: Connection, user_id: int, ids: Sequence[int], *, folder_id: int | None) -> None:
    """Put emails into a folder of the user (None: the inbox), out of trash and archive."""
    db.execute(_MOVE, {"user": user_id, "ids": json.dumps(list(ids)), "folder": folder_id})


def move_to_group_folder(db: Connection, email_id: int, folder: GroupFolder) -> None:
    """Put an email into a group folder, out of the one it was in: its teams and their active members gain the mail."""
    db.execute("update emails set group_folder_id = ? where id = ?", (folder.id, email_id))
    email_teams.link(db, email_id, folder.team_ids)
    for user_id in people.active_members(db, folder.team_ids):
        email_users.link(db, email_id, user_id, "group-folder")


def share(db: Connection, email_id: int, user_id: int) -> bool:
    """Put an email into another user's inbox; return whether they did not have it yet."""
    return email_users.link(db, email_id, user_id, "shared")
