"""Who may touch which mail account, whose a new one is, and which one must stay as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from espomail.cli.account_secrets import Passwords, read_passwords
from espomail.cli.actor import personal, refuse_borrowed_path
from espomail.cli.frame import say
from espomail.cli.output import counted
from espomail.errors import BadInput, NotFound, NotPermitted
from espomail.model import Account
from espomail.rules import access
from espomail.store import account_mail, accounts, mailboxes, settings, users

if TYPE_CHECKING:
    from espomail.desk import Desk

Kind = Literal["group", "personal"]


def get_editable(desk: Desk, kind: Kind, name: str) -> Account:
    """The account of that kind and name; NotPermitted without the right to any, NotFound also for another user's."""
    require_kind(desk, kind)
    account = accounts.get_by_name(desk.db, name, kind=kind)
    if desk.actor.is_admin or account.user_id == desk.actor.user_id:
        return account
    raise NotFound(f"{kind} account", name, f"see: espomail {kind}-account list")


def require_kind(desk: Desk, kind: Kind) -> None:
    """Raise NotPermitted unless the actor may keep accounts of that kind at all."""
    if kind == "group":
        access.require_admin(desk.actor)
    else:
        access.require_cell(desk.actor, "personal-accounts", what="have personal accounts")


def owner_id(desk: Desk, kind: Kind, values: Mapping[str, Any]) -> int | None:
    """Whose account it becomes: nobody's for a group account, else the user named or the one who acts."""
    if kind == "group":
        return None
    if values["user"] is None or values["user"] == desk.actor.name:
        user_id = personal(desk)
    else:
        access.require_admin(desk.actor)
        user_id = users.get(desk.db, values["user"]).id
    most = settings.load(desk.db).personal_accounts_max
    if not desk.actor.is_admin and len(accounts.list_(desk.db, kind="personal", user_id=user_id)) >= most:
        raise NotPermitted(f"{desk.actor.name} may have {most} personal accounts, and has them", "ask an admin for more")
    return user_id


def passwords_of(desk: Desk, given: Mapping[str, Any]) -> Passwords:
    """The passwords that the options give; raise NotPermitted for a file that would be read with another's rights."""
    refuse_borrowed_path(desk.actor, given["tls_ca_file"], what="a file of certificates")
    return read_passwords(desk, given)


def refuse_losing_default(desk: Desk, before: Account, after: Account | None) -> None:
    """While system mail leaves from an account, it must stay, active, with SMTP and its address."""
    outbound = settings.load(desk.db)
    is_default = outbound.outbound_address == before.address and outbound.outbound_server is None
    if before.kind != "group" or not is_default or not before.is_active or before.smtp is None:
        return
    if after is None or not after.is_active or after.smtp is None or after.address != before.address:
        raise BadInput(
            f"system mail leaves from {before.address}, the address of {before.name}",
            "first: espomail settings outbound --address OTHER",
        )


def removal_question(desk: Desk, account: Account) -> str:
    """The question before a removal: what goes with the account, and what stays."""
    along = account_mail.goes_along(desk.db, account.id)
    parts = ["its place in the mailbox", *([counted(along.filters, "filter")] if along.filters else [])]
    if along.skipped:
        parts.append(f"{counted(along.skipped, 'mail')} that a filter skipped and reprocess could still bring")
    if along.partial:
        parts.append(f"the way to the whole of {counted(along.partial, 'large mail')} (email download)")
    return f"remove the {account.kind} account {account.name} with {', '.join(parts)}? Its emails and cases stay."


def warn_of_address(desk: Desk, account: Account) -> None:
    """Say so when the address of a personal account is not one of its owner's."""
    if account.user_id is None:
        return
    owner = next(each for each in users.list_(desk.db) if each.id == account.user_id)
    if account.address not in owner.emails:
        say(f"{account.address} is not an address of {owner.name}: they can't send from it")


def tell_of_older_mail(desk: Desk, before: Account, account: Account) -> None:
    """Say how to take in older mail, when fetch-since went back and folders have been read: they keep their place."""
    went_back = account.fetch_since is not None and before.fetch_since is not None and account.fetch_since < before.fetch_since
    if went_back and any(mailboxes.current(desk.db, account.id, folder) for folder in account.folders):
        since = f"{account.kind}-account reset {account.name} --since {account.fetch_since}"
        say(f"folders that were read already keep their place; for the older mail too: espomail {since}")
