"""`espomail demo`: shows the main job end to end by running the program's own commands, each printed as it is typed."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from espomail.cli.actor import refuse_init
from espomail.cli.demo import mails, server
from espomail.cli.frame import command, say
from espomail.cli.output import counted
from espomail.errors import BadInput, EspomailError

SETUP = """
role add agent --set email.create=yes --set email.read=team --set case.read=team --set case.edit=team --set account.read=all
    --set contact.read=all
user add ann --email ann@lighthouse.example --full-name "Ann Archer" --role agent
user add bob --email bob@lighthouse.example --full-name "Bob Birk" --role agent
user add cho --email cho@lighthouse.example --full-name "Cho Chen" --role agent
team add support
team add-member support ann --position agent
team add-member support bob --position agent
team add-member support cho --position agent
team add sales
team add-member sales cho
record add account --name Acme
record add contact --name "Ann Lee" --email ann.lee@acme.example --account Acme
record add lead --name "Kim Roe" --email kim@roe.example
"""
ACCOUNTS = """
group-account add support --address support@lighthouse.example --imap-host 127.0.0.1 --imap-port {port} --imap-security none
    --imap-login demo --imap-password-env DEMO_PASSWORD --folder Support --team support --create-case
    --distribution round-robin --target-team support --target-position agent --fetch-since 2000-01-01
group-account add sales --address sales@lighthouse.example --imap-host 127.0.0.1 --imap-port {port} --imap-security none
    --imap-login demo --imap-password-env DEMO_PASSWORD --folder Sales --team sales --for-all-team-users --fetch-since 2000-01-01
personal-account add bob --user bob --address bob@lighthouse.example --imap-host 127.0.0.1 --imap-port {port}
    --imap-security none --imap-login demo --imap-password-env DEMO_PASSWORD --folder Bob --fetch-since 2000-01-01
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo plays: its folder, the environment of its commands."""

    folder: Path
    environment: dict[str, str]

    def run(self, *words: str) -> str:
        """Run a command of the program without showing it; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "espomail", *words], env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise EspomailError(f"espomail {shlex.join(words)} failed: {done.stderr.strip()}", "please report this")
        return done.stdout

    def show(self, line: str) -> None:
        """Print a command as one types it, then what it prints."""
        say(f"\n$ espomail {line}")
        click.echo(self.run(*shlex.split(line)), nl=False)

    def ask(self, line: str) -> Any:
        return json.loads(self.run(*shlex.split(line), "--json"))


@command(
    "demo",
    help="Show the main job end to end on a throw-away database: a real IMAP server on loopback, three mailboxes, "
    "three agents, a morning of mail. Needs no setting and leaves nothing behind.",
    epilog="""Example: espomail demo
    espomail demo --keep /tmp/lighthouse""",
)
@click.option("--keep", metavar="DIR", help="keep the database and show how to look around in it")
def demo(keep: str | None) -> None:
    refuse_init(Path(keep or "a database"))
    folder = _folder(keep)
    started = time.monotonic()
    try:
        with server.running(secrets.token_hex(8)) as imap:
            _play(_stage(folder, imap.password), imap)
        say(f"\nAll of this took {time.monotonic() - started:.1f} seconds.")
        if keep:
            say(f"Kept: look around with  export ESPOMAIL_DB={shlex.quote(str(folder / 'espomail.db'))}; espomail case list")
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _folder(keep: str | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="espomail-demo-"))
    folder = Path(keep)
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(f"{folder} is not empty", "name a new folder with --keep")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _stage(folder: Path, password: str) -> Stage:
    ours = {key: value for key, value in os.environ.items() if not key.startswith("ESPOMAIL_")}
    own = {
        "ESPOMAIL_DB": str(folder / "espomail.db"),
        "ESPOMAIL_CONFIG": os.devnull,
        "DEMO_PASSWORD": password,
        "NO_COLOR": "1",
    }
    return Stage(folder, ours | own)


def _play(stage: Stage, imap: server.DemoServer) -> None:
    now = datetime.now(UTC)
    say("A lamp shop: two shared mailboxes, one of Bob's own, three agents. Setting it up …")
    stage.run("init", "--yes")
    for line in _lines(SETUP) + _lines(ACCOUNTS.format(port=imap.port)):
        stage.run(*shlex.split(line))
    stage.show("group-account list")
    stage.show("case list")
    say(f"\n{len(mails.FIRST)} mails come in: questions, answers, one mail to two mailboxes, a newsletter, a bounce …")
    _deliver(imap, mails.FIRST, now)
    _fetch(stage)
    stage.show("case list --limit 100")
    say("\nAnswers come in, and one new question.")
    _deliver(imap, mails.SECOND, now)
    _fetch(stage)
    number = next(c["number"] for c in stage.ask("case list --limit 100") if c["name"].startswith("The kettle"))
    say("\nOne case with its stream: the question, who got it, the answers.")
    stage.show(f"case show {number}")
    stranger = next(e for e in stage.ask("email list --limit 100") if e["subject"].startswith("[#1]"))
    say("\nWhy is the stranger's mail with [#1] in its subject not in case 1?")
    stage.show(f"email explain {stranger['id']}")
    say("\nAnd who is next?")
    stage.show("case distribution preview support --next 4")
    stage.show("status")


def _fetch(stage: Stage) -> None:
    report = stage.ask("fetch")
    say(
        f"\n$ espomail fetch\n{report['imported']} imported, {report['duplicates']} known already, "
        f"{counted(report['cases_created'], 'case')} opened, in {report['seconds']:.1f} s"
    )


def _deliver(imap: server.DemoServer, letters: Iterable[mails.Letter], now: datetime) -> None:
    known = {letter.id: letter for letter in mails.FIRST + mails.SECOND}
    imap.put_all(
        [
            (folder, mails.as_bytes(letter, now=now, previous=known), now - timedelta(minutes=letter.minutes_ago))
            for letter in letters
            for folder in letter.folders
        ]
    )


def _lines(script: str) -> list[str]:
    """The commands of a script, one a line; an indented line goes on with the one before."""
    return script.strip().replace("\n    ", " ").splitlines()
