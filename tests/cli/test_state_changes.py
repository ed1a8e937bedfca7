"""`apply` between two states of the world: nothing is lost, and no order of the file is the wrong one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from espomail import yamlfile
from espomail.model import Settings
from espomail.rules.settings import KEYS, parse
from espomail.rules.state import OUTBOUND, SECTIONS
from espomail.store.db import Connection
from tests.cli.test_state import EXAMPLE, apply, dump
from tests.conftest import NOW, Runner

ACCOUNT = "group_accounts: [{name: desk, address: desk@team.example, imap: {host: mail.example%s}}]"


@pytest.fixture
def example(run: Runner) -> Runner:
    """Everything that the example of the configuration makes."""
    assert apply(run, EXAMPLE.read_text()).exit_code == 0
    return run


def shown(run: Runner, kind: str, name: str) -> Any:
    done = run(kind, "show", name, "--json")
    assert done.exit_code == 0, done.stderr
    return done.json


def other(folder: Path) -> Runner:
    """A second, empty database."""
    folder.mkdir()
    runner = Runner(folder)
    assert runner("init", "--yes").exit_code == 0
    return runner


CHANGES = (
    "user edit ben --full-name Ben --signature Bye --admin --os-login ben --notify-mail digest --absent 2026-05-01..2026-05-02",
    "user disable ben",
    "user edit ben --role agent --remove-team support",
    "folder edit News --user ann --no-skip-notifications",
    "template edit received --html --body Hi",
    "filter edit no-lists --mark-read --skip-notification --position 3 --no-active",
    "filter edit ann/boss --no-important --clear position",
    "group-account edit support --plus-address --assigned-user ann --group-folder Invoices --reopen-days 3 --store-sent Sent",
    "group-account edit support --clear smtp-host --clear auto-reply --distribution none --no-create-case --for-all-team-users",
    "group-account disable support",
    "personal-account edit ann-mail --default-folder News --clear map --smtp-host mail.example",
    "role edit agent --add-set import=yes",
    "team edit sales --clear role",
    "settings set trash_days 3",
    "settings outbound --shared --clear from-name --server mail.example --smtp-security starttls --clear smtp-login",
)


def test_an_export_brings_back_everything_that_was_changed_since(example: Runner) -> None:
    before = example("export").stdout
    for words in CHANGES:
        done = example(*words.split())
        assert done.exit_code == 0, f"{words}: {done.stderr}"
    assert example("export").stdout != before
    assert apply(example, before).exit_code == 0
    assert example("export").stdout == before


def test_an_export_has_every_key_of_what_it_lists(example: Runner) -> None:
    state = example("export", "--json").json["state"]
    listed = {section: [set(SECTIONS[section]) - set(item) for item in state[section]] for section in SECTIONS}
    assert listed == {section: [set()] * len(state[section]) for section in SECTIONS}


def keys_of(schema: Any) -> set[str]:
    """Every key that a part of the state may have, and those inside."""
    inner = (keys_of(rule) for rule in schema.values() if isinstance(rule, Mapping))
    return {key for key in schema if key != "*"}.union(*inner)


def test_the_example_names_every_key_of_the_state_and_the_defaults_of_the_settings() -> None:
    text = EXAMPLE.read_text()
    assert sorted(key for key in keys_of(SECTIONS) | keys_of(OUTBOUND) if not re.search(rf"(?<![\w-]){key}:", text)) == []
    told = yamlfile.read(text.encode(), name="example").value["state"]["settings"]
    parsed = {key: None if value is None else parse(key, str(value)) for key, value in told.items()}
    assert parsed == {key: getattr(Settings(), key) for key in KEYS} | {"baseline_role": "basic"}


def test_an_address_goes_from_one_user_to_another_whatever_their_order(example: Runner) -> None:
    moved = """users:
      - {name: aaa, emails: [ben@team.example], os_login: ann}
      - {name: ben, emails: [b@team.example]}
      - {name: ann, emails: [ann@team.example], os_login: null}
    """
    done = apply(example, moved)
    assert done.exit_code == 0, done.stderr
    assert shown(example, "user", "aaa")["emails"] == ["ben@team.example"]
    assert apply(example, moved).json == {"plan": [], "applied": True}


def test_with_prune_a_thing_under_a_new_name_takes_over_what_only_one_can_have(example: Runner) -> None:
    renamed = "users: [{name: ann, emails: [ann@team.example]}, {name: benny, emails: [ben@team.example]}]"
    done = apply(example, renamed, "--prune", "--yes")
    assert done.exit_code == 0, done.stderr
    assert [(step["change"], step["name"]) for step in done.json["plan"]] == [
        ("change", "ann"),
        ("add", "benny"),
        ("remove", "ben"),
    ]


def test_what_stays_refused_is_told_once_and_undoes_all(example: Runner, db: Connection) -> None:
    before = dump(db)
    taken = "teams: [{name: new}]\nusers:\n  - {name: cho, emails: [ann@team.example]}\n"
    refused = apply(example, taken)
    assert refused.error["message"] == (
        "stdin:3: users[0]: the address ann@team.example belongs to the user ann (an address belongs to one user)"
    )
    assert dump(db) == before


def test_a_null_for_an_account_is_what_a_new_one_has(run: Runner) -> None:
    done = apply(run, "group_accounts: [{name: desk, address: desk@team.example, is_active: null, create_case: null}]")
    assert done.exit_code == 0, done.stderr
    desk = shown(run, "group-account", "desk")
    assert (desk["is_active"], desk["create_case"]) == (True, False)


def test_the_day_on_which_fetching_began_stays_when_the_file_is_applied_later(run: Runner) -> None:
    text = ACCOUNT % ", fetch_since: null"
    apply(run, text)
    run.now = NOW.replace(month=7)
    assert apply(run, text).json == {"plan": [], "applied": True}
    assert shown(run, "group-account", "desk")["imap"]["fetch_since"] == "2026-03-02"


def test_a_day_is_a_date_and_not_a_word_that_means_another_one_tomorrow(run: Runner) -> None:
    refused = apply(run, ACCOUNT % ", fetch_since: yesterday")
    assert refused.error["message"] == ("stdin:1: group_accounts[0].imap.fetch_since: must be a date: 2026-03-01")


def test_a_half_that_is_null_is_taken_away_and_one_that_is_not_mentioned_stays(example: Runner) -> None:
    apply(example, "group_accounts: [{name: support, smtp: null, imap: {port: 1993}}]")
    support = shown(example, "group-account", "support")
    assert (support["smtp"], support["imap"]["port"], support["imap"]["login"]) == (None, 1993, "support")


def test_the_name_in_from_is_kept_also_without_a_server_to_send_by(run: Runner, tmp_path: Path) -> None:
    run("group-account", "add", "desk", "--address", "desk@team.example", "--from-name", "The Desk", "--shared")
    exported = run("export").stdout
    second = other(tmp_path / "second")
    assert apply(second, exported).exit_code == 0
    assert second("export").stdout == exported
    assert second("group-account", "edit", "desk", "--smtp-host", "mail.example").exit_code == 0
    smtp = shown(second, "group-account", "desk")["smtp"]
    assert (smtp["from_name"], smtp["shared"]) == ("The Desk", True)


REFERENCES = (
    "{env: DESK_PASSWORD}", "{file: /etc/desk-password}", "{command: pass show desk}", "{credential: desk}", "{stored: true}",
)  # fmt: skip


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_reference_to_a_password_comes_back_as_it_was(run: Runner, tmp_path: Path, reference: str) -> None:
    apply(run, ACCOUNT % f", password: {reference}")
    exported = run("export").stdout
    second = other(tmp_path / "second")
    assert apply(second, exported).exit_code == 0
    assert second("export").stdout == exported
    assert apply(run, ACCOUNT % f", password: {reference}").json["plan"] == []


def test_a_stored_password_that_is_not_here_is_asked_for(run: Runner) -> None:
    done = apply(run, ACCOUNT % ", password: {stored: true}")
    assert done.exit_code == 0
    assert "group-account secret desk" in done.stderr


def test_stored_never_puts_nothing_in_place_of_a_password_that_works(run: Runner) -> None:
    apply(run, ACCOUNT % ", password: {env: DESK_PASSWORD}")
    refused = apply(run, ACCOUNT % ", password: {stored: true}")
    assert refused.exit_code == 65
    assert shown(run, "group-account", "desk")["imap"]["password"] == "env"


def test_a_user_s_host_is_checked_as_before_when_an_admin_moves_the_account(run: Runner, tmp_path: Path) -> None:
    run("role", "add", "mailer", "--set", "personal-accounts=yes")
    run("user", "add", "ann", "--email", "ann@team.example", "--role", "mailer")
    words = "personal-account add mine --address ann@team.example --imap-host mail.example --imap-password-stdin --as ann"
    assert run(*words.split(), input="hush\n").exit_code == 0
    exported = run("export").stdout
    second = other(tmp_path / "second")
    assert apply(second, exported).exit_code == 0
    assert second("export").stdout == exported
    assert '"allow_private": false' in exported_account(second)


def exported_account(run: Runner) -> str:
    """The IMAP half of the only account, as it is kept."""
    from espomail.store import db as store

    opened = store.open_db(run.db_path, now=NOW)
    imap = str(opened.execute("select imap from accounts").fetchone()[0])
    opened.close()
    return imap


def test_a_configuration_without_a_state_half_has_nothing_to_apply(run: Runner, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("budgets: {fetch_jobs: 2}\n")
    refused = run("apply", "--config", str(file), "--json")
    assert refused.exit_code == 78
    assert refused.error["message"] == f"{file} has no state half"


def test_a_name_is_known_whatever_spaces_are_around_it(run: Runner) -> None:
    assert apply(run, 'teams: [{name: " support "}]').json["plan"][0]["name"] == "support"
    assert apply(run, 'teams: [{name: " support "}]').json == {"plan": [], "applied": True}


def test_an_export_is_for_its_owner_alone_and_goes_through_no_link(example: Runner, tmp_path: Path) -> None:
    file, link = tmp_path / "state.yaml", tmp_path / "link.yaml"
    link.symlink_to(tmp_path / "elsewhere.yaml")
    assert example("export", str(file)).exit_code == 0
    assert (file.stat().st_mode & 0o777, file.read_text()) == (0o600, example("export").stdout)
    assert example("export", str(link)).exit_code == 65
    assert not (tmp_path / "elsewhere.yaml").exists()
    assert example("export", str(tmp_path / "nowhere" / "state.yaml")).exit_code == 65


def test_the_plan_has_what_a_removal_takes_with_it(example: Runner) -> None:
    example("group-account", "edit", "support", "--assigned-user", "ann")
    done = apply(example, "users: [{name: ben, emails: [ben@team.example]}]", "--prune", "--yes")
    told = {(step["change"], step["kind"], step["name"]) for step in done.json["plan"]}
    assert told == {
        ("remove", "user", "ann"),
        ("remove", "folder", "ann/News"),
        ("remove", "filter", "ann/boss"),
        ("remove", "personal-account", "ann-mail"),
        ("change", "group-account", "support"),
    }


def test_what_the_file_wants_and_takes_away_at_once_is_an_error(example: Runner, db: Connection) -> None:
    before = dump(db)
    text = "users: [{name: ben}]\nfolders:\n  - {name: News, user: ann}\n"
    refused = apply(example, text, "--prune", "--yes")
    assert refused.error["message"] == "stdin:3: folders[0]: no such user: ann (see: espomail user list)"
    assert dump(db) == before


def test_nobody_but_an_admin_makes_themselves_one(example: Runner, db: Connection, tmp_path: Path) -> None:
    before = dump(db)
    file = tmp_path / "state.yaml"
    file.write_text("users: [{name: ann, is_admin: yes}]")
    for words in (("apply", str(file)), ("apply", "-"), ("export", str(tmp_path / "out.yaml")), ("export",)):
        done = example(*words, "--as", "ann", input=file.read_text())
        assert (done.exit_code, done.stdout) == (77, ""), words
    assert dump(db) == before
    assert not (tmp_path / "out.yaml").exists()


# ---------------------------------------------------------------- the system's sender

SENDER = "outbound: {address: crm@team.example, server: {host: %s}}"


def sender(run: Runner) -> Any:
    return run("settings", "outbound", "--json").json


def test_the_system_s_sender_comes_back_from_an_export(example: Runner, tmp_path: Path) -> None:
    exported = example("export").stdout
    second = other(tmp_path / "second")
    assert apply(second, exported).exit_code == 0
    assert sender(second) == sender(example)
    assert sender(second)["server"]["password"] == "env"
    assert second("export").stdout == exported


def test_of_the_system_s_sender_every_key_stands_for_itself(example: Runner) -> None:
    before = sender(example)
    plan = apply(example, "outbound: {from_name: null, server: {security: starttls, port: null}}").json["plan"]
    assert {(step["kind"], step["name"]) for step in plan} == {("outbound", "from_name"), ("outbound", "server")}
    assert sender(example) == {
        **before,
        "from_name": None,
        "server": {**before["server"], "security": "starttls", "port": 587},
    }
    apply(example, "outbound: {server: {login: null, password: null}}")
    assert (sender(example)["server"]["login"], sender(example)["server"]["password"]) == (None, None)


def test_a_password_without_a_log_in_is_for_that_of_the_address_every_time(example: Runner) -> None:
    file = "outbound: {address: crm@team.example, server: {host: m.example, login: null, password: {env: OTHER}}}"
    assert apply(example, file).json["plan"] != []
    assert sender(example)["server"]["login"] == "crm@team.example"
    assert apply(example, file).json["plan"] == []


def test_a_server_taken_away_leaves_an_address_that_an_account_must_have(example: Runner, db: Connection) -> None:
    before = dump(db)
    refused = apply(example, "outbound: {server: null}")
    assert refused.error["message"].startswith("stdin:1: outbound: no group account has the address crm@team.example")
    assert (refused.exit_code, dump(db)) == (65, before)
    assert apply(example, "outbound: {address: support@team.example, server: null}").exit_code == 0
    assert sender(example)["server"] is None
    pruned = apply(example, "group_accounts: []", "--prune", "--yes")
    assert "system mail leaves from support@team.example" in pruned.error["message"]


def test_the_account_and_the_sender_that_needs_it_are_made_by_one_file(run: Runner) -> None:
    text = """outbound: {address: desk@team.example, shared: yes}
group_accounts: [{name: desk, address: desk@team.example, smtp: {host: mail.example}}]
"""
    assert apply(run, text).exit_code == 0
    assert sender(run) == {"address": "desk@team.example", "from_name": None, "shared": True, "server": None}
    assert apply(run, text).json == {"plan": [], "applied": True}
    assert apply(run, "outbound: {address: null, shared: null}\ngroup_accounts: []", "--prune", "--yes").exit_code == 0


@pytest.mark.parametrize("host", ["mail.example", "'::1'", "'2001:db8::5'"])
@pytest.mark.parametrize("reference", REFERENCES)
def test_a_reference_to_the_sender_s_password_comes_back_as_it_was(
    run: Runner, tmp_path: Path, host: str, reference: str
) -> None:
    text = SENDER % f"{host}, login: crm, password: {reference}"
    made = apply(run, text)
    assert made.exit_code == 0, made.stderr
    assert ("settings outbound --smtp-password-stdin" in made.stderr) == ("stored" in reference)
    assert apply(run, text).json["plan"] == []
    exported = run("export").stdout
    second = other(tmp_path / "second")
    assert apply(second, exported).exit_code == 0
    assert second("export").stdout == exported


def test_a_kept_password_of_the_sender_survives_apply_and_is_in_no_export(run: Runner, db: Connection) -> None:
    words = "settings outbound --address crm@team.example --server mail.example:465 --smtp-password-stdin"
    assert run(*words.split(), input="hush-hush\n").exit_code == 0
    kept = "select value from settings where key = 'outbound_server'"
    before = db.execute(kept).fetchone()[0]
    exported = run("export").stdout
    assert "hush" not in exported
    assert apply(run, exported.replace("mail.example", "out.example")).exit_code == 0
    assert db.execute(kept).fetchone()[0] == before.replace("mail.example", "out.example")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("outbound: {adress: a@b.example}", "outbound.adress: unknown key; did you mean address?"),
        ("outbound: {server: {host: mail.example}}", "outbound: system mail needs an address to go from"),
        ("outbound: {shared: yes}", "outbound: system mail needs an address to go from"),
        ("outbound: {address: no address}", "outbound.address: "),
        (SENDER % "mail.example, security: ssl", "outbound.server.security: can't be ssl"),
        (SENDER % "10.0.0.1, security: none", "plain text"),
        (SENDER % "mail.example, port: 99999", "outbound.server.port: not a port"),
        (SENDER % "mail.example, password: secret", "outbound.server.password: must be a reference"),
        ("outbound: {address: a@b.example, server: {port: 25}}", "outbound: the server of outbound has no host"),
    ],
)
def test_a_sender_that_makes_no_sense_is_named_and_nothing_is_changed(
    run: Runner, db: Connection, text: str, words: str
) -> None:
    before = dump(db)
    refused = apply(run, text)
    assert (refused.exit_code, words in refused.error["message"]) == (65, True), refused.stderr
    assert dump(db) == before
