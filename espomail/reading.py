"""A stored mail as a person reads it: its text, the new part of the text, its HTML, its attachments' bytes; or a stub of it."""

from __future__ import annotations

from dataclasses import dataclass

from espomail.errors import NotFound
from espomail.mail import quotes
from espomail.mail.parse import attachment_content, parse
from espomail.mail.stub import HEAD_BYTES_MAX, Stub, stub
from espomail.store import emails, oversize, raw_mails
from espomail.store.db import Connection, transaction
from espomail.store.emails_read import ReadEmail


@dataclass(frozen=True, slots=True)
class Reading:
    """The text (from HTML where there is no plain part), what is new in it, and the HTML, None where there is none."""

    text: str
    text_new: str
    html: str | None


def read(db: Connection, email: ReadEmail) -> Reading:
    """Given an email that the actor may see, return its reading.

    Without the raw mail (a draft) the text is the one that the index holds.
    """
    raw = raw_mails.find(db, email.raw_id)
    if raw is None:
        text = emails.text_of(db, email.id)
        return Reading(text, quotes.new_text(text), None)
    mail = parse(raw)
    return Reading(mail.text, quotes.new_text(mail.text), mail.html)


def recognise(db: Connection, raw_id: int | None) -> Stub:
    """From whom and about what a mail is that could not be read as one, for a person to recognise it."""
    return stub(raw_mails.beginning(db, raw_id, HEAD_BYTES_MAX))


def raw(db: Connection, email: ReadEmail) -> bytes:
    """The mail byte for byte as it came; raise NotFound when there is none (a draft)."""
    found = raw_mails.find(db, email.raw_id)
    if found is None:
        raise NotFound("raw mail of email", email.id)
    return found


def complete(db: Connection, email: ReadEmail, whole: bytes) -> bool:
    """Keep a mail whole that was held in part; return False, with nothing changed, when these bytes begin otherwise."""
    held = raw_mails.find(db, email.raw_id)
    if held is None or not whole.startswith(held):
        return False
    packed, mail = raw_mails.pack(whole), parse(whole)
    with transaction(db):
        oversize.set_whole(db, email.id, packed, mail)
    return True


def attachment(raw_mail: bytes, position: int) -> bytes:
    """The decoded bytes of the attachment at a position of a raw mail; raise NotFound when there is none."""
    try:
        return attachment_content(raw_mail, position)
    except KeyError as error:
        raise NotFound("attachment", position) from error
