"""Cases, streams, followers and notifications on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from espomail.cli.main import cli
from espomail.model import Account, Attachment, Mail, Thing
from espomail.store import accounts, case_emails, cases, email_users, emails, notifications, records, roles, teams, users
from espomail.store.db import Connection, create_db
from espomail.store.records import RecordFields
from tests.conftest import Result

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
AT = "2026-03-01T09:00:00Z"
AGENT = {
    "case.create": "yes",
    "case.read": "team",
    "case.edit": "team",
    "case.stream": "team",
    "email.read": "own",
    "account.read": "team",
    "contact.read": "no",
    "assignment": "team",
}


Run = Callable[..., Result]


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """ann and bob in support, eve in sales, all agents; admin root; dan without a role; the company Acme of support."""
    db = create_db(tmp_path / "desk.db", now=NOW)
    role = roles.add(db, "agent", AGENT)
    support, sales = teams.add(db, "support"), teams.add(db, "sales")
    for name, team in (("ann", support), ("bob", support), ("eve", sales)):
        user_id = users.add(db, users.Profile(name=name), now=NOW)
        users.set_roles(db, user_id, [role])
        teams.add_member(db, team, user_id, position=None)
    users.add(db, users.Profile(name="root", is_admin=True), now=NOW)
    users.add(db, users.Profile(name="dan"), now=NOW)
    records.add(db, "account", RecordFields(name="Acme", team_ids=(support,)), created_by_id=None, now=NOW)
    records.add(db, "contact", RecordFields(name="Bob Roe", account_id=1), created_by_id=None, now=NOW)
    yield db
    db.close()


@pytest.fixture
def run(db: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command with --json as a user, or as the system for ""."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    for name in ("ESPOMAIL_AS", "ESPOMAIL_DB", "ESPOMAIL_CONFIG", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)

    def run(who: str, *words: str, stdin: str = "") -> Result:
        acting = ["--as", who] if who else []
        done = CliRunner().invoke(cli, ["--db", str(tmp_path / "desk.db"), "--json", *acting, *words], input=stdin)
        return Result(done.exit_code, done.stdout, done.stderr)

    return run


def opened(db: Connection, name: str = "Printer", *, team: str | None = "support", **facts: Any) -> int:
    return cases.add(db, name=name, team_ids=[teams.get(db, team).id] if team else [], now=NOW, **facts)


def id_of(db: Connection, name: str) -> int:
    return users.get(db, name).id


def mailed(db: Connection, number: int, key: str = "a") -> int:
    """An email of a case, which only who is linked to it may read under `own`."""
    attachment = Attachment(0, "secret.pdf", "application/pdf", 9, "00ff", False, None)
    mail = Mail(message_id=f"{key}@acme.example", content_key=key, subject="secret", attachments=(attachment,))
    email = emails.add(db, emails.NewEmail(mail=mail, direction="in", status="imported", received_at=NOW, raw_id=None), now=NOW)
    case_emails.add(db, number, email, by_user_id=None, now=NOW)
    db.execute("update cases set opened_by_email_id = ? where number = ?", (email, number))
    return email


def everything(db: Connection) -> dict[str, list[tuple[Any, ...]]]:
    names = [
        row[0] for row in db.execute("select name from sqlite_master where type = 'table' and name not like 'email_texts%'")
    ]
    return {name: [tuple(row) for row in db.execute(f"select * from {name} order by 1, 2")] for name in names}  # noqa: S608 (names of tables)


# ---------------------------------------------------------------- case


def test_a_case_is_shown_whole(db: Connection, run: Run) -> None:
    number = opened(db, account_id=1, contact_id=2, description="It burns.", type="Question")
    email = mailed(db, number)
    shown = run("", "case", "show", "1").json
    assert {key: value for key, value in shown.items() if key != "stream"} == {
        "number": 1,
        "name": "Printer",
        "description": "It burns.",
        "status": "New",
        "priority": "Normal",
        "type": "Question",
        "assigned_user": None,
        "teams": ["support"],
        "account": {"type": "account", "id": 1, "name": "Acme"},
        "contact": {"type": "contact", "id": 2, "name": "Bob Roe"},
        "lead": None,
        "group_account": None,
        "follows_case": None,
        "created_at": AT,
        "closed_at": None,
        "followers": [],
        "emails": [email],
        "attachments": [
            {
                "id": 1,
                "email": email,
                "name": "secret.pdf",
                "content_type": "application/pdf",
                "size_bytes": 9,
                "sha256": "00ff",
                "is_inline": False,
            }
        ],
    }
    assert [(entry["type"], entry["email"], entry["text"]) for entry in shown["stream"]] == [
        ("create", None, "Printer"),
        ("email-received", email, "secret"),
    ]


def test_a_case_hides_the_mail_and_customers_that_its_reader_may_not_read(db: Connection, run: Run) -> None:
    number = opened(db, account_id=1, contact_id=2)
    mailed(db, number)
    shown = run("ann", "case", "show", "1").json
    assert (shown["account"], shown["contact"], shown["emails"], shown["attachments"]) == (
        {"type": "account", "id": 1, "name": "Acme"},
        None,
        [],
        [],
    )
    assert shown["stream"][1]["text"] == "mail on case:1"
    assert "secret" not in json.dumps(shown)


@pytest.mark.parametrize(("who", "number"), [("", 1), ("root", 1), ("ann", None)])
def test_the_case_that_another_follows_is_named_to_whom_may_see_it(
    db: Connection, run: Run, who: str, number: int | None
) -> None:
    cases.add(db, name="Lamp", team_ids=(2,), now=NOW)
    cases.add(db, name="Lamp again", team_ids=(1,), follows_case=1, now=NOW)
    shown = run(who, "case", "show", "2").json
    stream = run(who, "stream", "show", "case:2").json["stream"]
    assert (shown["follows_case"], stream[0]["data"]) == (number, {"follows": number} if number else {})
    assert run(who, "case", "list").json[0]["follows_case"] == number


def test_a_list_carries_every_field_but_the_stream(db: Connection, run: Run) -> None:
    opened(db)
    mailed(db, 1)
    (listed,), shown = run("", "case", "list").json, run("", "case", "show", "1").json
    assert listed == {key: value for key, value in shown.items() if key != "stream"}


def test_a_list_holds_only_what_its_reader_may_see(db: Connection, run: Run) -> None:
    opened(db, "ours")
    opened(db, "theirs", team="sales")
    opened(db, "nobody's", team=None)
    listed = {who: [case["name"] for case in run(who, "case", "list").json] for who in ("", "root", "ann", "eve", "dan")}
    assert listed == {
        "": ["nobody's", "theirs", "ours"],
        "root": ["nobody's", "theirs", "ours"],
        "ann": ["ours"],
        "eve": ["theirs"],
        "dan": [],
    }


def test_a_list_is_cut_and_chosen_as_asked(db: Connection, run: Run) -> None:
    for name in ("one", "two", "three"):
        opened(db, name)
    run("", "case", "close", "2")
    run("", "case", "assign", "3", "ann")

    def listed(*words: str) -> list[int]:
        return [case["number"] for case in run("ann", "case", "list", *words).json]

    assert listed() == [3, 2, 1]
    assert listed("--status", "open") == [3, 1]
    assert listed("--status", "closed") == [2]
    assert listed("--assigned", "ann") == [3]
    assert listed("--assigned", "none") == [2, 1]
    assert listed("--team", "support", "--limit", "1", "--offset", "1") == [2]
    assert listed("--since", "2026-03-02") == []
    assert listed("--limit", "0") == []


def test_a_case_that_may_not_be_seen_answers_like_one_that_is_not_there(db: Connection, run: Run) -> None:
    opened(db, "theirs", team="sales")
    verbs = (["show"], ["status", "Closed"], ["close"], ["reopen"], ["assign", "ann"], ["note", "x"], ["edit", "--name", "x"])
    for verb, *rest in [*verbs, ["link", "account:Acme"]]:
        hidden, missing = (run("ann", "case", verb, number, *rest) for number in ("1", "9"))
        assert (hidden.exit_code, hidden.error) == (66, {**missing.error, "message": "no such case: 1"}), verb


def test_a_case_is_opened_by_hand(db: Connection, run: Run) -> None:
    words = ["--name", " Printer  on fire", "--account", "Acme", "--team", "support", "--priority", "high", "--type", "Problem"]
    made = run("ann", "case", "add", *words)
    assert made.exit_code == 0
    assert made.json == run("ann", "case", "show", "1").json
    assert {key: made.json[key] for key in ("name", "account", "teams", "priority", "type", "status")} == {
        "name": "Printer on fire",
        "account": {"type": "account", "id": 1, "name": "Acme"},
        "teams": ["support"],
        "priority": "High",
        "type": "Problem",
        "status": "New",
    }
    assert [(entry["type"], entry["user"]) for entry in made.json["stream"]] == [("create", "ann")]


REFUSED_ADDS = {
    "without a role": ("dan", ["--name", "x"], 77),
    "a name of spaces": ("ann", ["--name", "  "], 65),
    "no name": ("ann", [], 2),
    "a contact that may not be read": ("ann", ["--name", "x", "--contact", "Bob Roe"], 66),
    "a company that is not there": ("ann", ["--name", "x", "--account", "Nowhere"], 66),
    "a team of others": ("ann", ["--name", "x", "--team", "sales"], 66),
    "a team that is not there": ("ann", ["--name", "x", "--team", "nowhere"], 66),
    "no such priority": ("ann", ["--name", "x", "--priority", "Highest"], 2),
}


@pytest.mark.parametrize(("who", "words", "code"), REFUSED_ADDS.values(), ids=REFUSED_ADDS)
def test_a_case_that_may_not_be_opened_leaves_no_trace(db: Connection, run: Run, who: str, words: list[str], code: int) -> None:
    before = everything(db)
    assert run(who, "case", "add", *words).exit_code == code
    assert everything(db) == before


def test_an_edit_changes_what_it_names_and_nothing_else(db: Connection, run: Run) -> None:
    opened(db, account_id=1, contact_id=2, description="It burns.", type="Question")
    before = run("", "case", "show", "1").json
    edited = run("ann", "case", "edit", "1", "--priority", "Urgent", "--clear", "type").json
    assert run("", "case", "show", "1").json == {**before, "priority": "Urgent", "type": None}
    assert edited["contact"] is None
    added = run("", "case", "edit", "1", "--add-team", "sales", "--remove-team", "support", "--clear", "account").json
    assert (added["teams"], added["account"]) == (["sales"], None)


def test_an_edit_of_nothing_is_wrong_usage(db: Connection, run: Run) -> None:
    opened(db)
    assert run("ann", "case", "edit", "1").exit_code == 2


def test_assigning_tells_the_user_and_opens_the_mail_to_them(db: Connection, run: Run) -> None:
    number = opened(db)
    email = mailed(db, number)
    given = run("bob", "case", "assign", "1", "ann").json
    assert (given["status"], given["assigned_user"], given["followers"], given["emails"]) == ("Assigned", "ann", ["ann"], [])
    assert run("ann", "case", "show", "1").json["emails"] == [email]
    assert [(n["type"], n["thing"], n["email"]) for n in run("ann", "notification", "list").json] == [
        ("case-assigned", "case:1", None)
    ]


def test_taking_a_case_away_from_everybody(db: Connection, run: Run) -> None:
    opened(db)
    run("ann", "case", "assign", "1", "bob")
    taken = run("ann", "case", "assign", "1", "none").json
    assert (taken["status"], taken["assigned_user"]) == ("New", None)


REFUSED_ASSIGNS = {
    "a user of another team": ("ann", "eve", 66),
    "a user who is not there": ("ann", "zoe", 66),
    "a user who is disabled": ("ann", "bob", 65),
    "an admin who names nobody": ("root", "zoe", 66),
}


@pytest.mark.parametrize(("who", "whom", "code"), REFUSED_ASSIGNS.values(), ids=REFUSED_ASSIGNS)
def test_a_case_is_given_only_to_active_users_whom_the_permission_reaches(
    db: Connection, run: Run, who: str, whom: str, code: int
) -> None:
    opened(db)
    db.execute("update users set is_active = 0 where name = 'bob'")
    before = everything(db)
    assert run(who, "case", "assign", "1", whom).exit_code == code
    assert everything(db) == before


def test_who_may_not_assign_may_still_take_a_case(db: Connection, run: Run) -> None:
    opened(db)
    db.execute("delete from role_cells where cell = 'assignment'")
    assert run("ann", "case", "assign", "1", "bob").exit_code == 77
    assert run("ann", "case", "assign", "1", "none").exit_code == 77
    assert run("ann", "case", "assign", "1", "ann").json["assigned_user"] == "ann"


def test_giving_a_case_away_for_good_still_answers(db: Connection, run: Run) -> None:
    opened(db, team=None)
    cases.assign(db, 1, id_of(db, "ann"), by_user_id=None, now=NOW)
    given = run("ann", "case", "assign", "1", "bob")
    assert (given.exit_code, given.json) == (0, {"number": 1})
    assert run("ann", "case", "show", "1").exit_code == 66


def test_a_case_is_closed_and_reopened(db: Connection, run: Run) -> None:
    opened(db)
    run("ann", "case", "assign", "1", "bob")
    closed = run("ann", "case", "close", "1").json
    assert (closed["status"], closed["closed_at"] is None) == ("Closed", False)
    again = run("ann", "case", "reopen", "1").json
    assert (again["status"], again["closed_at"]) == ("Assigned", None)
    assert run("ann", "case", "status", "1", "pending").json["status"] == "Pending"
    assert run("ann", "case", "status", "1", "lost").exit_code == 2
    assert [entry["data"] for entry in again["stream"] if entry["type"] == "status"] == [
        {"from": "Assigned", "to": "Closed"},
        {"from": "Closed", "to": "Assigned"},
    ]


def test_reading_a_case_is_not_enough_to_change_it(db: Connection, run: Run) -> None:
    opened(db)
    db.execute("update role_cells set level = 'own' where cell in ('case.edit', 'case.stream')")
    before = everything(db)
    for words in (["close", "1"], ["edit", "1", "--name", "x"], ["assign", "1", "ann"], ["note", "1", "x"], ["reopen", "1"]):
        assert run("ann", "case", *words).exit_code == 77, words
    assert run("ann", "case", "link", "1", "account:Acme").exit_code == 77
    assert everything(db) == before
    assert run("ann", "case", "show", "1").json["stream"] == []


def test_a_case_is_linked_to_its_customer(db: Connection, run: Run) -> None:
    opened(db)
    assert run("", "case", "link", "1", "contact:2").json["contact"]["name"] == "Bob Roe"
    assert run("", "case", "show", "1").json["account"]["name"] == "Acme"
    assert run("ann", "case", "link", "1", "contact:2").exit_code == 66
    assert run("", "case", "link", "1", "case:1").exit_code == 65
    assert run("", "case", "link", "1", "nonsense").exit_code == 2


def test_an_email_is_put_into_a_case_only_by_who_may_read_it(db: Connection, run: Run) -> None:
    opened(db)
    mail = Mail(message_id="b@acme.example", content_key="b", subject="secret")
    email = emails.add(db, emails.NewEmail(mail=mail, direction="in", status="imported", received_at=NOW, raw_id=None), now=NOW)
    before = everything(db)
    assert run("ann", "case", "link", "1", f"email:{email}").exit_code == 66
    assert everything(db) == before
    email_users.link(db, email, id_of(db, "ann"), "shared")
    assert run("ann", "case", "link", "1", f"email:{email}").json["emails"] == [email]


# ---------------------------------------------------------------- distribution


def test_a_preview_names_who_is_next_and_why(db: Connection, run: Run) -> None:
    account = Account(
        id=0,
        kind="group",
        name="desk",
        address="desk@team.example",
        distribution="round-robin",
        target_team_id=teams.get(db, "support").id,
    )
    accounts.add(db, account, created_by_id=None, now=NOW)
    before = everything(db)
    turns = run("root", "case", "distribution", "preview", "desk", "--next", "3").json
    assert turns == [
        {"turn": 1, "user": "ann", "reason": "ann is the first in turn; nobody has been served yet"},
        {"turn": 2, "user": "bob", "reason": "bob is next after ann"},
        {"turn": 3, "user": "ann", "reason": "ann is next after bob, from the start again"},
    ]
    assert everything(db) == before
    assert run("ann", "case", "distribution", "preview", "desk").exit_code == 77
    assert run("root", "case", "distribution", "preview", "nowhere").exit_code == 66


# ---------------------------------------------------------------- stream


def test_a_post_stands_in_the_stream_and_is_told_to_followers(db: Connection, run: Run) -> None:
    opened(db)
    for who in ("ann", "bob"):
        run(who, "follow", "case:1")
    run("", "follow", "case:1", "--user", "eve")
    posted = run("ann", "stream", "post", "case:1", "called back")
    assert posted.json == run("ann", "stream", "show", "case:1").json
    assert [(e["type"], e["user"], e["text"]) for e in posted.json["stream"]] == [
        ("create", None, "Printer"),
        ("post", "ann", "called back"),
    ]
    told = {who: [n["text"] for n in run(who, "notification", "list").json] for who in ("ann", "bob", "eve")}
    assert told == {"ann": [], "bob": ["ann on case:1: called back"], "eve": []}
    assert notifications.list_(db, user_id=id_of(db, "eve"), limit=9) == []


def test_a_note_on_a_case_is_a_post_and_may_come_from_stdin(db: Connection, run: Run) -> None:
    opened(db)
    assert run("ann", "case", "note", "1", "-", stdin="from\nstdin\n").json["stream"][-1]["text"] == "from\nstdin"
    assert run("ann", "case", "note", "1", "-", stdin=" \n").exit_code == 65


def test_a_record_has_a_stream_too(db: Connection, run: Run) -> None:
    run("", "stream", "post", "account:Acme", "visited")
    assert [e["text"] for e in run("", "stream", "show", "account:1").json["stream"]] == ["visited"]
    assert run("ann", "stream", "show", "account:Acme").exit_code == 77
    assert run("eve", "stream", "show", "account:Acme").exit_code == 66
    assert run("eve", "stream", "show", "account:Nowhere").exit_code == 66


# ---------------------------------------------------------------- followers


def test_following_is_for_persons_and_on_what_they_may_read(db: Connection, run: Run) -> None:
    opened(db)
    assert run("ann", "follow", "case:1").json == {"thing": "case:1", "followers": ["ann"]}
    assert run("bob", "followers", "case:1").json == [{"user": "ann"}]
    assert run("", "follow", "case:1").exit_code == 2
    assert run("eve", "follow", "case:1").exit_code == 66
    assert run("ann", "unfollow", "case:1").json == {"thing": "case:1", "followers": []}


def test_what_others_follow_changes_only_by_permission(db: Connection, run: Run) -> None:
    opened(db)
    role = roles.get(db, "agent").id
    assert run("ann", "follow", "case:1", "--user", "bob").exit_code == 77
    roles.set_cells(db, role, {**AGENT, "follower-management": "team"})
    assert run("ann", "follow", "case:1", "--user", "bob").exit_code == 0
    assert run("ann", "follow", "case:1", "--user", "eve").exit_code == 66
    roles.set_cells(db, role, {**AGENT, "follower-management": "all"})
    assert run("ann", "follow", "case:1", "--user", "eve").exit_code == 0
    assert run("", "followers", "case:1").json == [{"user": "bob"}, {"user": "eve"}]


# ---------------------------------------------------------------- notifications


def notified(db: Connection, who: str, cause: str, **facts: Any) -> None:
    notifications.add(db, id_of(db, who), "record-email", cause, at=NOW, text="New mail: secret", **facts)


def test_a_notification_is_given_as_its_user_may_see_it(db: Connection, run: Run) -> None:
    number = opened(db)
    email = mailed(db, number)
    notified(db, "ann", "x", email_id=email, thing=Thing("case", number))
    (mine,) = run("ann", "notification", "list").json
    assert mine == {
        "id": 1,
        "user": "ann",
        "type": "record-email",
        "at": AT,
        "is_read": False,
        "email": None,
        "thing": "case:1",
        "text": "News on case:1: Printer",
    }
    email_users.link(db, email, id_of(db, "ann"), "shared")
    assert run("ann", "notification", "list").json == [{**mine, "email": email, "text": "New mail: secret"}]


def test_each_sees_their_own_notifications_and_the_system_all(db: Connection, run: Run) -> None:
    for who in ("ann", "bob", "root"):
        notified(db, who, "x")

    def users_of(who: str, *words: str) -> list[str]:
        return [n["user"] for n in run(who, "notification", "list", *words).json]

    assert (users_of("ann"), users_of("root"), users_of("")) == (["ann"], ["root"], ["root", "bob", "ann"])
    assert users_of("root", "--user", "bob") == ["bob"]
    assert users_of("ann", "--user", "ann") == ["ann"]
    assert run("ann", "notification", "list", "--user", "bob").exit_code == 77
    assert run("ann", "notification", "list", "--user", "nowhere").exit_code == 77


def test_reading_marks_ones_own_and_nobody_elses(db: Connection, run: Run) -> None:
    for who, cause in (("ann", "a"), ("bob", "a"), ("ann", "b"), ("ann", "c")):
        notified(db, who, cause)
    assert run("ann", "notification", "read", "1").json == {"read": 1}
    assert [n["id"] for n in run("ann", "notification", "list", "--unread").json] == [4, 3]
    assert (run("ann", "notification", "read", "2").exit_code, run("ann", "notification", "read", "99").exit_code) == (66, 66)
    assert run("ann", "notification", "read", "--all").json == {"read": 2}
    assert [n["id"] for n in run("", "notification", "list", "--unread").json] == [2]


@pytest.mark.parametrize(
    ("who", "words"), [("ann", []), ("ann", ["1", "--all"]), ("ann", ["x"]), ("ann", ["0"]), ("", ["--all"])]
)
def test_reading_nothing_in_particular_is_wrong_usage(db: Connection, run: Run, who: str, words: list[str]) -> None:
    notified(db, "ann", "x")
    assert run(who, "notification", "read", *words).exit_code == 2
    assert run("", "notification", "list", "--unread").json != []
