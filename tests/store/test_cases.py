"""Cases in the store: numbers, agents, assigning, closing and reopening."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from espomail.errors import NotFound
from espomail.model import Agent, Mail, Thing
from espomail.store import (
    agents,
    case_edits,
    case_emails,
    case_views,
    cases,
    email_teams,
    email_users,
    emails,
    followers,
    notes,
    notifications,
    records,
    roles,
    teams,
    turns,
    users,
)
from espomail.store.cases import Case, Wanted
from espomail.store.db import Connection, IntegrityError, create_db
from espomail.store.records import RecordFields

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
LATER = NOW + timedelta(days=2)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    db = create_db(tmp_path / "cases.db", now=NOW)
    yield db
    db.close()


def user(db: Connection, name: str, *, level: str = "own", is_admin: bool = False) -> int:
    user_id = users.add(db, users.Profile(name=name, is_admin=is_admin), now=NOW)
    role_id = roles.add(db, f"role of {name}", {"case.read": level})
    users.set_roles(db, user_id, [role_id])
    return user_id


def email(db: Connection, key: str, *, parent: int | None = None, answers: int | None = None, direction: str = "in") -> int:
    thread = emails.find(db, answers).thread_id if answers else None  # type: ignore[union-attr]
    new = emails.NewEmail(
        mail=Mail(message_id=f"{key}@acme.example", content_key=key, subject=f"About {key}"),
        direction=direction,
        status="imported",
        received_at=NOW,
        raw_id=None,
        thread_id=thread,
        answers_email_id=answers,
    )
    email_id = emails.add(db, new, now=NOW)
    if parent:
        emails.set_parent(db, email_id, Thing("case", parent), account_id=None)
    return email_id


def opened(db: Connection, name: str = "Printer", *, status: str = "New", **facts: object) -> int:
    number = cases.add(db, name=name, now=NOW, **facts)  # type: ignore[arg-type]
    cases.set_status(db, number, status, by_user_id=None, now=NOW)
    return number


def stream(db: Connection, thing: Thing) -> list[tuple[str, str | None, dict[str, object]]]:
    return [(note.type, note.user, dict(note.data)) for note in notes.list_(db, thing)]


# ---------------------------------------------------------------- opening


def test_a_case_begins_new_with_the_next_number_and_a_stream(db: Connection) -> None:
    assert [opened(db), opened(db, "Scanner")] == [1, 2]
    assert cases.get(db, 2) == Case(
        number=2,
        name="Scanner",
        description="",
        status="New",
        priority="Normal",
        type=None,
        account_id=None,
        contact_id=None,
        lead_id=None,
        group_account_id=None,
        assigned_user_id=None,
        created_by_id=None,
        opened_by_email_id=None,
        follows_case=None,
        created_at="2026-03-01T09:00:00Z",
        closed_at=None,
    )
    assert stream(db, Thing("case", 2)) == [("create", None, {})]


def test_the_number_of_a_case_that_is_gone_never_comes_back(db: Connection) -> None:
    opened(db)
    db.execute("delete from cases")
    assert opened(db) == 2


def test_an_email_opens_one_case_at_most(db: Connection) -> None:
    opened(db, opened_by_email_id=7)
    with pytest.raises(IntegrityError):
        opened(db, opened_by_email_id=7)


def test_cases_of_a_round_are_those_that_its_receipts_opened_during_it(db: Connection) -> None:
    assert cases.last_number(db) == 0
    for email_id in (1, 2, 3, None):
        opened(db, opened_by_email_id=email_id)
    for email_id in (1, 2, 1, 3):
        db.execute(
            """insert into receipts (source, state, email_id, received_at, taken_in_at)
               values ('deliver', 'done', ?, '2026-03-01T09:00:00Z', '2026-03-01T09:00:00Z')""",
            (email_id,),
        )
    counts = [
        cases.count_opened(db, after_number=last, first_receipt_id=first) for last, first in ((0, 1), (1, 1), (1, 3), (3, 1))
    ]
    assert (cases.last_number(db), counts) == (4, [3, 2, 1, 0])


def test_a_case_that_is_not_there_is_not_found(db: Connection) -> None:
    assert cases.find(db, 5) is None
    with pytest.raises(NotFound, match="no such case: 5"):
        cases.get(db, 5)


def test_a_case_that_follows_another_says_so(db: Connection) -> None:
    first = opened(db)
    second = opened(db, follows_case=first)
    assert (cases.get(db, second).follows_case, stream(db, Thing("case", second))) == (1, [("create", None, {"follows": 1})])


# ---------------------------------------------------------------- agents


def test_agents_are_the_members_of_a_team_with_what_they_have_to_do(db: Connection) -> None:
    ann, bob, _ = user(db, "ann"), user(db, "bob"), user(db, "eve")
    team = teams.add(db, "support")
    teams.add_member(db, team, bob, position="night")
    teams.add_member(db, team, ann, position=None)
    for status in cases.STATUSES:
        cases.assign(db, opened(db, status=status), bob, by_user_id=None, now=NOW)
    turns.add(db, rule="least-busy", team_id=9, position=None, user_id=ann, case_number=1, at=NOW)
    assert agents.list_(db, team, day=NOW.date()) == (
        Agent(ann, "ann", True, False, None, 0, 1),
        Agent(bob, "bob", True, False, "night", 3, 0),
    )
    assert agents.find(db, bob, day=NOW.date()) == Agent(bob, "bob", True, False, None, 3, 0)
    assert agents.find(db, 99, day=NOW.date()) is None


ABSENCES = {
    "not at all": (None, None, False),
    "the first day": ("2026-03-01", "2026-03-05", True),
    "the last day": ("2026-02-01", "2026-03-01", True),
    "the day after": ("2026-02-01", "2026-02-28", False),
    "the day before": ("2026-03-02", "2026-03-05", False),
    "without an end": ("2026-02-01", None, True),
    "without an end, not begun": ("2026-03-02", None, False),
    "without a beginning": (None, "2026-03-01", True),
}


@pytest.mark.parametrize(("absent_from", "absent_until", "is_absent"), ABSENCES.values(), ids=ABSENCES)
def test_an_absence_counts_from_its_first_day_to_its_last(
    db: Connection, absent_from: str | None, absent_until: str | None, is_absent: bool
) -> None:
    profile = users.Profile(name="ann", absent_from=absent_from, absent_until=absent_until)
    agent = agents.find(db, users.add(db, profile, now=NOW), day=date(2026, 3, 1))
    assert agent is not None
    assert agent.is_absent is is_absent


def test_the_pointer_belongs_to_a_team_and_position_and_moves_by_round_robin_alone(db: Connection) -> None:
    for case, (rule, team, position, who) in enumerate(
        [
            ("round-robin", 1, None, 3),
            ("round-robin", 1, "night", 4),
            ("round-robin", 2, None, 5),
            ("least-busy", 1, None, 6),
            ("direct-assignment", 1, None, 7),
        ],
        start=1,
    ):
        turns.add(db, rule=rule, team_id=team, position=position, user_id=who, case_number=case, at=NOW)
    found = [turns.last_served(db, team, position) for team, position in [(1, None), (1, "night"), (2, None), (2, "night")]]
    assert found == [3, 4, 5, None]


def test_a_case_has_one_turn_at_most(db: Connection) -> None:
    turns.add(db, rule="round-robin", team_id=1, position=None, user_id=1, case_number=1, at=NOW)
    with pytest.raises(IntegrityError):
        turns.add(db, rule="least-busy", team_id=2, position="x", user_id=2, case_number=1, at=NOW)


# ---------------------------------------------------------------- assigning


def test_an_agent_who_gets_a_case_follows_it_is_told_and_sees_its_mail(db: Connection) -> None:
    ann, number = user(db, "ann"), opened(db)
    mail = email(db, "a", parent=number)
    cases.assign(db, number, ann, by_user_id=None, now=NOW)
    case = cases.get(db, number)
    assert (case.status, case.assigned_user_id) == ("Assigned", ann)
    assert followers.names(db, case.thing) == ["ann"]
    assert stream(db, case.thing)[1:] == [("assign", None, {"from": None, "to": "ann"})]
    assert email_users.attention(db, mail) == {ann: True}
    assert db.execute("select reason from email_user_reasons").fetchone()[0] == "assigned"
    (notice,) = notifications.list_(db, user_id=ann, limit=9)
    assert (notice.type, notice.thing, notice.text) == ("case-assigned", case.thing, "Case 1 is yours: Printer")


def test_who_takes_a_case_is_not_told_of_it(db: Connection) -> None:
    ann, number = user(db, "ann"), opened(db)
    cases.assign(db, number, ann, by_user_id=ann, now=NOW)
    assert notifications.list_(db, user_id=None, limit=9) == []


def test_who_may_read_no_case_is_not_told_of_one(db: Connection) -> None:
    ann, number = user(db, "ann", level="no"), opened(db)
    cases.assign(db, number, ann, by_user_id=None, now=NOW)
    assert notifications.list_(db, user_id=None, limit=9) == []


def test_giving_a_case_to_who_has_it_changes_nothing(db: Connection) -> None:
    ann, number = user(db, "ann"), opened(db)
    cases.assign(db, number, ann, by_user_id=None, now=NOW)
    before = db.total_changes
    cases.assign(db, number, ann, by_user_id=None, now=LATER)
    assert db.total_changes == before


def test_getting_a_case_back_is_told_again(db: Connection) -> None:
    ann, bob, number = user(db, "ann"), user(db, "bob"), opened(db)
    for who in (ann, bob, ann):
        cases.assign(db, number, who, by_user_id=None, now=NOW)
    assert [n.user for n in notifications.list_(db, user_id=None, limit=9)] == ["ann", "bob", "ann"]


@pytest.mark.parametrize(("status", "given", "taken"), [("New", "Assigned", "New"), ("Pending", "Pending", "Pending")])
def test_only_new_and_assigned_follow_whether_a_case_has_somebody(db: Connection, status: str, given: str, taken: str) -> None:
    ann, number = user(db, "ann"), opened(db, status=status)
    cases.assign(db, number, ann, by_user_id=None, now=NOW)
    assert cases.get(db, number).status == given
    cases.assign(db, number, None, by_user_id=ann, now=NOW)
    assert (cases.get(db, number).status, cases.get(db, number).assigned_user_id) == (taken, None)
    assert stream(db, Thing("case", number))[-1] == ("assign", "ann", {"from": "ann", "to": None})


# ---------------------------------------------------------------- status


@pytest.mark.parametrize("closed", cases.CLOSED)
def test_a_case_remembers_when_it_was_closed_until_it_is_open_again(db: Connection, closed: str) -> None:
    number = opened(db)
    cases.set_status(db, number, closed, by_user_id=None, now=NOW)
    assert cases.get(db, number).closed_at == "2026-03-01T09:00:00Z"
    cases.set_status(db, number, "Duplicate", by_user_id=None, now=LATER)
    assert cases.get(db, number).closed_at == "2026-03-01T09:00:00Z"
    cases.set_status(db, number, "Pending", by_user_id=None, now=LATER)
    assert cases.get(db, number).closed_at is None


def test_a_change_of_status_is_noted_once(db: Connection) -> None:
    ann, number = user(db, "ann"), opened(db)
    cases.set_status(db, number, "Closed", by_user_id=ann, now=NOW)
    cases.set_status(db, number, "Closed", by_user_id=ann, now=NOW)
    assert stream(db, Thing("case", number))[1:] == [("status", "ann", {"from": "New", "to": "Closed"})]


def test_a_reopened_case_goes_back_to_its_user(db: Connection) -> None:
    ann, number = user(db, "ann"), opened(db)
    cases.assign(db, number, ann, by_user_id=None, now=NOW)
    cases.set_status(db, number, "Rejected", by_user_id=None, now=NOW)
    assert cases.reopen(db, number, by_user_id=None, now=LATER) == "Assigned"
    assert (cases.get(db, number).status, cases.get(db, number).assigned_user_id) == ("Assigned", ann)


@pytest.mark.parametrize("change", ["set is_active = 0", "set absent_from = '2026-03-03', absent_until = '2026-03-03'"])
def test_a_reopened_case_whose_user_can_not_serve_is_new_and_nobodys(db: Connection, change: str) -> None:
    ann, number = user(db, "ann"), opened(db)
    cases.assign(db, number, ann, by_user_id=None, now=NOW)
    cases.set_status(db, number, "Closed", by_user_id=None, now=NOW)
    db.execute("update users " + change)
    assert cases.reopen(db, number, by_user_id=None, now=LATER) == "New"
    assert (cases.get(db, number).assigned_user_id, cases.get(db, number).closed_at) == (None, None)
    assert [kind for kind, _, _ in stream(db, Thing("case", number))] == ["create", "assign", "status", "status", "assign"]


def test_reopening_an_open_case_changes_nothing(db: Connection) -> None:
    number = opened(db, status="Pending")
    before = db.total_changes
    assert cases.reopen(db, number, by_user_id=None, now=LATER) == "Pending"
    assert db.total_changes == before


# ---------------------------------------------------------------- lists


def test_a_list_is_newest_first_and_holds_what_was_asked_for(db: Connection) -> None:
    ann, team = user(db, "ann"), teams.add(db, "support")
    opened(db, "one", team_ids=[team])
    opened(db, "two", status="Closed")
    three = opened(db, "three")
    cases.assign(db, three, ann, by_user_id=None, now=NOW)
    cases.add(db, name="four", now=LATER)

    def listed(limit: int = 50, offset: int = 0, **wanted: object) -> list[int]:
        return [c.number for c in cases.list_(db, Wanted(**wanted), limit=limit, offset=offset)]  # type: ignore[arg-type]

    assert listed() == [4, 3, 2, 1]
    assert listed(limit=2, offset=1) == [3, 2]
    assert listed(status="open") == [4, 3, 1]
    assert listed(status="Closed") == [2]
    assert listed(assigned_user_id=ann) == [3]
    assert listed(unassigned=True) == [4, 2, 1]
    assert listed(team_id=team) == [1]
    assert listed(group_account_id=1) == []
    assert listed(since=LATER) == [4]
    assert [c.number for c in cases.list_(db, limit=9, where="c.number = :mine", parameters={"mine": 3})] == [3]


def test_around_a_case_are_its_people_customers_and_mail_by_name(db: Connection) -> None:
    ann, team = user(db, "ann"), teams.add(db, "support")
    company = records.add(db, "account", RecordFields(name="Acme"), created_by_id=None, now=NOW)
    first = email(db, "a")
    number = opened(db, account_id=company, opened_by_email_id=first, team_ids=[team])
    case_emails.add(db, number, first, by_user_id=None, now=NOW)
    cases.assign(db, number, ann, by_user_id=None, now=NOW)
    assert case_views.around(db, [number, 99]) == {
        number: case_views.Around(
            assigned_user="ann",
            group_account=None,
            teams=("support",),
            followers=("ann",),
            account=("account", company, "Acme"),
            contact=None,
            lead=None,
            emails=(first,),
            attachments=(),
        )
    }


def test_a_contact_brings_its_company_unless_the_case_has_one(db: Connection) -> None:
    acme, other = (records.add(db, "account", RecordFields(name=n), created_by_id=None, now=NOW) for n in ("Acme", "Other"))
    bob = records.add(db, "contact", RecordFields(name="Bob", account_id=acme), created_by_id=None, now=NOW)
    plain, taken = opened(db), opened(db, account_id=other)
    for number in (plain, taken):
        case_edits.set_customer(db, number, "contact", bob)
    assert [(cases.get(db, n).contact_id, cases.get(db, n).account_id) for n in (plain, taken)] == [(bob, acme), (bob, other)]


# ---------------------------------------------------------------- mail of a case


def test_an_email_put_into_a_case_brings_the_replies_that_hang_on_nothing(db: Connection) -> None:
    ann, team = user(db, "ann"), teams.add(db, "support")
    number, other = opened(db, team_ids=[team]), opened(db)
    cases.assign(db, number, ann, by_user_id=None, now=NOW)
    first = email(db, "a")
    reply = email(db, "b", answers=first)
    answer = email(db, "c", answers=reply, direction="out")
    elsewhere = email(db, "d", answers=first, parent=other)
    assert case_emails.add(db, number, first, by_user_id=ann, now=NOW) == [first, reply, answer]
    parents = {e: str(emails.find(db, e).parent) for e in (first, reply, answer, elsewhere)}  # type: ignore[union-attr]
    assert parents == {first: "case:1", reply: "case:1", answer: "case:1", elsewhere: "case:2"}
    assert [kind for kind, _, _ in stream(db, Thing("case", number))[2:]] == ["email-received", "email-received", "email-sent"]
    assert (email_teams.list_(db, reply), email_users.attention(db, reply)) == ([team], {ann: True})


def test_an_email_put_into_its_case_again_is_noted_once(db: Connection) -> None:
    number, first = opened(db), email(db, "a")
    case_emails.add(db, number, first, by_user_id=None, now=NOW)
    before = db.total_changes
    case_emails.add(db, number, first, by_user_id=None, now=LATER)
    assert db.total_changes == before


def test_an_email_that_is_not_there_joins_nothing(db: Connection) -> None:
    assert case_emails.add(db, opened(db), 99, by_user_id=None, now=NOW) == []


# ---------------------------------------------------------------- streams, followers, notifications


def test_an_email_has_one_entry_of_each_type_in_a_stream(db: Connection) -> None:
    thing = Thing("case", opened(db))
    added = [notes.add(db, thing, kind, at=NOW, email_id=5) for kind in ("email-received", "email-received", "bounce")]
    assert [note_id is not None for note_id in added] == [True, False, True]
    assert notes.add(db, Thing("account", 3), "email-received", at=NOW, email_id=5) is not None
    assert [notes.add(db, thing, "post", at=NOW, text=text) is not None for text in ("one", "two")] == [True, True]


def test_an_email_that_moves_takes_its_entry_along(db: Connection) -> None:
    company, case = Thing("account", 3), Thing("case", opened(db))
    first = notes.move_or_add(db, company, "email-received", at=NOW, email_id=5, text="old")
    assert (
        notes.move_or_add(db, case, "email-received", at=LATER, email_id=5, text="new", data={"new_to_it": "x@y.example"})
        == first
    )
    assert notes.list_(db, company) == []
    moved = notes.list_(db, case)[-1]
    assert (moved.id, moved.at, moved.text, moved.data) == (
        first,
        "2026-03-01T09:00:00Z",
        "new",
        {"new_to_it": "x@y.example"},
    )


def test_a_stream_begins_with_create_though_the_mail_came_first(db: Connection) -> None:
    notes.move_or_add(db, Thing("account", 3), "email-received", at=NOW, email_id=5)
    case = Thing("case", opened(db))
    notes.move_or_add(db, case, "email-received", at=NOW, email_id=5)
    notes.add(db, case, "post", at=NOW)
    assert [note.type for note in notes.list_(db, case)] == ["create", "email-received", "post"]


def test_an_entry_that_stands_where_it_belongs_is_left_alone(db: Connection) -> None:
    case = Thing("case", opened(db))
    notes.move_or_add(db, case, "email-received", at=NOW, email_id=5, text="old")
    before = db.total_changes
    notes.move_or_add(db, case, "email-received", at=LATER, email_id=5, text="new")
    assert db.total_changes == before


def test_an_email_that_is_deleted_leaves_every_stream(db: Connection) -> None:
    case = Thing("case", opened(db))
    notes.add(db, case, "email-received", at=NOW, email_id=5)
    notes.add(db, case, "bounce", at=NOW, email_id=6)
    notes.remove_of_email(db, 5)
    assert [note.email_id for note in notes.list_(db, case)] == [None, 6]


def test_a_user_follows_a_thing_once(db: Connection) -> None:
    ann, bob, thing = user(db, "bob"), user(db, "ann"), Thing("account", 3)
    assert [followers.add(db, thing, who) for who in (bob, ann, ann)] == [True, True, False]
    assert (followers.list_(db, thing), followers.names(db, thing)) == ([ann, bob], ["ann", "bob"])
    assert [followers.remove(db, thing, ann), followers.remove(db, thing, ann)] == [True, False]
    assert followers.list_(db, thing) == [bob]


def test_a_user_is_told_of_a_cause_once(db: Connection) -> None:
    ann, bob = user(db, "ann"), user(db, "bob")
    told = [
        notifications.add(db, who, "x", cause, at=NOW, text="t")
        for who, cause in ((ann, "a"), (ann, "a"), (bob, "a"), (ann, "b"))
    ]
    assert told == [True, False, True, True]


def test_reading_marks_only_ones_own(db: Connection) -> None:
    ann, bob = user(db, "ann"), user(db, "bob")
    for cause, who in (("a", ann), ("b", bob), ("c", ann)):
        notifications.add(db, who, "x", cause, at=NOW, text="t")
    assert notifications.known(db, [1, 2, 3, 9], user_id=ann) == {1, 3}
    assert notifications.mark_read(db, [1, 2], user_id=ann) == 1
    assert [n.id for n in notifications.list_(db, user_id=None, unread=True, limit=9)] == [3, 2]
    assert notifications.mark_read(db, None, user_id=ann) == 1
    assert notifications.mark_read(db, None, user_id=None) == 1


def test_trouble_is_told_to_the_active_admins(db: Connection) -> None:
    root, gone, _ = user(db, "root", is_admin=True), user(db, "gone", is_admin=True), user(db, "ann")
    db.execute("update users set is_active = 0 where id = ?", (gone,))
    assert notifications.admins(db) == [root]
