"""The verb `remove` of the nouns that only admins may change and that nothing but a name is needed for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from espomail.cli.frame import confirm, pass_desk, removed
from espomail.rules import access
from espomail.store.db import Connection, transaction

if TYPE_CHECKING:
    from espomail.desk import Desk

T = TypeVar("T")


def add_remove(
    noun: click.Group,
    *,
    help: str,
    example: str,
    warning: str = "",
    get: Callable[[Connection, str], T],
    remove: Callable[[Connection, T], None],
) -> None:
    """Give a noun its `remove NAME [--yes]`; `warning` is what to know before one says yes.

    `get` raises NotFound for a name that is none; it is asked again inside the transaction, since a person may take long to answer.
    """
    words = str(noun.name).replace("-", " ")

    @noun.command("remove", help=help, epilog=f"Example: espomail {noun.name} remove {example} --yes")
    @click.argument("name")
    @click.option("--yes", is_flag=True, help="don't ask")
    @pass_desk
    def remove_(desk: Desk, name: str, yes: bool) -> None:
        access.require_admin(desk.actor)
        get(desk.db, name)
        confirm(f"remove the {words} {name}?{warning and ' ' + warning}", yes=yes)
        with transaction(desk.db):
            access.require_admin(desk.actor)
            remove(desk.db, get(desk.db, name))
        removed(words, name)
