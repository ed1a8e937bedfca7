"""A sending round: the outbox, one conversation per account, every step of a mail committed before it is taken.

`rcpt` is committed before a mail's conversation begins, `data` before its first byte, the outcome after the server's word. A process
that dies in `rcpt` sent nothing: the mail is tried again. One that dies in `data` leaves its fate unknown: mail that a person wrote is
sent again with the same bytes (at least once), automatic mail is not (at most once). RFC 5321 section 4.2.5 leaves no third way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from espomail.answers import Deferred, Delivery, LostBeforeData, LostInData, Rejected, SendOutcome
from espomail.desk import Desk, Post
from espomail.errors import Damaged, EspomailError, TryAgain, Unreachable
from espomail.model import Account
from espomail.rounds import locks, settling
from espomail.rounds.settling import Sent
from espomail.store import accounts, outbound, outbox
from espomail.store import settings as settings_store
from espomail.store.db import Connection, transaction
from espomail.store.outbox import Outgoing

NO_LIMIT = 1_000_000
NO_LIMIT_S = 365 * 86400.0
COPY_S = 60.0
FRUITLESS_SESSIONS_MAX = 3
NO_SERVER = "no SMTP server is set up for it"


@dataclass(slots=True)
class _Group:
    """The due mails of one account that are still to be tried, and copies of the sent ones for its Sent folder."""

    account: Account
    waiting: deque[Outgoing]
    copies: list[tuple[str, bytes]] = field(default_factory=list)


def send(desk: Desk, *, max_mails: int | None = None, max_time_s: float | None = None) -> Sent:
    """Send what is due; quietly nothing when another round is sending. Unreachable servers defer their mails.

    After `max_time_s` no further mail is begun; a server that is thinking about one is heard to the end.
    """
    result = Sent()
    stop_at = desk.monotonic() + (max_time_s or NO_LIMIT_S)
    with locks.hold(desk.lock_dir / "send.lock") as is_held:
        if not is_held:
            result.is_locked = True
            return result
        _recover(desk, result)
        due = outbox.list_due(desk.db, now=desk.now(), limit=max_mails or NO_LIMIT)
        for account_id, mails in groupby(due, key=lambda mail: mail.account_id):
            _send_group(desk, account_id, list(mails), result, stop_at)
    return result


def _recover(desk: Desk, result: Sent) -> None:
    """Decide about mails that were being sent when a round died."""
    for mail in outbox.list_interrupted(desk.db):
        with transaction(desk.db):
            if mail.phase == "data" and mail.kind != "user":
                settling.finish(desk, mail, "unknown", "the process died while the mail was being handed over", result)
            else:
                words = "interrupted; sent again" if mail.phase == "data" else "interrupted before it was handed over"
                outbox.set_status(desk.db, mail.id, "queued", reply=words, now=desk.now(), next_try_at=desk.now())


def _send_group(desk: Desk, account_id: int | None, mails: Sequence[Outgoing], result: Sent, stop_at: float) -> None:
    """The due mails of one account through as few connections as it takes."""
    account = _account_of(desk.db, account_id)
    if account is not None and account.smtp is None:
        account, mails = _with_lent_server(desk, account, mails, result)
    if account is None or account.smtp is None or not account.is_active:
        why = NO_SERVER if account is None or account.smtp is None else "its account is disabled"
        settling.defer_all(desk, mails, why, result)
        return
    group = _Group(account, deque(mails))
    try:
        _converse(desk, group, result, stop_at)
    except (TryAgain, Damaged):
        raise  # our own storage, no trouble of this account
    except EspomailError as error:  # a server out of reach, a password that can't be read, a host it may not be at
        result.troubles.append(f"{account.name}: {error.message}")
        result.unreachable += 1
        settling.defer_all(desk, group.waiting, error.message, result, is_login=error.kind == "login-refused")
    _store_copies(desk, account, group.copies, result)


def _account_of(db: Connection, account_id: int | None) -> Account | None:
    """None stands for the system's own sender."""
    return accounts.find(db, account_id) if account_id is not None else outbound.system_account(db, settings_store.load(db))


def _with_lent_server(
    desk: Desk, account: Account, mails: Sequence[Outgoing], result: Sent
) -> tuple[Account, Sequence[Outgoing]]:
    """An account without SMTP, with the system's server for its auto-replies; what people wrote as it waits for its own."""
    system = _account_of(desk.db, None)
    if system is None:
        return account, mails
    settling.defer_all(desk, [mail for mail in mails if mail.kind == "user"], NO_SERVER, result)
    return replace(account, smtp=system.smtp), [mail for mail in mails if mail.kind != "user"]


def _converse(desk: Desk, group: _Group, result: Sent, stop_at: float) -> None:
    """Session after session until nothing waits; a server that lets session after session end without a mail is left alone."""
    fruitless = 0
    while group.waiting and desk.monotonic() < stop_at:
        with desk.open_post(group.account, max(1.0, stop_at - desk.monotonic())) as post:
            settled = _one_session(desk, post, group, result, stop_at)
        fruitless = 0 if settled else fruitless + 1
        if fruitless == FRUITLESS_SESSIONS_MAX:
            raise Unreachable(f"the server broke off {fruitless} sessions in a row")


def _one_session(desk: Desk, post: Post, group: _Group, result: Sent, stop_at: float) -> int:
    """Send until nothing waits, the time is over or the session ends; return how many mails the server decided about."""
    settled = 0
    while group.waiting and desk.monotonic() < stop_at:
        match _send_one(desk, post, group, result):
            case LostBeforeData() | LostInData():
                return settled
            case Deferred(reply=reply) if reply.code == 421:
                return settled
            case _:
                settled += 1
    return settled


def _send_one(desk: Desk, post: Post, group: _Group, result: Sent) -> SendOutcome | None:
    """Send the next mail; None when it was cancelled meanwhile."""
    mail = group.waiting.popleft()
    with transaction(desk.db):
        if not outbox.begin(desk.db, mail.id):
            return None
    recipients = outbox.waiting_recipients(desk.db, mail.id)
    content = outbox.content_of(desk.db, mail.id)
    is_first = not outbox.has_arrived(desk.db, mail.id)
    outcome = _hand_over(desk, post, mail, recipients, content, sender=mail.envelope_from)
    if isinstance(outcome, Rejected) and not mail.envelope_from and not outcome.refused and outcome.reply.code:
        # Some servers refuse the empty sender of RFC 3834 (Exchange Online: 5.7.60); refused is refused, so this sends nothing twice.
        outcome = _hand_over(desk, post, mail, recipients, content, sender=group.account.address)
    with transaction(desk.db):
        settling.settle(desk, mail, recipients, outcome, result)
    if isinstance(outcome, Delivery) and is_first and mail.kind != "notice":
        group.copies.append((mail.message_id, content))
    return outcome


def _hand_over(
    desk: Desk, post: Post, mail: Outgoing, recipients: Sequence[str], content: bytes, *, sender: str
) -> SendOutcome:
    def before_data() -> None:
        with transaction(desk.db):
            outbox.set_in_data(desk.db, mail.id)

    return post.send(sender, recipients, content, before_data=before_data)


def _store_copies(desk: Desk, account: Account, copies: Sequence[tuple[str, bytes]], result: Sent) -> None:
    """Put copies into the account's folder of sent mail, unless the server did; that it can't be done does not unsend them."""
    if not copies or account.store_sent is None or account.imap is None:
        return
    stored = 0
    try:
        with desk.open_mailbox(account, COPY_S) as box:
            box.select(account.store_sent)
            for message_id, content in copies:
                if not box.find_message_id(message_id):
                    box.append(account.store_sent, content, flags=("\\Seen",), at=desk.now())
                stored += 1
    except EspomailError as error:
        result.uncopied += len(copies) - stored
        result.troubles.append(f"{account.name}: sent, but no copy in {account.store_sent}: {error.message}")
