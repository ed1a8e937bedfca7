"""What servers are still to be told of processed mails: mark, move or delete."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from espomail.store.db import Connection


@dataclass(frozen=True, slots=True)
class DueAction:
    receipt_id: int
    mailbox_id: int
    folder: str
    uidvalidity: int
    uid: int


def list_due(db: Connection, account_id: int) -> list[DueAction]:
    rows = db.execute(
        """select r.id as receipt_id, m.id as mailbox_id, m.folder, m.uidvalidity, r.uid
           from receipts r join mailboxes m on m.id = r.mailbox_id
           where r.server_action = 'due' and m.account_id = ? order by m.id, r.uid""",
        (account_id,),
    )
    return [DueAction(**row) for row in rows]


def set_done(db: Connection, receipt_ids: Iterable[int]) -> None:
    db.executemany("update receipts set server_action = 'done' where id = ?", [(i,) for i in receipt_ids])
