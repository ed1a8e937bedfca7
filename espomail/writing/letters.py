"""What somebody wants to send, and who they are: the values that the rest of this room works on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from espomail.model import Actor, Address, Thing
from espomail.rules.senders import Writer
from espomail.store.emails_read import ReadEmail


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who writes. `writer` is None for the system, which has neither a name nor a signature."""

    actor: Actor
    writer: Writer | None = None
    full_name: str = ""
    address: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What the author wants to say, to whom. `subject` None takes that of the mail it answers, of the case, of the template.

    `template` is a name; its words stand instead of `words`. `at` None sends with the next round.
    """

    sender: str
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    subject: str | None = None
    words: str = ""
    is_html: bool = False
    template: str | None = None
    attachments: tuple[tuple[str, str, bytes], ...] = ()
    parent: Thing | None = None
    answers: ReadEmail | None = None
    with_quote: bool = True
    at: datetime | None = None
    is_draft: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """The email that a letter became, and its row in the outbox, None for a draft."""

    email_id: int
    outbox_id: int | None
