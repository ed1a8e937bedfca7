"""Mail accounts as rows, and how their rounds are counted."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from espomail.errors import BadInput, NotFound
from espomail.model import Account, Secret, Server
from espomail.store import accounts, teams, users
from espomail.store.db import Connection

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
IMAP = Server(
    host="mail.example", port=143, security="starttls", login="sébastien", secret=Secret("command", "pass show mail"),
    tls_ca_file="/etc/ca.pem", allow_plaintext=True, allow_private=False,
)  # fmt: skip
PLAIN = Account(id=0, kind="group", name="support", address="support@team.example")


def test_an_account_comes_back_as_it_was_kept(db: Connection) -> None:
    team_ids = tuple(teams.add(db, name) for name in ("support", "sales"))
    user_id = users.add(db, users.Profile(name="ann"), now=NOW)
    whole = replace(
        PLAIN,
        from_name="Support",
        imap=IMAP,
        smtp=replace(IMAP, port=587, login=None, secret=None),
        folders=("INBOX", "Entwürfe", 'a"b'),
        fetch_since=date(2026, 1, 31),
        after_import="move:Done",
        team_ids=team_ids,
        for_all_team_users=True,
        assigned_user_id=user_id,
        create_case=True,
        distribution="round-robin",
        target_team_id=team_ids[0],
        target_position="lead",
        followup_closed="new",
        reopen_days=14,
        auto_submitted="case",
        strangers="new-case",
        auto_reply=True,
        reply_template="ack",
        reply_to="r@team.example",
        plus_address=True,
        shared=True,
        store_sent="Sent",
    )
    account_id = accounts.add(db, whole, created_by_id=None, now=NOW)
    assert accounts.find(db, account_id) == replace(whole, id=account_id)


def test_a_personal_account_keeps_its_folder_map(db: Connection) -> None:
    user_id = users.add(db, users.Profile(name="ann"), now=NOW)
    own = replace(
        PLAIN,
        kind="personal",
        name="ann",
        user_id=user_id,
        folder_map=(("Sent", "Sent"), ("A=B", "Later")),
        default_folder="Later",
    )
    account_id = accounts.add(db, own, created_by_id=user_id, now=NOW)
    assert accounts.list_(db, kind="personal", user_id=user_id) == [replace(own, id=account_id)]


def test_a_change_replaces_everything(db: Connection) -> None:
    team_id = teams.add(db, "support")
    account_id = accounts.add(db, replace(PLAIN, imap=IMAP, team_ids=(team_id,)), created_by_id=None, now=NOW)
    changed = replace(PLAIN, id=account_id, name="help", folders=("A",))
    accounts.set_(db, changed)
    assert accounts.list_(db) == [changed]


def test_group_and_personal_accounts_share_their_names(db: Connection) -> None:
    user_id = users.add(db, users.Profile(name="ann"), now=NOW)
    accounts.add(db, PLAIN, created_by_id=None, now=NOW)
    with pytest.raises(BadInput, match="already a group account named support"):
        accounts.add(db, replace(PLAIN, kind="personal", user_id=user_id), created_by_id=None, now=NOW)


def test_a_group_account_is_not_found_among_the_personal_ones(db: Connection) -> None:
    accounts.add(db, PLAIN, created_by_id=None, now=NOW)
    assert accounts.get_by_name(db, "support").name == "support"
    with pytest.raises(NotFound, match="no such personal account: support"):
        accounts.get_by_name(db, "support", kind="personal")


def test_an_account_that_never_had_a_round_has_no_failures(db: Connection) -> None:
    account_id = accounts.add(db, PLAIN, created_by_id=None, now=NOW)
    assert accounts.round_of(db, account_id) == accounts.Round(account_id=account_id)
    assert accounts.rounds(db) == {}


def test_failures_are_counted_until_a_round_goes_well(db: Connection) -> None:
    account_id = accounts.add(db, PLAIN, created_by_id=None, now=NOW)
    later = NOW + timedelta(minutes=1)
    accounts.note_failure(db, account_id, now=NOW, error="refused", next_try_at=later, is_login_refused=True)
    twice = accounts.note_failure(db, account_id, now=later, error="refused", next_try_at=None, is_login_refused=True)
    assert twice == accounts.Round(
        account_id=account_id, last_attempt_at=later, failures=2, login_refusals=2, next_try_at=None, last_error="refused"
    )
    accounts.note_success(db, account_id, now=later, backlog=7)
    assert accounts.rounds(db) == {
        account_id: accounts.Round(account_id=account_id, last_attempt_at=later, last_success_at=later, backlog=7)
    }


def test_only_refused_log_ins_in_a_row_are_counted_as_such(db: Connection) -> None:
    account_id = accounts.add(db, PLAIN, created_by_id=None, now=NOW)
    accounts.note_failure(db, account_id, now=NOW, error="refused", next_try_at=None, is_login_refused=True)
    after = accounts.note_failure(db, account_id, now=NOW, error="no route", next_try_at=None)
    assert (after.failures, after.login_refusals) == (2, 0)


def test_an_account_that_goes_takes_its_rounds_with_it(db: Connection) -> None:
    account_id = accounts.add(db, PLAIN, created_by_id=None, now=NOW)
    accounts.note_success(db, account_id, now=NOW)
    accounts.remove(db, accounts.get_by_name(db, PLAIN.name))
    assert (accounts.list_(db), accounts.rounds(db)) == ([], {})
