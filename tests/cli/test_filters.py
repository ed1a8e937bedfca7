"""Filters, folders, group folders and templates on the command line."""

from pathlib import Path
from typing import Any

import pytest

NEWS = {
    "id": 1,
    "name": "news",
    "kind": "user",
    "of": "ann",
    "position": 2,
    "criteria": {"subject": "*offer*", "headers": [["List-Id", "*"]], "larger_than": 5242880, "body_contains": ["a b", "c"]},
    "action": "move-to-folder",
    "target": "Later",
    "mark_read": True,
    "important": False,
    "skip_notification": False,
    "is_active": True,
}


@pytest.fixture
def office(run: Any) -> Any:
    """ann with a folder and a filter, ben with a personal account."""
    for words in (
        "role add agent --set personal-accounts=yes",
        "team add support",
        "user add ann --email ann@team.example --role agent --team support",
        "user add ben --email ben@team.example --role agent",
        "folder add Later --user ann --skip-notifications",
        "group-folder add invoices --team support",
        "group-account add help --address help@team.example",
        "personal-account add ben --user ben --address ben@team.example",
    ):
        assert run(*words.split()).exit_code == 0
    criteria = [
        "--subject",
        "*offer*",
        "--header",
        "List-Id=*",
        "--larger-than",
        "5M",
        "--body-contains",
        "a b",
        "--body-contains",
        "c",
    ]
    effects = ["--action", "move-to-folder", "--target", "Later", "--mark-read", "--position", "2"]
    assert run("filter", "add", "news", "--user", "ann", *criteria, *effects).exit_code == 0
    return run


def test_a_filter_is_shown_with_every_field(office: Any) -> None:
    assert office("filter", "show", "ann/news", "--json").json == NEWS
    assert office("filter", "list", "--json", "--as", "ann").json == [NEWS]


def test_an_edit_changes_what_it_names_and_nothing_else(office: Any) -> None:
    words = "--clear larger-than --clear body-contains --add-header X=y --no-mark-read --no-active --position 1 --json"
    assert office("filter", "edit", "news", *words.split()).json == NEWS | {
        "criteria": {"subject": "*offer*", "headers": [["List-Id", "*"], ["X", "y"]]},
        "mark_read": False,
        "is_active": False,
        "position": 1,
    }


@pytest.mark.parametrize(
    ("words", "kind", "of"),
    [
        ("--global --from *@spam.example --action skip", "global", None),
        ("--group-account help --from *@spam.example --action skip", "group-account", "help"),
        ("--group-account help --to x@y.example --action move-to-group-folder --target invoices", "group-account", "help"),
        ("--personal-account ben --automatic --action skip", "personal-account", "ben"),
        ("--user ben --has-attachment --action none --important", "user", "ben"),
    ],
)
def test_a_filter_belongs_to_everybody_an_account_or_a_user(office: Any, words: str, kind: str, of: str | None) -> None:
    made = office("filter", "add", "new", *words.split(), "--json").json
    assert (made["kind"], made["of"]) == (kind, of)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        pytest.param("--global --action skip", 65, "without criteria", id="no criteria"),
        pytest.param("--global --from x --action none", 65, "its actions: skip", id="action of another kind"),
        pytest.param("--user ann --from x --action move-to-folder", 65, "--target", id="no target"),
        pytest.param(
            "--user ann --from x --action move-to-folder --target Nowhere", 66, "no such folder: Nowhere", id="target"
        ),
        pytest.param("--user ben --from x --action move-to-folder --target Later", 66, "no such folder", id="another's folder"),
        pytest.param("--user ann --from x --action none --target Later", 65, "has no target", id="superfluous target"),
        pytest.param("--user ann --header x --action none", 65, "not NAME=PATTERN", id="header"),
        pytest.param("--user ann --larger-than big --action none", 65, "not a size", id="size"),
        pytest.param("--user ann --global --from x --action skip", 2, "one of", id="two owners"),
        pytest.param("--from x --action skip", 2, "--as USER", id="nobody's inbox"),
        pytest.param("--group-account ben --from x --action skip", 66, "no such group account: ben", id="kind of account"),
    ],
)
def test_a_filter_that_can_t_work_is_refused(office: Any, words: str, code: int, message: str) -> None:
    refused = office("filter", "add", "bad", *words.split())
    assert (refused.exit_code, message in refused.stderr) == (code, True), refused.stderr
    assert office("filter", "list", "--json").json == [NEWS]


def test_a_filter_for_everybody_can_be_named_also_where_a_user_has_one_of_that_name(office: Any) -> None:
    office(*"filter add news --global --from spam@x.example --action skip".split())
    assert office("filter", "show", "news", "--json").json["kind"] == "global"
    assert office("filter", "show", "ann/news", "--json").json == NEWS
    assert office("filter", "remove", "news", "--yes").exit_code == 0
    assert [each["of"] for each in office("filter", "list", "--json").json] == ["ann"]


def test_two_users_may_call_their_filters_the_same(office: Any) -> None:
    office("filter", "add", "news", "--user", "ben", "--from", "x", "--action", "skip")
    ambiguous = office("filter", "show", "news")
    assert (ambiguous.exit_code, "ann/news, ben/news" in ambiguous.stderr) == (65, True)
    assert office("filter", "show", "news", "--json", "--as", "ann").json == NEWS
    assert office("filter", "add", "news", "--user", "ann", "--from", "x", "--action", "skip").exit_code == 65


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("filter show ann/news", 66),
        ("filter remove ann/news --yes", 66),
        ("filter add x --user ann --from x --action skip", 77),
        ("filter add x --global --from x --action skip", 77),
        ("filter add x --group-account help --from x --action skip", 77),
        ("filter preview --global --from x", 77),
        ("filter preview --group-account help --from x", 77),
        ("filter preview --user ann --from x", 77),
        ("filter preview --from x", 0),
        ("filter preview --personal-account ben --from x", 0),
        ("filter add x --from x --action skip", 0),
        ("filter add x --personal-account ben --from x --action skip", 0),
    ],
)
def test_a_user_filters_only_what_is_their_own(office: Any, words: str, code: int) -> None:
    assert office(*words.split(), "--as", "ben").exit_code == code


def test_a_letter_is_tried_on_a_filter(office: Any, tmp_path: Path) -> None:
    office("filter", "add", "spam", "--global", "--from", "*@spam.example", "--action", "skip")
    letter = tmp_path / "letter.eml"
    letter.write_bytes(b"From: Eve <eve@spam.example>\r\nTo: help@team.example\r\nSubject: offer\r\n\r\nHi\r\n")
    assert office("filter", "test", "spam", str(letter), "--json").json == {
        "filter": "spam",
        "hit": True,
        "reason": "all criteria are met",
        "action": "skip",
    }
    assert office("filter", "test", "news", str(letter), "--json").json == {
        "filter": "news",
        "hit": False,
        "reason": "not met: headers: List-Id=*",
        "action": None,
    }


def test_a_folder_belongs_to_a_user(office: Any) -> None:
    shown = {"id": 1, "user": "ann", "name": "Later", "skip_notifications": True}
    assert office("folder", "list", "--json").json == [shown]
    assert office("folder", "list", "--json", "--as", "ben").json == []
    assert office("folder", "edit", "Later", "--name", "Soon", "--no-skip-notifications", "--json", "--as", "ann").json == {
        "id": 1,
        "user": "ann",
        "name": "Soon",
        "skip_notifications": False,
    }


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("folder add Later --as ann", 65),
        ("folder add Inbox --as ann", 65),
        ("folder add a/b --as ann", 65),
        ("folder add Later", 2),
        ("folder add X --user ann --as ben", 77),
        ("folder show Later --as ben", 66),
        ("folder show ann/Later --as ben", 77),
        ("folder remove Later --yes", 65),
    ],
)
def test_a_folder_is_refused(office: Any, words: str, code: int) -> None:
    assert office(*words.split()).exit_code == code


@pytest.mark.parametrize("name", ["inbox", "Sent", " trash "])
def test_no_group_folder_stands_in_the_way_of_a_place_that_everybody_has(office: Any, name: str) -> None:
    assert office("group-folder", "add", name, "--team", "support").exit_code == 65
    assert office("group-folder", "edit", "invoices", "--name", name).exit_code == 65
    state = f"state: {{group_folders: [{{name: {name}, teams: [support]}}]}}"
    assert office("apply", "-", input=state).exit_code == 65
    assert [each["name"] for each in office("group-folder", "list", "--json").json] == ["invoices"]


def test_a_group_folder_belongs_to_teams(office: Any) -> None:
    office("team", "add", "sales")
    edited = office("group-folder", "edit", "invoices", "--add-team", "sales", "--json").json
    assert edited == {"id": 1, "name": "invoices", "teams": ["sales", "support"]}
    assert office("group-folder", "list", "--json", "--as", "ann").json == [edited]
    assert office("group-folder", "list", "--json", "--as", "ben").json == []
    assert office("group-folder", "show", "invoices", "--as", "ben").exit_code == 66
    assert office("group-folder", "remove", "invoices", "--yes", "--as", "ann").exit_code == 77


def test_a_template_is_kept_changed_filled_and_removed(office: Any) -> None:
    made = office(
        "template", "add", "ack", "--subject", "Re: {{ email.subject }}", "--body", "Dear {{ person.name }},", "--json"
    )
    assert made.json == {
        "id": 1,
        "name": "ack",
        "subject": "Re: {{ email.subject }}",
        "body": "Dear {{ person.name }},",
        "html": False,
    }
    office("group-account", "edit", "help", "--auto-reply", "--reply-template", "ack")
    office("template", "edit", "ack", "--name", "received", "--html")
    assert office("group-account", "show", "help", "--json").json["reply_template"] == "received"
    assert office("template", "preview", "received", "--json", "--as", "ann").json == {
        "name": "received",
        "subject": "Re: A question",
        "body": "Dear Bob Roe,",
        "html": True,
    }
    assert office("template", "remove", "received", "--yes").exit_code == 65
    office("group-account", "edit", "help", "--no-auto-reply", "--clear", "reply-template")
    assert office("template", "remove", "received", "--yes").exit_code == 0
    assert office("template", "list", "--json").json == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["add", "ack", "--subject", "{{ nobody }}"], 65),
        (["add", "ack", "--subject", "s", "--body", "{% for x in y %}{% endfor %}"], 65),
        (["add", "ack", "--subject", " "], 2),
        (["add", "ack", "--subject", "s", "--body-file", "/nowhere"], 65),
        (["add", "ack", "--subject", "s", "--as", "ann"], 77),
        (["preview", "ack"], 66),
    ],
)
def test_a_template_that_can_t_be_used_is_refused(office: Any, words: list[str], code: int) -> None:
    assert office("template", *words).exit_code == code


def test_a_template_is_filled_from_a_case_that_the_actor_sees(office: Any) -> None:
    office("case", "add", "--name", "Broken lamp")
    office("template", "add", "ack", "--subject", "[#{{ case.number }}] {{ case.name }}", "--body", "{{ case.status }}")
    assert office("template", "preview", "ack", "--case", "1", "--json").json == {
        "name": "ack",
        "subject": "[#1] Broken lamp",
        "body": "New",
        "html": False,
    }
    hidden, missing = (office("template", "preview", "ack", "--case", number, "--as", "ann") for number in ("1", "9"))
    assert (hidden.exit_code, hidden.stderr) == (66, missing.stderr.replace("9", "1"))
