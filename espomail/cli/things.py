"""A THING of the command line (`case:7`, `account:Acme`, `email:12`) to the thing that the actor may read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from espomail.cli.numbers import read_id
from espomail.cli.record_fields import get_visible
from espomail.errors import NotFound, UsageError
from espomail.model import Thing
from espomail.rules.records import TYPES
from espomail.store import visibility

if TYPE_CHECKING:
    from espomail.desk import Desk

thing_argument = click.argument("thing", metavar="THING")


def thing_of(desk: Desk, text: str) -> Thing:
    """Given `TYPE:ID`, or `TYPE:NAME` of a record, return the thing.

    Raise NotFound also for one that the actor may not read, UsageError for what names no thing.
    """
    type_, _, ref = (part.strip() for part in text.partition(":"))
    kind = type_.lower()
    if kind in TYPES and ref:
        return Thing(kind, get_visible(desk, kind, ref).id)
    if kind in ("email", "case") and ref:
        number = read_id(ref)
        if number is None:
            raise NotFound(kind, ref, f"see: espomail {kind} list")
        thing = Thing(kind, number)
        visibility.require(desk.db, desk.actor, thing)
        return thing
    raise UsageError(f"this names no thing: {text!r}", "write email:12, case:7, contact:3 or account:Acme")
