"""`espomail email`: what came and went, read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from espomail import times
from espomail.cli import email_links, email_state
from espomail.cli.actor import personal, refuse_borrowed_path
from espomail.cli.folder import owner_id as folder_owner_id
from espomail.cli.frame import emit, group, pass_desk, write_bytes
from espomail.cli.numbers import COUNT, ID, limit_option
from espomail.cli.things import thing_of
from espomail.cli.user_fields import get_visible as get_visible_user
from espomail.cli.views import ATTACHMENT_FIELDS, EMAIL_COLUMNS, EMAIL_FIELDS, attachment_json, email_json
from espomail.errors import BadInput, NotFound
from espomail.model import Thing
from espomail.rules.names import PLACES
from espomail.store import emails_read, folders, group_folders, visibility
from espomail.store.emails_read import Wanted

if TYPE_CHECKING:
    from espomail.desk import Desk

id_argument = click.argument("id_", metavar="ID", type=ID)


@group(
    help="Emails, and each user's own view of them.",
    later={
        "download": "espomail.cli.email_download:download",
        "drafts": "espomail.cli.email_send:drafts",
        "explain": "espomail.cli.email_explain:explain",
        "search": "espomail.cli.email_search:search",
        "send": "espomail.cli.email_send:send",
    },
)
def email() -> None: ...


for _command in (*email_links.COMMANDS, *email_state.COMMANDS):
    email.add_command(_command)


@email.command(
    "list",
    help="The newest emails that you may see; with a user or a folder that view of them.",
    epilog="""Example: espomail email list --case 7
    espomail email list --folder inbox --unread --as ann""",
)
@click.option("--user", metavar="USER", help="the mail of a user, without their trash")
@click.option("--folder", metavar="FOLDER", help="inbox, sent, trash, archive, a folder of the user, or a group folder")
@click.option("--case", "case_number", metavar="N", type=ID, help="what hangs on a case")
@click.option("--parent", metavar="THING", help="what hangs on a case or record")
@click.option("--unread", is_flag=True, help="what the user has not read")
@click.option("--since", metavar="TIME", help="what came since then")
@limit_option
@click.option("--offset", type=COUNT, default=0, help="how many to pass over first")
@pass_desk
def list_(desk: Desk, /, limit: int, offset: int, **asked: Any) -> None:
    found = emails_read.list_(desk.db, desk.actor, _wanted(desk, asked), limit=limit, offset=offset)
    emit([email_json(each) for each in found], columns=EMAIL_COLUMNS, fields=EMAIL_FIELDS)


@email.command("show", help="One email, whole.", epilog="Example: espomail email show 12")
@id_argument
@pass_desk
def show(desk: Desk, id_: int) -> None:
    emit(shown(desk, id_))


@email.command("raw", help="The mail byte for byte, on stdout.", epilog="Example: espomail email raw 12 >letter.eml")
@id_argument
@pass_desk
def raw(desk: Desk, id_: int) -> None:
    from espomail import reading

    write_bytes(reading.raw(desk.db, emails_read.get(desk.db, desk.actor, id_)))


@email.command("thread", help="The conversation of an email, oldest first.", epilog="Example: espomail email thread 12")
@id_argument
@pass_desk
def thread(desk: Desk, id_: int) -> None:
    emit(
        [email_json(each) for each in emails_read.thread(desk.db, desk.actor, id_)], columns=EMAIL_COLUMNS, fields=EMAIL_FIELDS
    )


@email.command(
    "attachments",
    help="The attachments of an email; with --save they are written into a folder, never over a file.",
    epilog="Example: espomail email attachments 12 --save ./files",
)
@id_argument
@click.option("--save", metavar="DIR", help="write them there")
@pass_desk
def attachments(desk: Desk, id_: int, save: str | None) -> None:
    refuse_borrowed_path(desk.actor, save, what="a folder")
    if save == "":
        raise BadInput("--save names no folder", "name one, . for this one")
    found = emails_read.get(desk.db, desk.actor, id_)
    rows = [attachment_json(each) for each in emails_read.attachments_of(desk.db, id_)]
    path = () if save is None else ("path",)
    if save is not None:
        paths = _save(desk, found, Path(save))
        rows = [{**row, "path": str(path)} for row, path in zip(rows, paths, strict=True)]
    emit(rows, columns=("id", "name", "content_type", "size_bytes", *path), fields=(*ATTACHMENT_FIELDS, *path))


def shown(desk: Desk, email_id: int) -> dict[str, Any]:
    """An email as `email show` gives it; raise NotFound when the actor may not see it."""
    from espomail import reading

    found = emails_read.get(desk.db, desk.actor, email_id)
    read = reading.read(desk.db, found)
    return {
        **email_json(found),
        "text": read.text,
        "text_new": read.text_new,
        "html": read.html,
        "attachments": [attachment_json(each) for each in emails_read.attachments_of(desk.db, email_id)],
    }


def _save(desk: Desk, found: emails_read.ReadEmail, folder: Path) -> list[Path]:
    from espomail import reading
    from espomail.cli.attachment_files import save_all

    listed = emails_read.attachments_of(desk.db, found.id)
    if not listed:
        return []
    content = reading.raw(desk.db, found)
    return save_all(folder, [(each.name, reading.attachment(content, each.position)) for each in listed])


def _wanted(desk: Desk, asked: dict[str, Any]) -> Wanted:
    """What the options ask for; raise NotFound for what the actor may not see, UsageError for what only a person has."""
    user, folder, since = asked["user"], asked["folder"], asked["since"]
    place = _place(desk, user, folder)
    reader_id = place.user_id if place.user_id is not None or not asked["unread"] else personal(desk)
    return Wanted(
        user_id=place.user_id,
        folder=place.folder,
        folder_id=place.folder_id,
        group_folder_id=place.group_folder_id,
        parent=_parent(desk, asked["case_number"], asked["parent"]),
        unread_by=reader_id if asked["unread"] else None,
        since=times.parse_moment(since, now=desk.now()) if since is not None else None,
    )


def _place(desk: Desk, user: str | None, folder: str | None) -> Wanted:
    """The view of a user, or of a place in it; a folder of the user comes before a group folder of that name."""
    if folder is None:
        return Wanted(user_id=get_visible_user(desk, user).id if user is not None else None)
    if folder.lower() in PLACES:
        return Wanted(user_id=get_visible_user(desk, user).id if user is not None else personal(desk), folder=folder.lower())
    group_folder = group_folders.find(desk.db, folder)
    if user is None and desk.actor.is_system and group_folder is not None:
        return Wanted(group_folder_id=group_folder.id)
    owner_id = folder_owner_id(desk, user)
    own = folders.find(desk.db, owner_id, folder)
    if own is not None:
        return Wanted(user_id=owner_id, folder="folder", folder_id=own.id)
    if group_folder is not None and email_state.may_use(desk, group_folder):
        return Wanted(group_folder_id=group_folder.id)
    raise NotFound("folder", folder, "see: espomail folder list")


def _parent(desk: Desk, case_number: int | None, parent: str | None) -> Thing | None:
    if case_number is not None and parent is not None:
        raise BadInput("--case and --parent say the same", "give one of them")
    if case_number is not None:
        thing = Thing("case", case_number)
        visibility.require(desk.db, desk.actor, thing)
        return thing
    return thing_of(desk, parent) if parent is not None else None
