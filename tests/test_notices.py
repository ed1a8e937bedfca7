"""Who is told of one mail that several accounts bring."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import Runner
from tests.shop import letter


@pytest.mark.parametrize("order", list(itertools.permutations(("desk", "office", "ann-mail"))), ids="-".join)
def test_whoever_is_told_of_a_case_is_not_told_again_by_the_next_account(run: Runner, order: tuple[str, ...]) -> None:
    run.now = datetime.now(UTC)
    run("role", "add", "agent", "--set", "email.read=all", "--set", "case.read=all")
    run("team", "add", "agents", "--role", "agent")
    for name in ("ann", "ben"):
        run("user", "add", name, "--email", f"{name}@team.example", "--team", "agents")
    run("group-account", "add", "desk", "--address", "desk@team.example", "--create-case", "--followup-closed", "note")
    run("group-account", "edit", "desk", "--distribution", "direct-assignment", "--assign-to", "ben")
    run("group-account", "add", "office", "--address", "office@team.example")
    run("personal-account", "add", "ann-mail", "--user", "ann", "--address", "ann@team.example")
    mail = letter("one@client.example", to="desk@team.example, office@team.example, ann@team.example")
    for account in order:
        run("deliver", account, input=mail)
    told = [(each["user"], each["type"]) for each in run("notification", "list", "--json").json]
    assert sorted(told) == [("ann", "email-received"), ("ben", "case-assigned")]


READER = "role add reader --set email.read=all --set case.read=all --set account.read=all"


def told(run: Runner, *lines: str, mails: tuple[tuple[str, bytes], ...]) -> list[tuple[str, str, str | None]]:
    """Set an office up, have accounts bring mail; return who is told, of what kind, and of which thing."""
    run.now = datetime.now(UTC)
    for line in (READER, "group-account add desk --address desk@team.example --create-case", *lines):
        done = run(*line.split())
        assert done.exit_code == 0, (line, done.stderr)
    for account, mail in mails:
        assert run("deliver", account, input=mail).exit_code == 0
    return [(n["user"], n["type"], n["thing"]) for n in run("notification", "list", "--json").json]


ACME = ("record add account --name Acme --email customer@client.example", "follow account:Acme --user ann")
TO_BOTH = letter("one@client.example", to="desk@team.example, ann@team.example")


def test_a_follower_who_may_not_read_mail_is_told_also_when_it_is_addressed_to_them(run: Runner) -> None:
    people = ("role add sales --set account.read=all", "user add ann --email ann@team.example --role sales")
    assert told(run, *people, *ACME, mails=(("desk", TO_BOTH),)) == [("ann", "record-email", "account:1")]


def test_a_follower_of_a_case_they_may_not_read_is_told_of_its_company(run: Runner) -> None:
    people = ("role add sales --set account.read=all", "user add ann --email ann@team.example --role sales")
    first, answer = letter("one@client.example"), letter("two@client.example", answers="one@client.example")
    assert told(run, *people, *ACME, mails=(("desk", first),)) == [("ann", "record-email", "account:1")]
    run("follow", "case:1", "--user", "ann")
    run("deliver", "desk", input=answer)
    assert [n["thing"] for n in run("notification", "list", "--as", "ann", "--json").json] == ["account:1"] * 2


def test_a_follower_is_told_of_mail_in_a_group_folder(run: Runner) -> None:
    people = ("team add support --role reader", "user add ann --email ann@team.example --team support")
    box = ("user add ben --email ben@team.example --team support", "group-folder add Shelf --team support")
    shelf = "group-account edit desk --group-folder Shelf"
    assert told(run, *people, *box, shelf, *ACME, mails=(("desk", letter("one@client.example")),)) == [
        ("ann", "record-email", "case:1")
    ]


@pytest.mark.parametrize("order", [("desk", "own"), ("own", "desk")], ids="-".join)
@pytest.mark.parametrize("action", ["skip", "none --mark-read", "none --skip-notification", "move-to-folder --target Quiet"])
def test_no_account_tells_a_follower_of_mail_that_their_filter_silences(
    run: Runner, action: str, order: tuple[str, ...]
) -> None:
    own = (
        "user add ann --email ann@team.example --role reader",
        "personal-account add own --user ann --address ann@team.example",
    )
    quiet = (
        "folder add Quiet --user ann --skip-notifications",
        f"filter add f --user ann --from *client.example --action {action}",
    )
    assert told(run, *own, *quiet, *ACME, mails=tuple((account, TO_BOTH) for account in order)) == []


def test_a_filter_of_the_account_silences_a_mail_for_followers_too(run: Runner) -> None:
    people = (
        "user add ann --email ann@team.example --role reader",
        "team add support",
        "group-folder add Shelf --team support",
    )
    news = "filter add f --group-account desk --subject * --action move-to-group-folder --target Shelf --skip-notification"
    assert told(run, *people, *ACME, news, mails=(("desk", letter("one@client.example")),)) == []


@pytest.mark.parametrize("agents", ["ann", ""], ids=["assigned", "nobody eligible"])
def test_an_import_without_notices_tells_neither_the_agent_nor_the_admins(run: Runner, tmp_path: Path, agents: str) -> None:
    people = (
        "team add support",
        "user add ann --email ann@team.example --role reader",
        "user add chief --email c@team.example --admin",
    )
    members = (f"team add-member support {agents}",) if agents else ()
    turns = "group-account edit desk --distribution round-robin --target-team support"
    assert told(run, *people, *members, turns, mails=()) == []
    (tmp_path / "old.eml").write_bytes(letter("old@client.example"))
    assert run("import", tmp_path / "old.eml", "--account", "desk", "--no-notify", "--json").json["imported"] == 1
    assert run("case", "show", "1", "--json").json["assigned_user"] == (agents or None)
    assert run("notification", "list", "--json").json == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("unfollow case:1 --user ann", id="who follows it no more"),
        pytest.param("role edit reader --set email.read=own", id="who may not read cases"),
    ],
)
def test_whose_case_it_is_gets_told_of_an_answer_in_their_inbox(run: Runner, change: str) -> None:
    question, answer = letter("q@client.example"), letter("a@client.example", answers="q@client.example")
    turns = "group-account edit desk --distribution direct-assignment --assign-to ann"
    told(run, "user add ann --email ann@team.example --role reader", turns, mails=(("desk", question),))
    assert run(*change.split()).exit_code == 0
    run("notification", "read", "--all", "--as", "ann")
    run("deliver", "desk", input=answer)
    unread = run("notification", "list", "--unread", "--json").json
    assert [(n["user"], n["type"], n["email"]) for n in unread] == [("ann", "email-received", 2)]
