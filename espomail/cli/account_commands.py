"""What `espomail group-account` and `espomail personal-account` have in common: the same verbs over the same rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import click

from espomail import times
from espomail.cli import account_options
from espomail.cli.account_fields import ACCOUNT_FIELDS, HALVES, Names, account_json, current, read_account
from espomail.cli.account_rights import (
    Kind,
    get_editable,
    owner_id,
    passwords_of,
    refuse_losing_default,
    removal_question,
    require_kind,
    tell_of_older_mail,
    warn_of_address,
)
from espomail.cli.account_secrets import Passwords, read_passwords
from espomail.cli.account_test import folders_of, tried
from espomail.cli.fields import add_options, chosen, edit_options, edited
from espomail.cli.frame import FramedGroup, changed, complain, confirm, emit, group, pass_desk, removed
from espomail.cli.numbers import limit_option
from espomail.errors import BadInput, PartlyDone, Unreachable, UsageError
from espomail.model import Account, Secret
from espomail.rules.names import check_name
from espomail.store import accounts, mailboxes
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk

OPTIONS = {"group": account_options.GROUP, "personal": account_options.PERSONAL}
COLUMNS = {
    "group": ("id", "name", "address", "is_active", "teams", "create_case", "distribution", "target_team"),
    "personal": ("id", "name", "user", "address", "is_active"),
}


def account_group(kind: Kind, *, help: str) -> FramedGroup:
    """The noun of a kind of account with all its verbs."""

    @group(f"{kind}-account", help=help)
    def noun() -> None: ...

    for add_verb in VERBS:
        add_verb(noun, kind)
    return noun


# ---------------------------------------------------------------- reading and writing rows


def _list(noun: FramedGroup, kind: Kind) -> None:
    @noun.command("list", help=f"The {kind} accounts, newest first.", epilog=f"Example: espomail {kind}-account list --json")
    @limit_option
    @pass_desk
    def list_(desk: Desk, limit: int) -> None:
        require_kind(desk, kind)
        owner = None if desk.actor.is_admin else desk.actor.user_id
        names = Names.of(desk.db)
        rows = accounts.list_(desk.db, kind=kind, user_id=owner)
        emit([account_json(desk.db, account, names) for account in rows[:limit]], columns=COLUMNS[kind], fields=ACCOUNT_FIELDS)


def _show(noun: FramedGroup, kind: Kind) -> None:
    @noun.command("show", help=f"One {kind} account.", epilog=f"Example: espomail {kind}-account show support")
    @click.argument("name")
    @pass_desk
    def show(desk: Desk, name: str) -> None:
        emit(account_json(desk.db, get_editable(desk, kind, name)))


def _add(noun: FramedGroup, kind: Kind) -> None:
    fields = OPTIONS[kind]

    @noun.command("add", help=f"Add a {kind} account; nothing is connected to.", epilog=_ADD_EXAMPLES[kind])
    @click.argument("name")
    @add_options(fields)
    @pass_desk
    def add(desk: Desk, /, name: str, **given: Any) -> None:
        values = chosen(fields, given)
        require_kind(desk, kind)
        passwords = passwords_of(desk, values)
        with transaction(desk.db):
            require_kind(desk, kind)
            new = Account(
                id=0, kind=kind, name=check_name("mail account", name), address="", user_id=owner_id(desk, kind, values)
            )
            account = read_account(desk, new, values, passwords=passwords)
            accounts.add(desk.db, account, created_by_id=desk.actor.user_id, now=desk.now())
        warn_of_address(desk, account)
        _changed(desk, account.name, "added")


def _edit(noun: FramedGroup, kind: Kind) -> None:
    fields = OPTIONS[kind]

    @noun.command(
        "edit", help=f"Change a {kind} account.", epilog=f"Example: espomail {kind}-account edit support --add-folder Sent"
    )
    @click.argument("name")
    @click.option("--name", "new_name", metavar="NAME", help="a new name")
    @edit_options(fields)
    @pass_desk
    def edit(desk: Desk, /, name: str, **given: Any) -> None:
        require_kind(desk, kind)
        passwords = passwords_of(desk, given)
        with transaction(desk.db):
            before = get_editable(desk, kind, name)
            values = edited(fields, given, current(desk.db, before))
            renamed = replace(before, name=check_name("mail account", given["new_name"] or name))
            if kind == "personal" and given["user"]:
                renamed = replace(renamed, user_id=owner_id(desk, kind, values))
            account = read_account(desk, renamed, values, passwords=passwords)
            refuse_losing_default(desk, before, account)
            accounts.set_(desk.db, account)
            accounts.clear_backoff(desk.db, account.id)
        warn_of_address(desk, account)
        tell_of_older_mail(desk, before, account)
        _changed(desk, account.name, "changed")


def _secret(noun: FramedGroup, kind: Kind) -> None:
    @noun.command(
        "secret",
        help="Give the passwords anew; without an option from stdin, the IMAP one first.",
        epilog=f"Example: espomail {kind}-account secret support --imap-password-env SUPPORT_PASSWORD",
    )
    @click.argument("name")
    @add_options(account_options.SECRETS)
    @pass_desk
    def secret(desk: Desk, /, name: str, **given: Any) -> None:
        before = get_editable(desk, kind, name)
        if not any(given.values()):
            given |= {f"{half}_password_stdin": True for half in HALVES if _logs_in(before, half)}
        passwords = read_passwords(desk, given)
        with transaction(desk.db):
            account = _with_passwords(get_editable(desk, kind, name), passwords)
            accounts.set_(desk.db, account)
            accounts.clear_backoff(desk.db, account.id)
        _changed(desk, name, "has a new password")


def _remove(noun: FramedGroup, kind: Kind) -> None:
    @noun.command(
        "remove",
        help="Remove an account; its mail and cases stay.",
        epilog=f"Example: espomail {kind}-account remove support --yes",
    )
    @click.argument("name")
    @click.option("--yes", is_flag=True, help="don't ask")
    @pass_desk
    def remove(desk: Desk, name: str, yes: bool) -> None:
        confirm(removal_question(desk, get_editable(desk, kind, name)), yes=yes)
        with transaction(desk.db):
            account = get_editable(desk, kind, name)
            refuse_losing_default(desk, account, None)
            accounts.remove(desk.db, account)
        removed(f"{kind} account", name)


def _enable(noun: FramedGroup, kind: Kind) -> None:
    @noun.command("enable", help="Read and send again.", epilog=f"Example: espomail {kind}-account enable support")
    @click.argument("name")
    @pass_desk
    def enable(desk: Desk, name: str) -> None:
        with transaction(desk.db):
            account = get_editable(desk, kind, name)
            accounts.set_active(desk.db, account.id, is_active=True)
            accounts.clear_backoff(desk.db, account.id)
        _changed(desk, name, "enabled")


def _disable(noun: FramedGroup, kind: Kind) -> None:
    @noun.command("disable", help="Neither read nor send.", epilog=f"Example: espomail {kind}-account disable support")
    @click.argument("name")
    @pass_desk
    def disable(desk: Desk, name: str) -> None:
        with transaction(desk.db):
            account = get_editable(desk, kind, name)
            refuse_losing_default(desk, account, replace(account, is_active=False))
            accounts.set_active(desk.db, account.id, is_active=False)
        _changed(desk, name, "disabled")


def _reset(noun: FramedGroup, kind: Kind) -> None:
    @noun.command(
        "reset",
        help="Let the next fetch read everything since a day again; nothing is doubled.",
        epilog=f"Example: espomail {kind}-account reset support --since 2026-03-01",
    )
    @click.argument("name")
    @click.option("--since", required=True, metavar="DATE", help="the first day to read")
    @pass_desk
    def reset(desk: Desk, name: str, since: str) -> None:
        with transaction(desk.db):
            account = get_editable(desk, kind, name)
            mailboxes.reset(desk.db, account.id, times.parse_moment(since, now=desk.now()).date())
            accounts.clear_backoff(desk.db, account.id)
        _changed(desk, name, f"is read again since {since}")


# ---------------------------------------------------------------- over the network


def _test(noun: FramedGroup, kind: Kind) -> None:
    @noun.command(
        "test", help="Log in to both servers and say what they answer.", epilog=f"Example: espomail {kind}-account test support"
    )
    @click.argument("name")
    @pass_desk
    def test(desk: Desk, name: str) -> None:
        results = tried(desk, get_editable(desk, kind, name))
        emit(results)
        failed = [f"{half}: {result['message']}" for half, result in results.items() if result and not result["ok"]]
        if not failed:
            return
        for words in failed[:-1]:
            complain(f"espomail: {words}")
        whole = len(failed) == sum(result is not None for result in results.values())
        raise (Unreachable if whole else PartlyDone)(failed[-1], f"see: espomail {kind}-account show {name}")


def _folders(noun: FramedGroup, kind: Kind) -> None:
    @noun.command("folders", help="The folders on the server.", epilog=f"Example: espomail {kind}-account folders support")
    @click.argument("name")
    @pass_desk
    def folders(desk: Desk, name: str) -> None:
        emit(folders_of(desk, get_editable(desk, kind, name)), columns=("name", "flags", "is_selectable", "is_monitored"))


VERBS: tuple[Callable[[FramedGroup, Kind], None], ...] = (
    _list, _show, _add, _edit, _remove, _enable, _disable, _test, _folders, _reset, _secret,
)  # fmt: skip
_ADD_EXAMPLES = {
    "group": "Example: espomail group-account add support --address support@team.example --imap-host mail.example"
    " --imap-password-env SUPPORT_PASSWORD --create-case --distribution round-robin --target-team support",
    "personal": "Example: espomail personal-account add ann --user ann --address ann@team.example --imap-host mail.example"
    " --imap-password-stdin",
}


# ---------------------------------------------------------------- details


def _logs_in(account: Account, half: Literal["imap", "smtp"]) -> bool:
    server = account.imap if half == "imap" else account.smtp
    return server is not None and server.login is not None


def _with_passwords(account: Account, passwords: Passwords) -> Account:
    if not passwords.given:
        raise UsageError(f"{account.name} logs in nowhere", "give it a server and a log-in with edit")
    for half, secret in passwords.given.items():
        account = _with_secret(account, half, secret)
    return account


def _with_secret(account: Account, half: str, secret: Secret) -> Account:
    server = account.imap if half == "imap" else account.smtp
    if server is None:
        raise BadInput(f"{account.name} has no {half.upper()} server", f"add one with: edit {account.name} --{half}-host HOST")
    after = replace(server, secret=secret, login=server.login or account.address)
    return replace(account, imap=after) if half == "imap" else replace(account, smtp=after)


def _changed(desk: Desk, name: str, what: str) -> None:
    account = accounts.get_by_name(desk.db, name)
    changed(f"{account.kind} account {name} {what}", account_json(desk.db, account))
