"""`espomail record`: companies, contacts, leads and opportunities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from espomail.cli.fields import Field, add_options, chosen, edit_options, edited
from espomail.cli.frame import changed, confirm, emit, group, pass_desk
from espomail.cli.numbers import limit_option
from espomail.cli.record_csv import export, import_
from espomail.cli.record_fields import (
    RECORD_FIELDS,
    add_record,
    current,
    get_visible,
    list_json,
    list_visible,
    read_fields,
    record_json,
    type_argument,
)
from espomail.errors import BadInput, NotFound
from espomail.model import Thing
from espomail.rules import records as rules
from espomail.store import records, settings, visibility
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk

FIELDS = (
    Field(name="name", metavar="NAME", required=True, help="its name"),
    Field(name="email", kind="many", metavar="ADDRESS", same=str.lower, help="an address, the first is primary"),
    Field(name="account", metavar="NAME|ID", help="the company of a contact or opportunity"),
    Field(name="contact", kind="many", metavar="NAME|ID", help="a contact of an opportunity"),
    Field(name="assigned", metavar="USER", help="who looks after it"),
    Field(name="team", kind="many", metavar="TEAM", help="a team that it concerns"),
    Field(name="closed", kind="flag", help="an opportunity that is won or lost"),
)
COLUMNS = ("id", "name", "emails", "account", "assigned_user", "teams")


@group(help="Customers: TYPE is account, contact, lead or opportunity.")
def record() -> None: ...


record.add_command(import_)
record.add_command(export)


@record.command("list", help="The newest records of a type.", epilog="Example: espomail record list contact --limit 10")
@type_argument
@limit_option
@pass_desk
def list_(desk: Desk, type_: str, limit: int) -> None:
    emit(list_json(desk, list_visible(desk, type_, limit=limit)), columns=COLUMNS, fields=RECORD_FIELDS)


@record.command("show", help="One record.", epilog="Example: espomail record show account Acme")
@type_argument
@click.argument("ref", metavar="ID|NAME")
@pass_desk
def show(desk: Desk, type_: str, ref: str) -> None:
    emit(record_json(desk, get_visible(desk, type_, ref)))


@record.command(
    "add",
    help="Add a record.",
    epilog="Example: espomail record add contact --name 'Bob Roe' --email bob@acme.example --account Acme",
)
@type_argument
@add_options(FIELDS)
@pass_desk
def add(desk: Desk, /, type_: str, **given: Any) -> None:
    values = chosen(FIELDS, given)
    with transaction(desk.db):
        visibility.require_create(desk.actor, type_)
        record_id = add_record(desk, type_, read_fields(desk, type_, values))
    changed(f"{type_} {record_id} added", record_json(desk, records.get(desk.db, type_, record_id)))


@record.command("edit", help="Change a record.", epilog="Example: espomail record edit contact 3 --add-email bob@home.example")
@type_argument
@click.argument("ref", metavar="ID|NAME")
@edit_options(FIELDS)
@pass_desk
def edit(desk: Desk, /, type_: str, ref: str, **given: Any) -> None:
    with transaction(desk.db):
        before = get_visible(desk, type_, ref)
        visibility.require(desk.db, desk.actor, Thing(type_, before.id), "edit")
        for option in ("contact", "add_contact", "remove_contact"):
            given[option] = tuple(str(get_visible(desk, "contact", contact).id) for contact in given[option])
        values = edited(FIELDS, given, current(before))
        records.set_(desk.db, before.id, read_fields(desk, type_, values, before=before))
    changed(f"{type_} {before.id} changed", record_json(desk, records.get(desk.db, type_, before.id)))


@record.command("remove", help="Remove a record; its mail stays.", epilog="Example: espomail record remove lead 4 --yes")
@type_argument
@click.argument("ref", metavar="ID|NAME")
@click.option("--yes", is_flag=True, help="don't ask")
@pass_desk
def remove(desk: Desk, type_: str, ref: str, yes: bool) -> None:
    gone = get_visible(desk, type_, ref)
    visibility.require(desk.db, desk.actor, Thing(type_, gone.id), "delete")
    confirm(f"remove the {type_} {gone.name} with its stream?", yes=yes)
    with transaction(desk.db):
        visibility.require(desk.db, desk.actor, Thing(type_, gone.id), "delete")
        records.remove(desk.db, gone)
    changed(f"{type_} {gone.id} removed", {"change": "remove", "kind": type_, "name": gone.name, "id": gone.id})


@record.command(
    "convert",
    help="Make a contact, a company and, if asked, an opportunity of a lead; names default to the lead's.",
    epilog="Example: espomail record convert 4 --account Acme --opportunity 'New shop'",
)
@click.argument("lead", metavar="LEAD")
@click.option("--account", metavar="NAME", help="the company; one of that name that exists is taken")
@click.option("--contact", metavar="NAME", help="the contact")
@click.option("--opportunity", metavar="NAME", help="the opportunity; without this there is none")
@pass_desk
def convert(desk: Desk, /, lead: str, **names: str | None) -> None:
    with transaction(desk.db):
        before = get_visible(desk, "lead", lead)
        visibility.require(desk.db, desk.actor, Thing("lead", before.id), "edit")
        made = _convert(desk, before, names)
    rows = [record_json(desk, records.get(desk.db, type_, record_id)) for type_, record_id in made.items()]
    changed(
        f"lead {before.id} converted: {', '.join(f'{type_} {record_id}' for type_, record_id in made.items())}",
        {"lead": before.id, **{row["type"]: row for row in rows}},
    )


def _convert(desk: Desk, lead: records.Record, names: Mapping[str, str | None]) -> dict[str, int]:
    """Make what the lead becomes and return the new ids by type; raise BadInput for one that was converted before."""
    if lead.converted_at:
        raise BadInput(f"the lead {lead.name} is converted already", f"see: espomail record show lead {lead.id}")
    plan = rules.conversion(
        lead.name,
        account=names["account"],
        contact=names["contact"],
        opportunity=names["opportunity"],
        b2c=settings.load(desk.db).b2c_mode,
    )
    made: dict[str, int] = {}
    if plan.account:
        made["account"] = _taken_or_made(desk, lead, plan.account)
    made["contact"] = _made(desk, lead, "contact", plan.contact, account_id=made.get("account"), emails=lead.emails)
    if plan.opportunity:
        made["opportunity"] = _made(
            desk, lead, "opportunity", plan.opportunity, account_id=made.get("account"), contact_ids=(made["contact"],)
        )
    records.set_converted(
        desk.db,
        lead.id,
        account_id=made.get("account"),
        contact_id=made["contact"],
        opportunity_id=made.get("opportunity"),
        now=desk.now(),
    )
    return made


def _taken_or_made(desk: Desk, lead: records.Record, name: str) -> int:
    try:
        return get_visible(desk, "account", name).id
    except NotFound:
        return _made(desk, lead, "account", name)


def _made(desk: Desk, lead: records.Record, type_: str, name: str, **more: Any) -> int:
    visibility.require_create(desk.actor, type_)
    fields = records.RecordFields(name=name, assigned_user_id=lead.assigned_user_id, team_ids=lead.team_ids, **more)
    return add_record(desk, type_, fields)
