"""`espomail settings`: what decides about mail, kept in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from espomail.cli.frame import changed, emit, group, pass_desk
from espomail.cli.outbound import outbound
from espomail.rules import access
from espomail.rules import settings as rules
from espomail.store import roles
from espomail.store import settings as store
from espomail.store.db import transaction

if TYPE_CHECKING:
    from espomail.desk import Desk


@group(help="What decides about mail: limits, ages, modes. The system's sender is set with `settings outbound`.")
def settings() -> None: ...


settings.add_command(outbound)


@settings.command("list", help="Every setting with its value and meaning.", epilog="Example: espomail settings list")
@pass_desk
def list_(desk: Desk) -> None:
    access.require_admin(desk.actor)
    emit([_row(desk, key) for key in rules.KEYS], columns=("key", "value", "meaning"))


@settings.command("get", help="The value of one setting.", epilog="Example: espomail settings get trash_days")
@click.argument("key")
@pass_desk
def get(desk: Desk, key: str) -> None:
    access.require_admin(desk.actor)
    rules.key_of(key)
    emit(_row(desk, _name(key)))


@settings.command("set", help="Change one setting.", epilog="Example: espomail settings set trash_days 14")
@click.argument("key")
@click.argument("value")
@pass_desk
def set_(desk: Desk, key: str, value: str) -> None:
    with transaction(desk.db):
        access.require_admin(desk.actor)
        parsed = rules.parse(key, value)
        if _name(key) == "baseline_role" and parsed is not None:
            roles.get(desk.db, parsed)
        store.set_(desk.db, _name(key), parsed)
    row = _row(desk, _name(key))
    changed(f"{row['key']} is {row['value']}", row)


def _row(desk: Desk, key: str) -> dict[str, Any]:
    return {"key": key, "value": rules.written(store.load(desk.db))[key], "meaning": rules.KEYS[key].meaning}


def _name(key: str) -> str:
    """The key as it is kept, for what somebody typed (`trash-days`)."""
    return key.strip().lower().replace("-", "_")
