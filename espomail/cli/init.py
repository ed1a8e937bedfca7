"""`espomail init`: the database and its key file."""

from __future__ import annotations

import click

from espomail.cli.actor import refuse_init
from espomail.cli.frame import asked, command, emit, say
from espomail.errors import BadInput


@command(
    "init",
    help="Create the database and the key file that stored passwords are encrypted with (both readable by you alone).",
    epilog="""Example: espomail init
    espomail init --db /var/lib/espomail/espomail.db""",
)
@click.option("--yes", is_flag=True, help="it is fine when there is a database already: leave it as it is")
def init(yes: bool) -> None:
    front = asked()
    path, key_path = front.db_path, front.key_path
    refuse_init(path)
    from espomail.cli.opening import look_at
    from espomail.store import db as store
    from espomail.wire import secrets

    look_at(path)
    is_new = not store.is_made(path)
    if not is_new and not yes:
        raise BadInput(f"there is already a database at {path}", "use it as it is, or name another place with --db")
    made = store.create_db(path, now=front.now()) if is_new else store.open_db(path, now=front.now())
    made.close()
    if not key_path.exists():
        secrets.new_key_file(key_path)
    if front.format:
        emit({"database": str(path), "key_file": str(key_path), "created": is_new})
    say(f"{'created' if is_new else 'kept'} {path}")
    say("next: espomail user add NAME --email ADDRESS, then espomail help first-mailbox; or see it work: espomail demo")
