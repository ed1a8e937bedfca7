"""The whole of one mail that was over the size gate, read from its server on demand."""

from __future__ import annotations

from collections.abc import Callable

from espomail.answers import RawMail
from espomail.desk import Desk, Mailbox
from espomail.errors import BadInput, Declined, EspomailError, FolderMissing, Unreachable
from espomail.store import accounts, oversize, raw_mails
from espomail.store.emails_read import ReadEmail
from espomail.store.oversize import Place

DEADLINE_S = 600.0


def download(desk: Desk, email: ReadEmail, *, keep: Callable[[bytes], bool]) -> bool:
    """Read a mail whole that is held in part and have it kept; return False when it is whole already.

    `keep` answers False for bytes that are another mail's.

    Raise BadInput when no server keeps it, Declined when none gives it any more, the trouble with a server that may still have it.
    """
    if raw_mails.is_whole(desk.db, email.raw_id):
        return False
    places = oversize.places(desk.db, email.id)
    if not places:
        raise BadInput(
            f"email {email.id} was read from no server", "import the whole mail: espomail import FILE --account NAME"
        )
    trouble: EspomailError | None = None
    for place in places:
        try:
            if _complete(desk, place, keep):
                return True
        except (Unreachable, FolderMissing) as error:
            trouble = trouble or error  # another server may have it
    if trouble is not None:
        raise trouble
    raise Declined(f"no server has the mail of email {email.id} any more", "it stays as it is: headers and text")


def _complete(desk: Desk, place: Place, keep: Callable[[bytes], bool]) -> bool:
    account = accounts.find(desk.db, place.account_id)
    if account is None or account.imap is None:
        return False
    with desk.open_mailbox(account, DEADLINE_S) as mailbox:
        content = _read(mailbox, place)
    return content is not None and keep(content)


def _read(mailbox: Mailbox, place: Place) -> bytes | None:
    """The bytes at the place, None when the UID means something else by now or the server does not give it."""
    if mailbox.select(place.folder).uidvalidity != place.uidvalidity:
        return None
    found = next(iter(mailbox.read([place.uid])), None)
    return found.content if isinstance(found, RawMail) else None
