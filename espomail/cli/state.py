"""`espomail apply` and `espomail export`: the whole set-up as YAML, made so and read back."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from espomail.cli.actor import refuse_borrowed_path
from espomail.cli.frame import asked, command, confirm, emit, pass_desk, read_path, said, say, write
from espomail.cli.output import counted, words_of
from espomail.errors import BadInput, NotSetUp, TryAgain
from espomail.rules import access
from espomail.rules import state as rules

if TYPE_CHECKING:
    from espomail.cli.state_making import Wanted
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
    from espomail.cli.state_making import make
    from espomail.store.db import rolled_back, transaction

    access.require_admin(desk.actor)
    wanted, problems = _read(desk, file)
    with rolled_back(desk.db):
        plan = make(desk, wanted, problems, prune=prune)
    problems.raise_if_any()
    if dry_run or not plan:
        _tell(plan, applied=not dry_run)
        return
    _confirm(plan, yes=yes)
    with transaction(desk.db):
        access.require_admin(desk.actor)
        if make(desk, wanted, problems, prune=prune) != plan:
            raise TryAgain("somebody else changed the set-up at the same time; nothing was done", "run the command again")
        problems.raise_if_any()
    _tell(plan, applied=True)
    _tell_missing(desk)


def _confirm(plan: list[dict[str, Any]], *, yes: bool) -> None:
    removed = [f"{step['kind']} {step['name']}" for step in plan if step["change"] == "remove"]
    if removed:
        confirm(f"remove {len(removed)} things: {', '.join(removed)}?", yes=yes)


@command(
    "export",
    help="The state as YAML that `apply` takes back, to stdout or into a file. Passwords are references, never in it.",
    epilog="Example: espomail export state.yaml",
)
@click.argument("file", required=False, default="-")
@pass_desk
def export(desk: Desk, file: str) -> None:
    from espomail import yamlfile

    access.require_admin(desk.actor)
    refuse_borrowed_path(desk.actor, file)
    document = {"state": _exported(desk)}
    if file != "-":
        _write_file(Path(file), yamlfile.write(document, is_ascii=False))
        said(f"{file} written")
    if asked().format in ("json", "jsonl"):
        emit(document)
    elif file == "-":
        write(yamlfile.write(document, is_ascii=sys.stdout.isatty()))


def _write_file(path: Path, text: str) -> None:
    """Write a file for its owner alone, through no link; raise BadInput where that can't be."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise BadInput(
            f"{path} can't be written: {error.strerror}", "name a file in a folder of yours, or - for stdout"
        ) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        target.write(text)


def _exported(desk: Desk) -> dict[str, Any]:
    """Every section with every key, so that applying it brings back exactly this; in the order in which apply makes it."""
    from espomail.cli.state_kinds import KINDS, setting_states
    from espomail.cli.state_outbound import outbound_state

    sections = {section: kind.states(desk.db) for section, kind in KINDS.items()}
    return {"settings": setting_states(desk.db), "outbound": outbound_state(desk.db), **sections}


# ---------------------------------------------------------------- reading


def _read(desk: Desk, file: str | None) -> tuple[Wanted, Problems]:
    """What of the file can be used, and all that is wrong with its shape; raise NotSetUp for a configuration without state."""
    from espomail import yamlfile
    from espomail.cli.state_making import Wanted

    name, content = _content(desk, file)
    document = yamlfile.read(content, name=name)
    value, prefix = document.value or {}, ""
    if file is None and isinstance(value, dict) and "state" not in value:
        raise NotSetUp(f"{name} has no state half", "name a file: espomail apply FILE")
    problems = yamlfile.Problems(name, document.lines, document.found)
    if isinstance(value, dict) and "state" in value:
        for key in value:
            if key != "state" and key not in MACHINE_KEYS:
                problems.add(str(key), rules.unknown(str(key), ["state", *MACHINE_KEYS]))
        value, prefix = value.get("state") or {}, "state."
    usable, found = rules.checked(value)
    for path, words in found:
        problems.add((prefix + path).rstrip("."), words)
    wrong = frozenset(path for path, _ in found)
    return Wanted(usable, usable.pop("settings", {}), usable.pop("outbound", {}), prefix, wrong), problems


def _content(desk: Desk, file: str | None) -> tuple[str, bytes]:
    if file is not None:
        return ("stdin" if file == "-" else file), read_path(desk, file)
    path = asked().configuration.path
    if path is None:
        raise NotSetUp("there is no configuration file with a state half", "name a file: espomail apply FILE")
    return str(path), Path(path).read_bytes()


def _tell(plan: list[dict[str, Any]], *, applied: bool) -> None:
    if asked().format in ("json", "jsonl"):
        emit({"plan": plan, "applied": applied})
    elif plan:
        emit([{**step, "fields": _in_words(step)} for step in plan] if asked().format is None else plan, columns=COLUMNS)
    said(f"{counted(len(plan), 'change')} {'made' if applied else 'to make'}" if plan else "everything is as it should be")


def _in_words(step: dict[str, Any]) -> str:
    """What a step of the plan sets, as a person reads it: `key=value`, and `key: before -> after` of what changes."""
    if step["change"] != "change":
        return words_of(step["fields"])
    return "; ".join(f"{key}: {_or_none(each['from'])} -> {_or_none(each['to'])}" for key, each in step["fields"].items())


def _or_none(value: object) -> str:
    return words_of(value) or "none"


def _tell_missing(desk: Desk) -> None:
    """Name the accounts, and the system's sender, whose stored password didn't come along: it is in no file."""
    from espomail.store import accounts, settings

    for account in accounts.list_(desk.db):
        if any(server and server.secret and not server.secret.value for server in (account.imap, account.smtp)):
            say(f"{account.name} has no password here yet; give it with: espomail {account.kind}-account secret {account.name}")
    sender = accounts.server_of(settings.load(desk.db).outbound_server)
    if sender and sender.secret and not sender.secret.value:
        say("the system's sender has no password here yet; give it with: espomail settings outbound --smtp-password-stdin")
