"""Records between the command line and the store: options read, names found, JSON written; each as the actor may see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from espomail.cli.numbers import read_id
from espomail.cli.user_fields import may_see
from espomail.errors import BadInput, NotFound, NotPermitted
from espomail.model import Thing
from espomail.rules import records as rules
from espomail.rules.names import check_addresses
from espomail.store import notes, records, sight, teams, users, visibility

if TYPE_CHECKING:
    from espomail.desk import Desk

type_argument = click.argument("type_", metavar="TYPE", type=click.Choice(rules.TYPES, case_sensitive=False))


RECORD_FIELDS = (
    "id", "type", "name", "emails", "invalid_emails", "account", "contacts", "assigned_user", "teams", "followers",
)  # fmt: skip


def record_json(desk: Desk, each: records.Record) -> dict[str, Any]:
    """A record as CLI.md gives it, without what the actor may not see of its surroundings."""
    return list_json(desk, [each])[0]


def list_json(desk: Desk, found: Sequence[records.Record]) -> list[dict[str, Any]]:
    """Records as CLI.md gives them; companies and contacts that the actor may not see are left out."""
    shown = _visible_refs(desk, found)
    return [
        {
            "id": each.id,
            "type": each.type,
            "name": each.name,
            "emails": list(each.emails),
            "invalid_emails": list(each.invalid_emails),
            "account": each.account._asdict() if each.account and each.account.id in shown else None,
            "contacts": [contact._asdict() for contact in each.contacts if contact.id in shown],
            "assigned_user": each.assigned_user,
            "teams": list(each.teams),
            "followers": list(each.followers),
        }
        for each in found
    ]


def list_visible(desk: Desk, type_: str, *, limit: int) -> list[records.Record]:
    """The newest records of a type that the actor may read; -1 for all."""
    clause = visibility.visible(desk.actor, type_, alias="r")
    return records.list_(desk.db, type_, limit=limit, where=clause.sql, parameters=clause.parameters)


def get_visible(desk: Desk, type_: str, ref: str) -> records.Record:
    """The record of that id or name; NotFound also for one the actor may not read, BadInput when several have the name."""
    record_id = read_id(ref)
    if record_id is not None:
        visibility.require(desk.db, desk.actor, Thing(type_, record_id), "read")
        return records.get(desk.db, type_, record_id)
    clause = visibility.visible(desk.actor, type_, alias="r")
    ids = records.ids_named(desk.db, type_, ref, where=clause.sql, parameters=clause.parameters)
    if not ids:
        raise NotFound(type_, ref, f"see: espomail record list {type_}")
    if len(ids) > 1:
        raise BadInput(f"several are called {ref}: {', '.join(map(str, ids))}", "name one by its id")
    return records.get(desk.db, type_, ids[0])


def add_record(desk: Desk, type_: str, new: records.RecordFields) -> int:
    """Add a record with its first stream note and return the id; the caller has asked whether the actor may."""
    record_id = records.add(desk.db, type_, new, created_by_id=desk.actor.user_id, now=desk.now())
    notes.add(desk.db, Thing(type_, record_id), "create", at=desk.now(), user_id=desk.actor.user_id, text=new.name)
    return record_id


def read_fields(
    desk: Desk, type_: str, values: Mapping[str, Any], *, before: records.Record | None = None
) -> records.RecordFields:
    """Given options as text, return the fields; raise for a value that can't be used or that the actor may not refer to."""
    _refuse_misplaced(type_, values)
    name = " ".join(values["name"].split())
    if not name:
        raise BadInput("a record needs a name", "give one with --name")
    return records.RecordFields(
        name=name,
        account_id=_ref(desk, "account", values["account"], before) if values["account"] else None,
        assigned_user_id=_assigned(desk, values["assigned"], before),
        is_closed=values["closed"],
        emails=check_addresses(values["email"]),
        contact_ids=tuple(_ref(desk, "contact", contact, before) for contact in values["contact"]),
        team_ids=_teams(desk, values["team"], before),
    )


def _refuse_misplaced(type_: str, values: Mapping[str, Any]) -> None:
    places = {
        "email": rules.WITH_ADDRESSES,
        "account": rules.WITH_ACCOUNT,
        "contact": rules.WITH_CONTACTS,
        "closed": ("opportunity",),
    }
    for option, types in places.items():
        if values[option] and type_ not in types:
            raise BadInput(f"--{option} can't be given for {type_}", f"only for: {', '.join(types)}")


def _ref(desk: Desk, type_: str, ref: str, before: records.Record | None) -> int:
    """The id of a record that is referred to; one that was before may be one that the actor does not see."""
    kept = before.fields if before else None
    if kept and ref in map(str, (kept.account_id, *kept.contact_ids)):
        return int(ref)
    return get_visible(desk, type_, ref).id


def _assigned(desk: Desk, name: str | None, before: records.Record | None) -> int | None:
    if name is None:
        return None
    if before and name == before.assigned_user:
        return before.assigned_user_id
    user = users.find(desk.db, name)
    if user is None or not (may_see(desk, user) or visibility.may_assign(desk.db, desk.actor, user.id)):
        raise NotFound("user", name, "see: espomail user list")
    if not visibility.may_assign(desk.db, desk.actor, user.id):
        raise NotPermitted(f"{desk.actor.name} may not assign to {name}", "ask an admin for the permission: assignment")
    if not user.profile.is_active:
        raise BadInput(f"{name} is disabled, so can't look after anything", "name an active user")
    return user.id


def _teams(desk: Desk, names: Iterable[str], before: records.Record | None) -> tuple[int, ...]:
    found = []
    for name in names:
        team = teams.find(desk.db, name)
        kept = before is not None and name in before.teams
        if team and (kept or desk.actor.is_admin or team.id in desk.actor.team_ids or desk.actor.level("assignment") == "all"):
            found.append(team.id)
        else:
            raise NotFound("team", name, "see: espomail team list")
    return tuple(found)


def current(each: records.Record) -> dict[str, Any]:
    """What a record is now, in the words of the options."""
    fields = each.fields
    return {
        "name": each.name,
        "email": each.emails,
        "account": str(fields.account_id) if fields.account_id else None,
        "contact": tuple(map(str, fields.contact_ids)),
        "assigned": each.assigned_user,
        "team": each.teams,
        "closed": each.is_closed,
    }


def _visible_refs(desk: Desk, found: Sequence[records.Record]) -> set[int]:
    companies = {each.account.id for each in found if each.account}
    contacts = {contact.id for each in found for contact in each.contacts}
    actor = desk.actor
    return sight.seen(desk.db, actor, "account", companies) | sight.seen(desk.db, actor, "contact", contacts)
