"""Users, their addresses, and the mail those link them to."""

from datetime import UTC, datetime

import pytest

from espomail.errors import BadInput
from espomail.model import Thing
from espomail.store import cases, followers, notes, notifications, users
from espomail.store.db import Connection

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def an_email(db: Connection, sender: str, to: str) -> int:
    """A row for an email from one address to another, linked to nobody."""
    cursor = db.execute(
        """insert into emails (content_key, message_id, direction, status, subject, from_name, from_address, imported_at,
               thread_id, size_bytes)
           values (hex(randomblob(8)), hex(randomblob(8)), 'in', 'imported', 's', '', ?, '2026-03-01T09:00:00Z', 1, 1)""",
        (sender,),
    )
    db.execute(
        "insert into email_addresses (email_id, role, position, name, address) values (?, 'to', 0, '', ?)",
        (cursor.lastrowid, to),
    )
    return int(cursor.lastrowid or 0)


def links_of(db: Connection, user_id: int) -> list[int]:
    return [row[0] for row in db.execute("select email_id from email_users where user_id = ? order by 1", (user_id,))]


def test_an_address_belongs_to_one_user(db: Connection) -> None:
    ann, ben = (users.add(db, users.Profile(name=name), now=NOW) for name in ("ann", "ben"))
    users.set_addresses(db, ann, ["ann@team.example"])
    with pytest.raises(BadInput, match=r"ann@team\.example belongs to the user ann"):
        users.set_addresses(db, ben, ["ben@team.example", "ann@team.example"])


def test_new_addresses_bring_their_mail_and_old_ones_take_it_away(db: Connection) -> None:
    user_id = users.add(db, users.Profile(name="ann"), now=NOW)
    from_old, to_new = an_email(db, "old@team.example", "x@x.example"), an_email(db, "x@x.example", "new@team.example")
    users.set_addresses(db, user_id, ["old@team.example"])
    assert links_of(db, user_id) == [from_old]
    users.set_addresses(db, user_id, ["new@team.example"])
    assert links_of(db, user_id) == [to_new]


def test_a_draft_to_a_new_address_stays_with_its_author(db: Connection) -> None:
    ann, ben = (users.add(db, users.Profile(name=name), now=NOW) for name in ("ann", "ben"))
    users.set_addresses(db, ann, ["ann@team.example"])
    draft, sent = an_email(db, "ann@team.example", "ben@team.example"), an_email(db, "ann@team.example", "ben@team.example")
    db.execute("update emails set status = 'draft' where id = ?", (draft,))
    users.set_addresses(db, ben, ["ben@team.example"])
    users.set_addresses(db, ann, ["ann@team.example", "a@team.example"])
    assert (links_of(db, ben), links_of(db, ann)) == ([sent], [sent])


def test_a_user_who_is_enabled_again_has_the_mail_that_came_meanwhile(db: Connection) -> None:
    user_id = users.add(db, users.Profile(name="ann", is_active=False), now=NOW)
    users.set_addresses(db, user_id, ["ann@team.example"])
    meanwhile = an_email(db, "x@x.example", "ann@team.example")
    assert links_of(db, user_id) == []
    users.set_profile(db, user_id, users.Profile(name="ann", is_active=True))
    assert links_of(db, user_id) == [meanwhile]


def test_the_primary_address_comes_first_and_each_once(db: Connection) -> None:
    user_id = users.add(db, users.Profile(name="ann"), now=NOW)
    users.set_addresses(db, user_id, ["z@team.example", "a@team.example", "z@team.example"])
    assert users.get(db, "ann").emails == ("z@team.example", "a@team.example")


def test_two_users_can_t_share_a_name_or_a_log_in(db: Connection) -> None:
    users.add(db, users.Profile(name="ann", os_login="ann"), now=NOW)
    for profile, message in (
        (users.Profile(name="ann"), "already a user named ann"),
        (users.Profile(name="ben", os_login="ann"), "log-in ann belongs to the user ann"),
    ):
        with pytest.raises(BadInput, match=message):
            users.add(db, profile, now=NOW)


@pytest.mark.parametrize("has_heir", [True, False])
def test_the_work_of_a_user_who_goes_is_somebody_s_or_nobody_s(db: Connection, has_heir: bool) -> None:
    gone = users.add(db, users.Profile(name="gone"), now=NOW)
    heir = users.add(db, users.Profile(name="heir"), now=NOW) if has_heir else None
    db.execute("insert into records (type, name, assigned_user_id, created_at) values ('lead', 'L', ?, '')", (gone,))
    db.execute("insert into cases (name, assigned_user_id, created_at) values ('C', ?, '')", (gone,))
    users.remove(db, gone, reassign_to=heir, by_user_id=None, now=NOW)
    left = [
        db.execute("select assigned_user_id from records").fetchone()[0],
        db.execute("select assigned_user_id from cases").fetchone()[0],
    ]
    assert (left, users.find(db, "gone")) == ([heir, heir], None)


def test_who_inherits_a_case_has_it_as_if_it_were_assigned(db: Connection) -> None:
    gone, heir = (users.add(db, users.Profile(name=name, is_admin=True), now=NOW) for name in ("gone", "heir"))
    inherited, closed = (cases.add(db, name=name, now=NOW) for name in ("Printer", "Lamp"))
    for number in (inherited, closed):
        cases.assign(db, number, gone, by_user_id=gone, now=NOW)
    cases.set_status(db, closed, "Closed", by_user_id=gone, now=NOW)
    users.remove(db, gone, reassign_to=heir, by_user_id=None, now=NOW)
    assert [cases.get(db, number).assigned_user_id for number in (inherited, closed)] == [heir, heir]
    case = Thing("case", inherited)
    assert followers.names(db, case) == ["heir"]
    assert dict(notes.list_(db, case)[-1].data) == {"from": "gone", "to": "heir"}
    assert [notice.thing for notice in notifications.list_(db, user_id=heir, limit=9)] == [case]


def test_a_case_that_nobody_inherits_is_new_again(db: Connection) -> None:
    gone = users.add(db, users.Profile(name="gone"), now=NOW)
    number = cases.add(db, name="Printer", now=NOW)
    cases.assign(db, number, gone, by_user_id=None, now=NOW)
    users.remove(db, gone, reassign_to=None, by_user_id=None, now=NOW)
    assert cases.get(db, number).status == "New"
