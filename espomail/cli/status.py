"""`espomail status`: accounts, backlog, outbox, quarantine and cases at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from espomail.cli.frame import asked, command, emit, pass_desk
from espomail.store import accounts, overview
from espomail.times import to_text_or_none

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.model import Account
    from espomail.store.accounts import Round

COLUMNS = ("account", "kind", "active", "last_success_at", "failures", "next_try_at", "backlog", "last_error")


@command("status", help="Accounts, backlog and queues at a glance.", epilog="Example: espomail status --json")
@pass_desk
def status(desk: Desk) -> None:
    own = None if desk.actor.is_admin else desk.actor.user_id
    rounds = accounts.rounds(desk.db)
    rows = [_json(each, rounds.get(each.id)) for each in accounts.list_(desk.db, user_id=own)]
    document = {"accounts": rows, **overview.counts(desk.db, desk.actor)}
    if asked().format is not None:
        emit(document)
        return
    emit(rows, columns=COLUMNS)
    emit({key: value for key, value in document.items() if key != "accounts"})


def _json(account: Account, round_: Round | None) -> dict[str, Any]:
    return {
        "account": account.name,
        "kind": account.kind,
        "active": account.is_active,
        "last_success_at": to_text_or_none(round_.last_success_at) if round_ else None,
        "last_error": round_.last_error if round_ else None,
        "failures": round_.failures if round_ else 0,
        "next_try_at": to_text_or_none(round_.next_try_at) if round_ else None,
        "backlog": round_.backlog if round_ else 0,
    }
