"""Mails over the size gate, of which only the beginning is held: where the whole ones lie, and that they have come."""

from __future__ import annotations

import json
from dataclasses import dataclass

from espomail.model import Mail
from espomail.store import emails, raw_mails
from espomail.store.db import Connection, one
from espomail.store.raw_mails import Packed

_PLACES = """
    select r.account_id, m.folder, m.uidvalidity, r.uid
    from receipts r join mailboxes m on m.id = r.mailbox_id
    where r.email_id = ? and r.uid is not null and r.account_id is not null order by m.epoch desc, r.id
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server keeps a mail: the UID holds in the epoch of its UIDVALIDITY only."""

    account_id: int
    folder: str
    uidvalidity: int
    uid: int


def places(db: Connection, email_id: int) -> list[Place]:
    """Where the mail of an email was read, the newest epoch first."""
    return [Place(**row) for row in db.execute(_PLACES, (email_id,))]


def set_whole(db: Connection, email_id: int, packed: Packed, mail: Mail) -> None:
    """Keep the whole mail instead of its beginning: bytes, size, attachments, words. What was decided about it stays."""
    before = one(db, "select raw_id from emails where id = ?", (email_id,))
    flags = [flag for flag in json.loads(one(db, "select flags from emails where id = ?", (email_id,))) if flag != "oversize"]
    has_attachment = any(not each.is_inline for each in mail.attachments)
    db.execute(
        "update emails set raw_id = ?, size_bytes = ?, flags = ?, has_attachment = ? where id = ?",
        (raw_mails.add(db, packed), mail.size_bytes, json.dumps(flags), has_attachment, email_id),
    )
    emails.set_content(db, email_id, mail)
    raw_mails.remove_unused(db, before)
