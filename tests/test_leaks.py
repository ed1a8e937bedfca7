"""Fifty mails that some people may not see, each full of a token of its own: no command shows them one, whatever they ask.

The commands are those of the program's own tree, with arguments that point at hidden things; so a new command is probed
as soon as it exists.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import click
import pytest

from espomail.cli.main import cli
from espomail.model import Thing
from espomail.store import followers, records
from espomail.store.db import transaction
from espomail.store.records import RecordFields
from tests.office import NOW, Office, built_once, letter

HIDDEN = 50
SCOPES = ("email", "case", "account", "contact", "lead", "opportunity")
# They need a terminal or a server, put files in place, or run for long; none of them reads for a user.
NOT_PROBED = {"demo", "init", "restore", "backup", "watch", "completion", "man", "help"}
CUSTOMER = {"email.read": "own", "contact.read": "all", "contact.stream": "all"}
FORMATS = ("json", "jsonl", "csv", "table")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """theirs-box brings fifty mails of a customer whom u and v follow, and opens a case for half of them.

    u and v see the customer, and neither the mails nor the cases.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        for name in ("ESPOMAIL_AS", "ESPOMAIL_DB", "ESPOMAIL_CONFIG", "SUDO_USER"):
            patch.delenv(name, raising=False)
        office = built_once(tmp_path_factory).copy(tmp_path_factory.mktemp("leaks"))
        office.set_role("r3", CUSTOMER)
        _follow_customer(office)
        tokens = [f"hidden{number:03}token" for number in range(HIDDEN)]
        _take_in(office, tmp_path_factory.mktemp("plain"), tokens[: HIDDEN // 2])
        office.do("", "group-account", "edit", "theirs-box", "--create-case", "--target-team", "theirs")
        _take_in(office, tmp_path_factory.mktemp("with-cases"), tokens[HIDDEN // 2 :])
        yield office


def _take_in(office: Office, folder: Path, tokens: list[str]) -> None:
    now = format_datetime(datetime.now(UTC))
    for token in tokens:
        (folder / f"{token}.eml").write_bytes(letter(token, Date=now))
    files = office.do("", "import", str(folder), "--account", "theirs-box")["files"]
    office.tokens |= {each["email"]: token for each, token in zip(files, tokens, strict=True)}


def _follow_customer(office: Office) -> None:
    db = office.open()
    with transaction(db):
        teams = dict(db.execute("select name, id from teams").fetchall())
        new = RecordFields(name="Client", emails=("cust@client.example",), team_ids=(teams["ours"],))
        record_id = records.add(db, "contact", new, created_by_id=None, now=NOW)
        for name in ("u", "v", "idle"):
            user_id = db.execute("select id from users where name = ?", (name,)).fetchone()[0]
            followers.add(db, Thing("contact", record_id), user_id)
    db.close()


def hidden_of(office: Office) -> dict[int, str]:
    return {email: token for email, token in office.tokens.items() if token.startswith("hidden")}


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command of the tree with the words that call it."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        if name not in NOT_PROBED and (child := command.get_command(context, name)) is not None:
            yield from leaves(child, (*path, name))


def arguments(command: click.Command, email: int, token: str) -> list[list[str]]:
    """Lines of arguments that point at hidden things, for each kind of thing that the command may mean."""
    choices = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            choices.append([*values_for(parameter, email, token), *([] if parameter.required else [""])])
    return [[word for word in line if word] for line in itertools.product(*choices)][:12]


def values_for(parameter: click.Argument, email: int, token: str) -> list[str]:
    match (parameter.metavar or parameter.name or "").upper().strip("[]…."):
        case "ID" | "ID_" | "EMAIL" | "IDS" | "NUMBER" | "DRAFT":
            return [str(email), "1"]
        case "THING":
            return [f"email:{email}", "case:7", "contact:25", "account:anything"]
        case "TYPE" | "TYPE_":
            return ["contact", "account"]
        case "USER":
            return ["w", "u"]
        case "QUERY":
            return [token, f"subject:{token}", f"from:{token}", "everyone", f"{token[:8]}*", "has:attachment"]
        case "ACCOUNT" | "NAME" | "FOLDER":
            return ["theirs-box", "Attic", "anything"]
        case "STATUS":
            return ["Closed"]
        case "FILE" | "PATH" | "DIR":
            return ["/nonexistent"]
        case _:
            return ["anything"]


ACCOUNT = "--address u@office.example --imap-host mail.example".split()
OPTIONS: dict[tuple[str, ...], list[list[str]]] = {
    ("email", "list"): [["--case", "7"], ["--user", "w"], ["--folder", "inbox"], ["--parent", "contact:25"], ["--unread"]],
    ("email", "mark"): [["--read"]],
    ("email", "delete"): [["--yes"]],
    ("email", "attachments"): [["--save", "/nonexistent"]],
    ("email", "send"): [
        ["--from", "u@office.example", "--to", "x@client.example", *more]
        for more in (["--in-reply-to", "{email}"], ["--parent", "case:7"], ["--parent", "email:{email}"], ["--draft"])
    ],
    ("case", "list"): [["--status", "all"], ["--group-account", "theirs-box"]],
    ("case", "add"): [["--name", "mine", "--contact", "Client"], ["--name", "mine", "--account", "hidden"]],
    ("case", "edit"): [["--priority", "High"]],
    ("case", "reply"): [["--body", "hello"], ["--body", "hello", "--from", "u@office.example"]],
    ("record", "add"): [["--name", "mine", "--email", "cust@client.example"]],
    ("record", "edit"): [["--name", "other"]],
    ("record", "remove"): [["--yes"]],
    ("record", "convert"): [["--contact", "Client"]],
    ("template", "preview"): [["--email", "{email}"], ["--case", "7"]],
    ("template", "add"): [["--subject", "s"]],
    ("filter", "add"): [["--from", "*", "--action", "skip"], ["--global", "--from", "*", "--action", "skip"]],
    ("filter", "edit"): [["--from", "*"]],
    ("filter", "preview"): [["--from", "*", "--user", "u"], ["--global", "--from", "*"]],
    ("notification", "list"): [["--unread"]],
    ("notification", "read"): [["--all"]],
    ("outbox", "list"): [["--status", "queued"]],
    ("quarantine", "list"): [["--account", "theirs-box"]],
    ("report",): [["--since", "2020-01-01"]],
    ("reprocess",): [["--dry-run"]],
    ("import",): [["--account", "theirs-box"], ["--account", "u-own"]],
    ("explain",): [["--account", "theirs-box"], ["--account", "u-own"]],
    ("settings", "outbound"): [["--shared"]],
    ("group-account", "add"): [ACCOUNT],
    ("personal-account", "add"): [ACCOUNT],
    ("group-folder", "add"): [["--team", "theirs"]],
    ("group-folder", "edit"): [["--team", "theirs"]],
    ("user", "add"): [["--email", "new@office.example"]],
    ("role", "edit"): [["--set", "email.read=all"]],
    **{
        (kind, "edit"): [["--name", "other"]]
        for kind in ("group-account", "personal-account", "folder", "user", "team", "template")
    },
    **{(kind, "reset"): [["--since", "2020-01-01"]] for kind in ("group-account", "personal-account")},
    **{(kind, "remove"): [["--yes"]] for kind in ("filter", "folder", "user", "team", "role", "template", "group-folder")},
}


@pytest.mark.parametrize("level", ["no", "own", "team"])
@pytest.mark.parametrize("who", ["u", "v", "idle"])
def test_no_command_shows_a_hidden_mail(office: Office, tmp_path: Path, who: str, level: str) -> None:
    spare = office.copy(tmp_path)
    cells = {f"{scope}.{action}": level for scope in SCOPES for action in ("read", "edit", "delete", "stream")}
    spare.set_role("r3", {**cells, "export": "yes", "contact.read": "all", "contact.stream": "all", "import": "yes"})
    hidden = hidden_of(spare)
    codes: dict[tuple[str, ...], set[int]] = {}
    for path, command in leaves(cli):
        first, token = next(iter(hidden.items()))
        for line in arguments(command, first, token):
            for options in [[], *OPTIONS.get(path, [])]:
                for form in FORMATS if (who, level) == ("u", "own") else FORMATS[:1]:
                    words = [*path, *line, *(word.format(email=first) for word in options)]
                    codes.setdefault(path, set()).add(assert_silent(spare, who, words, form, hidden))
    assert len(codes) > 140
    assert {path for path, seen in codes.items() if seen == {2}} == set()


@pytest.mark.parametrize("who", ["u", "v", "idle"])
def test_no_reading_command_shows_any_of_the_fifty(office: Office, tmp_path: Path, who: str) -> None:
    spare = office.copy(tmp_path)
    everything = {f"{scope}.{action}": "team" for scope in SCOPES for action in ("read", "edit", "delete", "stream")}
    spare.set_role("r3", {**everything, "export": "yes"})
    hidden = hidden_of(spare)
    assert len(hidden) == HIDDEN
    for email, token in hidden.items():
        for verb in ("show", "raw", "thread", "attachments", "explain", "mark", "trash"):
            words = ["email", verb, str(email), *(["--read"] if verb == "mark" else [])]
            assert_silent(spare, who, words, "json", hidden)
        assert_silent(spare, who, ["email", "search", token], "json", hidden)
        assert spare.run(who, "email", "search", token).stdout in (b"[]\n", b"")


def test_the_followers_are_told_that_there_was_mail_and_nothing_of_it(office: Office, tmp_path: Path) -> None:
    spare = office.copy(tmp_path)
    spare.set_role("r3", CUSTOMER)
    notices = spare.do("u", "notification", "list")
    of_contact = [each for each in notices if each["thing"] == "contact:25"]
    assert len(of_contact) == HIDDEN // 2
    assert {(each["email"], each["text"]) for each in of_contact} == {(None, "News on contact:25: Client")}
    stream = spare.do("u", "stream", "show", "contact:25")["stream"]
    mails = [(entry["email"], entry["user"], entry["text"]) for entry in stream if entry["type"] == "email-received"]
    assert mails == [(None, None, "mail on contact:25")] * (HIDDEN // 2)


def test_the_probe_would_see_a_leak(office: Office) -> None:
    """The system is shown all fifty by the very commands that are probed."""
    hidden = hidden_of(office)
    shown = office.run("", "email", "list", "--limit", "1000").everything
    assert all(token in shown for token in hidden.values())


def assert_silent(office: Office, who: str, words: list[str], form: str, hidden: dict[int, str]) -> int:
    """Neither what comes out nor what is said holds a token; return the exit code."""
    answer = office.run(who, *words, form=form if form != "table" else None)
    assert answer.code != 1, (words, answer.everything)
    for token in hidden.values():
        assert token not in answer.everything, (who, words, answer.everything)
    return answer.code
