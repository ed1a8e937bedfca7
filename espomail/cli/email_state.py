"""`espomail email mark|move|trash|untrash|archive|share|delete`: one's own view of mail, and what concerns others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from espomail.cli.actor import personal
from espomail.cli.folder import get as get_folder
from espomail.cli.frame import asked, changed, command, confirm, pass_desk, said
from espomail.cli.numbers import ID
from espomail.cli.user_fields import get_visible as get_visible_user
from espomail.cli.views import EMAIL_COLUMNS, email_json
from espomail.errors import BadInput, NotFound, UsageError
from espomail.model import Thing
from espomail.store import deleting, emails_read, group_folders, inbox, visibility
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk

ids_argument = click.argument("ids", metavar="ID…", nargs=-1, required=True, type=ID)
id_argument = click.argument("id_", metavar="ID", type=ID)


@command("mark", help="Mark emails in your own view.", epilog="Example: espomail email mark 12 13 --read --important --as ann")
@ids_argument
@click.option("--read/--unread", "is_read", default=None, help="as read, or not")
@click.option("--important/--not-important", "is_important", default=None, help="as important, or not")
@pass_desk
def mark(desk: Desk, ids: tuple[int, ...], is_read: bool | None, is_important: bool | None) -> None:
    if is_read is None and is_important is None:
        raise UsageError("nothing to mark", "name one of --read, --unread, --important, --not-important")
    _change(desk, ids, "marked", lambda user_id: inbox.mark(desk.db, user_id, ids, is_read=is_read, is_important=is_important))


@command("trash", help="Put emails into your own trash.", epilog="Example: espomail email trash 12 13 --as ann")
@ids_argument
@pass_desk
def trash(desk: Desk, ids: tuple[int, ...]) -> None:
    _change(desk, ids, "put into the trash", lambda user_id: inbox.trash(desk.db, user_id, ids, now=desk.now()))


@command("untrash", help="Take emails out of your trash.", epilog="Example: espomail email untrash 12 --as ann")
@ids_argument
@pass_desk
def untrash(desk: Desk, ids: tuple[int, ...]) -> None:
    _change(desk, ids, "taken out of the trash", lambda user_id: inbox.untrash(desk.db, user_id, ids))


@command("archive", help="Put emails into your own archive.", epilog="Example: espomail email archive 12 --as ann")
@ids_argument
@pass_desk
def archive(desk: Desk, ids: tuple[int, ...]) -> None:
    _change(desk, ids, "archived", lambda user_id: inbox.archive(desk.db, user_id, ids))


@command(
    "move",
    help="Put an email into a folder of yours (inbox for none), or into a group folder, whose teams then see it.",
    epilog="Example: espomail email move 12 Later --as ann",
)
@id_argument
@click.argument("folder")
@pass_desk
def move(desk: Desk, id_: int, folder: str) -> None:
    with transaction(desk.db):
        visibility.require(desk.db, desk.actor, Thing("email", id_))
        is_moved = _move(desk, id_, folder)
    _tell(desk, [id_], f"email {id_} moved to {folder}" if is_moved else f"email {id_}: not among your mail, so nothing to do")


def _move(desk: Desk, email_id: int, folder: str) -> bool:
    """Move an email; return whether there was one to move: into a group folder any, else only what is among their mail."""
    match folder.lower():
        case "inbox":
            inbox.move(desk.db, personal(desk), [email_id], folder_id=None)
        case "trash":
            inbox.trash(desk.db, personal(desk), [email_id], now=desk.now())
        case "archive":
            inbox.archive(desk.db, personal(desk), [email_id])
        case "sent":
            raise BadInput("nothing can be moved to sent", "it shows what you have written")
        case _:
            return _move_to_folder(desk, email_id, folder)
    return _is_held(desk, email_id)


def _is_held(desk: Desk, email_id: int) -> bool:
    return bool(inbox.held(desk.db, personal(desk), [email_id]))


def _move_to_folder(desk: Desk, email_id: int, folder: str) -> bool:
    """Into the actor's own folder of that name, else into the group folder; raise NotFound when they may use neither."""
    group_folder = group_folders.find(desk.db, folder)
    try:
        own = get_folder(desk, folder, None)
    except NotFound:
        if group_folder is None or not may_use(desk, group_folder):
            raise
        inbox.move_to_group_folder(desk.db, email_id, group_folder)
        return True
    inbox.move(desk.db, own.user_id, [email_id], folder_id=own.id)
    return _is_held(desk, email_id)


@command("share", help="Put an email into the inbox of a colleague.", epilog="Example: espomail email share 12 ben")
@id_argument
@click.argument("user")
@pass_desk
def share(desk: Desk, id_: int, user: str) -> None:
    with transaction(desk.db):
        visibility.require(desk.db, desk.actor, Thing("email", id_))
        colleague = get_visible_user(desk, user)
        if not colleague.profile.is_active:
            raise BadInput(f"{user} is disabled, so can't read anything", "name an active user")
        inbox.share(desk.db, id_, colleague.id)
    _tell(desk, [id_], f"email {id_} shared with {user}")


@command(
    "delete",
    help="Delete emails for everybody, with bytes, attachments and index. To be rid of them alone: email trash.",
    epilog="Example: espomail email delete 12 --yes",
)
@ids_argument
@click.option("--yes", is_flag=True, help="don't ask")
@pass_desk
def delete(desk: Desk, ids: tuple[int, ...], yes: bool) -> None:
    _require_all(desk, ids, "delete")
    confirm(f"delete {_words(ids)} for everybody?", yes=yes)
    with transaction(desk.db):
        _require_all(desk, ids, "delete")
        for email_id in dict.fromkeys(ids):
            deleting.delete(desk.db, email_id, now=desk.now())
    changed(f"{_words(ids)} deleted", {"deleted": list(dict.fromkeys(ids))})


COMMANDS: tuple[click.Command, ...] = (mark, move, trash, untrash, archive, share, delete)


def may_use(desk: Desk, folder: group_folders.GroupFolder) -> bool:
    """Whether the actor may put mail into a group folder and look at it: admins, and members of its teams."""
    return desk.actor.is_admin or bool(desk.actor.team_ids & set(folder.team_ids))


def _change(desk: Desk, ids: Sequence[int], what: str, change: Callable[[int], None]) -> None:
    """Change the actor's own view of emails they may read, all or none, and tell it."""
    user_id = personal(desk)
    with transaction(desk.db):
        _require_all(desk, ids, "read")
        there = inbox.held(desk.db, user_id, ids)
        change(user_id)
    others = [email_id for email_id in dict.fromkeys(ids) if email_id not in there]
    if others:
        said(f"{_words(others)}: not among your mail, so nothing to do")
    _tell(desk, ids, f"{_words([email_id for email_id in ids if email_id in there])} {what}" if there else "nothing to do")


def _require_all(desk: Desk, ids: Sequence[int], action: str) -> None:
    for email_id in dict.fromkeys(ids):
        visibility.require(desk.db, desk.actor, Thing("email", email_id), action)


def _tell(desk: Desk, ids: Sequence[int], words: str) -> None:
    """The changed emails where a format was asked for (one as an object, several as a list), else one line."""
    found = emails_read.list_ids(desk.db, desk.actor, list(dict.fromkeys(ids))) if asked().format is not None else []
    rows: list[dict[str, Any]] = [email_json(each) for each in found]
    changed(words, rows[0] if len(ids) == 1 and rows else rows, columns=EMAIL_COLUMNS)


def _words(ids: Sequence[int]) -> str:
    return f"email{'s' if len(ids) > 1 else ''} {', '.join(map(str, dict.fromkeys(ids)))}"
