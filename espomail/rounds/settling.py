"""What a server's word about a mail means: written recipient by recipient, tried again, or told to who wrote it.

Called inside a transaction of the sending round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from espomail import times
from espomail.answers import Deferred, Delivery, LostBeforeData, LostInData, Rejected, Reply, SendOutcome
from espomail.desk import Desk
from espomail.rules import schedule
from espomail.store import emails, notifications, outbox
from espomail.store.db import transaction
from espomail.store.outbox import Outgoing

_FATES = {"failed": "could not be sent", "unknown": "may or may not have been sent"}


@dataclass(slots=True)
class Sent:
    """How many mails a round sent, deferred, gave up on, and of how many it doesn't know; `troubles` are lines for a person.

    `refusals` counts mails of which at least one recipient was refused for good, `unreachable` the accounts whose server was not
    to be had, `uncopied` the mails that lack their copy in the folder of sent mail.
    """

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    unknown: int = 0
    refusals: int = 0
    unreachable: int = 0
    uncopied: int = 0
    is_locked: bool = False
    troubles: list[str] = field(default_factory=list)

    def count(self, status: str) -> None:
        setattr(self, status, getattr(self, status) + 1)


def settle(desk: Desk, mail: Outgoing, recipients: Sequence[str], outcome: SendOutcome, result: Sent) -> None:
    """Write what the server said about a mail to these recipients, and what follows from it."""
    match outcome:
        case Delivery(accepted=accepted, refused=refused, reply=reply):
            for address in accepted:
                outbox.set_recipient(desk.db, mail.id, address, "sent", _words(reply))
            _settle_refused(desk, mail, refused, result)
            later = [answer for answer in refused.values() if answer.code < 500]
            if later:
                defer(desk, mail, _words(later[0]), result)
            else:
                finish(desk, mail, "sent", _words(reply), result)
        case Deferred(reply=reply, refused=refused):
            _settle_refused(desk, mail, refused, result)
            defer(desk, mail, _words(reply), result)
        case Rejected(reply=reply, refused=refused):
            _fail(desk, mail, {address: _words(refused.get(address, reply)) for address in recipients})
            finish(desk, mail, "failed", _words(reply), result)
        case LostBeforeData(reason=reason):
            defer(desk, mail, reason, result)
        case LostInData(reason=reason) if mail.kind == "user":
            defer(desk, mail, f"{reason}; sent again", result)
        case LostInData(reason=reason):
            finish(desk, mail, "unknown", reason, result)


def _settle_refused(desk: Desk, mail: Outgoing, refused: Mapping[str, Reply], result: Sent) -> None:
    """Some recipients were refused: for now, or for good, which is told at once."""
    for address, reply in refused.items():
        outbox.set_recipient(desk.db, mail.id, address, "failed" if reply.code >= 500 else "deferred", _words(reply))
    for_good = [f"{address} ({_words(reply)})" for address, reply in refused.items() if reply.code >= 500]
    if for_good:
        result.refusals += 1
        _tell(desk, mail, f"«{mail.subject}» was refused for {', '.join(for_good)}", "refused", result)


def _fail(desk: Desk, mail: Outgoing, words: Mapping[str, str]) -> None:
    for address, reply in words.items():
        outbox.set_recipient(desk.db, mail.id, address, "failed", reply)


def defer_all(desk: Desk, mails: Iterable[Outgoing], reason: str, result: Sent, *, is_login: bool = False) -> None:
    """The server can't be reached: every mail of it waits, after a refused log-in for longer. Opens transactions itself."""
    for mail in mails:
        with transaction(desk.db):
            if outbox.begin(desk.db, mail.id):
                defer(desk, mail, reason, result, at_least=schedule.LOGIN_PAUSE if is_login else timedelta())


def defer(desk: Desk, mail: Outgoing, reason: str, result: Sent, *, at_least: timedelta = timedelta()) -> None:
    """Try again later, or give up when that has gone on for days; `mail` is as it was before this attempt."""
    decision = schedule.outbox(mail.attempts + 1, due_at=times.from_text(mail.due_at), now=desk.now())
    again = schedule.next_try(decision)
    if again is None:
        _fail(desk, mail, dict.fromkeys(outbox.waiting_recipients(desk.db, mail.id), reason))
        finish(desk, mail, "failed", f"given up after {schedule.OUTBOX_PATIENCE.days} days: {reason}", result)
        return
    later = max(again, desk.now() + at_least)
    outbox.set_status(desk.db, mail.id, "deferred", reply=reason, now=desk.now(), next_try_at=later)
    result.count("deferred")


def finish(desk: Desk, mail: Outgoing, status: str, reply: str, result: Sent) -> None:
    """The last word on a mail. One that reached some of its recipients was sent, and its writer is told who did not get it."""
    missed = outbox.failed_recipients(desk.db, mail.id) if status == "failed" else list(mail.to)
    reached_some = status == "failed" and outbox.has_arrived(desk.db, mail.id)
    outbox.set_status(desk.db, mail.id, "sent" if reached_some else status, reply=reply, now=desk.now())
    result.count("sent" if reached_some else status)
    if status == "sent":
        return
    result.refusals += int(reached_some)
    _tell(desk, mail, f"«{mail.subject}» to {', '.join(missed)} {_FATES[status]}: {reply}", status, result)


def _tell(desk: Desk, mail: Outgoing, text: str, what: str, result: Sent) -> None:
    """Tell who wrote the mail; of automatic mail the admins. A notice about a notice would never end."""
    result.troubles.append(f"mail {mail.id} of the outbox: {text}")
    if mail.kind == "notice":
        return
    readers = [mail.created_by_id] if mail.created_by_id is not None else notifications.admins(desk.db)
    email = emails.find(desk.db, mail.email_id) if mail.email_id is not None else None
    for user_id in readers:
        notifications.add(
            desk.db,
            user_id,
            "send-failed",
            f"send:{mail.id}:{mail.attempts}:{what}",
            at=desk.now(),
            email_id=mail.email_id,
            thing=email.parent if email else None,
            text=text,
        )


def _words(reply: Reply) -> str:
    """What a server said, or, without a code, what we said in its place."""
    return f"{reply.code or ''} {' '.join(reply.text.split())}".strip()
