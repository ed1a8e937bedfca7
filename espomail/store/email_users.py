"""Who has an email in their inbox, and why: each link with its reasons and what the user's filters made of it."""

from __future__ import annotations

from datetime import datetime

from espomail import times
from espomail.store.db import Connection


def link(db: Connection, email_id: int, user_id: int, reason: str, *, is_read: bool = False) -> bool:
    """Put the email into a user's inbox for a reason; return whether it is new to them."""
    added = db.execute(
        "insert or ignore into email_users (email_id, user_id, is_read) values (?, ?, ?)", (email_id, user_id, int(is_read))
    ).rowcount
    db.execute(
        "insert or ignore into email_user_reasons (email_id, user_id, reason) values (?, ?, ?)", (email_id, user_id, reason)
    )
    return added > 0


def set_state(
    db: Connection,
    email_id: int,
    user_id: int,
    *,
    folder_id: int | None,
    is_read: bool,
    is_important: bool,
    in_trash: bool,
    at: datetime,
) -> None:
    """Apply what a user's filter or folder map says about a mail that has just reached them."""
    db.execute(
        """update email_users set folder_id = coalesce(?, folder_id), is_read = max(is_read, ?),
               is_important = max(is_important, ?), in_trash = max(in_trash, ?),
               trashed_at = case when ? then ? else trashed_at end
           where email_id = ? and user_id = ?""",
        (folder_id, int(is_read), int(is_important), int(in_trash), int(in_trash), times.to_text(at), email_id, user_id),
    )


def set_folder_if_in_inbox(db: Connection, email_id: int, user_id: int, folder_id: int) -> None:
    db.execute(
        "update email_users set folder_id = ? where email_id = ? and user_id = ? and folder_id is null and not in_trash",
        (folder_id, email_id, user_id),
    )


def attention(db: Connection, email_id: int) -> dict[int, bool]:
    """The users linked to an email, each with whether it needs their attention (unread, not in the trash)."""
    rows = db.execute("select user_id, is_read = 0 and in_trash = 0 from email_users where email_id = ?", (email_id,))
    return {row[0]: bool(row[1]) for row in rows}


def shelved(db: Connection, email_id: int) -> set[int]:
    """The users who have an email only because it lies in a group folder of theirs."""
    rows = db.execute(
        """select user_id from email_user_reasons where email_id = ?
           group by user_id having min(reason) = 'group-folder' and max(reason) = 'group-folder'""",
        (email_id,),
    )
    return {row[0] for row in rows}


def folders(db: Connection, email_id: int) -> dict[int, int | None]:
    """The users linked to an email, each with the folder where it lies for them, None for the inbox."""
    return dict(db.execute("select user_id, folder_id from email_users where email_id = ?", (email_id,)).fetchall())


def relink_addresses(db: Connection, user_id: int) -> None:
    """Work out anew which emails a user is linked to by address: after their addresses changed, or they were enabled.

    An inactive user keeps no link by address; other reasons stay. A link without any reason left goes. A draft is nobody's
    but its author's.
    """
    db.execute("delete from email_user_reasons where user_id = ? and reason = 'address'", (user_id,))
    found = """
        select e.id from emails e join user_addresses a on a.address = e.from_address
            join users u on u.id = a.user_id where a.user_id = :user and u.is_active and e.status <> 'draft'
        union
        select e.id from email_addresses x join user_addresses a on a.address = x.address
            join users u on u.id = a.user_id join emails e on e.id = x.email_id
            where a.user_id = :user and u.is_active and x.role in ('to', 'cc') and e.status <> 'draft'
    """
    db.execute(f"insert or ignore into email_users (email_id, user_id) select id, :user from ({found})", {"user": user_id})  # noqa: S608 (constants)
    db.execute(
        f"insert or ignore into email_user_reasons (email_id, user_id, reason) select id, :user, 'address' from ({found})",  # noqa: S608 (constants)
        {"user": user_id},
    )
    db.execute(
        """delete from email_users where user_id = :user and not exists
               (select 1 from email_user_reasons r where r.email_id = email_users.email_id and r.user_id = :user)""",
        {"user": user_id},
    )
