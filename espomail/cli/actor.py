"""Who is acting: the system, a user named with --as, or the user whose log-in borrowed the owner's rights through sudo."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from espomail.errors import NotPermitted, UsageError

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.model import Actor
    from espomail.store.db import Connection
    from espomail.store.users import User


@dataclass(frozen=True, slots=True)
class Process:
    """What the operating system says about this process: its effective user, and who called sudo (None: nobody)."""

    uid: int
    login: str
    sudo_user: str | None


@dataclass(frozen=True, slots=True)
class System:
    """Everything is allowed."""


@dataclass(frozen=True, slots=True)
class Named:
    """The user of this name, as --as says."""

    name: str


@dataclass(frozen=True, slots=True)
class Borrowed:
    """The user with this os_login, who runs with the owner's file rights; `name` is what --as asked for, or None."""

    login: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Stranger:
    """A log-in that neither owns the database nor came through sudo."""

    login: str


def process_of(environment: Mapping[str, str]) -> Process:
    """This process, as `who_acts` wants to know it."""
    uid = os.geteuid()
    return Process(uid, login_of(uid), environment.get("SUDO_USER") or None)


def login_of(uid: int) -> str:
    """The log-in name of a user id, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def is_borrowed(process: Process) -> bool:
    """Whether somebody else runs this process with the rights of a log-in that is not root, through sudo."""
    return process.uid != 0 and process.sudo_user not in (None, "root", process.login)


def who_acts(process: Process, *, owner_uid: int, as_user: str | None) -> System | Named | Borrowed | Stranger:
    """Given the process, the owner of the database file and --as, return who acts.

    root (also through sudo) and the owner (not through sudo, or called by root or the owner) are the system, or whom
    they name. Through sudo from another log-in it is the user with that log-in.
    """
    if process.uid not in (0, owner_uid):
        return Stranger(process.login)
    if is_borrowed(process):
        return Borrowed(str(process.sudo_user), as_user)
    return Named(as_user) if as_user else System()


def actor_for(db: Connection, db_path: Path, *, as_user: str | None) -> Actor:
    """The actor of this process on this database; raise NotPermitted for an unknown or inactive one."""
    from espomail.model import Actor

    owner_uid = db_path.stat().st_uid
    match who_acts(process_of(os.environ), owner_uid=owner_uid, as_user=as_user):
        case System():
            return Actor()
        case Named(name):
            return _user_named(db, name, is_borrowed=False)
        case Borrowed(login, name):
            return _user_of_login(db, login, name)
        case Stranger(login):
            owner = login_of(owner_uid)
            raise NotPermitted(f"{login} doesn't own the database; {owner} does", f"run it as: sudo -u {owner} espomail …")


class Acting:
    """Who acts, asked anew once another process has changed the database.

    A command may wait long for its turn to write, or for a person to say yes: what was taken away meanwhile is gone.
    """

    def __init__(self, db: Connection, db_path: Path, *, as_user: str | None) -> None:
        self._db = db
        self._ask = partial(actor_for, db, db_path, as_user=as_user)
        self._known: tuple[int, Actor] | None = None

    def __call__(self) -> Actor:
        version = self._db.execute("pragma data_version").fetchone()[0]  # grows with what other connections commit
        if self._known is None or self._known[0] != version:
            self._known = version, self._ask()
        return self._known[1]


def _user_named(db: Connection, name: str, *, is_borrowed: bool) -> Actor:
    from espomail.store import users

    found = users.find(db, name)
    if found is None:
        raise NotPermitted(f"no such user to act as: {name}", "see the names with: espomail user list")
    return _checked(db, found, is_borrowed=is_borrowed)


def _user_of_login(db: Connection, login: str, name: str | None) -> Actor:
    """The user behind a sudo log-in; only an admin may go on to act as another (`name`)."""
    from espomail.store import users

    found = users.find_by_os_login(db, login)
    if found is None:
        raise NotPermitted(
            f"no user has the log-in {login}", f"an admin can set it: espomail user edit NAME --os-login {login}"
        )
    own = _checked(db, found, is_borrowed=True)
    if name is None or name == own.name:
        return own
    if not own.is_admin:
        raise NotPermitted(f"{own.name} may not act as another user", "leave out --as")
    return _user_named(db, name, is_borrowed=True)


def _checked(db: Connection, user: User, *, is_borrowed: bool) -> Actor:
    from espomail.model import Actor
    from espomail.store import roles

    if not user.profile.is_active:
        raise NotPermitted(f"{user.name} is not active", f"an admin can change that: espomail user enable {user.name}")
    return Actor(
        user_id=user.id,
        name=user.name,
        is_admin=user.profile.is_admin,
        is_borrowed=is_borrowed,
        team_ids=frozenset(each.team_id for each in user.teams),
        levels=() if user.profile.is_admin else roles.levels_of(db, user.id),
    )


def personal(desk: Desk) -> int:
    """The id of the acting user, for what only a person has (an inbox, folders); raise UsageError for the system."""
    if desk.actor.user_id is None:
        raise UsageError("this belongs to a person, and the system is none", "name the user: --as USER")
    return desk.actor.user_id


def refuse_borrowed_path(actor: Actor, path: str | Path | None, *, what: str = "a file") -> None:
    """Refuse any path but `-` of a user who is not admin and runs with another log-in's rights; raise NotPermitted."""
    if path is None or str(path) == "-" or not actor.is_borrowed or actor.is_admin:
        return
    raise NotPermitted(f"{what} can't be named through sudo: it would be used with the owner's rights", "use - (stdin, stdout)")


def refuse_init(path: Path) -> None:
    """Only who will own the database may make it: not somebody who borrows another log-in's rights."""
    if is_borrowed(process_of(os.environ)):
        raise NotPermitted(f"{path} can't be made through sudo", "run espomail init as the owner or as root")
