"""Which held emails a mail answers, cites, or is awaited by: what threads are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from espomail.model import Thing
from espomail.store.db import Connection
from espomail.store.emails import Email


@dataclass(frozen=True, slots=True)
class Held:
    """An email (or what is left of a deleted one, `email_id` None) that a message id stands for."""

    message_id: str
    email_id: int | None
    thread_id: int
    parent_type: str | None
    parent_id: int | None

    @property
    def parent(self) -> Thing | None:
        return None if self.parent_type is None or self.parent_id is None else Thing(self.parent_type, self.parent_id)


_HELD = """
    select message_id, id as email_id, thread_id, parent_type, parent_id
    from emails where message_id = :id and status not in ('draft', 'cancelled')
    union all
    select message_id, null, thread_id, parent_type, parent_id from tombstones where message_id = :id
    order by email_id nulls last limit 1
"""
_CITING = """
    select r.message_id, e.id as email_id, e.thread_id, e.parent_type, e.parent_id
    from email_references r join emails e on e.id = r.email_id
    where r.message_id = :id and e.id is not :besides and e.status not in ('draft', 'cancelled')
    order by e.parent_type is 'case' desc, e.id limit 1
"""


def held(db: Connection, message_ids: Sequence[str]) -> dict[str, Held]:
    """Which of the ids we hold; of several emails with one id, the first that came."""
    rows = ((i, db.execute(_HELD, {"id": i}).fetchone()) for i in message_ids)
    return {message_id: Held(**row) for message_id, row in rows if row is not None}


def citing(db: Connection, message_ids: Sequence[str], *, besides: int | None = None) -> dict[str, Held]:
    """For each id, an email that cites it: one that hangs on a case before one that doesn't, then the oldest."""
    rows = ((i, db.execute(_CITING, {"id": i, "besides": besides}).fetchone()) for i in message_ids)
    return {message_id: Held(**row) for message_id, row in rows if row is not None}


def list_waiting_replies(db: Connection, message_id: str) -> list[Email]:
    """Emails that answer a message id and hang on no case yet, oldest first."""
    columns = ", ".join(f"e.{f.name}" for f in fields(Email))
    rows = db.execute(
        f"""select distinct {columns} from email_references r join emails e on e.id = r.email_id
            where r.message_id = ? and e.parent_type is not 'case' and e.status not in ('draft', 'cancelled')
              and e.with_case and not e.is_bounce order by e.id""",  # noqa: S608 (field names, no values)
        (message_id,),
    )
    return [Email(**row) for row in rows]


def adopt_answers(db: Connection, email_id: int, message_id: str) -> None:
    """Emails that came before the mail they answer are told which email it is."""
    db.execute(
        """update emails set answers_email_id = :email
           where id in (select email_id from email_references where message_id = :id)
             and in_reply_to = :id and answers_email_id is null and id <> :email""",
        {"email": email_id, "id": message_id},
    )


def join_citing(db: Connection, thread_id: int, message_id: str) -> None:
    """The threads of the emails that cite a message id become part of the thread of the mail that now came with it."""
    db.execute(
        """update emails set thread_id = :thread
           where thread_id <> :thread and thread_id in (
               select e.thread_id from email_references r join emails e on e.id = r.email_id where r.message_id = :id)""",
        {"thread": thread_id, "id": message_id},
    )
