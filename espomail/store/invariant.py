"""The invariant, asked of the database: receipts against cursors, emails, cases, turns and decisions.

For every mailbox and epoch, each UID at or below the cursor has exactly one receipt; each receipt in a final state has its
effects; each effect names its cause. What only the server knows, which UIDs there are, is asked by rounds.reconcile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from espomail.store.db import Connection

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Breach:
    """One law that does not hold: how many rows break it, and the ids of the first few."""

    law: str
    count: int
    examples: tuple[int, ...]


# Each law with the select of the ids that break it. An email that was deleted for everybody leaves a tombstone without its
# id, so ids that lead nowhere are counted against the tombstones. The receipts of a removed account go with it: its emails
# are told apart by whether any account was ever removed.
_GONE = """
    select email_id as id from receipts where email_id is not null and email_id not in (select id from emails)
    union select opened_by_email_id from cases
          where opened_by_email_id is not null and opened_by_email_id not in (select id from emails)
"""
_NO_ACCOUNT_EVER_REMOVED = """
    (select count(*) from accounts) = coalesce((select seq from sqlite_sequence where name = 'accounts'), 0)
"""
# The search index keeps a small row per email in its table `docsize`, beside the large one with the texts.
LAWS: Mapping[str, str] = {
    "a receipt lies above the cursor of its mailbox": """
        select r.id from receipts r join mailboxes m on m.id = r.mailbox_id where r.uid > m.last_uid""",
    "a receipt from a server has no mailbox or no UID": """
        select id from receipts where source = 'imap' and (mailbox_id is null or uid is null)""",
    "a mailbox has lost an earlier epoch": """
        select id from mailboxes m where epoch > 1 and not exists
            (select 1 from mailboxes b where b.account_id = m.account_id and b.folder = m.folder and b.epoch = m.epoch - 1)""",
    "a new receipt has no bytes, so nothing will process it": """
        select id from receipts where state = 'new' and raw_id is null""",
    "a receipt waits in quarantine for no moment": """
        select id from receipts where state = 'quarantined' and next_try_at is null""",
    "a processed receipt names no email": """
        select id from receipts where state in ('done', 'oversize') and email_id is null""",
    "a duplicate names no email, and none was ever deleted": """
        select id from receipts where state = 'duplicate' and email_id is null and not exists (select 1 from tombstones)""",
    "a filtered receipt names no filter": """
        select id from receipts where state = 'filtered' and filter is null""",
    "more emails are gone than were deleted": f"""
        select id from ({_GONE}) where (select count(*) from ({_GONE})) > (select count(*) from tombstones)""",  # noqa: S608 (constants)
    "a processed receipt has no decision": """
        select r.id from receipts r
        where (r.state = 'filtered' or (r.state in ('done', 'oversize') and r.email_id in (select id from emails)))
          and not exists (select 1 from decisions d where d.receipt_id = r.id)""",
    "an email was brought by an account that has no receipt of it": """
        select e.id from emails e join email_accounts a on a.email_id = e.id
        where e.status = 'imported'
          and not exists (select 1 from receipts r where r.email_id = e.id and r.account_id = a.account_id)""",
    "an email has no receipt and was not written here": f"""
        select e.id from emails e
        where e.status = 'imported' and not exists (select 1 from receipts r where r.email_id = e.id)
          and {_NO_ACCOUNT_EVER_REMOVED}""",  # noqa: S608 (constants)
    "an email has lost its bytes": """
        select id from emails where status = 'imported' and raw_id is null""",
    "an email is not in the search index": """
        select id from emails where id not in (select id from email_texts_docsize)""",
    "the search index holds an email that is gone": """
        select id from email_texts_docsize where id not in (select id from emails)""",
    "an email hangs on a case that is gone": """
        select id from emails where parent_type = 'case' and parent_id not in (select number from cases)""",
    "a case has no beginning in its stream": """
        select number from cases where not exists
            (select 1 from notes n where n.thing_type = 'case' and n.thing_id = number and n.type = 'create')""",
    "a turn was spent on no case that a mail opened": """
        select t.id from turns t
        where not exists (select 1 from cases c where c.number = t.case_number and c.opened_by_email_id is not null)""",
    "a case was distributed and no turn was spent": """
        select c.number from cases c join decisions d on d.email_id = c.opened_by_email_id
        where d.steps like '%"assigned"%' and not exists (select 1 from turns t where t.case_number = c.number)
          and exists (select 1 from json_each(d.steps) s
                      where s.value ->> 'step' = 'distribute' and s.value ->> 'outcome' = 'assigned')""",
    "a mail that was sent has no recipient": """
        select id from outbox o where status = 'sent'
            and not exists (select 1 from outbox_recipients r where r.outbox_id = o.id)""",
}  # fmt: skip


def breaches(db: Connection) -> list[Breach]:
    """Every law that does not hold, in the order of LAWS; none when all is well. Reads one state of the database."""
    db.execute("begin")
    try:
        found = [(law, [row[0] for row in db.execute(sql)]) for law, sql in LAWS.items()]
    finally:
        db.execute("rollback")
    return [Breach(law, len(ids), tuple(ids[:EXAMPLES])) for law, ids in found if ids]
