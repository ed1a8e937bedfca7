"""Users between the command line and the store: their options, found by name as the actor may see them, JSON written."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from espomail import times
from espomail.cli.fields import Field
from espomail.errors import BadInput, NotFound
from espomail.rules.notices import BY_MAIL
from espomail.store import users

if TYPE_CHECKING:
    from espomail.desk import Desk


def _team_of(text: str) -> str:
    return text.partition(":")[0]


FIELDS = (
    Field(name="email", kind="many", metavar="ADDRESS", required=True, same=str.lower, help="an address, the first is primary"),
    Field(name="full-name", metavar="NAME", default="", help="the name that people read"),
    Field(name="admin", kind="flag", help="may do everything"),
    Field(name="team", kind="many", metavar="TEAM[:POSITION]", same=_team_of, help="a team, with the position in it"),
    Field(name="role", kind="many", metavar="ROLE", help="a role besides those of the teams"),
    Field(name="os-login", metavar="LOGIN", help="the log-in under which they come through sudo"),
    Field(name="absent", metavar="FROM..UNTIL", help="the days, both included, on which they get no cases"),
    Field(name="signature", default="", help="goes under their mail"),
    Field(name="signature-file", metavar="FILE", feeds="signature", help="read the signature from a file, - for stdin"),
    Field(name="notify-mail", choices=BY_MAIL, default="off", help="notifications by mail"),
)

USER_FIELDS = (
    "id", "name", "full_name", "emails", "is_admin", "is_active", "teams", "roles", "os_login", "absent_from",
    "absent_until", "signature", "notify_mail",
)  # fmt: skip


def user_json(each: users.User) -> dict[str, Any]:
    """A user as CLI.md gives it."""
    profile = each.profile
    return {
        "id": each.id,
        "name": profile.name,
        "full_name": profile.full_name or None,
        "emails": list(each.emails),
        "is_admin": profile.is_admin,
        "is_active": profile.is_active,
        "teams": [{"team": team, "position": position} for _, team, position in each.teams],
        "roles": list(each.roles),
        "os_login": profile.os_login,
        "absent_from": profile.absent_from,
        "absent_until": profile.absent_until,
        "signature": profile.signature or None,
        "notify_mail": profile.notify_mail,
    }


def may_see(desk: Desk, each: users.User) -> bool:
    """Admins see every user, others themselves and who shares a team with them; the permission `user` shows all."""
    actor = desk.actor
    if actor.is_admin or actor.user_id == each.id or actor.level("user") == "yes":
        return True
    return any(team.team_id in actor.team_ids for team in each.teams)


def get_visible(desk: Desk, name: str) -> users.User:
    """The user of that name; NotFound also for one whom the actor may not see."""
    found = users.find(desk.db, name)
    if found is None or not may_see(desk, found):
        raise NotFound("user", name, "see: espomail user list")
    return found


def current(each: users.User) -> dict[str, Any]:
    """What a user is now, in the words of the options."""
    profile = each.profile
    span = f"{profile.absent_from or ''}..{profile.absent_until or ''}"
    return {
        "email": each.emails,
        "full_name": profile.full_name,
        "admin": profile.is_admin,
        "team": tuple(f"{team}:{position}" if position else team for _, team, position in each.teams),
        "role": each.roles,
        "os_login": profile.os_login,
        "absent": None if span == ".." else span,
        "signature": profile.signature,
        "notify_mail": profile.notify_mail,
    }


def read_absence(text: str | None, *, today: date) -> tuple[str | None, str | None]:
    """Given `2026-08-01..2026-08-21`, return both days as ISO dates; raise BadInput on anything else.

    One day alone is that day. Without FROM it begins today, without UNTIL it has no end.
    """
    if not text:
        return None, None
    first, dots, last = (part.strip() for part in text.partition(".."))
    start = times.parse_day(first) if first else today
    end = times.parse_day(last) if last else None if dots else start
    if end and end < start:
        raise BadInput(f"an absence that ends before it begins: {text}", "write it as FROM..UNTIL")
    return start.isoformat(), end.isoformat() if end else None
