"""After the import: servers are told to mark, move or delete the mails that are processed and committed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from espomail.desk import Desk, Mailbox
from espomail.errors import Declined, FolderMissing, Unreachable
from espomail.model import Account
from espomail.rounds import locks
from espomail.store import server_actions
from espomail.store.db import transaction
from espomail.store.server_actions import DueAction

AT_ONCE = 500
"""Mails: a command line that names more is too long for some servers (Dovecot takes 64 kB), and what is done is kept as it goes."""


def act_on_server(desk: Desk, account: Account, *, seconds: float) -> None:
    """Mark, move or delete on the server what is processed and committed.

    What a lost connection keeps from being told is told next round; raise FolderMissing or Declined when the server refuses.
    """
    due = server_actions.list_due(desk.db, account.id)
    if not due:
        return
    with locks.hold(locks.of_account(desk.lock_dir, account.id)) as is_held:
        if is_held:
            try:
                with desk.open_mailbox(account, seconds) as box:
                    _act(desk, account, box, due)
            except Declined:
                raise
            except Unreachable:
                return


def _act(desk: Desk, account: Account, box: Mailbox, due: Sequence[DueAction]) -> None:
    """Act folder by folder; one that is missing or refused holds up none of the others, and the first refusal is raised in the end."""
    refusal: FolderMissing | Declined | None = None
    for (folder, uidvalidity), group in groupby(due, key=lambda action: (action.folder, action.uidvalidity)):
        actions = list(group)
        try:
            for start in range(0, len(actions), AT_ONCE):
                some = actions[start : start + AT_ONCE]
                _act_in_folder(account, box, folder, uidvalidity, [action.uid for action in some])
                with transaction(desk.db):
                    server_actions.set_done(desk.db, [action.receipt_id for action in some])
        except (FolderMissing, Declined) as error:
            refusal = refusal or error
    if refusal is not None:
        raise refusal


def _act_in_folder(account: Account, box: Mailbox, folder: str, uidvalidity: int, uids: Sequence[int]) -> None:
    """Act by UID, only where UIDVALIDITY is still the one under which the mails were read."""
    if box.select(folder, writable=True).uidvalidity != uidvalidity:
        return
    match account.after_import.partition(":"):
        case ("seen", _, _):
            box.mark_seen(uids)
        case ("move", _, target):
            box.move(uids, target)
        case ("delete", _, _):
            box.delete(uids)
