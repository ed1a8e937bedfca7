"""THE access predicate: which rows an actor may read, edit, delete or whose stream they may see, as SQL.

What is one's own, and what is one's teams', is said once for each kind of thing, as selects of ids. They are asked in two
shapes: `id in (…)` for lists, where the cost grows with what the actor may see and never with the whole table, and an
`exists` of look-ups by primary key for a few rows that are known already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from espomail.errors import NotFound, NotPermitted
from espomail.model import Actor, Thing
from espomail.store.db import Connection, one


class Clause(NamedTuple):
    """A condition on a table's alias, made of constants chosen by level, and the values of its parameters."""

    sql: str
    parameters: dict[str, object]


class _Table(NamedTuple):
    """Where things of a scope are kept, and the selects of the ids that are `:actor_id`'s own or their teams'."""

    name: str
    key: str
    own: str
    team: str


_EMAILS = _Table(
    name="emails",
    key="id",
    own="""select email_id as id from email_users where user_id = :actor_id
           union all select id from emails where assigned_user_id = :actor_id""",
    team="""select x.email_id as id from team_members m cross join email_teams x on x.team_id = m.team_id
            where m.user_id = :actor_id""",
)
_OWN_TO_DELETE = "({alias}.created_by_id is :actor_id or {alias}.assigned_user_id is :actor_id)"
_CASES = _Table(
    name="cases",
    key="number",
    own="""select number as id from cases where assigned_user_id = :actor_id
           union all select number from cases where created_by_id = :actor_id""",
    team="""select x.case_number as id from team_members m cross join case_teams x on x.team_id = m.team_id
            where m.user_id = :actor_id""",
)
_RECORDS = _Table(
    name="records",
    key="id",
    own="""select id from records where assigned_user_id = :actor_id
           union all select id from records where created_by_id = :actor_id""",
    team="""select x.record_id as id from team_members m cross join record_teams x on x.team_id = m.team_id
            where m.user_id = :actor_id""",
)
_TABLES: Mapping[str, _Table] = {
    "email": _EMAILS,
    "case": _CASES,
    "account": _RECORDS,
    "contact": _RECORDS,
    "lead": _RECORDS,
    "opportunity": _RECORDS,
}
_REACH = ("no", "own", "team", "all")
_LISTS = {
    "email": "see: espomail email list",
    "case": "see: espomail case list",
    **{scope: f"see: espomail record list {scope}" for scope in ("account", "contact", "lead", "opportunity")},
}
_SHARES_TEAM = """
    select exists (select 1 from team_members mine join team_members theirs on theirs.team_id = mine.team_id
                   where mine.user_id = :actor_id and theirs.user_id = :user_id)
"""


def level_of(actor: Actor, scope: str, action: str) -> str:
    """How far an action reaches for an actor: `all`, `team`, `own` or `no`, and never further than reading."""
    levels = (actor.level(f"{scope}.{action}"), actor.level(f"{scope}.read"))
    return min(levels, key=lambda level: _REACH.index(level) if level in _REACH else 0)


def visible(actor: Actor, scope: str, *, action: str = "read", alias: str = "t", few: bool = False) -> Clause:
    """The condition that holds for the rows of a scope that an actor may read, edit, delete or see the stream of.

    `alias` is the table emails, cases or records in the caller's query; a caller that reads one type of record says so
    itself. `few` asks for the shape that looks each row up, for rows found by a key.
    """
    table = _TABLES[scope]
    match level_of(actor, scope, action):
        case "all":
            return Clause("1", {})
        case "own" if scope == "email" and action == "delete":
            read = visible(actor, scope, alias=alias, few=True)
            own = _OWN_TO_DELETE.format(alias=alias)
            return Clause(f"({own} and {read.sql})", {"actor_id": actor.user_id, **read.parameters})
        case "own":
            return Clause(_among(table, table.own, alias=alias, few=few), {"actor_id": actor.user_id})
        case "team":
            ids = f"{table.own} union all {table.team}"
            return Clause(_among(table, ids, alias=alias, few=few), {"actor_id": actor.user_id})
        case _:
            return Clause("0", {})


def _among(table: _Table, ids: str, *, alias: str, few: bool) -> str:
    key = f"{alias}.{table.key}"
    if few:
        return f"exists (select 1 from ({ids}) reach where reach.id = {key})"  # noqa: S608 (constants)
    return f"{key} in ({ids})"


def may(db: Connection, actor: Actor, thing: Thing, action: str = "read") -> bool:
    """Whether the actor may do that with the thing; False too when there is no such thing."""
    return _answer(db, actor, thing, action) is True


def require(db: Connection, actor: Actor, thing: Thing, action: str = "read") -> None:
    """Raise NotFound when the actor may not read the thing, as for one that does not exist: same words, same statement.

    Raise NotPermitted when it can be read but the action does not reach it.
    """
    allowed = _answer(db, actor, thing, action)
    if allowed is None:
        raise NotFound(thing.type, thing.id, _LISTS.get(thing.type))
    if not allowed:
        raise NotPermitted(f"{actor.name} may not {action} {thing}", f"see: espomail user access {actor.name}")


def _answer(db: Connection, actor: Actor, thing: Thing, action: str) -> bool | None:
    """None when the thing can't be read or does not exist, else whether the action is allowed."""
    if thing.type not in _TABLES:
        return None
    table = _TABLES[thing.type]
    read = visible(actor, thing.type, few=True)
    wanted = visible(actor, thing.type, action=action, few=True)
    found = one(
        db,
        f"select {wanted.sql} from {table.name} t where t.{table.key} = :thing_id and {_typed(table)} and {read.sql}",  # noqa: S608 (constants)
        {**read.parameters, **wanted.parameters, "thing_id": thing.id, "thing_type": thing.type},
    )
    return None if found is None else bool(found)


def _typed(table: _Table) -> str:
    return "t.type = :thing_type" if table is _RECORDS else ":thing_type = :thing_type"


def require_create(actor: Actor, scope: str) -> None:
    """Raise NotPermitted unless a role lets the actor create things of the scope; sending is creating an email."""
    if actor.level(f"{scope}.create") == "no":
        raise NotPermitted(f"{actor.name} may not create {scope}s", f"see: espomail user access {actor.name}")


def may_assign(db: Connection, actor: Actor, user_id: int) -> bool:
    """Whether the actor may assign to a user: always to themselves, to others as their permission `assignment` says."""
    return _reaches_user(db, actor, user_id, "assignment")


def may_manage_follower(db: Connection, actor: Actor, user_id: int) -> bool:
    """Whether the actor may have a user follow or unfollow: always themselves, others by `follower-management`."""
    return _reaches_user(db, actor, user_id, "follower-management")


def shares_team(db: Connection, actor: Actor, user_id: int) -> bool:
    """Whether a user is in one of the actor's teams."""
    return bool(one(db, _SHARES_TEAM, {"actor_id": actor.user_id, "user_id": user_id}))


def _reaches_user(db: Connection, actor: Actor, user_id: int, permission: str) -> bool:
    if user_id == actor.user_id:
        return True
    match actor.level(permission):
        case "all":
            return True
        case "team":
            return shares_team(db, actor, user_id)
        case _:
            return False
