"""Roles: named tables of levels, and what they grant to a user together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from espomail.errors import BadInput, NotFound
from espomail.levels import merge
from espomail.store.db import Connection, Row

_SELECT = """
    select r.id, r.name,
           (select json_group_object(cell, level)
            from (select cell, level from role_cells where role_id = r.id order by cell)) as cells
    from roles r
"""
_GRANTS = """
    select 'role ' || r.name as source, c.cell, c.level
    from user_roles u join roles r on r.id = u.role_id join role_cells c on c.role_id = r.id
    where u.user_id = :user
    union all
    select 'team ' || t.name || ', role ' || r.name, c.cell, c.level
    from team_members m join teams t on t.id = m.team_id join team_roles x on x.team_id = t.id
        join roles r on r.id = x.role_id join role_cells c on c.role_id = r.id
    where m.user_id = :user
    union all
    select 'baseline role ' || r.name, c.cell, c.level
    from settings s join roles r on r.name = json_extract(s.value, '$') join role_cells c on c.role_id = r.id
    where s.key = 'baseline_role'
    order by 1, 2
"""


@dataclass(frozen=True, slots=True)
class Role:
    """A role; `cells` maps `email.read`, `import` or `assignment` to its level. A cell that is missing grants nothing."""

    id: int
    name: str
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Grant:
    """One cell that reaches a user: through which role (own, of a team, baseline) it does."""

    source: str
    cell: str
    level: str


def find(db: Connection, name: str) -> Role | None:
    return _role(db.execute(_SELECT + "where r.name = ?", (name,)).fetchone())


def get(db: Connection, name: str) -> Role:
    role = find(db, name)
    if role is None:
        raise NotFound("role", name, "see: espomail role list")
    return role


def list_(db: Connection) -> list[Role]:
    """All roles, newest first."""
    return [role for row in db.execute(_SELECT + "order by r.id desc") if (role := _role(row))]


def add(db: Connection, name: str, cells: Mapping[str, str]) -> int:
    """Make a role and return its id; raise BadInput when the name is taken."""
    _refuse_taken(db, name)
    role_id = int(db.execute("insert into roles (name) values (?)", (name,)).lastrowid or 0)
    set_cells(db, role_id, cells)
    return role_id


def set_name(db: Connection, role: Role, name: str) -> None:
    """Rename a role; the baseline setting follows."""
    if name == role.name:
        return
    _refuse_taken(db, name)
    db.execute("update roles set name = ? where id = ?", (name, role.id))
    db.execute(
        "update settings set value = ? where key = 'baseline_role' and value = ?",
        (json.dumps(name, ensure_ascii=False), json.dumps(role.name, ensure_ascii=False)),
    )


def set_cells(db: Connection, role_id: int, cells: Mapping[str, str]) -> None:
    """Replace all cells of a role."""
    db.execute("delete from role_cells where role_id = ?", (role_id,))
    db.executemany(
        "insert into role_cells (role_id, cell, level) values (?, ?, ?)",
        [(role_id, cell, level) for cell, level in cells.items()],
    )


def remove(db: Connection, role: Role) -> None:
    """Take a role away from everybody; raise BadInput while it is the baseline role."""
    baseline = db.execute(
        "select 1 from settings where key = 'baseline_role' and json_extract(value, '$') = ?", (role.name,)
    ).fetchone()
    if baseline:
        raise BadInput(f"{role.name} is the baseline role", "first: espomail settings set baseline_role none")
    db.execute("delete from roles where id = ?", (role.id,))


def grants_of(db: Connection, user_id: int) -> list[Grant]:
    """Every cell that reaches a user with where it comes from: own roles, roles of their teams, the baseline role."""
    return [Grant(**row) for row in db.execute(_GRANTS, {"user": user_id})]


def levels_of(db: Connection, user_id: int) -> tuple[tuple[str, str], ...]:
    """The merged cells of a user that grant something, by name of the cell."""
    tables: dict[str, dict[str, str]] = {}
    for grant in grants_of(db, user_id):
        tables.setdefault(grant.source, {})[grant.cell] = grant.level
    return tuple((cell, level) for cell, level in sorted(merge(*tables.values()).items()) if level != "no")


def _refuse_taken(db: Connection, name: str) -> None:
    if find(db, name):
        raise BadInput(f"there is already a role named {name}", f"see: espomail role show {name}")


def _role(row: Row | None) -> Role | None:
    return None if row is None else Role(row["id"], row["name"], json.loads(row["cells"]))
