"""What is printed: escaped for a terminal, the same data in every format, and nothing of it a formula."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.cli.output import aligned, csv_text, json_text, safe, sheet, words_of
from espomail.store import notifications
from espomail.store.db import Connection, transaction
from tests.conftest import Runner

HOSTILE = {
    "escape sequence": ("\x1b[2J", "\\x1b[2J"),
    "bell": ("\x07", "\\x07"),
    "C1 CSI": ("\x9b31m", "\\x9b31m"),
    "DEL": ("\x7f", "\\x7f"),
    "NUL": ("\x00", "\\x00"),
    "line end": ("a\nb\r", "a\\nb\\r"),
    "tab": ("a\tb", "a\\tb"),
    "right-to-left override": ("\u202efdp.exe", "\\u202efdp.exe"),
    "isolate": ("\u2066x\u2069", "\\u2066x\\u2069"),
    "zero-width space": ("a\u200bb", "a\\u200bb"),
    "zero-width joiner": ("a\u200db", "a\\u200db"),
    "byte order mark": ("\ufeffa", "\\ufeffa"),
    "line separator": ("a\u2028b", "a\\u2028b"),
    "lone surrogate": ("\ud800", "\\ud800"),
    "grapheme joiner": ("a\u034fb", "a\\u034fb"),
    "control of music": ("a\U0001d173b", "a\\U0001d173b"),
    "tag character": ("\U000e0041", "\\U000e0041"),
    "ordinary text": ("Grüße, 山田 €", "Grüße, 山田 €"),
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.values(), ids=list(HOSTILE))
def test_what_a_terminal_would_obey_is_written_as_an_escape(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text())
def test_no_text_reaches_a_terminal_with_a_control_or_invisible_character(text: str) -> None:
    shown = safe(text) + json_text({text: [text]}, pretty=False) + aligned([{"a": text}], columns=("a",)).replace("\n", "")
    bad = [each for each in shown if ord(each) < 32 or 0x7F <= ord(each) < 0xA0 or each in "\u200b\u202e\u2066\ufeff\u2028"]
    assert bad == []


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())))
def test_json_gives_back_what_went_in(row: dict[str, object]) -> None:
    assert json.loads(json_text(row, pretty=False)) == row


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"], ids=repr)
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(start: str) -> None:
    text = csv_text([{"name": f"{start}cmd|' /C calc'!A0", "count": -5}])
    cells = next(csv.DictReader(io.StringIO(text)))
    assert cells["name"].startswith("'" + ("\\r" if start == "\r" else start))
    assert cells["count"] == "-5"


def test_csv_has_every_field_whatever_the_columns(run: Runner) -> None:
    run("user", "add", "ann", "--email", "ann@team.example", "--email", "a@team.example", "--full-name", "=1+1")
    row = next(csv.DictReader(io.StringIO(run("user", "list", "--format", "csv").stdout)))
    shown = run("user", "list", "--json").json[0]
    assert set(row) == set(shown)
    assert (row["emails"], row["full_name"], row["is_admin"]) == ("ann@team.example, a@team.example", "'=1+1", "no")


LISTS = (
    "user list", "team list", "team members empty", "role list", "record list account", "group-account list",
    "personal-account list", "filter list", "folder list", "group-folder list", "template list", "case list", "email list",
    "email search lamp", "notification list", "outbox list", "quarantine list",
)  # fmt: skip
LETTER = b"From: bob@client.example\nTo: ann@team.example\nSubject: lamp\n"
IMAGE = b"Content-Type: image/png; name=lamp.png\n"


def fill(run: Runner, db: Connection) -> None:
    """A row for each of LISTS, where there was none."""
    run("user", "add", "ann", "--email", "ann@team.example", "--team", "empty")
    run("role", "add", "agent", "--set", "email.read=all")
    run("record", "add", "account", "--name", "Acme")
    run("group-account", "add", "support", "--address", "support@team.example", "--smtp-host", "mail.example")
    run("personal-account", "add", "mine", "--user", "ann", "--address", "ann@team.example")
    run("filter", "add", "spam", "--global", "--from", "spam@x.example", "--action", "skip")
    run("folder", "add", "Later", "--user", "ann")
    run("group-folder", "add", "Invoices", "--team", "empty")
    run("template", "add", "received", "--subject", "Thanks", "--body", "We have it")
    run("case", "add", "--name", "Lamp")
    run("email", "send", "--from", "support@team.example", "--to", "bob@client.example", "--subject", "A", "--body", "b")
    run("deliver", "support", input=LETTER + b"\n\n")
    with transaction(db):
        db.execute("update receipts set state = 'parked'")
        notifications.add(db, 1, "post", "post:1", at=run.now, text="words")


def test_the_header_of_a_csv_is_the_same_with_and_without_rows(run: Runner, db: Connection) -> None:
    run("team", "add", "empty")
    without = {words: run(*words.split(), "--format", "csv").stdout.splitlines()[0] for words in LISTS}
    fill(run, db)
    assert without == {words: ",".join(run(*words.split(), "--json").json[0]) for words in LISTS}


def test_the_header_of_attachments_and_drafts_is_the_same_with_and_without_rows(run: Runner, tmp_path: Path) -> None:
    run("user", "add", "ann", "--email", "ann@team.example", "--admin")
    run("personal-account", "add", "mine", "--user", "ann", "--address", "ann@team.example", "--smtp-host", "mail.example")
    for head in (b"", IMAGE):
        run("deliver", "mine", input=LETTER + head + b"\n...\n")
    lists = ("email attachments {}", "email attachments {} --save files", "email drafts --as ann")
    without = [run(*words.format(1).replace("files", str(tmp_path)).split(), "--format", "csv").stdout for words in lists]
    run("email", "send", "--as", "ann", "--from", "ann@team.example", "--to", "bob@client.example", "--body", "b", "--draft")
    rows = [run(*words.format(2).replace("files", str(tmp_path)).split(), "--json").json[0] for words in lists]
    assert without == [",".join(row) + "\n" for row in rows]


MANY = range(1, 52)
MANY_OF_EACH = {
    "roles": [{"name": f"r{n}"} for n in MANY],
    "teams": [{"name": f"t{n}"} for n in MANY],
    "users": [{"name": f"u{n}", "emails": [f"u{n}@team.example"]} for n in MANY],
    "group_folders": [{"name": f"g{n}", "teams": ["t1"]} for n in MANY],
    "folders": [{"user": "u1", "name": f"f{n}"} for n in MANY],
    "templates": [{"name": f"w{n}", "subject": "Thanks"} for n in MANY],
    "group_accounts": [{"name": f"a{n}", "address": f"a{n}@team.example"} for n in MANY],
    "personal_accounts": [{"name": f"p{n}", "user": "u1", "address": "u1@team.example"} for n in MANY],
    "filters": [{"name": f"x{n}", "kind": "global", "criteria": {"from": "x"}, "action": "skip"} for n in MANY],
}


def test_a_list_of_what_is_set_up_shows_the_newest_fifty_unless_a_limit_says_otherwise(run: Runner) -> None:
    assert run("apply", "-", input=json.dumps(MANY_OF_EACH)).exit_code == 0
    for kind in MANY_OF_EACH:
        noun = kind.replace("_", "-").removesuffix("s")
        everything = [row["id"] for row in run(noun, "list", "--limit", "1000", "--json").json]
        assert (noun, everything) == (noun, sorted(everything, reverse=True)) and len(everything) == len(MANY)
        assert [row["id"] for row in run(noun, "list", "--json").json] == everything[:50]
        assert [row["id"] for row in run(noun, "list", "--limit", "2", "--json").json] == everything[:2]


def test_quarantine_lists_its_newest_mails_up_to_a_limit(run: Runner, db: Connection) -> None:
    run("group-account", "add", "support", "--address", "support@team.example")
    for n in range(3):
        run("deliver", "support", input=LETTER + b"\n%d\n" % n)
    with transaction(db):
        db.execute("update receipts set state = 'parked'")
    assert [row["id"] for row in run("quarantine", "list", "--limit", "2", "--json").json] == [3, 2]


REMOVALS = {
    "filter remove spam": {"change": "remove", "kind": "filter", "name": "spam"},
    "folder remove ann/Later": {"change": "remove", "kind": "folder", "name": "ann/Later"},
    "personal-account remove mine": {"change": "remove", "kind": "personal-account", "name": "mine"},
    "user remove ann": {"change": "remove", "kind": "user", "name": "ann"},
    "group-folder remove Invoices": {"change": "remove", "kind": "group-folder", "name": "Invoices"},
    "role remove agent": {"change": "remove", "kind": "role", "name": "agent"},
    "record remove account Acme": {"change": "remove", "kind": "account", "name": "Acme", "id": 1},
    "quarantine discard 1": {"discarded": [1]},
    "email delete 2 2": {"deleted": [2]},
}


def test_a_removal_prints_what_is_gone_as_json_where_asked(run: Runner, db: Connection) -> None:
    run("team", "add", "empty")
    fill(run, db)
    assert {words: run(*words.split(), "--yes", "--json").json for words in REMOVALS} == REMOVALS
    assert run("team", "remove", "empty", "--yes").stdout == ""


def test_a_state_exported_to_a_file_is_written_also_where_json_is_asked_for(run: Runner, tmp_path: Path) -> None:
    run("team", "add", "support")
    document = run("export", str(tmp_path / "state.yaml"), "--json").json
    assert document["state"]["teams"] == [{"name": "support", "roles": []}]
    assert run("apply", str(tmp_path / "state.yaml"), "--json").json["plan"] == []


def test_csv_is_for_those_who_may_export(run: Runner) -> None:
    run("role", "add", "reader", "--set", "case.read=all")
    run("role", "add", "exporter", "--set", "export=yes")
    run("user", "add", "ann", "--email", "ann@team.example", "--role", "reader")
    run("user", "add", "ben", "--email", "ben@team.example", "--role", "reader", "--role", "exporter")
    assert run("case", "list", "--format", "csv", "--as", "ann").exit_code == 77
    assert run("case", "list", "--format", "csv", "--as", "ben").exit_code == 0


def test_what_was_never_given_is_null_in_json(run: Runner) -> None:
    user = run("user", "add", "ann", "--email", "ann@team.example", "--json").json
    assert [user[each] for each in ("full_name", "signature", "os_login", "absent_from", "absent_until")] == [None] * 5
    case = run("case", "add", "--name", "Lamp", "--json").json
    assert [case[each] for each in ("description", "type", "assigned_user", "closed_at")] == [None] * 4
    words = "group-account add support --address support@team.example --smtp-host mail.example --json"
    smtp = run(*words.split()).json["smtp"]
    assert [smtp[each] for each in ("login", "password", "from_name")] == [None] * 3


def test_json_lines_are_one_object_each(run: Runner) -> None:
    for name in ("support", "sales"):
        run("team", "add", name)
    lines = run("team", "list", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["sales", "support"]


def test_a_thing_in_words_is_what_a_person_would_write() -> None:
    values = (None, True, False, 7, ["a", "b"], {"name": "Ann", "address": "ann@x"}, {"name": "", "address": "ann@x"})
    assert [words_of(value) for value in values] == ["", "yes", "no", "7", "a, b", "Ann <ann@x>", "ann@x"]
    assert words_of({"type": "account", "id": 3, "name": "Acme"}) == "account:3 Acme"
    assert words_of([{"team": "support", "position": "agent"}, {"team": "sales", "position": None}]) == "support:agent, sales"


def test_a_sheet_shows_long_text_as_a_block_and_lists_of_things_as_a_table() -> None:
    stream = [{"id": 1, "type": "create", "at": "now", "user": "ann"}]
    assert sheet({"name": "A case", "text": "one\ntwo\x1b", "stream": stream}) == (
        "name    A case\ntext\n  one\n  two\\x1b\nstream\n  ID  TYPE    AT   USER\n  1   create  now  ann\n"
    )


def test_what_has_many_parts_can_be_read_in_a_sheet_and_in_a_cell() -> None:
    server = {"host": "imap.example", "port": 993, "password": {"env": "PASSWORD"}, "folders": ["INBOX", "Sent"]}
    assert words_of(server) == "host=imap.example, port=993, password=(env=PASSWORD), folders=(INBOX, Sent)"
    assert sheet({"imap": server}) == f"imap  {words_of(server)}\n"
    long = {"message": "logged in; " + "reads INBOX, " * 8, "folders": ["INBOX", "Sent"]}
    assert sheet({"imap": long}) == f"imap\n  message  {words_of(long['message']).strip()}\n  folders  INBOX, Sent\n"


def test_a_table_within_a_sheet_is_no_wider_than_the_terminal(run: Runner, tmp_path: Path) -> None:
    run("init", "--yes")
    run("case", "add", "--name", "The kettle " * 20)
    printed = run_on_a_terminal(tmp_path, "stream", "show", "case:1", COLUMNS="60", NO_COLOR="1")
    assert max(len(line.rstrip()) for line in printed.splitlines()) <= 60
    assert "kettle" in printed


def test_a_time_in_a_table_is_in_one_piece_where_the_terminal_has_the_room(run: Runner, tmp_path: Path) -> None:
    run("init", "--yes")
    run("case", "add", "--name", "The kettle " * 20)
    opened = run("case", "show", "1", "--json").json["created_at"]
    assert opened in run_on_a_terminal(tmp_path, "case", "list", COLUMNS="80", NO_COLOR="1")
    assert opened not in run_on_a_terminal(tmp_path, "case", "list", COLUMNS="40", NO_COLOR="1")


def run_on_a_terminal(folder: Path, *words: str, typed: bytes = b"", **environment: str) -> str:
    """What the program prints where stdout is a terminal, what was `typed` there included."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ESPOMAIL", "SUDO", "XDG", "NO_COLOR"))}
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "espomail", *words],
        stdout=theirs,
        stderr=theirs,
        stdin=theirs,
        env={
            **kept,
            "ESPOMAIL_DB": str(folder / "espomail.db"),
            "XDG_CONFIG_HOME": str(folder),
            "TERM": "xterm",
            **environment,
        },
    )
    os.close(theirs)
    os.write(ours, typed)
    printed = b""
    try:
        while chunk := os.read(ours, 4096):
            printed += chunk
    except OSError:  # Linux says EIO when the last writer is gone
        pass
    os.close(ours)
    assert done.wait(20) == 0, printed
    return printed.decode()


def test_on_a_terminal_an_acting_command_says_one_line_and_tables_have_colour_unless_unwanted(run: Runner) -> None:
    assert run_on_a_terminal(run.folder, "team", "add", "support") == "team support added\r\n"
    assert "\x1b[" in run_on_a_terminal(run.folder, "team", "list")
    assert "\x1b[" not in run_on_a_terminal(run.folder, "team", "list", NO_COLOR="1")
    assert "\x1b[" not in run_on_a_terminal(run.folder, "team", "list", "--color", "never")
    assert "\x1b[" in run_on_a_terminal(run.folder, "team", "list", "--color", "always", NO_COLOR="1")
    assert run_on_a_terminal(run.folder, "team", "add", "sales", "--quiet") == ""


def test_a_terminal_of_one_column_gets_the_whole_table(run: Runner) -> None:
    run("team", "add", "support")
    shown = run_on_a_terminal(run.folder, "team", "list", "--color", "never", COLUMNS="1")
    assert {"id", "name", "roles", "1", "suppo", "rt"} <= set(shown.split())


def test_a_hostile_name_is_printed_harmless_on_a_terminal(run: Runner) -> None:
    run("record", "add", "account", "--name", "Acme \x1b]0;owned\x07 [bold]x[/bold]")
    shown = run_on_a_terminal(run.folder, "record", "list", "account", "--color", "never")
    assert "\\x1b]0;owned\\x07" in shown.replace("\r\n", "")
    assert "\x1b]" not in shown
    assert "[bold]" in shown


def test_a_line_end_in_a_name_begins_no_line_of_its_own(run: Runner, tmp_path: Path) -> None:
    name = "nobody\nespomail: all is well"
    run("group-account", "add", "support", "--address", "support@team.example")
    records = tmp_path / "contacts.csv"
    records.write_text(f'name,account\nBob,"{name}"\n')
    for words in (
        ("user", "show", name),
        ("import", str(tmp_path / name), "--account", "support"),
        ("record", "import", "contact", str(records)),
    ):
        told = run(*words)
        assert "nobody\\nespomail: all is well" in told.stderr, words
        assert "espomail: all is well" not in told.stderr.splitlines(), words


def test_a_question_shows_a_hostile_name_harmless(run: Runner) -> None:
    run("record", "add", "account", "--name", "Acme \x1b]0;owned\x07")
    shown = run_on_a_terminal(run.folder, "record", "remove", "account", "1", typed=b"y\n")
    assert "remove the account Acme \\x1b]0;owned\\x07 with its stream?" in shown
    assert "\x1b" not in shown
    assert run("record", "list", "account", "--json").json == []


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_what_goes_into_a_file_is_utf_8_in_every_locale_and_can_be_applied(run: Runner, encoding: str) -> None:
    run("user", "add", "山田", "--email", "yamada@team.example", "--full-name", "Jörg €")
    done = subprocess.run(
        [sys.executable, "-m", "espomail", "--db", str(run.db_path), "export"],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert "full_name: Jörg €" in done.stdout.decode("utf-8")
    assert run("apply", "-", "--json", input=done.stdout).json == {"plan": [], "applied": True}


def test_a_terminal_gets_escapes_for_what_it_has_no_characters_for(run: Runner) -> None:
    run("team", "add", "Größe山")
    assert run_on_a_terminal(run.folder, "team", "show", "Größe山", PYTHONIOENCODING="ascii").split()[2:4] == [
        "name",
        "Gr\\xf6\\xdfe\\u5c71",
    ]
