"""From which addresses a user may send, and how to get there where they may not. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from espomail.model import Account, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """A user who wants to send: what their roles grant, their addresses and teams. Admins have every level `all`."""

    user_id: int
    name: str
    is_active: bool
    may_create: bool
    group_level: str
    addresses: frozenset[str]
    team_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class MaySend:
    """It leaves through the account, or with None through the server of the system address."""

    reason: str
    account_id: int | None


@dataclass(frozen=True, slots=True)
class MayNotSend:
    """`reason` says nothing about accounts that the writer has nothing to do with; `fix` names the next command."""

    reason: str
    fix: str


def may_send(writer: Writer, address: str, *, accounts: Sequence[Account], settings: Settings) -> MaySend | MayNotSend:
    """Given a normalised address and the mail accounts that have it, return whether the writer may send from it.

    Their own address through their own mailbox comes first, then a shared group account, then the shared system address.
    """
    if not writer.is_active:
        return MayNotSend(f"{writer.name} is not active", f"espomail user enable {writer.name}")
    if not writer.may_create:
        return MayNotSend(f"no role of {writer.name} gives email.create", "espomail role edit ROLE --add-set email.create=yes")
    own = _own(writer, address, accounts)
    if own is not None:
        return own
    shared = _shared(writer, address, accounts, settings)
    return shared or _refused(writer, address, accounts)


def system_may_send(address: str, *, accounts: Sequence[Account], settings: Settings) -> MaySend | MayNotSend:
    """The same for the system, to whom every account that can send is open, shared or not; a group account comes first."""
    if settings.outbound_address == address and settings.outbound_server is not None:
        return MaySend("the system address", None)
    for account in sorted((each for each in accounts if _can_send(each)), key=lambda each: (each.kind != "group", each.id)):
        return MaySend(f"the {account.kind} account {account.name}", account.id)
    if not accounts:
        return MayNotSend(
            f"no mail account has the address {address}",
            f"espomail group-account add NAME --address {address} --smtp-host HOST",
        )
    first = accounts[0]
    what = "has no SMTP server" if first.is_active else "is not active"
    verb = f"edit {first.name} --smtp-host HOST" if first.is_active else f"enable {first.name}"
    return MayNotSend(f"the {first.kind} account {first.name} {what}", f"espomail {first.kind}-account {verb}")


def _own(writer: Writer, address: str, accounts: Sequence[Account]) -> MaySend | None:
    if address not in writer.addresses:
        return None
    for account in accounts:
        if account.user_id == writer.user_id and _can_send(account):
            return MaySend(f"an address of {writer.name}, with the personal account {account.name}", account.id)
    return None


def _shared(writer: Writer, address: str, accounts: Sequence[Account], settings: Settings) -> MaySend | None:
    for account in accounts:
        if account.kind == "group" and account.shared and _can_send(account) and _reaches(writer, account):
            return MaySend(f"the group account {account.name} is shared", account.id)
    if settings.outbound_shared and settings.outbound_address == address:
        if settings.outbound_server is not None:
            return MaySend("the system address is shared", None)
        for account in accounts:
            if account.kind == "group" and _can_send(account):
                return MaySend("the system address is shared", account.id)
    return None


def _refused(writer: Writer, address: str, accounts: Sequence[Account]) -> MayNotSend:
    if address in writer.addresses:
        return _own_without_way_out(writer, address, accounts)
    group = next((account for account in accounts if account.kind == "group"), None)
    if writer.group_level == "no":
        return MayNotSend(
            f"{address} is no address of {writer.name}, and no role of theirs gives group-email-account",
            "espomail role edit ROLE --add-set group-email-account=team",
        )
    if group is None or not _reaches(writer, group):
        return MayNotSend(
            f"{address} is no address of {writer.name}, nor of a group account that is shared with them",
            f"espomail user edit {writer.name} --add-email {address}, or --add-team a team of its group account",
        )
    if group.smtp is None or not group.is_active:
        what = "is not active" if not group.is_active else "has no SMTP server"
        verb = f"enable {group.name}" if not group.is_active else f"edit {group.name} --smtp-host HOST"
        return MayNotSend(f"the group account {group.name} {what}", f"espomail group-account {verb}")
    return MayNotSend(f"the group account {group.name} is not shared", f"espomail group-account edit {group.name} --shared")


def _own_without_way_out(writer: Writer, address: str, accounts: Sequence[Account]) -> MayNotSend:
    own = next((account for account in accounts if account.user_id == writer.user_id), None)
    if own is None:
        return MayNotSend(
            f"{writer.name} has no personal account for {address}",
            f"espomail personal-account add NAME --user {writer.name} --address {address} --smtp-host HOST",
        )
    if not own.is_active:
        return MayNotSend(f"the personal account {own.name} is not active", f"espomail personal-account enable {own.name}")
    return MayNotSend(
        f"the personal account {own.name} has no SMTP server", f"espomail personal-account edit {own.name} --smtp-host HOST"
    )


def _can_send(account: Account) -> bool:
    return account.is_active and account.smtp is not None


def _reaches(writer: Writer, account: Account) -> bool:
    """Whether the writer's permission reaches a group account: all of them, or those of their teams."""
    if writer.group_level == "team":
        return bool(writer.team_ids & set(account.team_ids))
    return writer.group_level == "all"
