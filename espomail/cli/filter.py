"""`espomail filter`: what is done to mail on its way in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from espomail import times
from espomail.cli.fields import add_options, chosen, edit_options, edited
from espomail.cli.filter_fields import (
    CRITERIA,
    FIELDS,
    FILTER_FIELDS,
    OWNERS,
    checked_name,
    current,
    filter_json,
    get_own,
    list_own,
    owned,
    read_criteria,
    read_filter,
)
from espomail.cli.frame import asked, changed, confirm, emit, group, pass_desk, read_path, removed, said
from espomail.cli.numbers import limit_option
from espomail.errors import BadInput
from espomail.model import Actor
from espomail.rules import access
from espomail.store import accounts, filters, raw_mails, settings, sight, visibility
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk

COLUMNS = ("id", "name", "kind", "of", "position", "criteria", "action", "target", "is_active")
NAME = "[USER/]NAME"


@group("filter", help="What is done to mail on its way in: for everybody, an account, or a user's inbox.")
def filter_() -> None: ...


@filter_.command("list", help="The filters one may change.", epilog="Example: espomail filter list")
@limit_option
@pass_desk
def list_(desk: Desk, limit: int) -> None:
    names = filters.names(desk.db)
    emit([filter_json(row, names) for row in list_own(desk)[:limit]], columns=COLUMNS, fields=FILTER_FIELDS)


@filter_.command("show", help="One filter.", epilog="Example: espomail filter show ann/newsletters")
@click.argument("name", metavar=NAME)
@pass_desk
def show(desk: Desk, name: str) -> None:
    emit(_json(desk, get_own(desk, name)))


@filter_.command(
    "add",
    help="Add a filter. All criteria that are given must be met; * stands for any text, case does not count.",
    epilog="Example: espomail filter add newsletters --user ann --header 'List-Id=*' --action move-to-folder --target News",
)
@click.argument("name")
@add_options((*OWNERS, *FIELDS))
@pass_desk
def add(desk: Desk, /, name: str, **given: Any) -> None:
    values = chosen(FIELDS, given)
    with transaction(desk.db):
        blank = filters.FilterRow(name=checked_name(name), kind="user", criteria={}, action="none")
        new = read_filter(desk, owned(desk, blank, given), values)
        filter_id = filters.add(desk.db, new, now=desk.now())
    _changed(desk, filter_id, "added")


@filter_.command(
    "edit", help="Change a filter.", epilog="Example: espomail filter edit newsletters --add-header 'Precedence=bulk'"
)
@click.argument("name", metavar=NAME)
@click.option("--name", "new_name", metavar="NAME", help="a new name")
@add_options(OWNERS)
@edit_options(FIELDS)
@pass_desk
def edit(desk: Desk, /, name: str, **given: Any) -> None:
    with transaction(desk.db):
        before = get_own(desk, name)
        values = edited(FIELDS, given, current(desk, before))
        moved = any(given[field.key] for field in OWNERS)
        row = owned(desk, before, given) if moved else before
        named = checked_name(given["new_name"]) if given["new_name"] else before.name
        filters.set_(desk.db, read_filter(desk, replace(row, name=named), values))
    _changed(desk, before.id, "changed")


@filter_.command("remove", help="Remove a filter.", epilog="Example: espomail filter remove newsletters --yes")
@click.argument("name", metavar=NAME)
@click.option("--yes", is_flag=True, help="don't ask")
@pass_desk
def remove(desk: Desk, name: str, yes: bool) -> None:
    get_own(desk, name)
    confirm(f"remove the filter {name}?", yes=yes)
    with transaction(desk.db):
        filters.remove(desk.db, get_own(desk, name).id)
    removed("filter", name)


@filter_.command(
    "test",
    help="Whether a mail in a file (- for stdin) hits a filter.",
    epilog="Example: espomail filter test newsletters letter.eml",
)
@click.argument("name", metavar=NAME)
@click.argument("file")
@pass_desk
def test(desk: Desk, name: str, file: str) -> None:
    from espomail.rules import trial

    row = get_own(desk, name)
    trusted = settings.load(desk.db).trusted_authserv_id
    obstacle = trial.obstacle(row.criteria, read_path(desk, file), trusted_authserv_id=trusted)
    reason = f"not met: {obstacle}" if obstacle else "all criteria are met"
    emit({"filter": row.name, "hit": not obstacle, "reason": reason, "action": None if obstacle else row.action})


@filter_.command(
    "preview",
    help="What a filter would have hit lately: one that is there, or one made of the criteria given. Nothing is changed.",
    epilog="Example: espomail filter preview --global --from '*@spam.example' --days 30",
)
@click.argument("name", metavar=NAME, required=False)
@click.option("--days", type=click.IntRange(min=1, max=36500), default=7, show_default=True, help="how far back")
@add_options((*OWNERS, *CRITERIA))
@pass_desk
def preview(desk: Desk, /, name: str | None, days: int, **given: Any) -> None:
    row = get_own(desk, name) if name else _unnamed(desk, given)
    if _owner_id(desk, row) != desk.actor.user_id:
        access.require_admin(desk.actor)
    outcome = _preview(desk, row, days=days)
    if asked().format in ("json", "jsonl"):
        emit(outcome)
    else:
        emit(outcome["emails"], columns=("id", "received_at", "from", "subject"))
        said(f"{outcome['matched']} of {outcome['examined']} mails")


def _unnamed(desk: Desk, given: dict[str, Any]) -> filters.FilterRow:
    criteria = read_criteria(chosen(CRITERIA, given))
    if not criteria:
        raise BadInput("a filter without criteria would hit every mail", "name a filter, or give criteria; --help lists them")
    return owned(desk, filters.FilterRow(name="", kind="user", criteria=criteria, action="none"), given)


def _preview(desk: Desk, row: filters.FilterRow, *, days: int) -> dict[str, Any]:
    from espomail.rules import trial

    clause = visibility.visible(_owner(desk, row), "email", alias="e")
    found = filters.list_mails(
        desk.db,
        since=times.to_text(desk.now() - timedelta(days=days)),
        account_id=row.account_id,
        user_id=row.user_id,
        where=clause.sql,
        parameters=clause.parameters,
    )
    trusted = settings.load(desk.db).trusted_authserv_id
    hits = []
    for mail in found:
        raw = raw_mails.find(desk.db, mail.raw_id)
        if raw is None:
            continue
        if not trial.obstacle(row.criteria, raw, trusted_authserv_id=trusted, size_bytes=mail.size_bytes):
            hits.append({"id": mail.id, "received_at": mail.received_at, "from": mail.from_address, "subject": mail.subject})
    return {"filter": row.name or None, "days": days, "examined": len(found), "matched": len(hits), "emails": hits}


def _owner(desk: Desk, row: filters.FilterRow) -> Actor:
    """Through whose eyes a preview looks: those of the user whose filter it is, else of who acts."""
    owner_id = _owner_id(desk, row)
    return desk.actor if owner_id in (None, desk.actor.user_id) else sight.as_actor(desk.db, owner_id)


def _owner_id(desk: Desk, row: filters.FilterRow) -> int | None:
    """The user whose inbox or personal account it filters, None for a global filter or one of a group account."""
    account = accounts.find(desk.db, row.account_id) if row.account_id is not None else None
    return account.user_id if account else row.user_id


def _changed(desk: Desk, filter_id: int, what: str) -> None:
    row = filters.find(desk.db, filter_id)
    assert row is not None
    changed(f"filter {row.name} {what}", _json(desk, row))


def _json(desk: Desk, row: filters.FilterRow) -> dict[str, Any]:
    return filter_json(row, filters.names(desk.db))
