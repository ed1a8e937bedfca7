"""Cases between the command line and the store: options read, names found, JSON written; each as the actor may see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from espomail.cli.fields import Field
from espomail.cli.frame import changed
from espomail.cli.record_fields import get_visible
from espomail.cli.stream import entries_json
from espomail.cli.user_fields import may_see
from espomail.errors import BadInput, NotFound, NotPermitted
from espomail.model import Thing
from espomail.store import accounts, case_edits, case_views, cases, sight, teams, users, visibility
from espomail.store.cases import Case

if TYPE_CHECKING:
    from espomail.desk import Desk

FIELDS = (
    Field(name="name", metavar="NAME", required=True, help="what it is about"),
    Field(name="description", metavar="TEXT", default="", help="the whole story"),
    Field(name="contact", metavar="NAME|ID", help="the contact it concerns"),
    Field(name="account", metavar="NAME|ID", help="the company it concerns"),
    Field(name="lead", metavar="NAME|ID", help="the lead it concerns"),
    Field(name="team", kind="many", metavar="TEAM", help="a team that it concerns"),
    Field(name="priority", choices=cases.PRIORITIES, default="Normal", help="how much it presses"),
    Field(name="type", metavar="TYPE", help="a word of your own, such as Question"),
)


def get_case(desk: Desk, number: int, action: str = "read") -> Case:
    """The case of that number; NotFound also for one the actor may not read, NotPermitted without the level for `action`."""
    visibility.require(desk.db, desk.actor, Thing("case", number), action)
    return cases.get(desk.db, number)


CASE_FIELDS = (
    "number", "name", "description", "status", "priority", "type", "assigned_user", "teams", "account", "contact",
    "lead", "group_account", "follows_case", "created_at", "closed_at", "followers", "emails", "attachments",
)  # fmt: skip


def case_json(desk: Desk, found: Sequence[Case]) -> list[dict[str, Any]]:
    """Cases as CLI.md lists them; emails, attachments, customers and cases that the actor may not see are left out."""
    around = case_views.around(desk.db, (case.number for case in found))
    emails = sight.seen(desk.db, desk.actor, "email", _emails_of(found, around))
    customers = sight.things_seen(desk.db, desk.actor, _customers_of(around))
    earlier = sight.seen(desk.db, desk.actor, "case", (c.follows_case for c in found if c.follows_case is not None))
    return [
        {
            "number": case.number,
            "name": case.name,
            "description": case.description or None,
            "status": case.status,
            "priority": case.priority,
            "type": case.type,
            "assigned_user": around[case.number].assigned_user,
            "teams": list(around[case.number].teams),
            "account": _ref(around[case.number].account, customers),
            "contact": _ref(around[case.number].contact, customers),
            "lead": _ref(around[case.number].lead, customers),
            "group_account": around[case.number].group_account,
            "follows_case": case.follows_case if case.follows_case in earlier else None,
            "created_at": case.created_at,
            "closed_at": case.closed_at,
            "followers": list(around[case.number].followers),
            "emails": [email for email in around[case.number].emails if email in emails],
            "attachments": list(around[case.number].attachments) if case.opened_by_email_id in emails else [],
        }
        for case in found
    ]


def shown(desk: Desk, number: int) -> dict[str, Any]:
    """A case as `case show` gives it; the stream is empty for whom no role lets read it."""
    found = get_case(desk, number)
    may_read_stream = visibility.may(desk.db, desk.actor, found.thing, "stream")
    return {**case_json(desk, [found])[0], "stream": entries_json(desk, found.thing) if may_read_stream else []}


def say_changed(desk: Desk, number: int, words: str) -> None:
    """After an acting command: the case, or its number alone where the actor has just given away the sight of it."""
    is_seen = visibility.may(desk.db, desk.actor, Thing("case", number), "read")
    changed(words, shown(desk, number) if is_seen else {"number": number})


def _emails_of(found: Sequence[Case], around: Mapping[int, case_views.Around]) -> set[int]:
    opening = {case.opened_by_email_id for case in found if case.opened_by_email_id is not None}
    return opening | {email for each in around.values() for email in each.emails}


def _customers_of(around: Mapping[int, case_views.Around]) -> set[Thing]:
    refs = (ref for each in around.values() for ref in (each.account, each.contact, each.lead))
    return {Thing(ref[0], ref[1]) for ref in refs if ref is not None}


def _ref(ref: tuple[str, int, str] | None, seen: Mapping[Thing, str]) -> dict[str, Any] | None:
    if ref is None or Thing(ref[0], ref[1]) not in seen:
        return None
    return {"type": ref[0], "id": ref[1], "name": ref[2]}


# ---------------------------------------------------------------- options


def read_fields(desk: Desk, values: Mapping[str, Any], *, before: Case | None = None) -> case_edits.CaseFields:
    """Given options as text, return the fields; raise for a value that can't be used or that the actor may not refer to."""
    name = " ".join(values["name"].split())
    if not name:
        raise BadInput("a case needs a name", "give one with --name")
    customers = {type_: _customer(desk, type_, values[type_], before) for type_ in ("account", "contact", "lead")}
    return case_edits.CaseFields(
        name=name,
        description=values["description"],
        priority=values["priority"],
        type=values["type"],
        account_id=customers["account"],
        contact_id=customers["contact"],
        lead_id=customers["lead"],
        team_ids=read_teams(desk, values["team"], kept=cases.teams_of(desk.db, before.number) if before else ()),
    )


def current(desk: Desk, case: Case) -> dict[str, Any]:
    """What a case is now, in the words of the options."""
    return {
        "name": case.name,
        "description": case.description,
        "account": str(case.account_id) if case.account_id else None,
        "contact": str(case.contact_id) if case.contact_id else None,
        "lead": str(case.lead_id) if case.lead_id else None,
        "team": case_views.around(desk.db, [case.number])[case.number].teams,
        "priority": case.priority,
        "type": case.type,
    }


def _customer(desk: Desk, type_: str, ref: str | None, before: Case | None) -> int | None:
    """The record that a case refers to; one that stays need not be visible to the actor."""
    if ref is None:
        return None
    held: int | None = getattr(before, f"{type_}_id") if before else None
    return held if held is not None and ref == str(held) else get_visible(desk, type_, ref).id


def read_teams(desk: Desk, names: Iterable[str], *, kept: Iterable[int] = ()) -> tuple[int, ...]:
    """The teams of those names: the actor's own, those that stay, and any for whom may assign to all."""
    found = []
    for name in names:
        team = teams.find(desk.db, name)
        if team is None or not (
            desk.actor.level("assignment") == "all" or team.id in desk.actor.team_ids or team.id in frozenset(kept)
        ):
            raise NotFound("team", name, "see: espomail team list")
        found.append(team.id)
    return tuple(found)


def read_assignee(desk: Desk, name: str) -> int | None:
    """The user to whom the actor may assign, None for the word `none`; raise NotFound, NotPermitted, BadInput."""
    user = users.find(desk.db, name)
    if user is None and name.lower() == "none":
        if desk.actor.level("assignment") == "no":
            raise NotPermitted(f"{desk.actor.name} may not assign", "ask an admin for the permission: assignment")
        return None
    may_assign = user is not None and visibility.may_assign(desk.db, desk.actor, user.id)
    if user is None or not (may_assign or may_see(desk, user)):
        raise NotFound("user", name, "see: espomail user list")
    if not may_assign:
        raise NotPermitted(f"{desk.actor.name} may not assign to {name}", "ask an admin for the permission: assignment")
    if not user.profile.is_active:
        raise BadInput(f"{name} is disabled, so can't look after anything", "name an active user")
    return user.id


def read_group_account(desk: Desk, name: str) -> int:
    """The group account of that name that the actor has to do with; NotFound also for any other."""
    found = accounts.get_by_name(desk.db, name, kind="group")
    concerned = {*found.team_ids, *((found.target_team_id,) if found.target_team_id else ())}
    if desk.actor.level("group-email-account") == "all" or concerned & desk.actor.team_ids:
        return found.id
    raise NotFound("group account", name, "see: espomail group-account list")
