"""The cells of roles with their levels, and how roles add up. Pure.

A cell is `SCOPE.ACTION` (`email.read`), a scope that is only yes or no (`import`), or a permission (`assignment`).
"""

from __future__ import annotations

from collections.abc import Mapping

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


def merge(*roles: Mapping[str, str]) -> dict[str, str]:
    """Given the cells of a user's roles, return every cell of the registry with its most permissive level.

    Edit, delete and stream of a scope never reach further than its read. Cells and levels that the registry does not
    know grant nothing.
    """
    merged = {cell: max((rank(cell, role.get(cell, "no")) for role in roles), default=0) for cell in CELLS}
    for scope in SCOPES:
        for action in WITHIN_READ:
            merged[f"{scope}.{action}"] = min(merged[f"{scope}.{action}"], merged[f"{scope}.read"])
    return {cell: CELLS[cell][rank] for cell, rank in merged.items()}


def rank(cell: str, level: str) -> int:
    """How far a level of a cell reaches, from 0 for nothing; one that the cell does not have reaches nothing."""
    levels = CELLS[cell]
    return levels.index(level) if level in levels else 0
