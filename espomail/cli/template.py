"""`espomail template`: words with placeholders, for auto-replies and replies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from espomail import times
from espomail.cli.case_fields import get_case
from espomail.cli.fields import Field, add_options, chosen, edit_options, edited
from espomail.cli.frame import changed, emit, group, pass_desk, with_text_of_file
from espomail.cli.numbers import ID, limit_option
from espomail.cli.removal import add_remove
from espomail.errors import UsageError
from espomail.model import Address
from espomail.rules import access
from espomail.rules import templates as rules
from espomail.rules.names import check_name
from espomail.store import accounts, emails_read, templates, users
from espomail.store.db import transaction
from espomail.writing import recipients

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.store.cases import Case
    from espomail.store.emails_read import ReadEmail

FIELDS = (
    Field(name="subject", required=True, help="the subject, with placeholders such as {{ case.number }}"),
    Field(name="body", default="", help="the body, with placeholders such as {{ person.name }}"),
    Field(name="body-file", metavar="FILE", feeds="body", help="read the body from a file, - for stdin"),
    Field(name="html", kind="flag", help="the body is HTML"),
)


@group(help="Words with placeholders: case, email, person, user, account, today, now.")
def template() -> None: ...


@template.command("list", help="The templates, newest first.", epilog="Example: espomail template list")
@limit_option
@pass_desk
def list_(desk: Desk, limit: int) -> None:
    emit(
        [template_json(each) for each in templates.list_(desk.db)[:limit]],
        columns=("id", "name", "subject", "html"),
        fields=TEMPLATE_FIELDS,
    )


@template.command("show", help="One template.", epilog="Example: espomail template show received")
@click.argument("name")
@pass_desk
def show(desk: Desk, name: str) -> None:
    emit(template_json(templates.get(desk.db, name)))


@template.command(
    "add",
    help="Add a template.",
    epilog="Example: espomail template add received --subject 'We have it: {{ email.subject }}' --body-file received.txt",
)
@click.argument("name")
@add_options(FIELDS)
@pass_desk
def add(desk: Desk, /, name: str, **given: Any) -> None:
    access.require_admin(desk.actor)
    values = chosen(FIELDS, with_text_of_file(desk, given, "body"))
    new = _read(templates.Template(name=check_name("template", name), subject=""), values)
    with transaction(desk.db):
        templates.add(desk.db, new)
    changed(f"template {new.name} added", template_json(templates.get(desk.db, new.name)))


@template.command("edit", help="Change a template.", epilog="Example: espomail template edit received --body-file received.txt")
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="a new name")
@edit_options(FIELDS)
@pass_desk
def edit(desk: Desk, /, name: str, **given: Any) -> None:
    access.require_admin(desk.actor)
    given = with_text_of_file(desk, given, "body")
    with transaction(desk.db):
        before = templates.get(desk.db, name)
        values = edited(FIELDS, given, {"subject": before.subject, "body": before.body, "html": before.is_html})
        after = _read(replace(before, name=check_name("template", given["new_name"] or name)), values)
        templates.set_(desk.db, before, after)
    changed(f"template {after.name} changed", template_json(templates.get(desk.db, after.name)))


add_remove(
    template,
    help="Remove a template.",
    example="received",
    get=templates.get,
    remove=templates.remove,
)


@template.command(
    "preview",
    help="A template filled: from a case and an email, or with made-up ones.",
    epilog="Example: espomail template preview received --case 7",
)
@click.argument("name")
@click.option("--case", "case_number", type=ID, metavar="NUMBER", help="the case that is answered")
@click.option("--email", "email_id", type=ID, metavar="ID", help="the email that is answered")
@pass_desk
def preview(desk: Desk, name: str, case_number: int | None, email_id: int | None) -> None:
    found = templates.get(desk.db, name)
    values = _example(desk) if case_number is None and email_id is None else _real(desk, case_number, email_id)
    subject, body = rules.filled(found.subject, found.body, values, is_html=found.is_html)
    emit({"name": found.name, "subject": subject, "body": body, "html": found.is_html})


TEMPLATE_FIELDS = ("id", "name", "subject", "body", "html")


def template_json(each: templates.Template) -> dict[str, Any]:
    """A template as it is shown."""
    return {"id": each.id, "name": each.name, "subject": each.subject, "body": each.body, "html": each.is_html}


def _read(before: templates.Template, values: Mapping[str, Any]) -> templates.Template:
    if not values["subject"].strip():
        raise UsageError("a template needs a subject", "give one with --subject")
    rules.check(values["subject"], values["body"])
    return replace(before, subject=values["subject"], body=values["body"], is_html=values["html"])


def _example(desk: Desk) -> dict[str, Any]:
    sender = Address("Bob Roe", "bob@customer.example")
    return rules.variables(
        now=desk.now(),
        case=rules.case_values(42, name="A question", status="New", priority="Normal", assigned_user=None),
        email=rules.email_values(7, sender=sender, subject="A question", sent_at=desk.now()),
        person=sender,
        user=_user_values(desk),
        account={"name": "support", "address": "support@team.example"},
    )


def _real(desk: Desk, case_number: int | None, email_id: int | None) -> dict[str, Any]:
    """The placeholders of a case and an email that the actor may read; without an email, those of a reply in the case."""
    case = get_case(desk, case_number) if case_number is not None else None
    email = emails_read.get(desk.db, desk.actor, email_id) if email_id is not None else None
    person = email.sender if email else None
    if case is not None and email is None:
        email = recipients.mail_to_answer(desk.db, desk.actor, case.number)
        person = next(iter(recipients.of_reply(desk.db, desk.actor, case, email)[0]), None)
    account = accounts.find(desk.db, case.group_account_id) if case and case.group_account_id is not None else None
    return rules.variables(
        now=desk.now(),
        case=_case_values(desk, case) if case else None,
        email=_email_values(email) if email else None,
        person=person,
        user=_user_values(desk),
        account={"name": account.name, "address": account.address} if account else None,
    )


def _case_values(desk: Desk, case: Case) -> dict[str, Any]:
    owner = next((each.name for each in users.list_(desk.db) if each.id == case.assigned_user_id), None)
    return rules.case_values(case.number, name=case.name, status=case.status, priority=case.priority, assigned_user=owner)


def _email_values(email: ReadEmail) -> dict[str, Any]:
    sent_at = times.from_text(email.sent_at) if email.sent_at else None
    return rules.email_values(email.id, sender=email.sender, subject=email.subject, sent_at=sent_at)


def _user_values(desk: Desk) -> dict[str, Any]:
    """What `user` stands for: who acts, or nothing for the system."""
    user = users.find(desk.db, desk.actor.name) if desk.actor.user_id is not None else None
    if user is None:
        return {}
    profile = user.profile
    return {
        "name": profile.full_name or profile.name,
        "address": user.emails[0] if user.emails else "",
        "signature": profile.signature,
    }
