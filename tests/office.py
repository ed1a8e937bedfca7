"""A small office for the tests of access: people, teams, mailboxes, and one mail, case and record for each relation.

Mail comes in through the program (`deliver`), so that the relations are those that it makes. Each thing carries a token
of its own wherever text can stand, so that a test can look for it in any output.
"""

from __future__ import annotations

import fcntl
import json
import os
import pickle
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner

from espomail.cli.main import cli
from espomail.model import Thing
from espomail.store import cases, followers, notes, records
from espomail.store.db import Connection, create_db, open_db, transaction
from espomail.store.records import RecordFields
from tests.oracle import Item, World

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
RECORD_TYPES = ("account", "contact", "lead", "opportunity")


@dataclass(frozen=True)
class Answer:
    code: int
    stdout: bytes
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def error(self) -> Any:
        return json.loads(self.stderr)["error"]

    @property
    def everything(self) -> str:
        """All that a person or script gets to read, JSON escapes undone."""
        return self.stdout.decode(errors="replace") + self.stderr


@dataclass(slots=True)
class Office:
    """The command line on one database, in this process; `tokens` of mails by email id, `ids` of mails by relation.

    `answered` counts the exit codes of all commands that any office was asked.
    """

    answered: ClassVar[Counter[int]] = Counter()
    folder: Path
    ids: dict[str, int] = field(default_factory=dict)
    tokens: dict[int, str] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    missing: dict[tuple[str, ...], tuple[int, str]] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.folder / "office.db"

    @property
    def world(self) -> World:
        return World(tuple(self.items))

    def run(self, who: str, *words: str, stdin: bytes = b"", form: str | None = "json") -> Answer:
        """Run a command as a user, or as the system for ""."""
        acting = ["--as", who] if who else []
        shape = ["--format", form] if form else []
        done = CliRunner().invoke(cli, ["--db", str(self.path), *shape, *acting, *words], input=stdin)
        self.answered[done.exit_code] += 1
        return Answer(done.exit_code, done.stdout_bytes, done.stderr)

    def do(self, who: str, *words: str, stdin: bytes = b"") -> Any:
        """Run a command that must succeed; return its JSON."""
        done = self.run(who, *words, stdin=stdin)
        assert done.code == 0, f"{words}: exit {done.code}\n{done.everything}"
        return done.json if done.stdout.strip() else None

    def open(self) -> Connection:
        return open_db(self.path, now=NOW)

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table."""
        db = self.open()
        names = [row[0] for row in db.execute("select name from sqlite_master where type = 'table' order by name")]
        rows = {name: [tuple(row) for row in db.execute(f"select * from {name}")] for name in names}  # noqa: S608 (names of tables)
        db.close()
        return rows

    def set_role(self, name: str, cells: Mapping[str, str]) -> None:
        """Give a role exactly these cells, faster than by command."""
        db = self.open()
        with transaction(db):
            role_id = db.execute("select id from roles where name = ?", (name,)).fetchone()[0]
            db.execute("delete from role_cells where role_id = ?", (role_id,))
            db.executemany(
                "insert into role_cells (role_id, cell, level) values (?, ?, ?)", [(role_id, *cell) for cell in cells.items()]
            )
        db.close()

    def copy(self, folder: Path) -> Office:
        """The same office on a copy of its database."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.path, folder / "office.db")
        return Office(folder, dict(self.ids), dict(self.tokens), list(self.items))


def letter(token: str, *, sender: str = "cust@client.example", **headers: str) -> bytes:
    """A mail with its token in subject, text, HTML, the sender's name, an attachment and its name."""
    message = EmailMessage()
    message["From"] = f"Client {token} <{sender}>"
    message["Subject"] = f"question {token}"
    message["Message-ID"] = f"<{token}@client.example>"
    for name, value in {"Date": "Sun, 1 Mar 2026 08:00:00 +0000", "To": "desk@office.example", **headers}.items():
        message[name.replace("_", "-")] = value
    message.set_content(f"everyone asks about {token}")
    message.add_alternative(f"<p>everyone asks about <b>{token}</b></p>", subtype="html")
    message.add_attachment(token.encode(), maintype="application", subtype="octet-stream", filename=f"{token}.bin")
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=={token}{number}")
    return message.as_bytes()


def built_once(factory: pytest.TempPathFactory) -> Office:
    """The office, built by the first test that needs it and shared by all workers: work on a `copy`."""
    shared = factory.getbasetemp().parent if os.environ.get("PYTEST_XDIST_WORKER") else factory.getbasetemp()
    kept = shared / "office.pickle"
    with (shared / "office.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(build(shared / "office")))
    return pickle.loads(kept.read_bytes())  # type: ignore[no-any-return]


def build(folder: Path) -> Office:
    """u and v are in ours, w is in theirs; u has the role r1, ours gives r2, the baseline is r3; all roles are empty."""
    folder.mkdir(parents=True, exist_ok=True)
    create_db(folder / "office.db", now=NOW).close()
    office = Office(folder)
    _people(office)
    _mails(office)
    _cases_and_records(office)
    return office


def _people(office: Office) -> None:
    for role in ("r1", "r2", "r3"):
        office.do("", "role", "add", role)
    office.do("", "team", "add", "ours", "--role", "r2")
    office.do("", "team", "add", "theirs")
    office.do("", "settings", "set", "baseline_role", "r3")
    office.do("", "user", "add", "u", "--email", "u@office.example", "--team", "ours", "--role", "r1")
    office.do("", "user", "add", "v", "--email", "v@office.example", "--team", "ours")
    office.do("", "user", "add", "w", "--email", "w@office.example", "--team", "theirs")
    office.do("", "user", "add", "idle", "--email", "idle@office.example", "--team", "ours", "--role", "r1")
    office.do("", "user", "add", "root", "--email", "root@office.example", "--admin")
    office.do("", "user", "disable", "idle")
    office.do("", "folder", "add", "Later", "--user", "u")
    office.do("", "group-folder", "add", "Shelf", "--team", "ours")
    office.do("", "group-folder", "add", "Attic", "--team", "theirs")
    for name, *options in (
        ("plain",),
        ("ours-box", "--team", "ours"),
        ("theirs-box", "--team", "theirs"),
        ("all-box", "--team", "ours", "--for-all-team-users"),
        ("u-box", "--team", "theirs", "--assigned-user", "u"),
        ("shelf-box", "--group-folder", "Shelf"),
    ):
        office.do("", "group-account", "add", name, "--address", f"{name}@office.example", *options)
    for user in ("u", "w"):
        office.do("", "personal-account", "add", f"{user}-own", "--user", user, "--address", f"{user}@office.example")


def _mails(office: Office) -> None:
    """One mail for each way in which u may, or may not, have to do with it."""
    mine = frozenset("u")
    add = _Postman(office).deliver
    add("from", "plain", linked=mine, sender="u@office.example")
    add("to", "plain", linked=mine, To="Desk <desk@office.example>, U <U@Office.example>")
    add("cc", "plain", linked=mine, Cc="u@office.example")
    add("bcc", "plain", Bcc="u@office.example")
    add("reply-to", "plain", Reply_To="u@office.example")
    add("none", "plain")
    add("to v", "plain", linked=frozenset("v"), To="v@office.example")
    add("to w", "plain", linked=frozenset("w"), To="w@office.example")
    add("same team", "ours-box", teams=frozenset({"ours"}))
    add("other team", "theirs-box", teams=frozenset({"theirs"}))
    add("all users", "all-box", linked=frozenset("uv"), teams=frozenset({"ours"}))
    add("assigned", "u-box", linked=mine, teams=frozenset({"theirs"}), assignee="u")
    add("personal", "u-own", linked=mine)
    add("personal w", "w-own", linked=frozenset("w"))
    add("group folder", "shelf-box", linked=frozenset("uv"), teams=frozenset({"ours"}))
    add("shared", "plain", linked=mine)
    office.do("", "email", "share", str(office.ids["shared"]), "u")
    add("created", "plain", linked=mine, creator="u", To="u@office.example")
    db = office.open()
    db.execute(
        "update emails set created_by_id = (select id from users where name = 'u') where id = ?", (office.ids["created"],)
    )
    db.close()


@dataclass(slots=True)
class _Postman:
    office: Office

    def deliver(
        self,
        relation: str,
        account: str,
        *,
        linked: frozenset[str] = frozenset(),
        teams: frozenset[str] = frozenset(),
        creator: str | None = None,
        assignee: str | None = None,
        **headers: str,
    ) -> None:
        token = "zq" + "".join(c for c in relation if c.isalpha()) + "qz"
        done = self.office.do("", "deliver", account, stdin=letter(token, **headers))
        key = done["email"]
        self.office.ids[relation] = key
        self.office.tokens[key] = token
        self.office.items.append(Item("email", key, linked=linked, teams=teams, creator=creator, assignee=assignee))


def _cases_and_records(office: Office) -> None:
    """Of each scope: one assigned to u, one that u created, one of each team, one of nobody."""
    db = office.open()
    user_id = db.execute("select id from users where name = 'u'").fetchone()[0]
    teams = dict(db.execute("select name, id from teams").fetchall())
    with transaction(db):
        for kind, creator, assignee, team in (
            ("assigned", None, "u", None), ("created", "u", None, None), ("ours", None, None, "ours"),
            ("theirs", None, None, "theirs"), ("none", None, None, None), ("assigned in theirs", None, "u", "theirs"),
        ):  # fmt: skip
            team_ids = (teams[team],) if team else ()
            creator_id, assignee_id = (user_id if who else None for who in (creator, assignee))
            facts: dict[str, Any] = {"teams": frozenset({team} if team else ()), "creator": creator, "assignee": assignee}
            number = cases.add(db, name=f"case {kind}", description="x", created_by_id=creator_id, team_ids=team_ids, now=NOW)
            db.execute("update cases set assigned_user_id = ? where number = ?", (assignee_id, number))
            office.items.append(Item("case", number, **facts))
            for type_ in RECORD_TYPES:
                new = RecordFields(name=f"{type_} {kind}", assigned_user_id=assignee_id, team_ids=team_ids)
                key = records.add(db, type_, new, created_by_id=creator_id, now=NOW)
                notes.add(db, Thing(type_, key), "post", at=NOW, text="x")
                followers.add(db, Thing(type_, key), user_id)
                office.items.append(Item(type_, key, **facts))
    db.close()
