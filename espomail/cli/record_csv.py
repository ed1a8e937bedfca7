"""`espomail record import|export`: records from and to CSV."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from espomail.cli.frame import asked, changed, command, emit, pass_desk, read_path, write
from espomail.cli.output import csv_text
from espomail.cli.record_fields import add_record, current, list_json, list_visible, read_fields, type_argument
from espomail.errors import BadInput, NotFound
from espomail.model import Thing
from espomail.rules import access
from espomail.rules import records as rules
from espomail.store import records, visibility
from espomail.store.db import rolled_back, transaction

if TYPE_CHECKING:
    from espomail.desk import Desk

TOLD_MAX = 50


@command(
    "import",
    help="""Add the records of a CSV file (- for stdin), all or none.

    The first line names the columns: name, emails, account, contacts, assigned_user, teams. A record with the name and the
    first address of one that is there changes that one in the columns of the file, so a second import changes nothing.""",
    epilog="Example: espomail record import contact contacts.csv --dry-run",
)
@type_argument
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="say what it would do and change nothing")
@pass_desk
def import_(desk: Desk, type_: str, file: str, dry_run: bool) -> None:
    access.require_import(desk.actor)
    visibility.require_create(desk.actor, type_)
    # Before the transaction: while stdin lets wait, nobody could write.
    lines = rules.read_csv(_decoded(read_path(desk, file), file))
    with rolled_back(desk.db) if dry_run else transaction(desk.db):
        outcome = _import(desk, type_, lines)
    _tell({"type": type_, **outcome, "dry_run": dry_run})


@command("export", help="All records of a type as CSV.", epilog="Example: espomail record export contact > contacts.csv")
@type_argument
@pass_desk
def export(desk: Desk, type_: str) -> None:
    access.require_cell(desk.actor, "export", what="export")
    rows = list_json(desk, list_visible(desk, type_, limit=-1))
    if asked().format in ("json", "jsonl"):
        emit(rows)
        return
    write(csv_text([_plain(row) for row in rows], fields=("id", "type", *rules.COLUMNS)))


def _import(desk: Desk, type_: str, lines: list[rules.Line]) -> dict[str, int]:
    known = records.list_by_name_and_email(desk.db, type_)
    counts = {"added": 0, "changed": 0, "unchanged": 0}
    refused: list[str] = []
    for line in lines:
        try:
            key, outcome = _import_line(desk, type_, line, known)
        except (BadInput, NotFound) as error:
            refused.append(f"line {line.number}: {error.message}" + (f" ({error.hint})" if error.hint else ""))
            continue
        known.update(key)
        counts[outcome] += 1
    if refused:
        more = [f"and {len(refused) - TOLD_MAX} lines more"] if len(refused) > TOLD_MAX else []
        raise BadInput.listing(refused[:TOLD_MAX] + more, "nothing was imported; mend these lines and import the file again")
    return counts


def _import_line(
    desk: Desk, type_: str, line: rules.Line, known: Mapping[tuple[str, str], int]
) -> tuple[dict[tuple[str, str], int], str]:
    """Add or change one record; return its key with its id, and what was done."""
    if line.problem is not None:
        raise line.problem
    if not line.cells["name"]:
        raise BadInput("no name", "every record needs one")
    values = _values(line)
    fields = read_fields(desk, type_, values)
    key = (fields.name, fields.emails[0] if fields.emails else "")
    found = known.get(key)
    if found is None or not visibility.may(desk.db, desk.actor, Thing(type_, found), "read"):
        return {key: add_record(desk, type_, fields)}, "added"
    before = records.get(desk.db, type_, found)
    after = read_fields(desk, type_, {**current(before), **_values(line, only_told=True)}, before=before)
    if after == before.fields:
        return {key: found}, "unchanged"
    visibility.require(desk.db, desk.actor, Thing(type_, found), "edit")
    records.set_(desk.db, found, after)
    return {key: found}, "changed"


def _values(line: rules.Line, *, only_told: bool = False) -> dict[str, Any]:
    """The cells of a line in the words of the options, those alone that the file has where `only_told`."""
    values: dict[str, Any] = {
        "name": line.cells["name"],
        "emails": line.several("emails"),
        "account": line.cells.get("account") or None,
        "contacts": line.several("contacts"),
        "assigned_user": line.cells.get("assigned_user") or None,
        "teams": line.several("teams"),
    }
    words = {"emails": "email", "contacts": "contact", "assigned_user": "assigned", "teams": "team"}
    told = {words.get(column, column): value for column, value in values.items() if column in line.cells or not only_told}
    return told if only_told else {**told, "closed": False}


def _tell(outcome: Mapping[str, Any]) -> None:
    words = f"{outcome['added']} added, {outcome['changed']} changed, {outcome['unchanged']} as they were"
    if outcome["dry_run"]:
        emit(outcome)
    else:
        changed(words, outcome)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A record as `record import` takes it back: the contacts of a company name it themselves, so its own line leaves them out."""
    contacts = [rules.item(each["name"]) for each in row["contacts"]] if row["type"] in rules.WITH_CONTACTS else []
    teams = [rules.item(team) for team in row["teams"]]
    return {**row, "account": _name(row["account"]), "contacts": contacts, "teams": teams}


def _name(ref: Mapping[str, Any] | None) -> str | None:
    return None if ref is None else str(ref["name"])


def _decoded(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadInput(f"line {line}: {file} is not UTF-8", "save it as UTF-8") from error
