"""Who is told of a mail, and who not and why. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BY_MAIL = ("off", "instant", "digest")
"""How a user may want notifications by mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A user who may want to know: `inbox` when the mail newly reached their inbox, `follows` the record of it that they follow.

    `may_read_scope` is False where no role lets them read mail that reached them, nor what they follow.
    """

    user_id: int
    inbox: bool = False
    follows: str = ""
    is_active: bool = True
    is_sender: bool = False
    was_assigned: bool = False
    needs_attention: bool = True
    skipped_by: str = ""
    may_read_scope: bool = True


@dataclass(frozen=True, slots=True)
class Notice:
    user_id: int
    type: str
    why: str


@dataclass(frozen=True, slots=True)
class Silence:
    user_id: int
    why: str


@dataclass(frozen=True, slots=True)
class Notices:
    told: tuple[Notice, ...]
    not_told: tuple[Silence, ...]


def choose(readers: Sequence[Reader], *, unwanted: str = "") -> Notices:
    """Given everybody concerned (each once), return who is told and who is not; `unwanted` silences the whole mail."""
    told: list[Notice] = []
    silent: list[Silence] = []
    for reader in readers:
        why_not = unwanted or _why_not(reader)
        if why_not:
            silent.append(Silence(reader.user_id, why_not))
        elif reader.inbox:
            told.append(Notice(reader.user_id, "email-received", "in their inbox"))
        else:
            told.append(Notice(reader.user_id, "record-email", f"follows {reader.follows}"))
    return Notices(tuple(told), tuple(silent))


def _why_not(reader: Reader) -> str:
    if not reader.is_active:
        return "inactive"
    if reader.is_sender:
        return "the sender"
    if reader.was_assigned:
        return "told of the assignment"
    if not reader.may_read_scope:
        return "no role lets them read this"
    if reader.skipped_by:
        return reader.skipped_by
    if not reader.needs_attention:
        return "read or in the trash"
    return "" if reader.inbox or reader.follows else "it lies in a group folder"
