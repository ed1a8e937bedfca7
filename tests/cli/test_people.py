"""Users, teams and roles on the command line."""

import contextlib
import io
import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest

from espomail.store.db import connect

ANN = {
    "id": 1,
    "name": "ann",
    "full_name": "Ann Bee",
    "emails": ["ann@team.example", "a@team.example"],
    "is_admin": False,
    "is_active": True,
    "teams": [{"team": "support", "position": "agent"}],
    "roles": ["reader"],
    "os_login": "annb",
    "absent_from": "2026-08-01",
    "absent_until": "2026-08-21",
    "signature": "Yours, Ann",
    "notify_mail": "digest",
}


@pytest.fixture
def office(run: Any) -> Any:
    """A team with a role, and ann in it."""
    run("role", "add", "agent", "--set", "email.read=team", "--set", "case.edit=own")
    run("role", "add", "reader", "--set", "account.read=all")
    run("team", "add", "support", "--role", "agent")
    words = (
        "user add ann --email Ann@Team.EXAMPLE --email a@team.example --full-name 'Ann Bee' --team support:agent --role reader"
        " --os-login annb --absent 2026-08-01..2026-08-21 --signature 'Yours, Ann' --notify-mail digest"
    )
    assert run(*shlex.split(words)).exit_code == 0
    return run


def test_a_user_is_shown_with_every_field(office: Any) -> None:
    assert office("user", "show", "ann", "--json").json == ANN
    assert office("user", "list", "--json").json == [ANN]


def test_an_edit_changes_what_it_names_and_nothing_else(office: Any) -> None:
    office("team", "add", "sales")
    words = "user edit ann --add-team sales:lead --remove-role reader --clear absent --clear signature --admin --json"
    assert office(*words.split()).json == ANN | {
        "teams": [{"team": "sales", "position": "lead"}, {"team": "support", "position": "agent"}],
        "roles": [],
        "absent_from": None,
        "absent_until": None,
        "signature": None,
        "is_admin": True,
    }


def test_what_came_from_a_file_is_emptied_by_the_name_of_that_option_too(office: Any) -> None:
    assert office("user", "edit", "ann", "--clear", "signature-file", "--json").json["signature"] is None
    office("template", "add", "received", "--subject", "Thanks", "--body", "We have it")
    assert office("template", "edit", "received", "--clear", "body-file", "--json").json["body"] == ""


class AwaitedStdin(io.BytesIO):
    """Words that come only after something else was done."""

    def __init__(self, words: bytes, meanwhile: Callable[[], None]) -> None:
        super().__init__(words)
        self.meanwhile = meanwhile

    def read(self, size: int | None = -1) -> bytes:
        if size != 0:
            self.meanwhile()
        return super().read(size)


@pytest.mark.parametrize(
    "words",
    [
        "user add ben --email ben@team.example --signature-file -",
        "user edit ann --signature-file -",
        "template add received --subject Hello --body-file -",
        "template edit thanks --body-file -",
        "record import contact -",
        "record import contact - --dry-run",
    ],
)
def test_a_command_that_waits_for_stdin_holds_up_nobody_who_writes(office: Any, words: str) -> None:
    office("template", "add", "thanks", "--subject", "Thanks", "--body", "for all")

    def write() -> None:
        with contextlib.closing(connect(office.db_path, timeout=0, isolation_level=None)) as other:
            other.execute("begin immediate")

    stdin = AwaitedStdin(b"name,emails\nBen,ben@customer.example\n", write)
    done = office(*words.split(), input=stdin)
    assert (done.exit_code, stdin.tell()) == (0, len(stdin.getvalue())), done.stderr


def test_a_repeatable_option_replaces_the_set_or_changes_it_by_one(office: Any) -> None:
    def emails(words: str) -> Any:
        return office("user", "edit", "ann", *words.split(), "--json").json["emails"]

    assert emails("--add-email b@team.example") == ["ann@team.example", "a@team.example", "b@team.example"]
    assert emails("--remove-email A@team.example") == ["ann@team.example", "b@team.example"]
    assert emails("--email z@team.example") == ["z@team.example"]


def test_a_team_s_position_is_changed_by_naming_the_team_again(office: Any) -> None:
    assert office("user", "edit", "ann", "--add-team", "support:lead", "--json").json["teams"] == [
        {"team": "support", "position": "lead"}
    ]
    assert office("user", "edit", "ann", "--remove-team", "support", "--json").json["teams"] == []


def test_what_must_be_there_can_not_be_taken_away_to_the_last(office: Any) -> None:
    refused = office("user", "edit", "ann", *(f"--remove-email={each}" for each in ("ann@team.example", "a@team.example")))
    assert (refused.exit_code, "--remove-email would leave none" in refused.stderr) == (2, True)
    words = "user edit ann --remove-email ann@team.example --remove-email a@team.example --add-email b@team.example --json"
    assert office(*words.split()).json["emails"] == ["b@team.example"]
    office("group-folder", "add", "Invoices", "--team", "support")
    assert office("group-folder", "edit", "Invoices", "--remove-team", "support").exit_code == 2
    assert office("group-folder", "show", "Invoices", "--json").json["teams"] == ["support"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param("user add ann --email x@team.example", 65, "there is already a user named ann", id="name taken"),
        pytest.param("user add ben --email a@team.example", 65, "belongs to the user ann", id="address taken"),
        pytest.param("user add ben --email b@team.example --os-login annb", 65, "belongs to the user ann", id="log-in taken"),
        pytest.param("user add 42 --email b@team.example", 65, "has only digits", id="a number for a name"),
        pytest.param("user add ben --email ben", 65, "not an e-mail address", id="no address"),
        pytest.param("user add ben", 2, "--email", id="without an address"),
        pytest.param("user add ben --email b@team.example --team nobody", 66, "no such team: nobody", id="unknown team"),
        pytest.param("user add ben --email b@team.example --role nobody", 66, "no such role: nobody", id="unknown role"),
        pytest.param(
            "user add ben --email b@team.example --absent 2026-08-02..2026-08-01", 65, "ends before it begins", id="backwards"
        ),
        pytest.param("user add ben --email b@team.example --absent soon", 65, "not a date", id="no date"),
        pytest.param("user edit ann", 2, "nothing to change", id="nothing to change"),
        pytest.param("user edit ann --clear teams", 2, "did you mean --clear team?", id="clear mistyped"),
        pytest.param("user edit ann --clear email", 2, "can't empty email", id="clear what is required"),
        pytest.param("user show ben", 66, "no such user: ben", id="unknown user"),
        pytest.param("user remove ann", 2, "--yes", id="removal unasked"),
        pytest.param("user remove ann --reassign ann --yes", 65, "can't inherit their own work", id="heir of oneself"),
        pytest.param("role add x --set email.raed=team", 65, "did you mean: email.read", id="cell mistyped"),
        pytest.param("role add x --set email.read=everything", 65, "its levels are: no, own, team, all", id="level mistyped"),
        pytest.param("role add x --set email.read", 65, "not KEY=LEVEL", id="no level"),
        pytest.param("team add support", 65, "already a team named support", id="team taken"),
        pytest.param("team add-member support nobody", 66, "no such user: nobody", id="unknown member"),
    ],
)
def test_a_mistake_is_told_in_one_sentence_and_changes_nothing(office: Any, words: str, code: int, message: str) -> None:
    refused = office(*words.split())
    assert (refused.exit_code, message in refused.stderr) == (code, True), refused.stderr
    assert (office("user", "list", "--json").json, len(office("role", "list", "--json").json)) == ([ANN], 2)


@pytest.mark.parametrize(
    "words",
    [
        ("user", "edit", "ann", "--full-name"),
        ("settings", "outbound", "--address", "crm@team.example", "--server", "mail.example", "--from-name"),
        ("group-account", "add", "support", "--address", "s@team.example", "--from-name"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
@pytest.mark.parametrize("name", ["Ann\r\nBcc: eve@evil.example", "Ann\x0b", "\x1b[2J"])
def test_a_name_that_no_header_can_hold_is_refused_before_it_stops_any_mail(
    office: Any, words: tuple[str, ...], name: str
) -> None:
    refused = office(*words, name)
    assert (refused.exit_code, "can't stand in a mail header" in refused.stderr) == (65, True), refused.stderr
    state = {
        "user": "users: [{name: ann, full_name: %s}]",
        "settings": "outbound: {address: a@b.example, from_name: %s, server: {host: mail.example}}",
    }.get(words[0])
    if state is not None:
        told = office("apply", "-", input=state % json.dumps(name))
        assert (told.exit_code, "can't stand in a mail header" in told.stderr) == (65, True), told.stderr


def test_nobody_inherits_who_is_disabled(office: Any) -> None:
    office("user", "add", "ben", "--email", "b@team.example")
    office("user", "disable", "ben")
    refused = office("user", "remove", "ann", "--reassign", "ben", "--yes")
    assert (refused.exit_code, "ben is disabled" in refused.stderr) == (65, True)


@pytest.mark.parametrize(
    ("span", "days"),
    [
        ("2026-08-01..2026-08-21", ("2026-08-01", "2026-08-21")),
        ("2026-08-01", ("2026-08-01", "2026-08-01")),
        ("2026-08-01..", ("2026-08-01", None)),
    ],
)
def test_an_absence_is_a_span_a_day_or_open(office: Any, span: str, days: tuple[str, str | None]) -> None:
    shown = office("user", "edit", "ann", "--absent", span, "--json").json
    assert (shown["absent_from"], shown["absent_until"]) == days


def test_a_disabled_user_is_not_active(office: Any) -> None:
    assert office("user", "disable", "ann", "--json").json == ANN | {"is_active": False}
    assert office("user", "enable", "ann", "--json").json == ANN


def test_a_renamed_user_keeps_everything_else(office: Any) -> None:
    assert office("user", "edit", "ann", "--name", "anna", "--json").json == ANN | {"name": "anna"}


def test_members_come_and_go(office: Any) -> None:
    office("user", "add", "ben", "--email", "ben@team.example")
    office("team", "add-member", "support", "ben", "--position", "lead")
    assert office("team", "show", "support", "--json").json == {
        "id": 1,
        "name": "support",
        "roles": ["agent"],
        "members": [{"user": "ann", "position": "agent"}, {"user": "ben", "position": "lead"}],
    }
    office("team", "remove-member", "support", "ann")
    assert office("team", "members", "support", "--json").json == [{"user": "ben", "position": "lead"}]


def test_a_role_is_edited_cell_by_cell(office: Any) -> None:
    edited = office("role", "edit", "agent", "--add-set", "email.read=all", "--remove-set", "case.edit", "--json")
    assert edited.json == {"id": 1, "name": "agent", "cells": {"email.read": "all"}}


def test_a_user_sees_colleagues_and_changes_only_what_is_their_own(office: Any) -> None:
    office("user", "add", "ben", "--email", "ben@team.example", "--team", "support")
    office("user", "add", "eve", "--email", "eve@team.example")
    assert [user["name"] for user in office("user", "list", "--json", "--as", "ann").json] == ["ben", "ann"]
    assert office("user", "show", "eve", "--as", "ann").exit_code == 66
    assert office("user", "edit", "ann", "--signature", "Ann", "--json", "--as", "ann").json == ANN | {"signature": "Ann"}


@pytest.mark.parametrize(
    "words",
    [
        "user add ben --email b@team.example",
        "user edit ann --admin",
        "user edit ann --add-email new@team.example",
        "user edit ann --signature x --clear role",
        "user disable ann",
        "user remove ann --yes",
        "team add sales",
        "team add-member support ann --position lead",
        "team remove support --yes",
        "role list",
        "role add more --set email.read=all",
        "role edit agent --add-set email.read=all",
        "role remove agent --yes",
    ],
)
def test_what_only_an_admin_may_do_is_refused_to_others(office: Any, words: str) -> None:
    assert office(*words.split(), "--as", "ann").exit_code == 77
    assert office("user", "list", "--json").json == [ANN]


def test_a_team_that_gets_cases_can_t_be_removed(office: Any) -> None:
    words = "group-account add help --address help@team.example --distribution round-robin --target-team support"
    office(*words.split())
    refused = office("team", "remove", "support", "--yes")
    assert (refused.exit_code, "the group account help gives its cases to the team support" in refused.stderr) == (65, True)
