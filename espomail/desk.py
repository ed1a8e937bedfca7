"""What a command needs of the outside world: built in cli/, passed inwards, made by hand in tests.

Everything inside asks the desk for the time, for random tokens and for connections; nothing inside opens them itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from espomail.answers import FolderInfo, FolderState, RawMail, RefusedMail, SendOutcome, VanishedMail
from espomail.model import Account, Actor

if TYPE_CHECKING:
    from espomail.store.db import Connection


class Mailbox(Protocol):
    """An open IMAP session, as the rounds use it; `wire.imap.Mailbox` is the real one."""

    @property
    def capabilities(self) -> tuple[str, ...]: ...
    def list_folders(self) -> list[FolderInfo]: ...
    def select(self, folder: str, *, writable: bool = False) -> FolderState: ...
    def uids_after(self, last_uid: int) -> list[int]: ...
    def uids_since(self, day: date) -> list[int]: ...
    def all_uids(self) -> list[int]: ...
    def sizes(self, uids: Sequence[int]) -> dict[int, tuple[int, datetime]]: ...
    def read(self, uids: Sequence[int]) -> Iterator[RawMail | RefusedMail | VanishedMail]: ...
    def read_capped(self, uid: int, *, text_bytes: int) -> RawMail: ...
    def mark_seen(self, uids: Sequence[int]) -> None: ...
    def move(self, uids: Sequence[int], folder: str) -> None: ...
    def delete(self, uids: Sequence[int]) -> None: ...
    def append(self, folder: str, content: bytes, *, flags: Sequence[str], at: datetime) -> None: ...
    def find_message_id(self, message_id: str) -> list[int]: ...
    def idle(self, *, timeout_s: float) -> bool: ...


class Post(Protocol):
    """An open SMTP session; `wire.smtp.Post` is the real one."""

    def send(
        self, sender: str, recipients: Sequence[str], content: bytes, *, before_data: Callable[[], None] | None = None
    ) -> SendOutcome: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The database, who acts, the clock, fresh tokens, and the two doors to the network.

    `who()` tells who acts with the rights of this moment; inside a transaction they can't change any more.

    `open_mailbox(account, deadline_s)` logs in and yields a Mailbox. `open_post(account or None, deadline_s)` yields a
    session that sends. `secret_of` gives the password of an account's server. `lock_dir` holds the lock files.
    """

    db: Connection
    db_path: Path
    key_path: Path
    who: Callable[[], Actor]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    new_token: Callable[[], str]
    open_mailbox: Callable[[Account, float], AbstractContextManager[Mailbox]]
    open_post: Callable[[Any, float], AbstractContextManager[Post]]
    lock_dir: Path
    say: Callable[[str], None]

    @property
    def actor(self) -> Actor:
        return self.who()
