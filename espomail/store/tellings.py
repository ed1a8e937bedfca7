"""What is told of mail that a reader may not read: streams and notifications as they are shown, judged at that moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Any

from espomail.model import Actor, Thing
from espomail.store import followers, notes, notifications, sight
from espomail.store.db import Connection
from espomail.store.notes import Note
from espomail.store.notifications import Notification

_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of a stream as one reader sees it; `email` None where there is none or the reader may not read it."""

    id: int
    type: str
    at: str
    user: str | None
    email: int | None
    text: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A notification as its user sees it: `email` and `thing` None where there is none or they may not read it."""

    id: int
    user_id: int
    user: str
    type: str
    at: str
    is_read: bool
    email: int | None
    thing: Thing | None
    text: str


def stream(db: Connection, actor: Actor, thing: Thing) -> list[Entry]:
    """The stream of a thing, oldest first; the caller has asked whether the actor may read the stream."""
    found = notes.list_(db, thing)
    readable = sight.seen(db, actor, "email", (n.email_id for n in found if n.email_id is not None))
    cases = sight.seen(db, actor, "case", (n.data["follows"] for n in found if "follows" in n.data))
    told = [note if note.data.get("follows") in {None, *cases} else replace(note, data={}) for note in found]
    return [_entry(note, thing, is_readable=note.email_id is None or note.email_id in readable) for note in told]


def _entry(note: Note, thing: Thing, *, is_readable: bool) -> Entry:
    """Of a mail that the reader may not read only that there was one is left: no subject, sender or address."""
    return Entry(
        id=note.id,
        type=note.type,
        at=note.at,
        user=note.user if is_readable else None,
        email=note.email_id if is_readable else None,
        text=note.text if is_readable else f"mail on {thing}",
        data=note.data if is_readable else {},
    )


def tell(db: Connection, found: Sequence[Notification]) -> list[Telling]:
    """Notifications in the same order as each one's user may see them now; those of which nothing may be seen are left out.

    Of mail that is hidden together with what it hangs on, who follows its company is told the company.
    """
    told: dict[int, Telling] = {}
    for user_id, group in groupby(sorted(found, key=lambda n: n.user_id), key=lambda n: n.user_id):
        told |= {each.id: each for each in _of_one(db, sight.as_actor(db, user_id), list(group))}
    return [told[n.id] for n in found if n.id in told]


def _of_one(db: Connection, reader: Actor, found: Sequence[Notification]) -> Iterator[Telling]:
    emails = sight.seen(db, reader, "email", (n.email_id for n in found if n.email_id is not None))
    companies = followers.companies(db, reader.user_id or 0, (n.email_id for n in found if n.email_id is not None))
    things = sight.things_seen(db, reader, [*(n.thing for n in found if n.thing is not None), *companies.values()])
    for each in found:
        email = each.email_id if each.email_id in emails else None
        about = (each.thing, companies.get(each.email_id or 0)) if email is None else (each.thing,)
        thing = next((one for one in about if one in things), None)
        hides_email = each.email_id is not None and email is None
        if thing is None and (hides_email or (each.thing is not None and email is None)):
            continue
        text = f"News on {thing}: {things[thing]}" if hides_email and thing is not None else each.text
        yield Telling(
            id=each.id,
            user_id=each.user_id,
            user=each.user,
            type=each.type,
            at=each.at,
            is_read=each.is_read,
            email=email,
            thing=thing,
            text=text,
        )


def list_(db: Connection, *, user_id: int | None, unread: bool = False, limit: int) -> list[Telling]:
    """The newest notifications of a user (None: of everybody) that may be seen; a negative limit means all."""
    shown = _pages(db, user_id, unread)
    return list(shown if limit < 0 else islice(shown, limit))


def _pages(db: Connection, user_id: int | None, unread: bool) -> Iterator[Telling]:
    before: int | None = None
    while page := notifications.list_(db, user_id=user_id, unread=unread, before_id=before, limit=_PAGE):
        yield from tell(db, page)
        before = page[-1].id
