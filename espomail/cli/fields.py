"""One declaration of a noun's options, for `add` and `edit` alike.

`add` takes them as they are. `edit` takes them too, and besides `--clear OPTION`, and for a repeatable one
`--add-OPTION` and `--remove-OPTION`. Values stay the text that was typed: what they mean is decided elsewhere.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import click

from espomail.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])


def _itself(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One option. `name` is `full-name`, its key `full_name`; `default` stands where nothing is given or it is cleared.

    `same` says when two values of a repeatable one are the same thing (`--remove-team support` takes `support:agent`).
    One that `feeds` another (`--signature-file` the `signature`) is cleared with it; one that is not `clearable` never is.
    """

    name: str
    help: str
    metavar: str = "TEXT"
    kind: Literal["one", "many", "flag"] = "one"
    choices: tuple[str, ...] = ()
    default: Any = None
    required: bool = False
    feeds: str = ""
    clearable: bool = True
    same: Callable[[str], str] = _itself

    @property
    def key(self) -> str:
        return self.name.replace("-", "_")

    @property
    def empty(self) -> Any:
        """The value where nothing is given."""
        return {"one": self.default, "many": self.default or (), "flag": bool(self.default)}[self.kind]


def add_options(fields: Sequence[Field]) -> Callable[[Command], Command]:
    """A decorator that gives a command the options of `add`; it receives them by key."""
    return _decorator([_option(field, required=field.required) for field in fields])


def edit_options(fields: Sequence[Field]) -> Callable[[Command], Command]:
    """A decorator that gives a command the options of `edit`; it receives them by key."""
    options = [_option(field, required=False) for field in fields]
    for field in fields:
        if field.kind == "many":
            options += [
                click.option(f"--{verb}-{field.name}", multiple=True, metavar=field.metavar, help=f"{verb} one: {field.help}")
                for verb in ("add", "remove")
            ]
    clearable = [field.name for field in fields if field.clearable and not field.required]
    options.append(
        click.option("--clear", multiple=True, metavar="OPTION", help=f"empty it; OPTION is one of: {', '.join(clearable)}")
    )
    return _decorator(options)


def chosen(fields: Sequence[Field], given: Mapping[str, Any]) -> dict[str, Any]:
    """What `add` was told, by key, with the defaults of what it was not told."""
    return {field.key: _told(field, given, otherwise=field.empty) for field in fields}


def edited(fields: Sequence[Field], given: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """What holds after an `edit`, by key: what was told, else cleared, else `current`.

    Raise UsageError when there is nothing to change, or for a `--clear` or `--remove-…` of what can't be empty.
    """
    cleared = _cleared(fields, given.get("clear", ()))
    values = {}
    for field in fields:
        before = field.empty if field.key in cleared else current.get(field.key, field.empty)
        values[field.key] = _told(field, given, otherwise=before)
        if field.kind == "many":
            values[field.key] = _plus_and_minus(field, given, values[field.key])
    if not any(value not in (None, ()) for value in given.values()):
        raise UsageError("nothing to change", "name an option; --help lists them")
    return values


def _decorator(options: Sequence[Callable[[Any], Any]]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _option(field: Field, *, required: bool) -> Callable[[Any], Any]:
    if field.kind == "flag":
        return click.option(f"--{field.name}/--no-{field.name}", field.key, default=None, help=field.help)
    return click.option(
        f"--{field.name}",
        field.key,
        multiple=field.kind == "many",
        required=required,
        type=click.Choice(field.choices, case_sensitive=False) if field.choices else str,
        metavar=None if field.choices else field.metavar,
        help=field.help,
    )


def _told(field: Field, given: Mapping[str, Any], *, otherwise: Any) -> Any:
    value = given.get(field.key)
    if value is None or value == ():
        return otherwise
    return value


def _plus_and_minus(field: Field, given: Mapping[str, Any], before: Iterable[str]) -> tuple[str, ...]:
    gone = {field.same(value) for value in given.get(f"remove_{field.key}", ())}
    kept = {field.same(value): value for value in before if field.same(value) not in gone}
    after = tuple((kept | {field.same(value): value for value in given.get(f"add_{field.key}", ())}).values())
    if field.required and gone and not after:
        raise UsageError(f"--remove-{field.name} would leave none", f"give another one with --add-{field.name}")
    return after


def _cleared(fields: Sequence[Field], names: Iterable[str]) -> set[str]:
    """The keys that hold nothing any more; raise UsageError for the name of what can't be empty."""
    clearable = {field.key: field.feeds or field.key for field in fields if field.clearable and not field.required}
    keys = {name.lstrip("-").replace("-", "_") for name in names}
    for key in sorted(keys - set(clearable)):
        near = difflib.get_close_matches(key, clearable, n=1)
        hint = f"did you mean --clear {near[0].replace('_', '-')}?" if near else "see --help for what can be cleared"
        raise UsageError(f"--clear can't empty {key.replace('_', '-')}", hint)
    return {clearable[key] for key in keys}
