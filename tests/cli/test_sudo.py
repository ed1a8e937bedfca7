"""A team on one host with the real sudo: two Unix users, the documented sudoers line, and what can't be done through it.

Every option and argument that names a file, folder, variable or command is found in the program's own tree.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from espomail.cli.main import cli

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "sudoers.example"
OWNER, CALLER, GROUP = (f"espomail-{name}-{os.getpid()}" for name in ("towner", "tann", "tteam"))  # suites may run at once
SUDOERS = Path(f"/etc/sudoers.d/espomail-test-{os.getpid()}")
SECRET_WORDS = "the owner's own words"
LETTER = b"From: b@client.example\r\nTo: ann@team.example\r\nSubject: hi\r\nMessage-ID: <1@client.example>\r\n\r\nhello\r\n"
SET_UP = (
    "init --yes",
    "role add agent --set email.read=all --set email.create=yes --set email.edit=all --set case.read=all --set case.edit=all "
    "--set case.create=yes --set contact.read=all --set contact.create=yes --set personal-accounts=yes --set import=yes "
    "--set export=yes --set group-email-account=all",
    f"user add ann --email ann@team.example --os-login {CALLER} --role agent",
    "user add chief --email chief@team.example --admin",
    "personal-account add box --user ann --address ann@team.example --smtp-host mail.example",
    "group-account add desk --address desk@team.example",
    "filter add own --user ann --from x --action skip",
    "case add --name Lamp",
)

# What each command needs besides the path that is tried.
BESIDES = {
    "demo": "",
    "settings outbound": "--address a@team.example --server mail.example:465",
    "apply": "",
    "export": "",
    "group-account add": "x --address x@team.example --imap-host mail.example --smtp-host mail.example",
    "group-account edit": "desk --imap-host mail.example --smtp-host mail.example",
    "group-account secret": "desk",
    "personal-account add": "mine --address ann@team.example --imap-host mail.example --smtp-host mail.example",
    "personal-account edit": "box --imap-host mail.example --smtp-host mail.example",
    "personal-account secret": "box",
    "filter test": "own",
    "oauth login": "box",
    "template add": "t --subject s",
    "template edit": "t",
    "user add": "x --email x@team.example",
    "user edit": "ann",
    "import": "--account box",
    "explain": "--account box",
    "case reply": "1 --from ann@team.example",
    "email attachments": "1",
    "email send": "--from ann@team.example --to b@client.example",
    "record import": "contact",
    "metrics": "",
    "report": "",
    "quarantine export": "1",
    "backup": "",
    "restore": "--yes",
}
OPEN_TO_USERS = (
    "personal-account add", "personal-account edit", "personal-account secret", "filter test", "import", "case reply",
    "email attachments", "email send", "record import", "report", "demo",
)  # fmt: skip
VALUES = {"VARIABLE": "HOME", "COMMAND": "cat {home}/secret.txt", "NAME": "credential"}
PATH_WORDS = {"FILE", "DIR", "PATH", "VARIABLE", "COMMAND", "FILE|NAME=-"}


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command of the tree with the words that call it."""
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child is not None
        yield from leaves(child, (*path, name))


def tried() -> list[tuple[str, str, str]]:
    """Of every command each parameter that names something of the machine: the command, its option or "", a value."""
    found = []
    for path, command in leaves(cli):
        for parameter in command.params:
            kind = (parameter.metavar or parameter.name or "").upper().strip("[]…")
            if kind in PATH_WORDS or parameter.name.endswith("_credential"):
                option = parameter.opts[0] if isinstance(parameter, click.Option) else ""
                found.append((path, option, VALUES.get(kind, "{home}/secret.txt")))
    return found


TRIED = tried()


def test_every_command_that_takes_something_of_the_machine_is_known_here() -> None:
    assert {path for path, _, _ in TRIED} == set(BESIDES)
    assert len(TRIED) >= 55


# ---------------------------------------------------------------- the host


@dataclass(frozen=True)
class Host:
    """The owner's home with the database where the program looks for it by itself, and the program as installed."""

    home: Path
    program: Path

    def owner(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        """Run the program as the owner of the database."""
        return self._run(["runuser", "-u", OWNER, "--", "env", "-i", f"HOME={self.home}", str(self.program), *words], stdin)

    def sudo(
        self,
        *words: str,
        stdin: bytes = b"",
        environment: tuple[str, ...] = (),
        options: tuple[str, ...] = (),
        folder: str = "/",
    ) -> subprocess.CompletedProcess[str]:
        """Run the program as ann does at her shell, in a folder."""
        sudo = ["sudo", "-n", *options, "-u", OWNER, str(self.program), *words]
        return self._run(["runuser", "-u", CALLER, "--", "env", *environment, *sudo], stdin, folder=folder)

    def _run(self, words: list[str], stdin: bytes, *, folder: str = "/") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "LANG": "C.UTF-8"}
        done = subprocess.run(words, env=environment, cwd=folder, input=stdin, capture_output=True, check=False, timeout=120)
        return subprocess.CompletedProcess(words, done.returncode, done.stdout.decode(), done.stderr.decode())

    def files(self) -> dict[str, tuple[int, int]]:
        """Every file of the owner's, with what would change if it were written to; the database's own aside."""
        return {
            str(each): (each.stat().st_size, each.stat().st_mtime_ns)
            for each in self.home.rglob("*")
            if each.is_file() and not each.name.startswith("espomail.db")
        }


def interpreters() -> list[str]:
    """Pythons that may run the program for another Unix user: this one, and the system's of the same version."""
    return [sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"]


def installed(folder: Path) -> Path | None:
    """The program in a folder that everybody may enter, run by the first Python that another user can run it with."""
    program = folder / "espomail"
    paths = ":".join([str(ROOT), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    for python in interpreters():
        variables = f"PYTHONDONTWRITEBYTECODE=1 PYTHONPATH='{paths}'"
        program.write_text(f'#!/bin/sh\n{variables} exec {python} -P -m espomail "$@"\n')
        program.chmod(0o755)
        if (
            subprocess.run(["runuser", "-u", OWNER, "--", program, "--version"], capture_output=True, check=False).returncode
            == 0
        ):
            return program
    return None


def make_users(home: Path) -> None:
    subprocess.run(["groupadd", "--system", GROUP], check=True)
    shell = ["--shell", "/bin/sh", "--no-log-init"]
    subprocess.run(["useradd", "--system", "--home-dir", str(home), *shell, OWNER], check=True)
    subprocess.run(["useradd", "--system", "--home-dir", "/", *shell, "--groups", GROUP, CALLER], check=True)


def remove_users() -> None:
    SUDOERS.unlink(missing_ok=True)
    for command in (["userdel", CALLER], ["userdel", OWNER], ["groupdel", GROUP]):
        subprocess.run(command, check=False, capture_output=True)


def sudoers(program: Path) -> str:
    """The documented file, with this host's names for the program, the owner and the group."""
    text = EXAMPLE.read_text().replace("/usr/local/bin/espomail", str(program))
    text = text.replace("%support", f"%{GROUP}").replace("(espomail)", f"({OWNER})")
    assert all(name in text for name in (str(program), f"%{GROUP} ALL=({OWNER}) NOPASSWD: {program}\n"))
    return text


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """The owner has the database in the data folder, and a file that is nobody else's business; ann comes through sudo."""
    if os.geteuid() != 0 or not all(shutil.which(name) for name in ("sudo", "visudo", "useradd", "runuser")):
        pytest.skip("needs root, sudo and useradd, to run as two Unix users")
    folder = Path(tempfile.mkdtemp(prefix="espomail-sudo-"))
    folder.chmod(0o755)
    home = folder / "home"
    try:
        remove_users()
        make_users(home)
        home.mkdir(0o700)
        os.chown(home, pwd.getpwnam(OWNER).pw_uid, pwd.getpwnam(OWNER).pw_gid)
        program = installed(folder)
        if program is None:
            pytest.skip("no Python here that another Unix user may run")
        SUDOERS.touch(0o440)
        SUDOERS.write_text(sudoers(program))
        subprocess.run(["visudo", "-cqf", str(SUDOERS)], check=True)
        yield filled(Host(home, program))
    finally:
        remove_users()
        shutil.rmtree(folder)


def filled(host: Host) -> Host:
    for line in SET_UP:
        done = host.owner(*line.split())
        assert done.returncode == 0, done.stderr
    assert host.owner("deliver", "box", stdin=LETTER).returncode == 0
    secret = host.home / "secret.txt"
    secret.write_text(SECRET_WORDS)
    secret.chmod(0o600)
    os.chown(secret, pwd.getpwnam(OWNER).pw_uid, -1)
    return host


# ---------------------------------------------------------------- who it is


def test_through_sudo_ann_is_ann_and_nobody_else(host: Host) -> None:
    assert [each["name"] for each in json.loads(host.owner("user", "list", "--json").stdout)] == ["chief", "ann"]
    own = host.sudo("user", "list", "--json")
    assert [each["name"] for each in json.loads(own.stdout)] == ["ann"], own.stderr
    assert json.loads(host.sudo("email", "list", "--json").stdout)[0]["subject"] == "hi"
    assert host.sudo("role", "list").returncode == 77
    assert host.sudo("case", "list", "--as", "ann").returncode == 0
    assert host.sudo("case", "list", "--as", "chief").returncode == 77


def test_the_caller_s_environment_chooses_neither_user_nor_files(host: Host) -> None:
    lies = (
        "ESPOMAIL_AS=chief",
        "SUDO_USER=root",
        "ESPOMAIL_DB=/nonexistent",
        "ESPOMAIL_CONFIG=/nonexistent",
        "HOME=/nonexistent",
    )
    told = host.sudo("user", "list", "--json", environment=(*lies, "XDG_DATA_HOME=/nonexistent", "PYTHONPATH=/nonexistent"))
    assert [each["name"] for each in json.loads(told.stdout)] == ["ann"], told.stderr
    for lie in lies:
        assert (
            host.sudo("user", "list", options=(f"--preserve-env={lie.partition('=')[0]}",), environment=(lie,)).returncode == 1
        )
    assert host.sudo("role", "list", options=("-E",)).returncode != 0


@pytest.mark.parametrize("name", ["ESPOMAIL_DB", "ESPOMAIL_CONFIG", "XDG_CONFIG_HOME", "XDG_DATA_HOME"])
def test_where_sudo_lets_the_environment_through_it_is_refused(host: Host, name: str) -> None:
    """A sudoers file that keeps those variables would let the caller name a command to run in a configuration of theirs."""
    strict = SUDOERS.read_text()
    SUDOERS.write_text(strict + f'\nDefaults!{host.program} env_keep += "{name}"\n')
    try:
        refused = host.sudo("case", "list", environment=(f"{name}=/tmp/mine",))
    finally:
        SUDOERS.write_text(strict)
    assert (refused.returncode, name in refused.stderr) == (77, True), refused.stderr


def test_where_sudo_keeps_the_caller_s_home_and_path_the_example_does_not(host: Host) -> None:
    """Older systems do: a configuration below HOME can name a database, a log and commands, PATH the programs in them."""
    strict = SUDOERS.read_text()
    SUDOERS.write_text('Defaults env_keep += "HOME PATH"\nDefaults !secure_path\n' + strict)
    try:
        told = host.sudo("user", "list", "--json", environment=("HOME=/nonexistent", "PATH=/nonexistent:/usr/bin"))
    finally:
        SUDOERS.write_text(strict)
    assert [each["name"] for each in json.loads(told.stdout)] == ["ann"], told.stderr


def test_no_code_of_the_caller_s_runs_with_the_owner_s_rights(host: Host) -> None:
    """Python likes to look for modules where it was started; mail is processed in a child that is started so."""
    folder = Path(tempfile.mkdtemp(prefix="espomail-trap-", dir=host.home.parent))
    (folder / "espomail" / "rounds").mkdir(parents=True)
    trap = f"open({str(host.home / 'trapped')!r}, 'w')\n"
    for module in ("json", "sqlite3", "espomail/__init__", "espomail/rounds/__init__", "espomail/rounds/worker"):
        (folder / f"{module}.py").write_text(trap)
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
    letter = LETTER.replace(b"<1@", b"<2@")
    done = host.sudo("import", "-", "--account", "box", "--json", stdin=letter, folder=str(folder))
    assert not (host.home / "trapped").exists()
    assert (done.returncode, json.loads(done.stdout)["imported"]) == (0, 1), done.stderr


def test_without_sudo_the_database_is_out_of_reach(host: Host) -> None:
    database = host.home / ".local" / "share" / "espomail" / "espomail.db"
    alone = ["runuser", "-u", CALLER, "--", str(host.program), "--db", str(database), "case", "list"]
    assert subprocess.run(alone, capture_output=True, check=False, cwd="/").returncode in (77, 78)
    kept = sorted(each.name for each in database.parent.iterdir() if each.is_file())
    assert {name: (database.parent / name).stat().st_mode & 0o777 for name in kept} == dict.fromkeys(kept, 0o600)


# ---------------------------------------------------------------- the owner's rights


def words_of(host: Host, path: str, option: str, value: str) -> list[str]:
    given = value.format(home=host.home)
    return [*path.split(), *BESIDES[path].split(), *([option] if option else []), given]


def assert_refused(host: Host, path: str, option: str, value: str) -> None:
    before = host.files()
    refused = host.sudo(*words_of(host, path, option, value))
    assert refused.returncode == 77, (path, option, refused.stdout, refused.stderr)
    assert re.search(r"sudo|admin", refused.stderr), refused.stderr
    assert SECRET_WORDS not in refused.stdout + refused.stderr
    assert host.files() == before, (path, option)


def test_through_sudo_no_command_reads_or_writes_with_the_owner_s_rights(host: Host) -> None:
    for path in OPEN_TO_USERS:
        option, value = next((option, value) for command, option, value in TRIED if command == path)
        assert_refused(host, path, option, value)
    for words in ("--db {home}/x.db case list", "case list --config {home}/secret.txt", "init --yes"):
        assert host.sudo(*words.format(home=host.home).split()).returncode == 77


@pytest.mark.long
@pytest.mark.parametrize(("path", "option", "value"), TRIED, ids=[f"{path} {option}" for path, option, _ in TRIED])
def test_through_sudo_no_option_names_anything_of_the_machine(host: Host, path: str, option: str, value: str) -> None:
    assert_refused(host, path, option, value)


def test_through_sudo_stdin_and_stdout_are_for_everybody(host: Host) -> None:
    assert "hello" in host.sudo("email", "raw", "1").stdout
    tried_on_own = host.sudo("filter", "test", "own", "-", "--json", stdin=LETTER)
    assert (tried_on_own.returncode, json.loads(tried_on_own.stdout)["hit"]) == (0, False), tried_on_own.stderr
    words = "email send --from ann@team.example --to b@client.example --subject s --body-file - --draft --json"
    sent = host.sudo(*words.split(), stdin=b"typed words")
    assert sent.returncode == 0, sent.stderr
    attached = host.sudo(
        "email", "send", *"--from ann@team.example --to b@c.example --attach a.txt=- --draft".split(), stdin=b"x"
    )
    assert attached.returncode == 0, attached.stderr
