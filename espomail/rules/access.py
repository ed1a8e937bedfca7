"""What a role may grant, where a level comes from, and who may do what only admins may. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from espomail.errors import BadInput, NotFound, NotPermitted
from espomail.levels import CELLS, rank
from espomail.model import Account, Actor


def check_cell(cell: str, level: str) -> None:
    """Raise BadInput for a cell that the registry lacks or a level that the cell does not have."""
    if cell not in CELLS:
        near = difflib.get_close_matches(cell, CELLS, n=3)
        hint = f"did you mean: {', '.join(near)}?" if near else f"a key is SCOPE.ACTION or one of: {', '.join(_plain_cells())}"
        raise BadInput(f"no such key of a role: {cell}", hint)
    if level not in CELLS[cell]:
        raise BadInput(f"{cell} can't be {level!r}", f"its levels are: {', '.join(CELLS[cell])}")


def origins(grants: Iterable[tuple[str, str, str]]) -> dict[str, list[str]]:
    """Given (source, cell, level) of every role of a user, return for each cell granted the sources of its widest level."""
    best: dict[str, tuple[int, list[str]]] = {}
    for source, cell, level in grants:
        reach = rank(cell, level) if cell in CELLS else 0
        known, sources = best.get(cell, (0, []))
        if reach and reach >= known:
            best[cell] = (reach, [*(sources if reach == known else []), source])
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


def _plain_cells() -> list[str]:
    return [cell for cell in CELLS if "." not in cell]
