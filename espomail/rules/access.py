"""What a role may grant: the registry of cells, how roles add up, and who may do what only admins may. Pure.

A cell is `SCOPE.ACTION` (`email.read`), a scope that is only yes or no (`import`), or a permission (`assignment`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from espomail.errors import BadInput, NotFound, NotPermitted
from espomail.model import Account, Actor

SCOPES = ("email", "case", "account", "contact", "lead", "opportunity")
ACTIONS = ("create", "read", "edit", "delete", "stream")
WITHIN_READ = ("edit", "delete", "stream")
REACH = ("no", "own", "team", "all")
YES_NO = ("no", "yes")
PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    "group-email-account": ("no", "team", "all"),
    "assignment": ("no", "team", "all"),
    "user": YES_NO,
    "export": YES_NO,
    "follower-management": ("no", "team", "all"),
}
CELLS: Mapping[str, tuple[str, ...]] = {
    **{f"{scope}.{action}": YES_NO if action == "create" else REACH for scope in SCOPES for action in ACTIONS},
    "personal-accounts": YES_NO,
    "import": YES_NO,
    **PERMISSIONS,
}
"""Every cell with its levels, from nothing to the widest; a cell that no role sets is `no`."""


def check_cell(cell: str, level: str) -> None:
    """Raise BadInput for a cell that the registry lacks or a level that the cell does not have."""
    if cell not in CELLS:
        near = difflib.get_close_matches(cell, CELLS, n=3)
        hint = f"did you mean: {', '.join(near)}?" if near else f"a key is SCOPE.ACTION or one of: {', '.join(_plain_cells())}"
        raise BadInput(f"no such key of a role: {cell}", hint)
    if level not in CELLS[cell]:
        raise BadInput(f"{cell} can't be {level!r}", f"its levels are: {', '.join(CELLS[cell])}")


def merge(*roles: Mapping[str, str]) -> dict[str, str]:
    """Given the cells of a user's roles, return every cell of the registry with its most permissive level.

    Edit, delete and stream of a scope never reach further than its read. Cells and levels that the registry does not
    know grant nothing.
    """
    merged = {cell: max((_rank(cell, role.get(cell, "no")) for role in roles), default=0) for cell in CELLS}
    for scope in SCOPES:
        for action in WITHIN_READ:
            merged[f"{scope}.{action}"] = min(merged[f"{scope}.{action}"], merged[f"{scope}.read"])
    return {cell: CELLS[cell][rank] for cell, rank in merged.items()}


def origins(grants: Iterable[tuple[str, str, str]]) -> dict[str, list[str]]:
    """Given (source, cell, level) of every role of a user, return for each cell granted the sources of its widest level."""
    best: dict[str, tuple[int, list[str]]] = {}
    for source, cell, level in grants:
        rank = _rank(cell, level) if cell in CELLS else 0
        known, sources = best.get(cell, (0, []))
        if rank and rank >= known:
            best[cell] = (rank, [*(sources if rank == known else []), source])
    return {cell: sources for cell, (_, sources) in best.items()}


def require_admin(actor: Actor) -> None:
    """Raise NotPermitted unless the actor is an admin or the system."""
    if not actor.is_admin:
        raise NotPermitted(f"{actor.name} is not an admin", "ask an admin to do this")


def require_import(actor: Actor) -> None:
    """Raise NotPermitted unless a role lets the actor import."""
    require_cell(actor, "import", what="import")


def require_cell(actor: Actor, cell: str, *, what: str) -> None:
    """Raise NotPermitted when the cell is `no` for the actor; `what` says in a verb what they wanted."""
    if actor.level(cell) == "no":
        raise NotPermitted(f"{actor.name} may not {what}: no role gives {cell}", f"see: espomail user access {actor.name}")


def require_account(actor: Actor, account: Account) -> None:
    """Raise NotFound, as for a name that nobody has, unless the mail account is the actor's own or the actor is an admin."""
    if not actor.is_admin and account.user_id != actor.user_id:
        raise NotFound("mail account", account.name, "see: espomail group-account list")


def _rank(cell: str, level: str) -> int:
    levels = CELLS[cell]
    return levels.index(level) if level in levels else 0


def _plain_cells() -> list[str]:
    return [cell for cell in CELLS if "." not in cell]
