"""What streams and notifications tell of mail that a reader may not read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from espomail.model import Actor, Mail, Thing
from espomail.store import cases, email_users, emails, followers, notes, notifications, records, roles, sight, tellings, users
from espomail.store.db import Connection, create_db
from espomail.store.records import RecordFields
from espomail.store.tellings import Entry, Telling

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
AT = "2026-03-01T09:00:00Z"
CASE = Thing("case", 1)
ALL = {"email.read": "all", "case.read": "all"}
CASES_ONLY = {"email.read": "own", "case.read": "all"}
MAIL_ONLY = {"email.read": "all", "case.read": "no"}
NOTHING = {"email.read": "no", "case.read": "no"}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    """A case `Printer` with one email whose subject is `secret`."""
    db = create_db(tmp_path / "tellings.db", now=NOW)
    number = cases.add(db, name="Printer", now=NOW)
    mail = Mail(message_id="a@acme.example", content_key="a", subject="secret")
    new = emails.NewEmail(mail=mail, direction="in", status="imported", received_at=NOW, raw_id=None)
    email_id = emails.add(db, new, now=NOW)
    emails.set_parent(db, email_id, Thing("case", number), account_id=None)
    yield db
    db.close()


def user(db: Connection, cells: dict[str, str], *, name: str = "ann", is_admin: bool = False) -> int:
    user_id = users.add(db, users.Profile(name=name, is_admin=is_admin), now=NOW)
    users.set_roles(db, user_id, [roles.add(db, f"role of {name}", cells)])
    return user_id


def notified(db: Connection, user_id: int, cause: str, *, email: int | None, thing: Thing | None) -> None:
    notifications.add(db, user_id, "record-email", cause, at=NOW, email_id=email, thing=thing, text="New mail: secret")


def seen(db: Connection, user_id: int) -> list[tuple[int | None, str | None, str]]:
    told = tellings.list_(db, user_id=user_id, limit=50)
    return [(each.email, str(each.thing) if each.thing else None, each.text) for each in told]


NOTICES = {
    "may read both": (ALL, 1, CASE, [(1, "case:1", "New mail: secret")]),
    "may read the case alone": (CASES_ONLY, 1, CASE, [(None, "case:1", "News on case:1: Printer")]),
    "may read the mail alone": (MAIL_ONLY, 1, CASE, [(1, None, "New mail: secret")]),
    "may read neither": (NOTHING, 1, CASE, []),
    "mail without a record": (ALL, 1, None, [(1, None, "New mail: secret")]),
    "mail without a record that may not be read": (CASES_ONLY, 1, None, []),
    "a record without mail": (CASES_ONLY, None, CASE, [(None, "case:1", "New mail: secret")]),
    "a record without mail that may not be read": (MAIL_ONLY, None, CASE, []),
    "trouble that is about neither": (NOTHING, None, None, [(None, None, "New mail: secret")]),
    "mail that was deleted": (ALL, 9, CASE, [(None, "case:1", "News on case:1: Printer")]),
    "a record that is gone": (ALL, 1, Thing("case", 9), [(1, None, "New mail: secret")]),
    "a record of another type with that id": (ALL, None, Thing("lead", 1), []),
}


@pytest.mark.parametrize(("cells", "email", "thing", "expected"), NOTICES.values(), ids=NOTICES)
def test_a_notification_tells_what_its_user_may_read_now(
    db: Connection,
    cells: dict[str, str],
    email: int | None,
    thing: Thing | None,
    expected: list[tuple[int | None, str | None, str]],
) -> None:
    ann = user(db, cells)
    notified(db, ann, "x", email=email, thing=thing)
    assert seen(db, ann) == expected


def test_whether_a_mail_may_be_read_is_judged_when_it_is_shown(db: Connection) -> None:
    ann = user(db, CASES_ONLY)
    notified(db, ann, "x", email=1, thing=CASE)
    email_users.link(db, 1, ann, "shared")
    assert seen(db, ann) == [(1, "case:1", "New mail: secret")]
    db.execute("delete from email_users")
    assert seen(db, ann) == [(None, "case:1", "News on case:1: Printer")]


def test_who_follows_a_company_is_told_of_it_where_the_record_may_not_be_read(db: Connection) -> None:
    ann, eve = (user(db, {"email.read": "own", "account.read": "all"}, name=name) for name in ("ann", "eve"))
    acme = records.add(db, "account", RecordFields(name="Acme"), created_by_id=None, now=NOW)
    emails.set_parent(db, 1, CASE, account_id=acme)
    followers.add(db, Thing("account", acme), ann)
    for each in (ann, eve):
        notified(db, each, "x", email=1, thing=CASE)
    assert (seen(db, ann), seen(db, eve)) == ([(None, f"account:{acme}", f"News on account:{acme}: Acme")], [])


def test_everybodys_notifications_are_each_judged_for_its_own_user(db: Connection) -> None:
    people = [user(db, cells, name=name) for name, cells in (("ann", ALL), ("bob", CASES_ONLY), ("eve", NOTHING))]
    people.append(user(db, {}, name="root", is_admin=True))
    for who in people:
        notified(db, who, "x", email=1, thing=CASE)
    told = tellings.list_(db, user_id=None, limit=50)
    assert [(each.user, each.email) for each in told] == [("root", 1), ("bob", None), ("ann", 1)]
    assert told[0] == Telling(
        id=4,
        user_id=people[3],
        user="root",
        type="record-email",
        at=AT,
        is_read=False,
        email=1,
        thing=CASE,
        text="New mail: secret",
    )


def test_what_may_not_be_seen_takes_no_place_in_a_list(db: Connection) -> None:
    ann = user(db, CASES_ONLY)
    for number in range(1000):
        notified(db, ann, f"c{number}", email=1, thing=CASE if number < 3 else None)
    assert [each.id for each in tellings.list_(db, user_id=ann, limit=2)] == [3, 2]
    assert [each.id for each in tellings.list_(db, user_id=ann, limit=-1)] == [3, 2, 1]
    assert tellings.list_(db, user_id=ann, limit=0) == []


def test_a_stream_says_of_mail_that_may_not_be_read_only_that_it_came(db: Connection) -> None:
    ann, sender = user(db, CASES_ONLY), user(db, ALL, name="bob")
    for kind in ("email-received", "bounce"):
        notes.add(db, CASE, kind, at=NOW, user_id=sender, email_id=1, text="secret", data={"address": "secret@acme.example"})
    notes.add(db, CASE, "post", at=NOW, user_id=sender, text="called back", data={"minutes": 5})
    bare = [
        Entry(id=2, type="email-received", at=AT, user=None, email=None, text="mail on case:1", data={}),
        Entry(id=3, type="bounce", at=AT, user=None, email=None, text="mail on case:1", data={}),
    ]
    post = Entry(id=4, type="post", at=AT, user="bob", email=None, text="called back", data={"minutes": 5})
    assert tellings.stream(db, sight.as_actor(db, ann), CASE)[1:] == [*bare, post]
    whole = tellings.stream(db, sight.as_actor(db, sender), CASE)
    assert [(e.user, e.email, e.text, e.data) for e in whole[1:3]] == [
        ("bob", 1, "secret", {"address": "secret@acme.example"})
    ] * 2


def test_the_system_sees_all_that_exists_and_nothing_else(db: Connection) -> None:
    acme = records.add(db, "account", RecordFields(name="Acme"), created_by_id=None, now=NOW)
    asked = [CASE, Thing("case", 2), Thing("email", 1), Thing("account", acme), Thing("contact", acme)]
    assert sight.things_seen(db, Actor(), asked) == {
        CASE: "Printer",
        Thing("email", 1): "secret",
        Thing("account", acme): "Acme",
    }
    assert sight.seen(db, Actor(), "email", [1, 2, 3]) == {1}
    assert sight.seen(db, Actor(), "email", []) == set()
