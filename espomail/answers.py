"""What servers answer, as values: IMAP's folders and mails, SMTP's words about a mail. `wire/` makes them, `rounds/` acts on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

# ---------------------------------------------------------------- IMAP


class FolderInfo(NamedTuple):
    """A folder of an IMAP server: decoded name, flags as the server spells them (`\\Sent`), and whether it holds mail."""

    name: str
    flags: tuple[str, ...]
    is_selectable: bool


class FolderState(NamedTuple):
    """What an IMAP server says of an opened folder; `uidvalidity` 0 when it gives none, `uidnext` None likewise."""

    uidvalidity: int
    uidnext: int | None
    exists: int


@dataclass(frozen=True, slots=True)
class RawMail:
    """The bytes of one mail as a server or an MTA gave them.

    `received_at` is INTERNALDATE. When the mail was over the size gate, `content` holds headers and text only and `is_whole`
    is False.
    """

    uid: int
    content: bytes
    received_at: datetime
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class RefusedMail:
    """A UID whose body the server refused to give (NO or BAD), with the server's words."""

    uid: int
    message: str


@dataclass(frozen=True, slots=True)
class VanishedMail:
    """A UID that was listed and gave nothing when it was read: deleted in between."""

    uid: int


# ---------------------------------------------------------------- SMTP


class Reply(NamedTuple):
    """One SMTP reply: its three-digit code (0 when we refused it ourselves) and its text."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """The server took the mail over for `accepted`; `refused` are the recipients it did not take (4xx or 5xx each)."""

    accepted: tuple[str, ...]
    refused: dict[str, Reply]
    reply: Reply


@dataclass(frozen=True, slots=True)
class Deferred:
    """Nobody got the mail; the server asks to try later (4xx)."""

    reply: Reply
    refused: dict[str, Reply] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejected:
    """Nobody got the mail and trying again is of no use (5xx)."""

    reply: Reply
    refused: dict[str, Reply] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LostBeforeData:
    """The connection broke before the mail was complete on the wire: nobody got it."""

    reason: str


@dataclass(frozen=True, slots=True)
class LostInData:
    """The connection broke after the mail was sent and before the server's word: nobody knows whether it arrived."""

    reason: str


SendOutcome = Delivery | Deferred | Rejected | LostBeforeData | LostInData
