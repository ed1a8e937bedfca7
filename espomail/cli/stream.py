"""`espomail stream`: what has happened to a case, a record or an email."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from espomail.cli.frame import changed, emit, group, pass_desk, read_text
from espomail.cli.things import thing_argument, thing_of
from espomail.errors import BadInput
from espomail.model import Thing
from espomail.store import followers, notes, notifications, sight, tellings, visibility
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk

EXCERPT_CHARS = 200


@group(help="What has happened to a case or record: mail, assignments, posts.")
def stream() -> None: ...


@stream.command("show", help="The stream of a thing, oldest first.", epilog="Example: espomail stream show case:7")
@thing_argument
@pass_desk
def show(desk: Desk, thing: str) -> None:
    found = thing_of(desk, thing)
    visibility.require(desk.db, desk.actor, found, "stream")
    emit(stream_json(desk, found))


@stream.command(
    "post", help="Write into the stream of a thing; - reads stdin.", epilog="Example: espomail stream post case:7 'Called back'"
)
@thing_argument
@click.argument("text")
@pass_desk
def post(desk: Desk, thing: str, text: str) -> None:
    words = read_post(desk, text)
    with transaction(desk.db):
        found = thing_of(desk, thing)
        write_post(desk, found, words)
    changed(f"posted on {found}", stream_json(desk, found))


def stream_json(desk: Desk, thing: Thing) -> dict[str, Any]:
    """The stream as CLI.md gives it."""
    return {"thing": str(thing), "stream": entries_json(desk, thing)}


def entries_json(desk: Desk, thing: Thing) -> list[dict[str, Any]]:
    """The entries of a stream, each of an email only as far as the actor may read that email."""
    return [
        {
            "id": entry.id,
            "type": entry.type,
            "at": entry.at,
            "user": entry.user,
            "email": entry.email,
            "text": entry.text,
            "data": dict(entry.data),
        }
        for entry in tellings.stream(desk.db, desk.actor, thing)
    ]


def read_post(desk: Desk, text: str) -> str:
    """The words to post, stdin's for `-`; raise BadInput when there are none."""
    words = read_text(desk, "-") if text == "-" else text
    if not words.strip():
        raise BadInput("there is nothing to post", "give some words, or - for stdin")
    return words.strip()


def write_post(desk: Desk, thing: Thing, text: str) -> None:
    """Post on a thing whose stream the actor may read, and tell those who follow it; raise NotPermitted."""
    visibility.require(desk.db, desk.actor, thing, "stream")
    note_id = notes.add(desk.db, thing, "post", at=desk.now(), user_id=desk.actor.user_id, text=text)
    words = f"{desk.actor.name} on {thing}: {text[:EXCERPT_CHARS]}"
    for user_id in followers.list_(desk.db, thing):
        if user_id != desk.actor.user_id and visibility.may(desk.db, sight.as_actor(desk.db, user_id), thing, "stream"):
            notifications.add(desk.db, user_id, "post", f"post:{note_id}", at=desk.now(), thing=thing, text=words)
