"""`espomail case`: what customers need, numbered, assigned, closed and reopened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from espomail import times
from espomail.cli.case_fields import (
    CASE_FIELDS,
    FIELDS,
    case_json,
    current,
    get_case,
    read_assignee,
    read_fields,
    read_group_account,
    say_changed,
    shown,
)
from espomail.cli.case_link import link
from espomail.cli.fields import add_options, chosen, edit_options, edited
from espomail.cli.frame import emit, group, pass_desk
from espomail.cli.numbers import COUNT, limit_option, number_argument
from espomail.cli.stream import read_post, write_post
from espomail.cli.team import get_visible as get_visible_team
from espomail.cli.user_fields import get_visible as get_visible_user
from espomail.store import case_edits, cases, users, visibility
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk

COLUMNS = ("number", "status", "priority", "assigned_user", "created_at", "account", "name")


@group(
    help="Cases: one per question, however many mails it takes.",
    later={"distribution": "espomail.cli.case_distribution:distribution", "reply": "espomail.cli.case_reply:reply"},
)
def case() -> None: ...


case.add_command(link)


@case.command("list", help="The newest cases.", epilog="Example: espomail case list --status open --assigned ann")
@click.option(
    "--status",
    type=click.Choice(("open", "all", *cases.STATUSES), case_sensitive=False),
    default="all",
    show_default=True,
    help="open are those not Closed, Rejected or Duplicate",
)
@click.option("--assigned", metavar="USER|none", help="those of a user, or of nobody")
@click.option("--team", metavar="TEAM", help="those of a team")
@click.option("--group-account", metavar="ACCOUNT", help="those that came through a group account")
@click.option("--since", metavar="TIME", help="those opened since then")
@limit_option
@click.option("--offset", type=COUNT, default=0, help="how many to pass over first")
@pass_desk
def list_(desk: Desk, /, limit: int, offset: int, **asked: str | None) -> None:
    clause = visibility.visible(desk.actor, "case", alias="c")
    found = cases.list_(
        desk.db, _wanted(desk, asked), limit=limit, offset=offset, where=clause.sql, parameters=clause.parameters
    )
    emit(case_json(desk, found), columns=COLUMNS, fields=CASE_FIELDS)


@case.command("show", help="One case with its stream.", epilog="Example: espomail case show 7 --json")
@number_argument
@pass_desk
def show(desk: Desk, number: int) -> None:
    emit(shown(desk, number))


@case.command("add", help="Open a case by hand.", epilog="Example: espomail case add --name 'Printer on fire' --account Acme")
@add_options(FIELDS)
@pass_desk
def add(desk: Desk, /, **given: Any) -> None:
    values = chosen(FIELDS, given)
    with transaction(desk.db):
        visibility.require_create(desk.actor, "case")
        new = read_fields(desk, values)
        number = cases.add(
            desk.db,
            name=new.name,
            description=new.description,
            priority=new.priority,
            type=new.type,
            account_id=new.account_id,
            contact_id=new.contact_id,
            lead_id=new.lead_id,
            created_by_id=desk.actor.user_id,
            team_ids=new.team_ids,
            now=desk.now(),
        )
    say_changed(desk, number, f"case {number} opened")


@case.command("edit", help="Change a case.", epilog="Example: espomail case edit 7 --priority Urgent --add-team sales")
@number_argument
@edit_options(FIELDS)
@pass_desk
def edit(desk: Desk, /, number: int, **given: Any) -> None:
    with transaction(desk.db):
        before = get_case(desk, number, "edit")
        values = edited(FIELDS, given, current(desk, before))
        case_edits.set_(desk.db, number, read_fields(desk, values, before=before))
    say_changed(desk, number, f"case {number} changed")


@case.command("assign", help="Give a case to a user, or to none.", epilog="Example: espomail case assign 7 ann")
@number_argument
@click.argument("user")
@pass_desk
def assign(desk: Desk, number: int, user: str) -> None:
    with transaction(desk.db):
        get_case(desk, number, "edit")
        cases.assign(desk.db, number, read_assignee(desk, user), by_user_id=desk.actor.user_id, now=desk.now())
    say_changed(desk, number, f"case {number} assigned to {user}")


@case.command("status", help="Change the status of a case.", epilog="Example: espomail case status 7 Pending")
@number_argument
@click.argument("status", type=click.Choice(cases.STATUSES, case_sensitive=False))
@pass_desk
def status(desk: Desk, number: int, status: str) -> None:
    _set_status(desk, number, status)


@case.command("close", help="Close a case.", epilog="Example: espomail case close 7")
@number_argument
@pass_desk
def close(desk: Desk, number: int) -> None:
    _set_status(desk, number, "Closed")


@case.command("reopen", help="Open a closed case again.", epilog="Example: espomail case reopen 7")
@number_argument
@pass_desk
def reopen(desk: Desk, number: int) -> None:
    with transaction(desk.db):
        get_case(desk, number, "edit")
        now_is = cases.reopen(desk.db, number, by_user_id=desk.actor.user_id, now=desk.now())
    say_changed(desk, number, f"case {number} is {now_is}")


@case.command(
    "note", help="Write into the stream of a case; - reads stdin.", epilog="Example: espomail case note 7 'Called back'"
)
@number_argument
@click.argument("text")
@pass_desk
def note(desk: Desk, number: int, text: str) -> None:
    words = read_post(desk, text)
    with transaction(desk.db):
        write_post(desk, get_case(desk, number).thing, words)
    say_changed(desk, number, f"posted on case {number}")


def _set_status(desk: Desk, number: int, new: str) -> None:
    with transaction(desk.db):
        get_case(desk, number, "edit")
        cases.set_status(desk.db, number, new, by_user_id=desk.actor.user_id, now=desk.now())
    say_changed(desk, number, f"case {number} is {new}")


def _wanted(desk: Desk, asked: dict[str, str | None]) -> cases.Wanted:
    assigned, team, account, since = asked["assigned"], asked["team"], asked["group_account"], asked["since"]
    is_nobody = assigned is not None and assigned.lower() == "none" and users.find(desk.db, assigned) is None
    return cases.Wanted(
        status=None if asked["status"] == "all" else asked["status"],
        assigned_user_id=get_visible_user(desk, assigned).id if assigned is not None and not is_nobody else None,
        unassigned=is_nobody,
        team_id=get_visible_team(desk, team).id if team is not None else None,
        group_account_id=read_group_account(desk, account) if account is not None else None,
        since=times.parse_moment(since, now=desk.now()) if since is not None else None,
    )
