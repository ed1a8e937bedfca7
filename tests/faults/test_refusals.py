"""Who may not is refused before the first write: every command that changes something, tried by a user without any role."""

from __future__ import annotations

import pytest

from espomail.store.db import Connection

COMMANDS = (
    "team add other",
    "team edit support --name other",
    "team remove support --yes",
    "role add other",
    "role remove agent --yes",
    "user add eve --email eve@x.example",
    "user edit ann --admin",
    "user disable bob",
    "user remove bob --yes",
    "group-account add other --address other@x.example",
    "group-account edit desk --address other@x.example",
    "group-account remove desk --yes",
    "template add other --subject a --body b",
    "template remove thanks --yes",
    "filter add other --global --from x@x.example --action skip",
    "record add contact --name Eve --email eve@x.example",
    "case add --name Mine",
    "case close 1",
    "case assign 1 ann",
    "settings set auto_reply_limit 99",
    "quarantine retry 1",
    "quarantine discard 1 --yes",
    "reprocess --skipped --yes",
    "reconcile desk",
)


@pytest.fixture
def office(run):
    for line in (
        "team add support",
        "role add agent --set case.read=own",
        "user add ann --email ann@team.example",
        "user add bob --email bob@team.example --team support",
        "group-account add desk --address desk@team.example",
        "template add thanks --subject a --body b",
        "case add --name Theirs",
    ):
        assert run(*line.split()).exit_code == 0, line
    return run


def everything(db: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    tables = [row[0] for row in db.execute("select name from sqlite_master where type = 'table' order by name")]
    return {table: [tuple(row) for row in db.execute(f'select * from "{table}"')] for table in tables}  # noqa: S608 (names of tables)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_refused_command_changes_no_byte(office, db, line):
    before = everything(db)
    done = office(*line.split(), "--as", "ann")
    assert done.exit_code in (66, 77), done.stderr
    assert everything(db) == before
