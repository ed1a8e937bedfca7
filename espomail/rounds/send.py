"""A sending round: the outbox, one conversation per account, every step of a mail committed before it is taken.

`rcpt` is committed before a mail's conversation begins, `data` before its first byte, the outcome after the server's word. A process
that dies in `rcpt` sent nothing: the mail is tried again. One that dies in `data` leaves its fate unknown: mail that a person wrote is
sent again with the same bytes (at least once), automatic mail is not (at most once). RFC 5321 section 4.2.5 leaves no third way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from espomail import times
from espomail.desk import Desk
from espomail.errors import EspomailError, Unreachable
from espomail.model import Account, Deferred, Delivery, LostBeforeData, LostInData, Rejected, Reply, SendOutcome, Thing
from espomail.rounds import locks
from espomail.rounds.session import next_try
from espomail.rules import schedule
from espomail.store import accounts, emails, notifications, outbound, outbox
from espomail.store import settings as settings_store
from espomail.store.db import Connection, transaction
from espomail.store.outbox import Outgoing

NO_LIMIT = 1_000_000
NO_LIMIT_S = 365 * 86400.0


@dataclass(slots=True)
class Sent:
    """How many mails a round sent, deferred, gave up on, and of how many it doesn't know."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    unknown: int = 0
    failures: int = 0
    is_locked: bool = False

    def count(self, status: str) -> None:
        setattr(self, status, getattr(self, status) + 1)


def send(desk: Desk, *, max_mails: int | None = None, max_time_s: float | None = None) -> Sent:
    """Send what is due; quietly nothing when another round is sending. Unreachable servers defer their mails."""
    result = Sent()
    stop_at = desk.monotonic() + (max_time_s or NO_LIMIT_S)
    with locks.hold(desk.lock_dir / "send.lock") as is_held:
        if not is_held:
            result.is_locked = True
            return result
        _recover(desk, result)
        due = outbox.list_due(desk.db, now=desk.now(), limit=max_mails or NO_LIMIT)
        for _, group in groupby(due, key=lambda mail: mail.account_id):
            _send_group(desk, list(group), result, stop_at)
    return result


def _recover(desk: Desk, result: Sent) -> None:
    """Decide about mails that were being sent when a round died."""
    for mail in outbox.list_interrupted(desk.db):
        with transaction(desk.db):
            if mail.phase == "data" and mail.kind != "user":
                _finish(desk, mail, "unknown", "the process died while the mail was being handed over", result)
            else:
                words = "interrupted; sent again" if mail.phase == "data" else "interrupted before it was handed over"
                outbox.set_status(desk.db, mail.id, "queued", reply=words, now=desk.now(), next_try_at=desk.now())


def _send_group(desk: Desk, mails: Sequence[Outgoing], result: Sent, stop_at: float) -> None:
    """The due mails of one account through as few connections as it takes."""
    account = _account_of(desk.db, mails[0].account_id)
    waiting = list(mails)
    while waiting and desk.monotonic() < stop_at:
        if account is None or account.smtp is None:
            _settle_all(desk, waiting, "no SMTP server is set up for it", result)
            return
        try:
            with desk.open_post(account, max(1.0, stop_at - desk.monotonic())) as post:
                while waiting and desk.monotonic() < stop_at:
                    outcome = _send_one(desk, post, account, waiting.pop(0), result)
                    if isinstance(outcome, LostBeforeData | LostInData):
                        break
        except Unreachable as error:
            result.failures += 1
            _settle_all(desk, waiting, error.message, result)
            return


def _account_of(db: Connection, account_id: int | None) -> Account | None:
    if account_id is None:
        return outbound.system_account(db, settings_store.load(db))
    return accounts.find(db, account_id)


def _send_one(desk: Desk, post: object, account: Account, mail: Outgoing, result: Sent) -> SendOutcome:
    with transaction(desk.db):
        outbox.set_phase(desk.db, mail.id, "rcpt")
    recipients = outbox.waiting_recipients(desk.db, mail.id)
    content = outbox.content_of(desk.db, mail.id)

    def before_data() -> None:
        with transaction(desk.db):
            outbox.set_phase(desk.db, mail.id, "data")

    outcome: SendOutcome = post.send(mail.envelope_from, recipients, content, before_data=before_data)  # type: ignore[attr-defined]
    with transaction(desk.db):
        _settle(desk, mail, outcome, result)
    if isinstance(outcome, Delivery) and account.store_sent and account.imap is not None:
        _store_copy(desk, account, account.store_sent, content)
    return outcome


def _settle(desk: Desk, mail: Outgoing, outcome: SendOutcome, result: Sent) -> None:
    """Write what the server said, recipient by recipient, and what follows from it."""
    match outcome:
        case Delivery(accepted=accepted, refused=refused, reply=reply):
            for address in accepted:
                outbox.set_recipient(desk.db, mail.id, address, "sent", _words(reply))
            _settle_refused(desk, mail, refused)
            if any(answer.code < 500 for answer in refused.values()):
                _defer(desk, mail, _words(next(iter(refused.values()))), result)
            else:
                _finish(desk, mail, "sent", _words(reply), result, refused=refused)
        case Deferred(reply=reply, refused=refused):
            _settle_refused(desk, mail, refused)
            _defer(desk, mail, _words(reply), result)
        case Rejected(reply=reply, refused=refused):
            _settle_refused(desk, mail, refused or dict.fromkeys(mail.to, reply))
            _finish(desk, mail, "failed", _words(reply), result)
        case LostBeforeData(reason=reason):
            _defer(desk, mail, reason, result)
        case LostInData(reason=reason) if mail.kind == "user":
            _defer(desk, mail, f"{reason}; sent again", result)
        case LostInData(reason=reason):
            _finish(desk, mail, "unknown", reason, result)


def _settle_refused(desk: Desk, mail: Outgoing, refused: dict[str, Reply]) -> None:
    for address, reply in refused.items():
        outbox.set_recipient(desk.db, mail.id, address, "failed" if reply.code >= 500 else "deferred", _words(reply))


def _settle_all(desk: Desk, mails: Sequence[Outgoing], reason: str, result: Sent) -> None:
    """The server can't be reached: every mail of it waits."""
    for mail in mails:
        with transaction(desk.db):
            outbox.set_phase(desk.db, mail.id, "rcpt")
            _defer(desk, mail, reason, result)


def _defer(desk: Desk, mail: Outgoing, reason: str, result: Sent) -> None:
    decision = schedule.outbox(mail.attempts + 1, queued_at=times.from_text(mail.created_at), now=desk.now())
    again = next_try(decision)
    if again is None:
        _finish(desk, mail, "failed", f"given up after 3 days: {reason}", result)
        return
    outbox.set_status(desk.db, mail.id, "deferred", reply=reason, now=desk.now(), next_try_at=again)
    result.count("deferred")


def _finish(
    desk: Desk, mail: Outgoing, status: str, reply: str, result: Sent, *, refused: dict[str, Reply] | None = None
) -> None:
    outbox.set_status(desk.db, mail.id, status, reply=reply, now=desk.now())
    result.count(status)
    if status != "sent":
        result.failures += 1
        _tell(desk.db, mail, f"«{mail.subject}» to {', '.join(mail.to)} {_FATES[status]}: {reply}", desk.now())
    elif refused:
        words = ", ".join(f"{address} ({_words(answer)})" for address, answer in refused.items())
        _tell(desk.db, mail, f"«{mail.subject}» was refused for {words}", desk.now())


_FATES = {"failed": "could not be sent", "unknown": "may or may not have been sent"}


def _tell(db: Connection, mail: Outgoing, text: str, now: datetime) -> None:
    """Tell who wrote the mail; of automatic mail the admins. A notice about a notice would never end."""
    if mail.kind == "notice":
        return
    readers = [mail.created_by_id] if mail.created_by_id is not None else notifications.admins(db)
    email = emails.find(db, mail.email_id) if mail.email_id is not None else None
    parent: Thing | None = email.parent if email else None
    for user_id in readers:
        notifications.add(
            db,
            user_id,
            "send-failed",
            f"send:{mail.id}:{mail.attempts}",
            at=now,
            email_id=mail.email_id,
            thing=parent,
            text=text,
        )


def _store_copy(desk: Desk, account: Account, folder: str, content: bytes) -> None:
    """Put a copy into the account's folder of sent mail; that it can't be done does not unsend the mail."""
    try:
        with desk.open_mailbox(account, 60.0) as box:
            box.append(folder, content, flags=("\\Seen",), at=desk.now())
    except EspomailError as error:
        desk.say(f"{account.name}: no copy in {folder}: {error.message}")


def _words(reply: Reply) -> str:
    return f"{reply.code} {reply.text}".strip()
