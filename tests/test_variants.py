"""One mail with more or less text around it, as a list or a gateway makes it: emails of their own with one case and one answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.conftest import Runner
from tests.shop import letter

AT = datetime.now(UTC)
WAYS: dict[str, Callable[[], bytes]] = {
    "plain": lambda: letter("q@client.example", cc="ann@team.example", at=AT),
    "list": lambda: letter("q@client.example", cc="ann@team.example", at=AT, text="Hello, how does this work?\n-- \nThe list"),
}


def opened(run: Runner, *arrivals: tuple[str, str]) -> list[tuple[int, int | None]]:
    """The emails and their cases after the two ways of the mail came to these accounts."""
    run("user", "add", "ann", "--email", "ann@team.example")
    run("personal-account", "add", "own", "--user", "ann", "--address", "ann@team.example")
    run("group-account", "add", "desk", "--address", "desk@team.example", "--create-case")
    for account, way in arrivals:
        assert run("deliver", account, input=WAYS[way]()).exit_code == 0
    return [(each["id"], each["case"]) for each in reversed(run("email", "list", "--json").json)]


@pytest.mark.parametrize(
    ("arrivals", "cases"),
    [
        pytest.param([("own", "plain"), ("desk", "list")], [(1, None), (2, 1)], id="a personal account first"),
        pytest.param([("desk", "list"), ("own", "plain")], [(1, 1), (2, None)], id="the group account first"),
        pytest.param([("desk", "plain"), ("desk", "list")], [(1, 1), (2, None)], id="both by the group account"),
        pytest.param(
            [("own", "plain"), ("desk", "list"), ("desk", "plain")],
            [(1, None), (2, 1)],
            id="the first once more by the group's",
        ),
    ],
)
def test_variants_have_one_case_whichever_came_first(
    run: Runner, arrivals: list[tuple[str, str]], cases: list[tuple[int, int | None]]
) -> None:
    assert opened(run, *arrivals) == cases


def test_a_variant_of_a_late_follow_up_opens_no_second_linked_case(run: Runner) -> None:
    run("group-account", "add", "desk", "--address", "desk@team.example", "--create-case", "--followup-closed", "new")
    run("deliver", "desk", input=letter("q@client.example"))
    run("case", "close", "1")
    for text in ("Not yet.", "Not yet.\n-- \nThe list"):
        run("deliver", "desk", input=letter("a@client.example", answers="q@client.example", text=text, at=AT))
    assert [each["number"] for each in run("case", "list", "--status", "all", "--json").json] == [2, 1]


def test_a_variant_of_an_answered_mail_is_not_answered(run: Runner) -> None:
    run.now = AT
    run("template", "add", "ack", "--subject", "Received", "--body", "Thank you")
    smtp = ("--smtp-host", "localhost", "--auto-reply", "--reply-template", "ack")
    assert run("group-account", "add", "desk", "--address", "desk@team.example", *smtp).exit_code == 0
    for way in WAYS.values():
        run("deliver", "desk", input=way())
    assert len(run("outbox", "list", "--json").json) == 1


def test_our_own_mail_that_comes_back_from_a_list_opens_no_case(run: Runner) -> None:
    run("role", "add", "writer", "--set", "email.create=yes", "--set", "email.read=own")
    run("user", "add", "ann", "--email", "ann@team.example", "--role", "writer")
    run("personal-account", "add", "own", "--user", "ann", "--address", "ann@team.example", "--smtp-host", "localhost")
    run("group-account", "add", "desk", "--address", "desk@team.example", "--create-case")
    words = ("--from", "ann@team.example", "--to", "list@team.example", "--subject", "Open day", "--body", "We open at nine.")
    assert run("email", "send", *words, "--as", "ann").exit_code == 0
    echo = run("email", "raw", "1").stdout.encode() + b"-- \r\nThe list\r\n"
    came = run("deliver", "desk", "--json", input=echo).json
    assert (came["email"], came["case"]) == (2, None)
