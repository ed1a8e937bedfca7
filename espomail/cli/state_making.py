"""Making the database as the state wants it: every deed in a savepoint of its own, the refused ones tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from espomail.cli.state_kinds import KINDS, put_setting, setting_states
from espomail.cli.state_outbound import outbound_state, put_outbound
from espomail.errors import EspomailError, NotFound
from espomail.rules import state as rules
from espomail.rules import state_plan
from espomail.store.db import savepoint

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.store.db import Connection
    from espomail.yamlfile import Problems

NOUNS = {section: kind.noun for section, kind in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a file can be used: sections (each item with its path), settings, the system's sender, and how paths begin.

    `wrong` are the paths of what can't be used: what lacks for want of it is no problem of its own.
    """

    sections: Mapping[str, list[tuple[str, dict[str, Any]]]]
    settings: Mapping[str, Any]
    outbound: Mapping[str, Any]
    prefix: str = ""
    wrong: frozenset[str] = frozenset()

    def lacks_something(self, path: str) -> bool:
        """Whether anything below that path can't be used."""
        return any(each.startswith(f"{path}.") for each in self.wrong)


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing to make, change or remove, and where the file asks for it."""

    path: str
    do: Callable[[], None]


def make(desk: Desk, wanted: Wanted, problems: Problems, *, prune: bool) -> list[dict[str, Any]]:
    """Make everything as the file wants it, in the transaction that is open, and return the plan: all that this changed.

    What is refused goes to `problems`. Something may be in the way only until a later deed (an address that goes from one
    user to another), so the refused are tried again as long as that helps. In the end all is looked at once more: what
    was removed may be missing where the file wants it.
    """
    before, settings_before = _state(desk.db), _single_states(desk.db)
    deeds = [*_puts(desk, wanted), *_settings(desk, wanted), *(_removals(desk, wanted, before) if prune else ())]
    refused = _sweep(desk.db, deeds)
    while refused and len(refused) < len(deeds):
        deeds = [deed for deed, _ in refused]
        refused = _sweep(desk.db, deeds)
    for deed, error in refused or _sweep(desk.db, list(_puts(desk, wanted))):
        words = f"{error.message} ({error.hint})" if error.hint else error.message
        if isinstance(error, NotFound) or not wanted.lacks_something(deed.path):
            problems.add(wanted.prefix + deed.path, words)
    plan = state_plan.changes(before, _state(desk.db), NOUNS)
    changed = [
        state_plan.step("change", kind, key, {"value": {"from": settings_before[kind, key], "to": value}})
        for (kind, key), value in _single_states(desk.db).items()
        if value != settings_before[kind, key]
    ]
    gone = [step for step in plan if step["change"] == "remove"]
    return [*(step for step in plan if step["change"] != "remove"), *changed, *gone]


def _single_states(db: Connection) -> dict[tuple[str, str], Any]:
    """What there is once, by kind and key: the settings and the system's sender."""
    known = {("setting", key): value for key, value in setting_states(db).items()}
    return known | {("outbound", key): value for key, value in outbound_state(db).items()}


def _sweep(db: Connection, deeds: list[Deed]) -> list[tuple[Deed, EspomailError]]:
    """Do each deed, and return those that were refused."""
    refused = []
    for deed in deeds:
        try:
            with savepoint(db):
                deed.do()
        except EspomailError as error:
            refused.append((deed, error))
    return refused


def _state(db: Connection) -> dict[str, dict[rules.Identity, dict[str, Any]]]:
    return {section: {rules.identity_of(section, item): item for item in kind.states(db)} for section, kind in KINDS.items()}


def _puts(desk: Desk, wanted: Wanted) -> Iterator[Deed]:
    """A deed for each thing of the file that is not as wanted now."""
    for section, kind in KINDS.items():
        if not wanted.sections.get(section):
            continue
        present = {rules.identity_of(section, item): item for item in kind.states(desk.db)}
        for path, item in wanted.sections[section]:
            known = present.get(rules.identity_of(section, item))
            filled = {key: kind.empty.get(key) if value is None else value for key, value in item.items()}
            whole = state_plan.merged(known or kind.empty, filled, halves=("imap", "smtp") if kind.is_merged_by_put else ())
            if known is None or whole != known:
                yield Deed(path, _bound(kind.put, desk, known, item if kind.is_merged_by_put else whole))


def _bound(do: Callable[..., None], *arguments: Any) -> Callable[[], None]:
    return lambda: do(*arguments)


def _settings(desk: Desk, wanted: Wanted) -> Iterator[Deed]:
    for key, value in wanted.settings.items():
        yield Deed(f"settings.{key}", _bound(put_setting, desk, key, value))
    if wanted.outbound:
        yield Deed("outbound", _bound(put_outbound, desk, wanted.outbound))


def _removals(desk: Desk, wanted: Wanted, before: state_plan.State) -> Iterator[Deed]:
    """A deed for each thing that a list of the file doesn't have; a list that is absent is left alone."""
    for section in reversed(list(KINDS)):
        if section in wanted.sections:
            kept = {rules.identity_of(section, item) for _, item in wanted.sections[section]}
            for identity, item in before[section].items():
                if identity not in kept:
                    yield Deed(section, _bound(_remove, desk, section, item))


def _remove(desk: Desk, section: str, item: Any) -> None:
    """Remove a thing, which may have gone already with what it belonged to."""
    try:
        KINDS[section].remove(desk, item)
    except NotFound:
        return
