"""The life of ONE mail, from bytes to receipt: the only file that knows the order of the steps.

`take_in` keeps the bytes; nothing in them can make it fail. `process` walks them through
screen, parse, known?, people, link, case, distribute, notify, answer, and writes all of it with the receipt's new state in
the caller's transaction. Each step (steps/) gathers, decides by rules/, applies to store/, and leaves a Step behind.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from functools import cache

from espomail import answering
from espomail.errors import EspomailError
from espomail.gather.arrangements import Arrangements
from espomail.gather.citations import citations, thread
from espomail.gather.clues import clues_of, customer
from espomail.mail.parse import parse, parse_head
from espomail.model import Mail, Step
from espomail.steps.case import decide_case, pass_on
from espomail.steps.distribute import distribute
from espomail.steps.known import recognise, stored
from espomail.steps.link import link_record
from espomail.steps.notify import notify
from espomail.steps.passage import Passage
from espomail.steps.people import link_people, put_away_for_agents, silenced_before
from espomail.steps.screen import screen
from espomail.store import decisions, email_users, emails, raw_mails, receipts
from espomail.store.db import Connection
from espomail.store.emails import Email
from espomail.store.raw_mails import Packed
from espomail.store.receipts import NewReceipt, Receipt


def take_in(db: Connection, packed: Packed, receipt: NewReceipt, *, now: datetime) -> int:
    """Keep the bytes and their receipt (state new); return the receipt's id. Nothing reads the content here.

    Of a mail that was read in part, the receipt says how large the server calls it.
    """
    raw_id = raw_mails.add(db, packed)
    size = packed.size_bytes if packed.is_whole else receipt.size_bytes
    return receipts.add(db, dataclasses.replace(receipt, raw_id=raw_id, size_bytes=size), now=now)


def process(db: Connection, receipt: Receipt, arranged: Arrangements, *, now: datetime) -> None:
    """Decide and write everything about one mail that was taken in; the caller holds the transaction."""
    kept = raw_mails.read(db, receipt.raw_id)
    if kept is None:
        raise EspomailError(f"the bytes of receipt {receipt.id} are gone", "run: espomail doctor")
    p = Passage(db, receipt, arranged.accounts.get(receipt.account_id or 0), arranged, now, kept.is_whole)
    trusted = arranged.settings.trusted_authserv_id
    head = parse_head(kept.content, trusted_authserv_id=trusted)
    whole = cache(lambda: _sized(parse(kept.content, head=head, trusted_authserv_id=trusted), receipt))

    screening = screen(p, head, whole)
    if screening.skipped:
        _finish(p, "filtered", None, filter_name=screening.filter_name)
        return
    mail = whole()
    recognition = recognise(p, mail)
    p.note(screening.step)
    if recognition.is_over:
        _finish(p, "duplicate", recognition.email_id)
        return
    cited = citations(db, mail, besides=recognition.email_id)
    email = stored(p, mail, recognition, thread(cited))
    newly_linked = link_people(p, head, whole, email, screening.hit)
    earlier = silenced_before(p, head, whole, email, newly=newly_linked)
    had_it = email_users.attention(db, email.id)
    clues = clues_of(db, mail, cited, arranged, p.account)
    parent = link_record(p, mail, email, clues)
    case = decide_case(p, mail, email, parent, customer(clues))
    agent_id = distribute(p, email, case)
    given = put_away_for_agents(p, head, whole, email, screening.hit, had=had_it)
    pass_on(p, email, case, came_late=cited.late is not None, is_known=recognition.email_id is not None)
    had, email = email.parent, emails.get(db, email.id)
    is_news = recognition.email_id is None or email.parent != had
    reached = {**newly_linked, **given}
    notify(p, mail, email, reached, silenced=earlier, agent_id=agent_id, hit=screening.hit, is_news=is_news)
    p.note(answering.answer(db, mail, email, receipt, arranged, case_number=case.opened, now=now))
    taken = "done" if p.is_whole else "oversize"
    _finish(p, "duplicate" if recognition.email_id else taken, email.id)


def revisit(db: Connection, email: Email, receipt: Receipt, arranged: Arrangements, *, now: datetime) -> list[Step]:
    """Link a stored email and decide about its case by today's rules; nobody is notified and nothing is answered.

    An email that hangs on a case stays there, and none is taken away: a filter that would skip it now is only named.
    """
    raw = raw_mails.find(db, email.raw_id)
    if raw is None:
        return []
    p = Passage(db, receipt, arranged.accounts.get(receipt.account_id or 0), arranged, now)
    mail = _sized(parse(raw, trusted_authserv_id=arranged.settings.trusted_authserv_id), receipt)
    screening = screen(p, mail, lambda: mail)
    p.steps[:] = [screening.step]
    clues = clues_of(db, mail, citations(db, mail, besides=email.id), arranged, p.account)
    undecided = dataclasses.replace(email, case_account_id=None)
    parent = link_record(p, mail, undecided, clues)
    case = decide_case(p, mail, undecided, parent, customer(clues))
    distribute(p, undecided, case)
    decisions.add(db, p.steps, receipt_id=None, email_id=email.id, now=now)
    return p.steps


def _sized(mail: Mail, receipt: Receipt) -> Mail:
    """The mail with the size it has on the server, of which only the beginning may have been read."""
    return dataclasses.replace(mail, size_bytes=max(mail.size_bytes, receipt.size_bytes))


def _finish(p: Passage, state: str, email_id: int | None, *, filter_name: str | None = None) -> None:
    """The receipt's last state. A mail that is held in part only stays where it is: the server alone has the rest."""
    is_held = state in ("done", "duplicate") and p.is_whole
    tell_server = is_held and p.account is not None and p.account.after_import != "keep-unread"
    receipts.set_final(
        p.db,
        p.receipt.id,
        state,
        email_id=email_id,
        filter_name=filter_name,
        server_action=tell_server and p.receipt.mailbox_id is not None,
    )
    decisions.add(p.db, p.steps, receipt_id=p.receipt.id, email_id=email_id, now=p.now)
    if state == "duplicate":
        raw_mails.remove_unused(p.db, p.receipt.raw_id)
