"""What placeholders stand for, and templates checked and filled with them. Pure.

A sender's words never go into an answer beyond the subject, cut short: `email` has no body.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from espomail.mail.templates import render, render_check
from espomail.model import Address

SUBJECT_MAX = 200


def check(subject: str, body: str) -> None:
    """Raise BadInput, naming the line, for a subject or body that can't be filled."""
    render_check(subject)
    render_check(body)


def filled(subject: str, body: str, variables: Mapping[str, Any], *, is_html: bool) -> tuple[str, str]:
    """Given a template, return its subject on one line and its body with the placeholders filled; raise BadInput."""
    return " ".join(render(subject, variables, html=False).split()), render(body, variables, html=is_html)


def variables(
    *,
    now: datetime,
    case: Mapping[str, Any] | None = None,
    email: Mapping[str, Any] | None = None,
    person: Address | None = None,
    user: Mapping[str, Any] | None = None,
    account: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """All placeholders by name; what does not apply prints as nothing. `now` is an aware moment, `today` its day in UTC."""
    return {
        "case": dict(case or {}),
        "email": dict(email or {}),
        "person": {"name": person.name or person.address, "address": person.address} if person else {},
        "user": dict(user or {}),
        "account": dict(account or {}),
        "today": now.date(),
        "now": now,
    }


def email_values(email_id: int | None, *, sender: Address, subject: str, sent_at: datetime | None) -> dict[str, Any]:
    """What `email` stands for."""
    return {"id": email_id, "from": sender.address, "sent_at": sent_at, "subject": subject[:SUBJECT_MAX]}


def case_values(number: int, *, name: str, status: str, priority: str, assigned_user: str | None) -> dict[str, Any]:
    """What `case` stands for."""
    return {
        "number": number,
        "name": name[:SUBJECT_MAX],
        "status": status,
        "priority": priority,
        "assigned_user": assigned_user,
    }
