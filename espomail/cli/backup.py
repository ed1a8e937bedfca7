"""`espomail backup` and `espomail restore`: an online copy that was checked, and putting one back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from espomail.cli.actor import refuse_borrowed_path
from espomail.cli.frame import asked, changed, command, confirm, pass_desk
from espomail.errors import BadInput
from espomail.rules import access

if TYPE_CHECKING:
    from espomail.desk import Desk

BACKUP_WAIT_S = 600


@command(
    "backup",
    help="Write a checked copy of the database while everything goes on. The key file is not in it: keep that one apart.",
    epilog="Example: espomail backup /backup/espomail-$(date +%F).db",
)
@click.argument("file")
@pass_desk
def backup(desk: Desk, file: str) -> None:
    from espomail.rounds import locks
    from espomail.store import backups

    access.require_admin(desk.actor)
    refuse_borrowed_path(desk.actor, file)
    target = Path(file)
    if target.is_symlink() or target.is_dir():
        raise BadInput(f"{file} is a link or a folder", "name a new file")
    with locks.wait_for(desk.lock_dir / "backup.lock", timeout_s=BACKUP_WAIT_S, what="writing a backup"):
        backups.copy_to(desk.db, target)
    changed(f"{file}: {target.stat().st_size} bytes, checked", {"file": str(target), "size_bytes": target.stat().st_size})


@command(
    "restore",
    help="Put a backup in place of the database; what is there now is kept beside it. Mail that came since the backup is "
    "fetched again, without notices and answers for what is old; automatic mail that waited is not sent, as it may have left "
    "since.",
    epilog="Example: espomail restore /backup/espomail-2026-03-01.db --yes",
)
@click.argument("file")
@click.option("--yes", is_flag=True, help="don't ask")
def restore(file: str, yes: bool) -> None:
    from espomail.cli import actor, opening
    from espomail.cli.front import acting_name
    from espomail.rounds import locks
    from espomail.store import restoring
    from espomail.store.db import make_folder_of

    front = asked()
    path = front.db_path
    actor.refuse_init(path)
    if path.exists():
        opening.refuse_strangers(path)
    if acting_name(front):  # without one it is the system, who needs no database that can still be read
        desk = opening.desk_of(front)
        access.require_admin(desk.actor)
        desk.db.close()
    restoring.check(Path(file))
    confirm(f"put {file} in place of {path}?", yes=yes)
    make_folder_of(path)
    folder = locks.folder_of(path)
    with (
        locks.wait_for(folder / "process.lock", timeout_s=60),
        locks.wait_for(folder / "send.lock", timeout_s=60, what="sending"),
    ):
        done = restoring.put_in_place(Path(file), path, now=front.now())
    words = f"{path} is restored"
    if done.kept:
        words += f"; what was there is {done.kept}"
    if done.doubted:
        words += (
            f"; automatic mail that may have left already is not sent: {done.doubted} (espomail outbox list --status unknown)"
        )
    changed(words, {"database": str(path), "kept": str(done.kept) if done.kept else None, "unknown": done.doubted})
