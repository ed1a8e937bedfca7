"""`apply` and `export`: the example, twice, back again, and everything that can be wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from espomail.store.db import Connection
from tests.conftest import Result, Runner

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"


def apply(run: Runner, text: str, *words: str) -> Result:
    return run("apply", "-", *words, "--json", input=text)


def dump(db: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    tables = [row[0] for row in db.execute("select name from sqlite_schema where type = 'table' order by name")]
    return {table: [tuple(row) for row in db.execute(f"select * from {table}")] for table in tables}  # noqa: S608 (our names)


def test_the_example_is_made_and_the_second_plan_is_empty(run: Runner) -> None:
    first = apply(run, EXAMPLE.read_text())
    assert first.exit_code == 0, first.stderr
    counts: dict[str, int] = {}
    for step in first.json["plan"]:
        assert step["change"] in ("add", "change")
        counts[step["kind"]] = counts.get(step["kind"], 0) + 1
    assert counts == {
        "role": 2, "team": 2, "user": 2, "group-folder": 1, "folder": 1, "template": 1, "group-account": 1,
        "personal-account": 1, "filter": 3, "setting": 1, "outbound": 3,
    }  # fmt: skip
    assert apply(run, EXAMPLE.read_text()).json == {"plan": [], "applied": True}


def test_what_was_applied_is_what_the_commands_show(run: Runner) -> None:
    apply(run, EXAMPLE.read_text())
    ann = run("user", "show", "ann", "--json").json
    assert ann["teams"] == [{"team": "sales", "position": None}, {"team": "support", "position": "agent"}]
    assert (ann["emails"], ann["absent_until"]) == (["ann@team.example", "a.archer@team.example"], "2026-08-21")
    support = run("group-account", "show", "support", "--json").json
    assert (support["imap"]["host"], support["smtp"]["shared"], support["distribution"]) == (
        "mail.team.example",
        True,
        "round-robin",
    )
    assert run("filter", "show", "invoices", "--json").json["criteria"] == {"subject": "*invoice*"}
    assert run("settings", "get", "baseline_role", "--json").json["value"] == "basic"


def test_what_is_exported_makes_the_same_on_an_empty_database(run: Runner, tmp_path: Path) -> None:
    apply(run, EXAMPLE.read_text())
    exported = run("export").stdout
    assert apply(run, exported).json["plan"] == []
    folder = tmp_path / "other"
    folder.mkdir()
    other = Runner(folder)
    other("init", "--yes")
    again = apply(other, exported)
    assert again.exit_code == 0, again.stderr
    assert other("export").stdout == exported
    assert json.loads(other("export", "--json").stdout) == yaml.safe_load(exported)


def test_a_dry_run_prints_the_plan_and_changes_nothing(run: Runner, db: Connection) -> None:
    before = dump(db)
    planned = apply(run, EXAMPLE.read_text(), "--dry-run").json
    assert (len(planned["plan"]), planned["applied"]) == (18, False)
    assert dump(db) == before


def test_the_plan_tells_a_person_what_was_and_what_will_be(run: Runner) -> None:
    run("team", "add", "support")
    given = {"teams": [{"name": "support", "roles": ["agent"]}], "roles": [{"name": "agent"}], "settings": {"trash_days": 31}}
    plan = run("apply", "-", "--dry-run", input=yaml.safe_dump({"state": given})).stdout
    assert [line.split(maxsplit=3)[3:] for line in plan.splitlines()] == [
        ["FIELDS"],
        [],
        ["roles: none -> agent"],
        ["value: 30 -> 31"],
    ]


def test_one_wrong_key_among_hundreds_is_named_with_its_line_and_nothing_is_changed(run: Runner, db: Connection) -> None:
    users = [f"    - name: user{n}\n      emails: [user{n}@team.example]\n" for n in range(300)]
    users[217] = users[217].replace("emails", "emials")
    text = "state:\n  users:\n" + "".join(users)
    before = dump(db)
    refused = apply(run, text)
    assert refused.exit_code == 65
    line = text[: text.index("emials")].count("\n") + 1
    told = refused.error["message"].splitlines()
    assert told[0] == f"stdin:{line}: state.users[217].emials: unknown key; did you mean emails?"
    assert all(f"stdin:{line - 1}: state.users[217]: " in each for each in told[1:])
    assert dump(db) == before


WRONG = """\
state:
  settings:
    trash_days: soon
    trash_dys: 3
  teams:
    - name: support
      roles: [nobody]
    - name: support
    - roles: []
  users:
    - name: ann
      emails: ann@team.example
    - name: 7
      emails: [x@team.example]
    - name: cho
      emails: [no address]
      is_admin: perhaps
    - name: dan
      emails: [dan@team.example]
      teams: [{team: sales}]
      password: secret
  group_accounts:
    - name: desk
      address: desk@team.example
      imap: {host: mail.example, port: high, password: letmein}
  gruop_folders: []
  settings: {trash_days: 3}
"""
PROBLEMS = {
    (3, "state.settings.trash_days"),
    (4, "state.settings.trash_dys"),
    (6, "state.teams[0]"),
    (8, "state.teams[1].name"),
    (9, "state.teams[2]"),
    (12, "state.users[0].emails"),
    (13, "state.users[1].name"),
    (17, "state.users[2].is_admin"),
    (16, "state.users[2].emails"),
    (18, "state.users[3]"),
    (21, "state.users[3].password"),
    (25, "state.group_accounts[0].imap.port"),
    (25, "state.group_accounts[0].imap.password"),
    (26, "state.gruop_folders"),
    (27, "state.settings"),
}


def test_everything_that_is_wrong_is_told_at_once_with_path_and_line(run: Runner, db: Connection) -> None:
    before = dump(db)
    refused = apply(run, WRONG)
    told = [line.split(": ", 2) for line in refused.error["message"].splitlines()]
    assert {(int(place.removeprefix("stdin:")), path) for place, path, _ in told} == PROBLEMS
    assert refused.exit_code == 65
    assert "letmein" not in refused.stderr
    assert dump(db) == before


VALUES = """\
roles:
  - name: agent
    cells:
      email.reed: team
users:
  - name: ann
    emails: [ann@team.example, no address]
    notify_mail: always
group_accounts:
  - name: desk
    address: desk@team.example
    reply_to: desk
    imap:
      host: mail.example
      port: 99999
      security: ssl
      after_import: burn
    distribution: robin
    strangers: welcome
    target_team: nowhere
filters:
  - name: large
    kind: global
    action: skip
    criteria:
      larger_than: big
"""
WRONG_VALUES = {
    (3, "roles[0].cells", "no such key of a role: email.reed (did you mean: email.read, email.create, email.edit?)"),
    (7, "users[0].emails", "not an e-mail address: 'no address' (write it as name@example.com)"),
    (8, "users[0].notify_mail", "can't be always; one of: off, instant, digest"),
    (12, "group_accounts[0].reply_to", "not an e-mail address: 'desk' (write it as name@example.com)"),
    (15, "group_accounts[0].imap.port", "not a port: '99999' (write a number from 1 to 65535)"),
    (16, "group_accounts[0].imap.security", "can't be ssl; one of: tls, starttls, none"),
    (
        17,
        "group_accounts[0].imap.after_import",
        "--after-import can't be burn (one of: keep-unread, seen, move:FOLDER, delete)",
    ),
    (
        18,
        "group_accounts[0].distribution",
        "can't be robin; one of: none, direct-assignment, round-robin, least-busy, less-busy",
    ),
    (10, "group_accounts[0]", "no such team: nowhere (see: espomail team list)"),
    (19, "group_accounts[0].strangers", "can't be welcome; one of: attach, new-case"),
    (26, "filters[0].criteria.larger_than", "not a size: 'big' (write a number of bytes, or 800k, 50M, 1G)"),
}


def test_each_value_that_can_not_be_is_told_with_its_own_line_and_nothing_that_only_follows_from_it(run: Runner) -> None:
    refused = apply(run, VALUES)
    told = [line.split(": ", 2) for line in refused.error["message"].splitlines()]
    assert {(int(place.removeprefix("stdin:")), path, words) for place, path, words in told} == WRONG_VALUES
    assert len(told) == len(WRONG_VALUES)


BROKEN = {
    "a doubled key": ("state:\n  teams: []\n  teams: []\n", "stdin:3: state.teams: this key is here twice"),
    "no YAML": ("state: [\n", "stdin:2: no YAML"),
    "an alias": ("state: &a\n  teams: *a\n", "aliases can't be used here"),
    "a list at the top": ("- a\n", "must be a mapping"),
    "an unknown half": ("stat:\n  teams: []\nstate: {}\n", "stdin:1: stat: unknown key; did you mean state?"),
    "not UTF-8": (b"state:\n  teams:\n  - \xff\xfe\n", "stdin:3: no YAML"),
    "an escape character": (b"state:\n  teams:\n  - \x1b\n", "stdin:3: no YAML: control characters are not allowed"),
    "very deep": ("state: " + "[" * 200 + "]" * 200, "nested deeper"),
}


@pytest.mark.parametrize(("text", "words"), BROKEN.values(), ids=list(BROKEN))
def test_a_broken_file_is_bad_input(run: Runner, text: str | bytes, words: str) -> None:
    refused = run("apply", "-", "--json", input=text)
    assert refused.exit_code == 65, refused.stderr
    assert words in refused.error["message"]
    assert all(line.startswith("stdin:") for line in refused.error["message"].splitlines())


def test_what_an_entry_leaves_out_stays_and_null_empties_it(run: Runner) -> None:
    apply(run, EXAMPLE.read_text())
    plan = apply(run, "users: [{name: ann, full_name: Ann Ash, absent_from: null, absent_until: null}]").json["plan"]
    assert plan == [
        {
            "change": "change",
            "kind": "user",
            "name": "ann",
            "fields": {
                "full_name": {"from": "Ann Archer", "to": "Ann Ash"},
                "absent_from": {"from": "2026-08-01", "to": None},
                "absent_until": {"from": "2026-08-21", "to": None},
            },
        }
    ]
    assert run("user", "show", "ann", "--json").json["emails"] == ["ann@team.example", "a.archer@team.example"]


def test_prune_removes_what_the_lists_lack_after_asking_and_leaves_absent_lists_alone(run: Runner) -> None:
    apply(run, EXAMPLE.read_text())
    text = "state:\n  users: [{name: ann, emails: [ann@team.example]}]\n  filters: []\n"
    assert apply(run, text, "--prune").exit_code == 2
    plan = apply(run, text, "--prune", "--yes").json["plan"]
    removed = {(step["kind"], step["name"]) for step in plan if step["change"] == "remove"}
    assert removed == {("user", "ben"), ("filter", "no-lists"), ("filter", "invoices"), ("filter", "ann/boss")}
    assert len(run("team", "list", "--json").json) == 2


def test_prune_takes_everything_that_it_made_away_again(run: Runner) -> None:
    names = (
        "roles",
        "teams",
        "users",
        "group_folders",
        "folders",
        "templates",
        "group_accounts",
        "personal_accounts",
        "filters",
    )
    apply(run, EXAMPLE.read_text())
    nothing = json.dumps({"state": {"settings": {"baseline_role": None}, **{name: [] for name in names}}})
    gone = apply(run, nothing, "--prune", "--yes")
    assert gone.exit_code == 0, gone.stderr
    state = run("export", "--json").json["state"]
    assert [state[name] for name in names] == [[]] * 9


def test_a_stored_password_survives_apply_and_is_in_no_export(run: Runner, db: Connection) -> None:
    run(
        "group-account", "add", "desk", "--address", "desk@team.example", "--imap-host", "mail.example",
        "--imap-password-stdin", input="hush-hush\n",
    )  # fmt: skip
    before = db.execute("select imap from accounts").fetchone()[0]
    exported = run("export").stdout
    assert "hush" not in exported
    account: dict[str, Any] = yaml.safe_load(exported)["state"]["group_accounts"][0]
    assert account["imap"]["password"] == {"stored": True}
    assert apply(run, exported.replace("mail.example", "imap.example")).json["plan"][0]["change"] == "change"
    assert db.execute("select imap from accounts").fetchone()[0] == before.replace("mail.example", "imap.example")


def test_only_admins_apply_and_export(run: Runner) -> None:
    run("user", "add", "ann", "--email", "ann@team.example")
    assert run("export", "--as", "ann").exit_code == 77
    assert run("apply", "-", "--as", "ann", input="state: {}").exit_code == 77


def test_without_a_file_the_state_half_of_the_configuration_is_applied(run: Runner, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("budgets: {fetch_jobs: 2}\nstate:\n  teams: [{name: support}]\n")
    assert run("apply", "--config", str(file), "--json").json["plan"][0]["name"] == "support"
    assert run("apply", "--json").exit_code == 78
