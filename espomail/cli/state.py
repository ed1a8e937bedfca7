"""`espomail apply` and `espomail export`: the whole set-up as YAML, made so and read back."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from espomail.cli.actor import refuse_borrowed_path
from espomail.cli.frame import asked, command, confirm, emit, pass_desk, read_path, said, write
from espomail.errors import EspomailError, NotSetUp
from espomail.rules import access
from espomail.rules import state as rules

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.yamlfile import Problems

MACHINE_KEYS = ("database", "key_file", "log", "budgets", "notify")
COLUMNS = ("change", "kind", "name", "fields")


@command(
    "apply",
    help="Make users, teams, roles, accounts, folders, filters, templates and settings as a YAML file says (- for stdin; "
    "default: the state half of the configuration). Doing it twice changes nothing. What a thing's entry does not mention "
    "stays as it is; null empties it. All that is wrong is told at once, and then nothing is changed.",
    epilog="""Example: espomail apply state.yaml --dry-run
    espomail apply state.yaml --prune --yes""",
)
@click.argument("file", required=False)
@click.option("--dry-run", is_flag=True, help="print the plan and change nothing")
@click.option(
    "--prune", is_flag=True, help="also remove what the lists of the file don't have; a list that is absent is left alone"
)
@click.option("--yes", is_flag=True, help="don't ask before removing")
@pass_desk
def apply(desk: Desk, file: str | None, dry_run: bool, prune: bool, yes: bool) -> None:
    from espomail.store.db import rolled_back, transaction

    access.require_admin(desk.actor)
    usable, problems = _read(desk, file)
    with rolled_back(desk.db):
        plan = _make(desk, usable, problems, prune=prune)
    problems.raise_if_any()
    removed = [step for step in plan if step["change"] == "remove"]
    if dry_run or not plan:
        _tell(plan, applied=not dry_run)
        return
    if removed:
        names = ", ".join(f"{step['kind']} {step['name']}" for step in removed)
        confirm(f"remove {len(removed)} things: {names}?", yes=yes)
    with transaction(desk.db):
        access.require_admin(desk.actor)
        plan = _make(desk, usable, problems, prune=prune)
        problems.raise_if_any()
    _tell(plan, applied=True)


@command(
    "export",
    help="The state as YAML that `apply` takes back, to stdout or into a file. Passwords are references, never in it.",
    epilog="Example: espomail export state.yaml",
)
@click.argument("file", required=False, default="-")
@pass_desk
def export(desk: Desk, file: str) -> None:
    access.require_admin(desk.actor)
    refuse_borrowed_path(desk.actor, file)
    document = {"state": _exported(desk)}
    if asked().format in ("json", "jsonl"):
        emit(document)
        return
    if file == "-":
        write(_yaml(document, is_unicode=not sys.stdout.isatty()))
        return
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        target.write(_yaml(document, is_unicode=True))
    said(f"{file} written")


def _yaml(document: object, *, is_unicode: bool) -> str:
    import yaml

    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=is_unicode, width=120))


def _exported(desk: Desk) -> dict[str, Any]:
    """Every section with what differs from a new thing of its kind, in the order in which apply makes it."""
    from espomail.cli.state_kinds import KINDS, setting_states

    found: dict[str, Any] = {"settings": setting_states(desk.db)}
    for section, kind in KINDS.items():
        found[section] = [
            {key: value for key, value in item.items() if value != kind.empty.get(key)} for item in kind.states(desk.db)
        ]
    return found


# ---------------------------------------------------------------- reading


def _read(desk: Desk, file: str | None) -> tuple[dict[str, Any], Problems]:
    """What of the file can be used, and all that is wrong with its shape."""
    from espomail import yamlfile

    name, content = _content(desk, file)
    document = yamlfile.read(content, name=name)
    value, prefix = document.value or {}, ""
    problems = yamlfile.Problems(name, document.lines)
    if isinstance(value, dict) and ("state" in value or file is None):
        for key in value:
            if key != "state" and key not in MACHINE_KEYS:
                problems.add(str(key), rules.unknown(str(key), ["state", *MACHINE_KEYS]))
        value, prefix = value.get("state") or {}, "state."
    usable, found = rules.checked(value)
    for path, words in found:
        problems.add((prefix + path).rstrip("."), words)
    usable["prefix"] = prefix
    return usable, problems


def _content(desk: Desk, file: str | None) -> tuple[str, bytes]:
    if file is not None:
        return ("stdin" if file == "-" else file), read_path(desk, file)
    path = asked().configuration.path
    if path is None:
        raise NotSetUp("there is no configuration file with a state half", "name a file: espomail apply FILE")
    return str(path), Path(path).read_bytes()


# ---------------------------------------------------------------- making


@dataclass(slots=True)
class Work:
    """One run over the file: the plan grows with each thing that is not as wanted."""

    desk: Desk
    problems: Problems
    prefix: str
    plan: list[dict[str, Any]] = field(default_factory=list)

    def tried(self, path: str, what: Any, *arguments: Any) -> bool:
        """Do one thing in a savepoint; False, with its error kept under the path in the file, when it is refused."""
        from espomail.store.db import savepoint

        try:
            with savepoint(self.desk.db):
                what(*arguments)
        except EspomailError as error:
            words = f"{error.message} ({error.hint})" if error.hint else error.message
            self.problems.add(self.prefix + path, words)
            return False
        return True

    def noted(self, change: str, kind: str, name: str, fields: dict[str, Any]) -> None:
        self.plan.append({"change": change, "kind": kind, "name": name, "fields": fields})


def _make(desk: Desk, usable: dict[str, Any], problems: Problems, *, prune: bool) -> list[dict[str, Any]]:
    """Make everything as the file wants it, in the transaction that is open, and return what that changed."""
    from espomail.cli.state_kinds import KINDS

    work = Work(desk, problems, usable["prefix"])
    for section in KINDS:
        if section in usable:
            _make_section(work, section, usable[section])
    _make_settings(work, usable.get("settings") or {})
    if prune:
        for section in reversed(list(KINDS)):
            if section in usable:
                _prune_section(work, section, usable[section])
    return work.plan


def _make_section(work: Work, section: str, items: list[tuple[str, dict[str, Any]]]) -> None:
    from espomail.cli.state_kinds import KINDS

    kind = KINDS[section]
    before = _by_identity(section, kind.states(work.desk.db))
    done = []
    for path, item in items:
        known = before.get(rules.identity_of(section, item))
        filled = {key: kind.empty.get(key) if value is None else value for key, value in item.items()}
        wanted = {**(known or kind.empty), **filled}
        if known is not None and wanted == known:
            continue
        if work.tried(path, kind.put, work.desk, known, item if section.endswith("accounts") else wanted):
            done.append(rules.identity_of(section, item))
    after = _by_identity(section, kind.states(work.desk.db))
    for identity in done:
        known, now = before.get(identity), after.get(identity) or after.get((*identity[:-1], identity[-1].strip()))
        if now is not None and now != known:
            name = "/".join(identity)
            work.noted("add" if known is None else "change", kind.noun, name, rules.difference(known, now))


def _by_identity(section: str, states: list[dict[str, Any]]) -> dict[tuple[str, ...], dict[str, Any]]:
    return {rules.identity_of(section, state): state for state in states}


def _make_settings(work: Work, wanted: dict[str, Any]) -> None:
    from espomail.cli.state_kinds import put_setting, setting_states

    before = setting_states(work.desk.db)
    for key, value in wanted.items():
        work.tried(f"settings.{key}", put_setting, work.desk, key, value)
    for key, value in setting_states(work.desk.db).items():
        if value != before[key]:
            work.noted("change", "setting", key, {"value": {"from": before[key], "to": value}})


def _prune_section(work: Work, section: str, items: list[tuple[str, dict[str, Any]]]) -> None:
    from espomail.cli.state_kinds import KINDS

    kind = KINDS[section]
    wanted = {rules.identity_of(section, item) for _, item in items}
    for identity, state in _by_identity(section, kind.states(work.desk.db)).items():
        if identity not in wanted and work.tried(section, kind.remove, work.desk, state):
            work.noted("remove", kind.noun, "/".join(identity), {})


def _tell(plan: list[dict[str, Any]], *, applied: bool) -> None:
    if asked().format in ("json", "jsonl"):
        emit({"plan": plan, "applied": applied})
    elif plan:
        emit(plan, columns=COLUMNS)
    said(f"{len(plan)} changes {'made' if applied else 'to make'}" if plan else "everything is as it should be")
