"""Who is told of one mail that several accounts bring."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

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
