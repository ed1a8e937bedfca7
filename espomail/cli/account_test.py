"""Trying the servers of a mail account: what `test` and `folders` show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from espomail.errors import BadInput, EspomailError

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.model import Account

DEADLINE_S = 60.0


def tried(desk: Desk, account: Account) -> dict[str, dict[str, Any] | None]:
    """Log in to both servers; each half is None where the account has none, else says whether it went well."""
    return {
        "imap": _imap(desk, account) if account.imap else None,
        "smtp": _smtp(desk, account) if account.smtp else None,
    }


def folders_of(desk: Desk, account: Account) -> list[dict[str, Any]]:
    """The folders on the account's server, in its order; raise what keeps them from being listed."""
    if account.imap is None:
        raise BadInput(f"{account.name} has no IMAP server", f"add one: espomail {account.kind}-account edit {account.name}")
    with desk.open_mailbox(account, DEADLINE_S) as mailbox:
        return [
            {
                "name": folder.name,
                "flags": list(folder.flags),
                "is_selectable": folder.is_selectable,
                "is_monitored": folder.name in account.folders,
            }
            for folder in mailbox.list_folders()
        ]


def _imap(desk: Desk, account: Account) -> dict[str, Any]:
    try:
        with desk.open_mailbox(account, DEADLINE_S) as mailbox:
            for folder in _needed(account):
                mailbox.select(folder)
            message = f"logged in; reads {', '.join(account.folders)}"
            folders = [folder.name for folder in mailbox.list_folders()]
            return {"ok": True, "message": message, "capabilities": list(mailbox.capabilities), "folders": folders}
    except EspomailError as error:
        return {"ok": False, "message": _words(error), "capabilities": [], "folders": []}


def _needed(account: Account) -> list[str]:
    """The folders that must exist: those it reads, the one it moves mail to, the one for copies of sent mail."""
    action, _, target = account.after_import.partition(":")
    others = [target if action == "move" else None, account.store_sent]
    return [*account.folders, *(folder for folder in others if folder)]


def _smtp(desk: Desk, account: Account) -> dict[str, Any]:
    try:
        with desk.open_post(account, DEADLINE_S):
            return {"ok": True, "message": "logged in" if account.smtp and account.smtp.login else "connected; no log-in"}
    except EspomailError as error:
        return {"ok": False, "message": _words(error)}


def _words(error: EspomailError) -> str:
    return f"{error.message}; {error.hint}" if error.hint else error.message
