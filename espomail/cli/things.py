"""A THING of the command line (`case:7`, `account:Acme`, `email:12`) to the thing that the actor may read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from espomail.cli.record_fields import get_visible
from espomail.errors import UsageError
from espomail.model import Thing
from espomail.rules.records import TYPES
from espomail.store import visibility

if TYPE_CHECKING:
    from espomail.desk import Desk

LARGEST_ID = 2**63 - 1
thing_argument = click.argument("thing", metavar="THING")
number_argument = click.argument("number", metavar="NUMBER", type=click.IntRange(1, LARGEST_ID))


def thing_of(desk: Desk, text: str) -> Thing:
    """Given `TYPE:ID`, or `TYPE:NAME` of a record, return the thing.

    Raise NotFound also for one that the actor may not read, UsageError for what names no thing.
    """
    type_, _, ref = text.partition(":")
    kind = type_.strip().lower()
    if kind in TYPES and ref.strip():
        return Thing(kind, get_visible(desk, kind, ref.strip()).id)
    if kind in ("email", "case") and ref.isascii() and ref.isdigit() and len(ref) < len(str(LARGEST_ID)):
        thing = Thing(kind, int(ref))
        visibility.require(desk.db, desk.actor, thing)
        return thing
    raise UsageError(f"no such kind of thing: {text}", "write email:12, case:7, contact:3 or account:Acme")
