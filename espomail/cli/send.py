"""`espomail send`, `notify` and `cron`: what leaves, and everything that is due in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from espomail.cli.frame import asked, changed, command, emit, note, pass_desk, trouble
from espomail.cli.numbers import ONE_OR_MORE, SECONDS
from espomail.errors import PartlyDone, Unreachable
from espomail.rules import access

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.rounds.cron import Ran
    from espomail.rounds.notify import Hooks, Notified
    from espomail.rounds.settling import Sent


@command("send", help="Send what is due in the outbox.", epilog="Example: espomail send --max-time 50")
@click.option("--max", "max_mails", type=ONE_OR_MORE, metavar="N", help="at most so many mails")
@click.option("--max-time", type=SECONDS, metavar="SECONDS", help="stop starting new mails after this long")
@pass_desk
def send(desk: Desk, max_mails: int | None, max_time: float | None) -> None:
    from espomail.rounds import send as rounds

    access.require_admin(desk.actor)
    sent = rounds.send(desk, max_mails=max_mails, max_time_s=max_time)
    changed(_words(sent), _json(sent), level=_level_of(sent))
    for words in sent.troubles:
        trouble(f"espomail send: {words}")
    if sent.unreachable and not (sent.sent or sent.failed or sent.unknown):
        raise Unreachable("no mail could be sent", "see: espomail outbox list; try the account with its test command")
    if _went_wrong(sent):
        raise PartlyDone("not everything could be sent", "see: espomail outbox list")


def _went_wrong(sent: Sent) -> bool:
    """Whether something failed in this round; what a server asked to send later is no failure."""
    return bool(sent.unreachable or sent.failed or sent.unknown or sent.refusals or sent.uncopied)


@command(
    "notify",
    help="Deliver notifications by mail, to the command and to the webhook of the configuration.",
    epilog="Example: espomail notify",
)
@pass_desk
def notify(desk: Desk) -> None:
    from espomail.rounds import notify as rounds

    access.require_admin(desk.actor)
    done = rounds.notify(desk, _hooks())
    level = "info" if done.mailed or done.handed_over else "debug"
    changed(f"{done.mailed} by mail, {done.handed_over} handed over", _mailed(done), level=level)
    _tell_troubles(done.troubles)


@command(
    "cron",
    help="Everything that is due: fetch, send, notify, and tidy once a day; within 50 seconds (configuration: budgets.cron_seconds).",
    epilog="""Example: espomail cron
    * * * * *  espomail  espomail cron   (in /etc/cron.d/espomail)""",
)
@pass_desk
def cron(desk: Desk) -> None:
    from espomail.rounds import cron as rounds

    access.require_admin(desk.actor)
    budgets = asked().configuration.budgets
    ran = rounds.run(desk, _hooks(), seconds=budgets.cron_seconds, jobs=budgets.fetch_jobs)
    _log(ran)
    if asked().format:
        emit(_document(ran))
    for error in ran.troubles:
        trouble(f"espomail cron: {error.message}" + (f" — {error.hint}" if error.hint else ""))
    for each in ran.fetch.failed if ran.fetch else []:
        trouble(f"{each.account}: {each.error}")
    quarantined = ran.fetch.total("quarantined") if ran.fetch else 0
    for words in ran.send.troubles if ran.send else []:
        trouble(f"espomail cron: {words}")
    if ran.notify:
        _tell_troubles(ran.notify.troubles, fatal=False)
    if ran.troubles and not (ran.fetch or ran.send):
        raise ran.troubles[0]
    unheard = ran.notify is not None and bool(ran.notify.troubles)
    if ran.troubles or quarantined or unheard or (ran.fetch and ran.fetch.failed) or (ran.send and _went_wrong(ran.send)):
        raise PartlyDone("not all of it could be done", "see: espomail status, espomail outbox list, espomail quarantine list")


def _log(ran: Ran) -> None:
    from espomail.cli.fetch import level_of, log_news, words

    if ran.fetch:
        log_news(ran.fetch)
        note(f"fetch: {words(ran.fetch)}", level=level_of(ran.fetch))
    if ran.send:
        note(f"send: {_words(ran.send)}", level=_level_of(ran.send))
    if ran.tidied:
        note("tidy: done")


def _words(sent: Sent) -> str:
    if sent.is_locked:
        return "another round is sending"
    return f"{sent.sent} sent, {sent.deferred} deferred, {sent.failed} failed, {sent.unknown} unknown"


def _level_of(sent: Sent) -> str:
    return "info" if sent.sent or sent.deferred or sent.failed or sent.unknown else "debug"


def _hooks() -> Hooks:
    from espomail.rounds.notify import Hooks

    configured = asked().configuration.notify
    return Hooks(command=configured.command, webhook=configured.webhook)


def _tell_troubles(troubles: list[str], *, fatal: bool = True) -> None:
    for words in dict.fromkeys(troubles):
        trouble(words)
    if troubles and fatal:
        raise PartlyDone(f"{len(troubles)} notifications could not be handed over", "check notify in the configuration")


def _mailed(done: Notified) -> dict[str, int]:
    return {"mailed": done.mailed, "handed_over": done.handed_over}


def _json(sent: Sent) -> dict[str, Any]:
    return {"sent": sent.sent, "deferred": sent.deferred, "failed": sent.failed, "unknown": sent.unknown}


def _document(ran: Ran) -> dict[str, Any]:
    from espomail.cli.fetch import as_json

    return {
        "fetch": as_json(ran.fetch) if ran.fetch else None,
        "send": _json(ran.send) if ran.send else None,
        "notify": _mailed(ran.notify) if ran.notify else None,
        "tidied": ran.tidied,
    }
