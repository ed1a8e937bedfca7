"""What the global options and the environment asked for; opening.py makes the desk of it when a command needs one."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from espomail.errors import NotPermitted

if TYPE_CHECKING:
    from espomail.config import Configuration
    from espomail.desk import Desk


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Front:
    """The global options of one command line; `format` is None when none was asked for (a table then).

    The desk is opened by the first command that needs it, and once.
    """

    db: str | None = None
    config: str | None = None
    as_user: str | None = None
    format: str | None = None
    quiet: bool = False
    verbose: int = 0
    color: str = "auto"
    now: Callable[[], datetime] = utc_now
    opened: Desk | None = field(default=None, repr=False)
    loaded: Configuration | None = field(default=None, repr=False)
    actor_name: str = "nobody"  # who acts, once that is known
    running: str = ""  # the command, such as "case add", once it has begun
    troubles: list[str] = field(default_factory=list)  # kept for the one error object of --json

    @property
    def configuration(self) -> Configuration:
        """The configuration of this machine, all defaults where there is no file; raise NotSetUp on a bad one."""
        if self.loaded is None:
            from espomail import config

            self.refuse_borrowed_options()
            self.loaded = config.load(config.find_file(self.config, os.environ))
        return self.loaded

    @property
    def db_path(self) -> Path:
        """Where the database is or will be: --db, ESPOMAIL_DB, the configuration, the user's data folder."""
        self.refuse_borrowed_options()
        named = self.db or os.environ.get("ESPOMAIL_DB")
        return Path(named).absolute() if named else self.configuration.database or data_home() / "espomail" / "espomail.db"

    @property
    def key_path(self) -> Path:
        """The file of the key that stored passwords are encrypted with, beside the database unless configured."""
        return self.configuration.key_file or self.db_path.with_name(self.db_path.name + ".key")

    def refuse_borrowed_options(self) -> None:
        """Refuse --db and --config of a person who borrows the file rights of another log-in through sudo.

        Also as variables, where sudo was told to let them through: a configuration can name commands.
        """
        from espomail.cli import actor

        if not actor.is_borrowed(actor.process_of(os.environ)):
            return
        if self.db or self.config:
            raise NotPermitted("--db and --config can't be used through sudo", "leave them out: the owner's settings apply")
        for name in ("ESPOMAIL_DB", "ESPOMAIL_CONFIG", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            if os.environ.get(name):
                raise NotPermitted(f"{name} can't be used through sudo", "leave it out: the owner's settings apply")


def acting_name(front: Front) -> str | None:
    """The user that --as or ESPOMAIL_AS names, None where neither does."""
    return front.as_user or os.environ.get("ESPOMAIL_AS")


def data_home() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def asked() -> Front:
    """The global options of the command that runs now; plain defaults outside of one."""
    context = click.get_current_context(silent=True)
    found = context.find_root().obj if context else None
    return found if isinstance(found, Front) else Front()
