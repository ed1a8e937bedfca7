"""Builds the Desk of a command: database, actor, clock, and the two doors to the network."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import time
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from espomail.cli import actor
from espomail.cli.front import acting_name
from espomail.cli.output import complain, note
from espomail.desk import Desk, Mailbox
from espomail.errors import NotPermitted, NotSetUp
from espomail.store import db as store

if TYPE_CHECKING:
    from espomail.cli.front import Front
    from espomail.model import Account, Server

_NO_WAY = (errno.EACCES, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


def desk_of(front: Front) -> Desk:
    """The desk of the command that runs now, opened by the first who asks and closed at its end."""
    if front.opened is None:
        front.opened = open_desk(front)
        click.get_current_context().find_root().call_on_close(front.opened.db.close)
    return front.opened


def open_desk(front: Front) -> Desk:
    """The desk for what the command line asked; raise NotSetUp without a database, NotPermitted for a stranger."""
    path = front.db_path
    refuse_strangers(path)
    db = store.open_db(path, now=front.now())
    try:
        who = actor.Acting(db, path, as_user=acting_name(front))
        front.actor_name = who().name
        if front.format == "csv" and who().level("export") == "no":
            raise NotPermitted(f"{who().name} may not export, so not print CSV", "ask for --json or a table")
    except BaseException:  # whoever is refused, or interrupts, leaves no open database behind
        db.close()
        raise
    return Desk(
        db=db,
        db_path=path,
        key_path=front.key_path,
        who=who,
        now=front.now,
        monotonic=time.monotonic,
        new_token=lambda: secrets.token_hex(16),
        open_mailbox=partial(_open_mailbox, front),
        open_post=partial(_open_post, front),
        lock_dir=path.with_name(path.name + ".locks"),
        say=partial(_say, front),
    )


def _say(front: Front, words: str) -> None:
    """What only who asks for more words wants to hear."""
    note(words, level="debug", front=front)
    if front.verbose:
        complain(words)


def look_at(path: Path) -> os.stat_result | None:
    """What stands where a database is or will be, None for nothing; raise NotSetUp for a folder and where no way leads."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno not in _NO_WAY:
            raise
        raise NotSetUp(f"the database at {path} can't be reached: {error.strerror}", "name another one with --db") from error
    if not stat.S_ISREG(found.st_mode):
        raise NotSetUp(f"{path} is no file, so no database", "name a file with --db")
    return found


def refuse_strangers(path: Path) -> None:
    """Refuse who doesn't own the database before it is touched; raise NotSetUp where there is none, or no way to it."""
    found = look_at(path)
    if found is None:
        raise NotSetUp(f"no database at {path}", "make one with: espomail init")
    owner_uid = found.st_uid
    process = actor.process_of(os.environ)
    if isinstance(actor.who_acts(process, owner_uid=owner_uid, as_user=None), actor.Stranger):
        owner = actor.login_of(owner_uid)
        raise NotPermitted(f"{process.login} doesn't own the database; {owner} does", f"run it as: sudo -u {owner} espomail …")


def _open_mailbox(front: Front, account: Account, deadline_s: float) -> AbstractContextManager[Mailbox]:
    from espomail.wire import imap

    server = _reachable(front, account.imap) if account.imap else None
    password = _password(front, server)
    budgets = front.configuration.budgets
    return imap.open_mailbox(
        replace(account, imap=server),
        password=password,
        deadline_s=deadline_s,
        connect_timeout_s=budgets.connect_seconds,
        read_timeout_s=budgets.read_seconds,
    )


def _open_post(front: Front, account: Any, deadline_s: float) -> AbstractContextManager[Any]:
    from espomail.wire import smtp

    server = _reachable(front, account.smtp if hasattr(account, "smtp") else account)
    password = _password(front, server)
    connect_timeout_s = front.configuration.budgets.connect_seconds
    return smtp.open_post(server, password=password, deadline_s=deadline_s, connect_timeout_s=connect_timeout_s)


def _reachable(front: Front, server: Server) -> Server:
    """A server with the setting `allow_private_hosts` as it is now, whatever it was when a user pointed an account there."""
    if server.allow_private:
        return server
    from espomail.store import settings

    with closing(store.open_db(front.db_path, now=front.now())) as db:
        return replace(server, allow_private=settings.load(db).allow_private_hosts)


def _password(front: Front, server: Server | None) -> str | None:
    """The password of an account's server, its access token with OAuth, None where there is no log-in."""
    if server is None or server.secret is None:
        return None
    if server.secret.kind == "oauth":
        from espomail.cli import oauth_tokens

        return oauth_tokens.access_token(front, server.secret)
    from espomail.wire import secrets as vault

    return vault.resolve_secret(server.secret, key_file=front.key_path)
