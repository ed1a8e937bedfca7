"""A server's UIDs held against our receipts: what has none is taken in, however it came to be missed.

UIDs can turn up below the cursor: a server that numbers late, a copy that was restored, a cursor that somebody moved, a mail
that a server called gone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from espomail.desk import Desk
from espomail.errors import BadInput, TryAgain
from espomail.model import Account
from espomail.rounds import locks
from espomail.rounds.budget import Budget
from espomail.rounds.child import Child
from espomail.rounds.session import FolderTaken, Session
from espomail.store import accounts, mailboxes, receipts
from espomail.store import settings as settings_store
from espomail.store.db import Connection, open_db, transaction
from espomail.store.mailboxes import MailboxRow

EVERY = timedelta(hours=1)
DEADLINE_S = 3600.0


@dataclass(frozen=True, slots=True)
class FolderGap:
    """One folder: mails on the server, receipts of ours, the UIDs of the window that had none, how many of these came in.

    `new` mails lay above the cursor, where every round looks. `gone` counts receipts whose mail has left the server, which
    is no fault: people delete and move mail.
    """

    folder: str
    on_server: int
    receipts: int
    gone: int
    new: int
    missing: tuple[int, ...] = ()
    taken_in: int = 0


@dataclass(frozen=True, slots=True)
class Reconciled:
    account: str
    folders: list[FolderGap] = field(default_factory=list)

    @property
    def missing(self) -> int:
        return sum(len(folder.missing) for folder in self.folders)

    @property
    def taken_in(self) -> int:
        return sum(folder.taken_in for folder in self.folders)


def reconcile(desk: Desk, account: Account, *, dry_run: bool = False) -> Reconciled:
    """Take in what is new and what was missed in every monitored folder of an account, and process it.

    Raise TryAgain while another round holds the account, Unreachable when its server can't be asked.
    """
    if account.imap is None:
        raise BadInput(f"{account.name} reads no mailbox", f"see: espomail {account.kind}-account show {account.name}")
    child = Child(desk.db_path, now=desk.now)
    try:
        with (
            contextlib.closing(open_db(desk.db_path, now=desk.now())) as db,
            _held(desk, account),
            desk.open_mailbox(account, DEADLINE_S) as box,
        ):
            session = Session(
                account=account,
                box=box,
                db=db,
                budget=Budget(None, desk.monotonic() + DEADLINE_S, desk.monotonic),
                size_max=settings_store.load(db).mail_size_max,
                now=desk.now,
                taken_in=lambda count: child.poke(),
                dry_run=dry_run,
            )
            refusal = session.walk()
            outcome = Reconciled(account.name, compare(session))
            if refusal is not None:
                raise refusal
            return outcome
    finally:
        child.finish()


@contextlib.contextmanager
def _held(desk: Desk, account: Account) -> Iterator[None]:
    with locks.hold(locks.of_account(desk.lock_dir, account.id)) as is_held:
        if not is_held:
            raise TryAgain(f"another round is reading {account.name}", "try again in a moment")
        yield


def is_due(db: Connection, account_id: int, *, now: datetime) -> bool:
    """Whether an account's folders were last compared, or first read, an hour ago or longer."""
    last = accounts.round_of(db, account_id).last_reconciled_at or mailboxes.first_read_at(db, account_id)
    return last is not None and now - last >= EVERY


def compare(session: Session) -> list[FolderGap]:
    """After a walk: hold the UIDs of each folder that could be opened against its receipts, and take in those that have none."""
    opened = [taken for taken in session.folders if taken.mailbox_id is not None]
    found = [gap for taken in opened if (gap := _compare_folder(session, taken)) is not None]
    if not session.dry_run:
        with transaction(session.db):
            accounts.note_reconciled(session.db, session.account.id, now=session.now())
    return found


def _compare_folder(session: Session, taken: FolderTaken) -> FolderGap | None:
    """None for a folder whose UIDs started over since the walk: the next round sees to it."""
    mailbox = mailboxes.current(session.db, session.account.id, taken.folder)
    state = session.box.select(taken.folder)
    if mailbox is None or mailbox.uidvalidity != state.uidvalidity:
        return None
    on_server = session.box.all_uids()
    known = receipts.uids_with_receipt(session.db, mailbox.id)
    new = taken.listed
    missing = _missing(session, mailbox, [uid for uid in on_server if uid <= mailbox.last_uid and uid not in known])
    vanished = receipts.list_vanished(session.db, mailbox.id)
    called_gone = {uid: vanished[uid] for uid in vanished.keys() & set(on_server)}
    before, given = taken.taken, 0
    if not session.dry_run:
        _take_in(session, mailbox, taken, missing)
        given = _ask_again(session, mailbox, called_gone.values())
    return FolderGap(
        folder=taken.folder,
        on_server=len(on_server),
        receipts=len(known),
        gone=len(known.difference(on_server)),
        new=new,
        missing=tuple(sorted({*missing, *called_gone})),
        taken_in=taken.taken - before + given,
    )


def _missing(session: Session, mailbox: MailboxRow, uids: Sequence[int]) -> dict[int, tuple[int, datetime]]:
    """Size and date of the UIDs that belong to the window: those that came after it was set, and the recent ones before."""
    sizes = session.sizes(mailbox, session.of_window(mailbox, uids))
    return {uid: known for uid, known in sorted(sizes.known.items()) if uid not in sizes.outside}


def _take_in(session: Session, mailbox: MailboxRow, taken: FolderTaken, missing: dict[int, tuple[int, datetime]]) -> None:
    """Read them as the walk does; the cursor stays where it is, since it never goes back."""
    taken.listed += len(missing)
    session.take_in(mailbox, taken, list(missing), missing)


def _ask_again(session: Session, mailbox: MailboxRow, receipt_ids: Collection[int]) -> int:
    """Mails that the server called gone when they were to be read, and has after all; return how many it gives."""
    if not receipt_ids:
        return 0
    with transaction(session.db):
        receipts.ask_again(session.db, receipt_ids, now=session.now())
    return session.read_refused_again(mailbox)
