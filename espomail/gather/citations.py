"""What a mail cites of what we hold, and the thread that it joins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from espomail.model import Mail
from espomail.rules import linking
from espomail.store import threads
from espomail.store.db import Connection
from espomail.store.threads import Held


@dataclass(frozen=True, slots=True)
class Citations:
    """The ids that a mail cites, nearest first: which of them we hold, and which unseen ones a held mail cites too.

    `late` is a held mail that cites this one: it came before the mail it answers. Where another mail has had this one's id, even one
    deleted since, it was that one that was answered, and there is no `late`.
    """

    ids: tuple[str, ...]
    held: Mapping[str, Held]
    shared: Mapping[str, Held]
    late: Held | None


@dataclass(frozen=True, slots=True)
class Thread:
    """Where a mail stands among those we hold: the email it answers, and the thread it joins (None: a new one)."""

    answers_email_id: int | None
    thread_id: int | None


def citations(db: Connection, mail: Mail, *, besides: int | None = None) -> Citations:
    """What the mail cites of what we hold; `besides` is the mail's own email, when it has one already."""
    ids = cited_ids(mail)
    held = _held_by_others(db, ids, besides)
    unseen = threads.citing(db, [*(i for i in ids if i not in held), mail.message_id], besides=besides)
    late = unseen.pop(mail.message_id, None)
    if late is not None and _held_by_others(db, [mail.message_id], besides):
        late = None
    return Citations(tuple(ids), held, unseen, late)


def _held_by_others(db: Connection, ids: list[str], besides: int | None) -> dict[str, Held]:
    return {i: h for i, h in threads.held(db, ids).items() if h.email_id is None or h.email_id != besides}


def thread(cited: Citations) -> Thread:
    """The held mail nearest among those cited; else the thread of a mail that shares an ancestor, or that answers this one."""
    for message_id in cited.ids:
        if message_id in cited.held:
            return Thread(cited.held[message_id].email_id, cited.held[message_id].thread_id)
    related = [cited.shared[i] for i in cited.ids if i in cited.shared] + ([cited.late] if cited.late else [])
    return Thread(None, related[0].thread_id if related else None)


def cited_ids(mail: Mail) -> list[str]:
    """The ids that the mail cites: In-Reply-To, then References nearest first, at most 50, its own left out."""
    ids = dict.fromkeys((*mail.in_reply_to, *reversed(mail.references)))
    return [i for i in ids if i != mail.message_id][: linking.REFERENCES_MAX]
