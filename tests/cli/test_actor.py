"""Who acts: as a table of values, and with another Unix user who comes through sudo."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from espomail.cli.actor import Borrowed, Named, Process, Stranger, System, is_borrowed, refuse_borrowed_path, who_acts
from espomail.errors import NotPermitted
from espomail.model import Actor
from espomail.store import db as store
from espomail.store.db import Connection
from tests.conftest import Runner

OWNER = 500
TABLE = {
    "root": (Process(0, "root", None), None, System()),
    "root, naming a user": (Process(0, "root", None), "ann", Named("ann")),
    "root through sudo": (Process(0, "root", "jo"), None, System()),
    "root through sudo, naming a user": (Process(0, "root", "jo"), "ann", Named("ann")),
    "the owner": (Process(OWNER, "mail", None), None, System()),
    "the owner, naming a user": (Process(OWNER, "mail", None), "ann", Named("ann")),
    "the owner through sudo by root": (Process(OWNER, "mail", "root"), None, System()),
    "the owner through sudo by the owner": (Process(OWNER, "mail", "mail"), "ann", Named("ann")),
    "another log-in through sudo": (Process(OWNER, "mail", "jo"), None, Borrowed("jo", None)),
    "another log-in through sudo, naming a user": (Process(OWNER, "mail", "jo"), "ann", Borrowed("jo", "ann")),
    "somebody else": (Process(600, "jo", None), None, Stranger("jo")),
    "somebody else, naming a user": (Process(600, "jo", None), "ann", Stranger("jo")),
    "somebody else through sudo": (Process(600, "jo", "mail"), None, Stranger("jo")),
}


@pytest.mark.parametrize(("process", "as_user", "who"), TABLE.values(), ids=list(TABLE))
def test_who_acts_follows_from_the_process_and_the_owner(process: Process, as_user: str | None, who: object) -> None:
    assert who_acts(process, owner_uid=OWNER, as_user=as_user) == who


def test_only_another_log_in_than_root_and_the_own_borrows_rights() -> None:
    borrowed = {name for name, (process, _, _) in TABLE.items() if is_borrowed(process)}
    assert borrowed == {name for name in TABLE if name.startswith(("another log-in", "somebody else through sudo"))}


@pytest.mark.parametrize(
    ("actor", "path", "is_refused"),
    [
        (Actor(7, "ann", is_admin=False, is_borrowed=True), "/etc/shadow", True),
        (Actor(7, "ann", is_admin=False, is_borrowed=True), "-", False),
        (Actor(7, "ann", is_admin=False, is_borrowed=True), None, False),
        (Actor(7, "ann", is_admin=False, is_borrowed=False), "a.eml", False),
        (Actor(8, "root", is_admin=True, is_borrowed=True), "a.eml", False),
        (Actor(), "a.eml", False),
    ],
)
def test_no_path_but_stdin_and_stdout_is_used_with_borrowed_rights(actor: Actor, path: str | None, is_refused: bool) -> None:
    if is_refused:
        with pytest.raises(NotPermitted):
            refuse_borrowed_path(actor, path)
    else:
        refuse_borrowed_path(actor, path)


def test_an_inactive_or_unknown_user_can_do_nothing(run: Runner) -> None:
    run("user", "add", "ann", "--email", "ann@team.example")
    run("user", "disable", "ann")
    for name in ("ann", "nobody", ""):
        if name:
            refused = run("case", "list", "--as", name, "--json")
            assert (refused.exit_code, refused.error["kind"], refused.stdout) == (77, "not-permitted", "")


LATE = {
    "somebody who was disabled": ("update users set is_active = 0", "follow case:1 --as ann"),
    "an admin who was disabled": ("update users set is_active = 0", "user edit ann --full-name Other --as chief"),
    "who is no admin any more": ("update users set is_admin = 0", "user edit ann --full-name Other --as chief"),
    "who is no admin when it comes to a mailbox": (
        "update users set is_admin = 0",
        "group-account add desk --address desk@team.example --as chief",
    ),
    "who is no admin when it comes to a removal": ("update users set is_admin = 0", "team remove support --yes --as chief"),
    "who is no admin when it comes to a user": ("update users set is_admin = 0", "user remove ann --yes --as chief"),
}


@pytest.mark.parametrize(("change", "line"), LATE.values(), ids=LATE)
def test_rights_that_are_taken_away_before_the_turn_to_write_are_gone(
    run: Runner, db: Connection, monkeypatch: pytest.MonkeyPatch, change: str, line: str
) -> None:
    run("role", "add", "agent", "--set", "case.read=all", "--set", "user=yes")
    run("team", "add", "support")
    run("user", "add", "ann", "--email", "ann@team.example", "--role", "agent")
    run("user", "add", "chief", "--email", "chief@team.example", "--admin", "--role", "agent")
    run("case", "add", "--name", "Lamp")
    begin = store._begin

    def wait_for_the_turn(waiting: Connection) -> None:
        db.execute(change)
        begin(waiting)

    monkeypatch.setattr(store, "_begin", wait_for_the_turn)
    assert run(*line.split()).exit_code == 77
    kept = db.execute(
        "select (select count(*) from followers), (select count(*) from teams), group_concat(full_name, '') from users"
    )
    assert tuple(kept.fetchone()) == (0, 1, "")


def test_what_is_personal_is_not_for_the_system(run: Runner) -> None:
    refused = run("folder", "add", "Later", "--json")
    assert (refused.exit_code, refused.error["hint"]) == (2, "name the user: --as USER")


@dataclass(frozen=True)
class Host:
    """A machine with the owner of a database and others who reach it through sudo; `home` is the owner's."""

    home: Path
    owner: str
    rights: tuple[str, ...]

    def call(self, *words: str, sudo_user: str | None = None, login: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the program as a log-in (default: the owner), with what sudo would tell it."""
        who = pwd.getpwnam(login or self.owner)
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
        if sudo_user:
            environment |= {"SUDO_USER": sudo_user, "SUDO_UID": str(pwd.getpwnam(sudo_user).pw_uid)}
        become = ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups", *self.rights]
        return subprocess.run(
            [*become, sys.executable, "-m", "espomail", *words],
            env=environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            input="",
        )


@cache
def rights_to_run_python() -> tuple[str, ...] | None:
    """What setpriv has to leave to another Unix user so that this Python runs: nothing, or to read in root's folders."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        return None
    for right in ((), ("dac_read_search",), ("dac_override",)):
        given = tuple(f"--{kind}-caps=+{name}" for name in right for kind in ("inh", "ambient"))
        words = [
            "setpriv",
            "--reuid=8",
            "--regid=8",
            "--clear-groups",
            *given,
            sys.executable,
            "-c",
            "import espomail.cli.main",
        ]
        if subprocess.run(words, capture_output=True, check=False, cwd="/").returncode == 0:
            return given
    return None


@pytest.fixture
def host() -> Iterator[Host]:
    """The owner is `mail`; `games` is ann's log-in, `news` is the admin's, `uucp` nobody's."""
    rights = rights_to_run_python()
    if rights is None:
        pytest.skip("needs root and setpriv, to run as several Unix users")
    home = Path(tempfile.mkdtemp(prefix="espomail-host-"))
    os.chown(home, pwd.getpwnam("mail").pw_uid, -1)
    configuration = home / ".config" / "espomail" / "config.yaml"
    configuration.parent.mkdir(parents=True)
    configuration.write_text(f"database: {home}/espomail.db\n")
    machine = Host(home, "mail", rights)
    for line in (
        "init --yes",
        "role add agent --set email.read=own --set email.create=yes --set personal-accounts=yes --set import=yes",
        "user add ann --email ann@team.example --os-login games --role agent",
        "user add chief --email chief@team.example --os-login news --admin",
        "personal-account add box --user ann --address ann@team.example",
    ):
        done = machine.call(*line.split())
        assert done.returncode == 0, done.stderr
    yield machine
    shutil.rmtree(home)


def test_through_sudo_it_is_the_user_of_the_log_in(host: Host) -> None:
    assert json.loads(host.call("user", "list", "--json").stdout)[0]["name"] == "chief"
    own = host.call("user", "list", "--json", sudo_user="games")
    assert [each["name"] for each in json.loads(own.stdout)] == ["ann"]
    assert host.call("role", "list", sudo_user="games").returncode == 77
    assert host.call("role", "list", sudo_user="news").returncode == 0
    assert host.call("role", "list", sudo_user="root").returncode == 0
    unknown = host.call("user", "list", sudo_user="uucp")
    assert (unknown.returncode, unknown.stdout) == (77, "")


def test_through_sudo_only_an_admin_acts_as_another(host: Host) -> None:
    assert host.call("case", "list", "--as", "ann", sudo_user="games").returncode == 0
    assert host.call("case", "list", "--as", "chief", sudo_user="games").returncode == 77
    assert host.call("case", "list", "--as", "ann", sudo_user="news").returncode == 0


def test_who_is_neither_root_nor_owner_nor_through_sudo_is_refused(host: Host) -> None:
    host.home.chmod(0o755)
    refused = host.call("case", "list", "--json", login="games")
    assert (refused.returncode, json.loads(refused.stderr)["error"]["kind"]) == (77, "not-permitted")


def test_what_root_does_leaves_nothing_in_the_owner_s_way(host: Host) -> None:
    """Root may do everything, so its locks, its log and what it restores must stay the owner's."""
    (host.home / ".config" / "espomail" / "config.yaml").write_text(
        f"database: {host.home}/espomail.db\nlog: {{file: {host.home}/log, level: debug}}\n"
    )
    copy = host.home / "copy.db"
    assert host.call("backup", str(copy)).returncode == 0
    for words in (("cron",), ("restore", str(copy), "--yes"), ("cron",), ("doctor",)):
        done = host.call(*words, login="root")
        assert done.returncode == 0, done.stderr
    owners = {each.owner() for each in (*host.home.glob("espomail.db*"), *host.home.glob("*.locks/*"), host.home / "log")}
    assert owners == {host.owner}
    done = host.call("cron")
    assert (done.returncode, done.stderr) == (0, "")


SECRET_WORDS = "the owner's own words"
PATHS = (
    "--db {home}/espomail.db case list",
    "case list --config {home}/espomail.db",
    "export {home}/out.yaml",
    "apply {home}/secret.txt",
    "backup {home}/copy.db",
    "restore {home}/secret.txt --yes",
    "init --yes",
    "user edit ann --signature-file {home}/secret.txt",
    "personal-account edit box --imap-host mail.example --imap-password-file {home}/secret.txt",
    "personal-account edit box --imap-host mail.example --imap-password-command id",
    "personal-account edit box --imap-host mail.example --imap-password-env HOME",
    "personal-account edit box --imap-host mail.example --tls-ca-file {home}/secret.txt --imap-password-stdin",
    "import {home} --account box",
    "explain {home}/secret.txt --account box",
    "email attachments 1 --save {home}",
    "record import contact {home}/secret.txt",
)


@pytest.mark.parametrize("line", PATHS)
def test_through_sudo_nothing_is_read_or_written_with_the_owners_rights(host: Host, line: str) -> None:
    secret = host.home / "secret.txt"
    secret.write_text(SECRET_WORDS)
    before = {each.name: each.stat().st_size for each in host.home.iterdir()}
    refused = host.call(*line.format(home=host.home).split(), sudo_user="games")
    assert refused.returncode == 77, refused.stderr
    assert SECRET_WORDS not in refused.stdout + refused.stderr
    assert {each.name: each.stat().st_size for each in host.home.iterdir()} == before
