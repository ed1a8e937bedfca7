"""The front door: options at any depth, what is imported, how a command line ends."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import termios
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from espomail.cli import failure
from espomail.cli.front import Front
from espomail.cli.help import commands_below
from espomail.cli.main import SECTIONS, cli
from espomail.errors import (
    BadInput,
    Damaged,
    EspomailError,
    LoginRefused,
    NotFound,
    NotPermitted,
    NotSetUp,
    PartlyDone,
    TryAgain,
    Unreachable,
    UsageError,
)
from tests.conftest import Runner

NOUNS = [noun for section in SECTIONS.values() for noun in section]
DOCS = Path(__file__).parents[2] / "docs"


def environment(folder: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ESPOMAIL", "SUDO", "XDG"))}
    return {**kept, "ESPOMAIL_DB": str(folder / "espomail.db"), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}


def espomail(folder: Path, *words: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "espomail", *words], capture_output=True, text=True, env=environment(folder), check=False, **more
    )


def test_the_version_is_told_without_importing_anything_heavy() -> None:
    program = (
        "import sys; from espomail.cli.main import cli\n"
        "try: cli.main(['--version'])\n"
        "except SystemExit as end: assert end.code == 0, end\n"
        "print(*sorted(name.split('.')[0] for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    version, modules = done.stdout.splitlines()
    heavy = {
        "rich",
        "sqlite_utils",
        "imapclient",
        "yaml",
        "sqlite3",
        "pysqlite3",
        "smtplib",
        "cryptography",
        "jinja2",
        "selectolax",
    }
    assert version.startswith("espomail ")
    assert heavy.isdisjoint(modules.split())


def test_the_version_takes_no_more_than_twice_the_cpu_of_python_with_its_command_line_library() -> None:
    def cpu_s(*words: str) -> float:
        before = os.times()
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    ours, floor = (min(cpu_s(*words) for _ in range(5)) for words in (("-m", "espomail", "--version"), ("-c", "import click")))
    assert ours < 2 * floor


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "team", "list"),
        ("team", "--json", "list"),
        ("team", "list", "--json"),
        ("--format", "json", "team", "list"),
        ("team", "list", "--format=json"),
    ],
    ids=" ".join,
)
def test_a_global_option_may_stand_before_or_after_the_command(run: Runner, words: tuple[str, ...]) -> None:
    run("team", "add", "support")
    assert run(*words).json == [{"id": 1, "name": "support", "roles": [], "members": []}]


def test_the_environment_names_the_database_and_the_acting_user(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    run("user", "add", "ann", "--email", "ann@team.example")
    monkeypatch.setenv("ESPOMAIL_AS", "ann")
    refused = run("role", "list", "--json")
    assert (refused.exit_code, refused.error["kind"]) == (77, "not-permitted")
    assert run("role", "list", "--as", "nobody").exit_code == 77


def test_a_database_option_wins_over_the_environment_and_that_over_the_configuration(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"database: {tmp_path}/configured.db\n")
    monkeypatch.setenv("ESPOMAIL_CONFIG", str(file))
    assert Front().db_path == tmp_path / "configured.db"
    monkeypatch.setenv("ESPOMAIL_DB", str(tmp_path / "environment.db"))
    assert Front().db_path == tmp_path / "environment.db"
    assert Front(db=str(tmp_path / "option.db")).db_path == tmp_path / "option.db"


@pytest.mark.parametrize("noun", NOUNS)
def test_every_command_has_help_and_an_example(noun: str) -> None:
    root = click.Context(cli, info_name="espomail")
    found = cli.get_command(root, noun)
    assert found is not None
    for path, context in commands_below(click.Context(found, info_name=noun, parent=root)):
        assert context.command.help, path
        text = CliRunner().invoke(cli, [*path.split()[1:], "-h"], obj=Front()).stdout
        assert text.startswith("Usage: espomail"), path
        assert isinstance(context.command, click.Group) or "espomail " in text.partition("\nExample:\n")[2], path


@pytest.mark.parametrize("noun", NOUNS)
def test_every_boolean_option_has_its_opposite(noun: str) -> None:
    root = click.Context(cli, info_name="espomail")
    found = cli.get_command(root, noun)
    assert found is not None
    for path, context in commands_below(click.Context(found, info_name=noun, parent=root)):
        for each in context.command.params:
            if isinstance(each, click.Option) and each.is_flag:
                assert each.secondary_opts or each.opts[0].startswith("--no-"), f"{path} {each.opts}"


@pytest.mark.parametrize("noun", NOUNS)
def test_no_whole_number_is_taken_that_sqlite_can_not_hold(noun: str) -> None:
    root = click.Context(cli, info_name="espomail")
    found = cli.get_command(root, noun)
    assert found is not None
    for path, context in commands_below(click.Context(found, info_name=noun, parent=root)):
        for each in context.command.params:
            if each.type.name in ("integer", "integer range"):
                with pytest.raises(click.BadParameter):
                    pytest.fail(f"{path} {each.opts} takes {each.type.convert(str(2**63), each, context)}")


@pytest.mark.parametrize(
    "words",
    ["record show account 9{20}", "case add --name x --contact 9{20}", "follow case:9{20} --user ann", "followers case:x"],
)
def test_a_number_that_nothing_can_have_is_no_such_thing(run: Runner, words: str) -> None:
    run("user", "add", "ann", "--email", "ann@team.example")
    refused = run(*words.replace("9{20}", "9" * 20).split())
    assert (refused.exit_code, refused.stderr[:18]) == (66, "espomail: no such ")


@pytest.mark.parametrize(
    "words",
    [
        ("user", "add", "ben", "--email", "ben@team.example", "--full-name", "Ben \udcff"),
        ("record", "show", "account", "\udcff"),
        ("case", "note", "1", "\udcff"),
        ("filter", "add", "bytes", "--global", "--from", "\udcff", "--action", "skip"),
        ("email", "send", "--from", "ann@team.example", "--to", "bob@client.example", "--body", "\udcff"),
        ("--as", "\udcff", "case", "list"),
    ],
    ids=" ".join,
)
def test_a_word_that_is_no_utf_8_is_bad_input_and_shown(run: Runner, words: tuple[str, ...]) -> None:
    run("user", "add", "ann", "--email", "ann@team.example")
    run("case", "add", "--name", "Lamp")
    refused = run(*words, "--json")
    broken = next(each for each in words if "\udcff" in each)
    assert (refused.exit_code, refused.stdout) == (65, "")
    assert refused.error["message"] == "no text in UTF-8: " + broken.replace("\udcff", "\\xff")


def test_text_that_nobody_typed_and_that_can_not_be_written_is_a_bug() -> None:
    with pytest.raises(UnicodeEncodeError) as raised:
        "read from a mail: \udcff".encode()
    assert failure.as_expected(raised.value, ["case", "list"]) is None


@pytest.mark.parametrize(
    "words", [("--json", "--nothing"), ("--format", "json", "--nothing"), ("--json", "--db")], ids=" ".join
)
def test_json_that_is_asked_for_before_a_mistyped_option_holds_for_its_error(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, words, obj=Front())
    assert (done.exit_code, json.loads(done.stderr)["error"]["kind"]) == (2, "usage")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--as '' case list", 2),
        ("case list --as ''", 2),
        ("--config '' case list", 2),
        ("case list --assigned ''", 66),
        ("case list --team ''", 66),
        ("case list --group-account ''", 66),
        ("case list --since ''", 65),
        ("email list --user ''", 66),
        ("email list --user '' --folder sent", 66),
        ("email list --parent ''", 2),
        ("email list --since ''", 65),
        ("email attachments 1 --save ''", 65),
        ("quarantine list --account ''", 66),
        ("reprocess --failed --since '' --yes", 65),
        ("user remove ann --reassign '' --yes", 66),
    ],
)
def test_an_empty_word_is_never_taken_for_an_option_left_out(run: Runner, words: str, code: int) -> None:
    run("user", "add", "ann", "--email", "ann@team.example")
    refused = run(*shlex.split(words))
    assert (refused.exit_code, refused.stdout) == (code, "")
    assert run("user", "show", "ann").exit_code == 0


@pytest.mark.parametrize("words", ["record list", "case status 1", "filter add spam --global --from x", "completion"])
def test_what_is_missing_is_told_on_one_line_with_its_choices(run: Runner, words: str) -> None:
    refused = run(*words.split())
    message, hint = refused.stderr.splitlines()
    assert (refused.exit_code, message[:18], "Choose from: " in message) == (2, "espomail: Missing ", True)
    assert hint.startswith("  see: espomail ")


@pytest.mark.parametrize("command", ["case list", "init"])
@pytest.mark.parametrize("name", ["folder", "pipe", "file/below", "x" * 300])
def test_what_can_be_no_database_is_not_set_up_rather_than_a_matter_of_time(tmp_path: Path, command: str, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    refused = CliRunner().invoke(cli, ["--db", str(tmp_path / name), *command.split()], obj=Front())
    assert (refused.exit_code, refused.stderr.splitlines()[1]) in {
        (78, "  name a file with --db"),
        (78, "  name another one with --db"),
    }


def test_a_path_too_long_for_any_file_is_bad_input(run: Runner) -> None:
    assert run("export", "x" * 300).exit_code == 65
    assert run("import", "x" * 300, "--account", "support").exit_code in (65, 66)
    assert isinstance(failure.as_expected(OSError(errno.ENAMETOOLONG, "File name too long", "x")), BadInput)


@pytest.mark.parametrize("command", ["fetch", "send"])
def test_a_time_that_is_no_number_is_refused(run: Runner, command: str) -> None:
    refused = run(command, "--max-time", "nan")
    assert (refused.exit_code, refused.stderr.splitlines()[0]) == (
        2,
        "espomail: Invalid value for '--max-time': 'nan' is no number.",
    )


def test_of_a_boolean_option_and_its_opposite_the_last_counts(run: Runner) -> None:
    run("team", "add", "support")
    assert run("team", "remove", "support", "--yes", "--no-yes").exit_code == 2
    assert run("team", "remove", "support", "--no-yes", "--yes").exit_code == 0


def test_the_table_of_commands_is_what_the_program_prints(run: Runner) -> None:
    kept = (DOCS / "commands.md").read_text(encoding="utf-8")
    table = run("man", "--table").stdout
    assert kept[kept.index("| command |") :] == table, "run: .venv/bin/python -m tests.cli.test_front_door"


def test_a_mistyped_command_is_answered_with_the_nearest(run: Runner) -> None:
    for words, guess in ((("tema", "list"), "team"), (("team", "lits"), "list")):
        refused = run(*words, "--json")
        assert (refused.exit_code, refused.error["kind"]) == (2, "usage")
        assert guess in refused.error["hint"]


@pytest.mark.parametrize("words", [("team", "add"), ("team", "list", "--nope"), ("nonsense",)], ids=" ".join)
def test_a_usage_error_is_one_json_object_with_json(run: Runner, words: tuple[str, ...]) -> None:
    refused = run(*words, "--json")
    assert refused.exit_code == 2
    assert refused.stdout == ""
    assert set(refused.error) == {"code", "kind", "message", "hint"}
    assert (refused.error["code"], refused.error["kind"]) == (2, "usage")


@pytest.mark.parametrize(
    "words", [("case", "edit", "1", "--name"), ("case", "edit", "1", "--nope"), ("case", "edit")], ids=" ".join
)
def test_a_usage_error_names_the_help_of_its_command(run: Runner, words: tuple[str, ...]) -> None:
    assert run(*words).stderr.endswith("\n  see: espomail case edit -h\n")


def test_with_json_all_that_failed_in_a_round_is_one_object(run: Runner) -> None:
    add = ("group-account", "add", "desk", "--address", "desk@team.example", "--imap-host", "127.0.0.1")
    run(*add, "--imap-port", "1", "--imap-security", "none", "--imap-password-env", "NO_SUCH_VARIABLE")
    for words in (("fetch", "desk"), ("fetch", "desk", "--format", "jsonl")):
        failed = run(*words, "--json")
        assert failed.json["accounts"][0]["ok"] is False
        assert [each.partition(":")[0] for each in failed.error["troubles"]] == ["desk"]
        assert failed.stderr.count("\n") == 1
    assert run("fetch", "desk").stderr.startswith("desk: ")


def test_without_json_an_error_is_a_line_and_a_hint(run: Runner) -> None:
    refused = run("team", "show", "nobody")
    assert (refused.exit_code, refused.stdout) == (66, "")
    assert refused.stderr == "espomail: no such team: nobody\n  see: espomail team list\n"


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (EspomailError("x"), 1, "failed"),
        (UsageError("x"), 2, "usage"),
        (PartlyDone("x"), 3, "partly"),
        (BadInput("x"), 65, "bad-input"),
        (NotFound("case", 7), 66, "not-found"),
        (Unreachable("x"), 69, "unreachable"),
        (LoginRefused("x"), 69, "login-refused"),
        (Damaged("x"), 74, "damaged"),
        (TryAgain("x"), 75, "try-again"),
        (NotPermitted("x"), 77, "not-permitted"),
        (NotSetUp("x"), 78, "not-set-up"),
        (click.UsageError("x"), 2, "usage"),
        (FileNotFoundError(2, "No such file", "x.eml"), 65, "bad-input"),
        (PermissionError(13, "Permission denied", "/x"), 77, "not-permitted"),
        (OSError(28, "No space left on device"), 75, "try-again"),
        (OSError(30, "Read-only file system", "/x"), 75, "try-again"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_each_failure_has_its_exit_code(error: BaseException, code: int, kind: str) -> None:
    told = failure.as_expected(error)
    assert told is not None
    assert (told.code, told.kind) == (code, kind)


def test_a_locked_damaged_or_missing_database_has_its_own_code(tmp_path: Path) -> None:
    missing = espomail(tmp_path, "status", "--json")
    assert (missing.returncode, json.loads(missing.stderr)["error"]["kind"]) == (78, "not-set-up")
    (tmp_path / "espomail.db").write_bytes(b"this is no database, whatever its name says" * 100)
    assert espomail(tmp_path, "status").returncode == 74


def test_a_database_that_can_not_be_opened_is_no_full_disk_alone(tmp_path: Path) -> None:
    espomail(tmp_path, "init")
    (tmp_path / "espomail.db-wal").mkdir()  # what SQLite can't open beside the database, it says of the database
    refused = espomail(tmp_path, "status", "--json")
    told = json.loads(refused.stderr)["error"]
    assert (refused.returncode, told["hint"]) == (75, "check that its folder can be written and the disk has space")


def test_a_bug_is_one_line_and_its_traceback_only_with_verbose(tmp_path: Path) -> None:
    program = (
        "import sys; from espomail.cli import main, status\n"
        "from espomail.cli.frame import command\n"
        "@command('status', help='x')\n"
        "def broken(): raise ZeroDivisionError('no such number')\n"
        "status.status = broken\n"
        "main.main()"
    )

    def broken(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", program, "status", *words], capture_output=True, text=True, check=False)

    assert broken().returncode == 1
    assert broken().stderr.splitlines()[0].endswith("this is a bug in espomail: ZeroDivisionError: no such number")
    assert "Traceback" not in broken().stderr
    assert "Traceback" in broken("-v").stderr
    assert json.loads(broken("--json").stderr)["error"]["code"] == 1


def _interrupted(tmp_path: Path, words: str, *, typed: str) -> tuple[int, str]:
    """The exit code and last words of a command that waits for more of its standard input when Ctrl-C comes."""
    waiting = subprocess.Popen(
        [sys.executable, "-m", "espomail", *words.split()],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path),
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # who runs in the background ignores it
    )
    _begin_input(waiting, typed)
    waiting.send_signal(signal.SIGINT)
    _, said = waiting.communicate(timeout=20)
    return waiting.returncode, said


def _begin_input(process: subprocess.Popen[str], words: str) -> None:
    """Write to the standard input of a process and come back when it has read that: it waits for more then."""
    assert process.stdin is not None
    process.stdin.write(words)
    process.stdin.flush()
    unread = bytearray(b"?")
    while any(unread):
        assert process.poll() is None
        time.sleep(0.01)
        unread = bytearray(4)
        fcntl.ioctl(process.stdin, termios.FIONREAD, unread)


def test_an_interrupted_deliver_ends_with_75(tmp_path: Path) -> None:
    """An MTA is promised that for whatever kept the mail from being stored."""
    assert espomail(tmp_path, "init", "--yes").returncode == 0
    assert espomail(tmp_path, "group-account", "add", "support", "--address", "s@team.example").returncode == 0
    code, said = _interrupted(tmp_path, "deliver support", typed="Subject: to be continued")
    assert (code, "Traceback" in said) == (75, False)


def test_an_interrupt_ends_with_130_and_is_told_as_json_where_asked(tmp_path: Path) -> None:
    assert espomail(tmp_path, "init", "--yes").returncode == 0
    code, said = _interrupted(tmp_path, "apply - --json", typed="state:\n")
    error = {"code": 130, "kind": "interrupted", "message": "interrupted", "hint": None}
    assert (code, json.loads(said)) == (130, {"error": error})


def test_a_reader_that_goes_away_is_no_trouble(tmp_path: Path) -> None:
    assert espomail(tmp_path, "init", "--yes").returncode == 0
    program = f"set -o pipefail; {sys.executable} -m espomail man | head -1"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, env=environment(tmp_path), check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_quiet_keeps_data_and_trouble(run: Runner) -> None:
    assert "support" in (run("team", "add", "support", "--json", "-q").stdout)
    assert run("team", "list", "-q").stdout.startswith("ID  NAME")
    assert "no such team" in run("team", "show", "x", "-q").stderr


def test_an_acting_command_is_silent_without_a_terminal_and_destroys_nothing_unasked(run: Runner) -> None:
    done = run("team", "add", "support")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    refused = run("team", "remove", "support", "--json")
    assert (refused.exit_code, refused.error["hint"]) == (2, "add --yes")
    assert len(run("team", "list", "--json").json) == 1
    assert run("team", "remove", "support", "--yes").exit_code == 0


def test_another_programs_database_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "espomail.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("create table theirs (a)")
    before = path.read_bytes()
    for words, code in ((("status",), 78), (("fetch",), 78), (("doctor",), 78), (("init",), 65), (("init", "--yes"), 78)):
        assert Runner(tmp_path)(*words).exit_code == code, words
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.glob("espomail*")] == ["espomail.db"]


def test_an_empty_file_is_no_database_and_init_makes_one_of_it(tmp_path: Path) -> None:
    path = tmp_path / "espomail.db"
    path.touch()
    run = Runner(tmp_path)
    assert run("status").exit_code == 78
    assert path.stat().st_size == 0
    assert run("init").exit_code == 0
    assert run("status").exit_code == 0


def test_init_makes_files_that_only_the_owner_reads_and_does_not_touch_what_is_there(tmp_path: Path) -> None:
    first = espomail(tmp_path, "init")
    assert first.returncode == 0
    assert "next: espomail user add" in first.stderr
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in ("espomail.db", "espomail.db.key")}
    assert modes == {"espomail.db": 0o600, "espomail.db.key": 0o600}
    content = (tmp_path / "espomail.db.key").read_bytes()
    assert espomail(tmp_path, "init").returncode == 65
    assert espomail(tmp_path, "init", "--yes").returncode == 0
    assert (tmp_path / "espomail.db.key").read_bytes() == content


if __name__ == "__main__":
    printed = subprocess.run([sys.executable, "-m", "espomail", "man", "--table"], capture_output=True, text=True, check=True)
    (DOCS / "commands.md").write_text(
        f"# Commands\n\n`espomail COMMAND -h` tells every option.\n\n{printed.stdout}", encoding="utf-8"
    )
