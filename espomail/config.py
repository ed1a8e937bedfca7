"""The configuration file: YAML to a frozen Configuration, every problem reported at once with its path and line."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from espomail.errors import BadInput, NotSetUp


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """How long things may take, in seconds, and how many accounts are fetched at once."""

    cron_seconds: int = 50
    fetch_jobs: int = 4
    connect_seconds: int = 15
    read_seconds: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Where notifications go besides the list: a command (JSON on its stdin) or a webhook (JSON posted)."""

    command: str | None = None
    webhook: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A file that words of every round are added to, None for no log; `level` error, warning, info or debug."""

    file: Path | None = None
    level: str = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """How this machine runs espomail; the wanted state, which may stand in the same file, is for `apply` to read."""

    path: Path | None = None
    database: Path | None = None
    key_file: Path | None = None
    log: Log = field(default_factory=Log)
    budgets: Budgets = field(default_factory=Budgets)
    notify: Notify = field(default_factory=Notify)


def find_file(named: str | None, environment: Mapping[str, str]) -> Path | None:
    """The configuration file: --config, ESPOMAIL_CONFIG, the user's, the machine's; None where there is none."""
    explicit = named or environment.get("ESPOMAIL_CONFIG")
    if explicit:
        return Path(explicit)
    home = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for candidate in (home / "espomail" / "config.yaml", Path("/etc/espomail/config.yaml")):
        if os.path.isfile(candidate):  # noqa: PTH113 (Path.is_file raises where the folder is closed to us: as good as none)
            return candidate
    return None


def load(path: Path | None) -> Configuration:
    """The configuration in that file, all defaults for None; raise NotSetUp naming every problem with its line."""
    if path is None:
        return Configuration()
    from espomail import yamlfile

    try:
        document = yamlfile.read(path.read_bytes(), name=str(path))
        return _configuration(document, path)
    except OSError as error:
        raise NotSetUp(f"the configuration {path} can't be read: {error.strerror}", "check --config") from error
    except BadInput as error:
        raise NotSetUp.listing(error.message.splitlines(), error.hint) from error


def _configuration(document: Any, path: Path) -> Configuration:
    from espomail.yamlfile import Problems

    problems = Problems(str(path), document.lines, document.found)
    values = _checked(document.value if document.value is not None else {}, _TOP, problems, "")
    problems.raise_if_any()
    sections = {"log": Log, "budgets": Budgets, "notify": Notify}
    made = {name: make(**values.pop(name)) for name, make in sections.items() if name in values}
    values.pop("state", None)
    return Configuration(path=path, **values, **made)


Check = Callable[[Any], Any]


def _path(value: Any) -> Path:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a path")
    return Path(value).expanduser()


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be text (put it in quotes)")
    return value


def _number(low: int, high: int) -> Check:
    def number(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return value

    return number


def _one_of(*words: str) -> Check:
    def word(value: Any) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return str(value)

    return word


def _webhook(value: Any) -> str:
    from urllib.parse import urlsplit

    if not isinstance(value, str):
        raise ValueError("must be an https:// address")
    parts = urlsplit(value)
    is_here = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    is_one_word = not any(character.isspace() or ord(character) < 0x21 or character == "\x7f" for character in value)
    if not parts.hostname or not is_one_word or not (parts.scheme == "https" or is_here):
        raise ValueError("must be an https:// address")
    return str(value)


_SECONDS = _number(1, 86400)
_TOP: Mapping[str, Any] = {
    "database": _path,
    "key_file": _path,
    "log": {"file": _path, "level": _one_of("error", "warning", "info", "debug")},
    "budgets": {
        "cron_seconds": _SECONDS,
        "fetch_jobs": _number(1, 64),
        "connect_seconds": _SECONDS,
        "read_seconds": _SECONDS,
    },
    "notify": {"command": _text, "webhook": _webhook},
    "state": lambda value: value,
}


def _checked(value: Any, schema: Mapping[str, Any], problems: Any, path: str) -> dict[str, Any]:
    """The values of a mapping that hold against the schema, keys with null left out; the rest becomes problems."""
    if not isinstance(value, dict):
        problems.add(path, "must be a mapping of keys to values")
        return {}
    good: dict[str, Any] = {}
    for key, item in value.items():
        where = f"{path}.{key}" if path else str(key)
        rule = schema.get(key)
        if rule is None:
            problems.add(where, unknown_key(str(key), list(schema)))
        elif item is None:
            continue
        elif isinstance(rule, Mapping):
            good[key] = _checked(item, rule, problems, where)
        else:
            try:
                good[key] = rule(item)
            except ValueError as error:
                problems.add(where, str(error))
    return good


def unknown_key(key: str, known: list[str]) -> str:
    """The words for a key that nobody knows, with the nearest one that somebody does."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"unknown key; did you mean {near[0]}?" if near else f"unknown key; known are {', '.join(known)}"
