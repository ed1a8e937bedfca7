"""Full-text search: what is found, in which order, with which words around it, and that nothing hidden moves it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from espomail.model import Account, Actor, Address, Attachment, Mail, Thing
from espomail.store import accounts, cases, email_users, emails, records, search, users
from espomail.store.db import Connection, create_db
from espomail.store.records import RecordFields

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
EVERYTHING = (("email.read", "all"), ("case.read", "all"), ("account.read", "all"))


@dataclass
class Desk:
    db: Connection

    def mail(self, text: str = "", *, subject: str = "", sender: str = "c@acme.example", name: str = "", **more: Any) -> int:
        number = self.db.execute("select count(*) from emails").fetchone()[0] + 1
        attached = (Attachment(0, "plan.pdf", "application/pdf", 3, "ff", False, None),) if more.get("attached") else ()
        mail = Mail(
            message_id=f"{number}@acme.example", content_key=str(number), subject=subject, text=text,
            sender=Address(name, sender), to=more.get("to", ()), cc=more.get("cc", ()), attachments=attached,
        )  # fmt: skip
        at = NOW - timedelta(days=more.get("days", 0))
        new = emails.NewEmail(mail=mail, direction="in", status="imported", received_at=at, raw_id=None)
        return emails.add(self.db, new, now=NOW)

    def find(self, query: str, *, who: Actor | None = None, limit: int = 50) -> list[int]:
        return [email.id for email in search.search(self.db, who or Actor(), query, limit=limit, now=NOW)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    db = create_db(tmp_path / "desk.db", now=NOW)
    users.add(db, users.Profile(name="ann"), now=NOW)
    yield Desk(db)
    db.close()


def ann(**levels: str) -> Actor:
    cells = tuple((cell.replace("_", "."), level) for cell, level in levels.items())
    return Actor(user_id=1, name="ann", is_admin=False, levels=cells)


def test_all_words_must_stand_in_the_mail(desk: Desk) -> None:
    both = desk.mail("the screen is broken")
    desk.mail("the screen is fine")
    assert desk.find("broken screen") == [both]


def test_a_phrase_stands_together(desk: Desk) -> None:
    together = desk.mail("a broken screen")
    desk.mail("the screen is broken, screen and all")
    desk.mail("broken is the screen")
    assert desk.find('"a broken screen"') == [together]


def test_case_and_accents_do_not_count(desk: Desk) -> None:
    email = desk.mail("Das CAFÉ von Zoë Müller")
    assert [desk.find(text) for text in ("cafe", "CAFÉ", "zoe muller", "Cafe\u0301")] == [[email]] * 4


def test_a_prefix_goes_on(desk: Desk) -> None:
    email = desk.mail("the payment came")
    assert (desk.find("pay*"), desk.find("pay")) == ([email], [])


def test_a_hit_in_the_subject_comes_before_one_in_the_text(desk: Desk) -> None:
    in_text = desk.mail("we speak of the refund here, and of much else", subject="hello")
    in_subject = desk.mail("please", subject="refund")
    desk.mail("nothing of it", subject="other")
    assert desk.find("refund") == [in_subject, in_text]


def test_fields_look_in_their_place_only(desk: Desk) -> None:
    """The index keeps all people of a mail together; who wrote and who was written to is told apart all the same."""
    by_bob = desk.mail("hello", sender="bob@acme.example", name="Bob Roe", to=(Address("Eve", "eve@team.example"),))
    to_bob = desk.mail("hello", sender="eve@team.example", name="Eve", to=(Address("Bob Roe", "bob@acme.example"),))
    about_bob = desk.mail("bob roe called", subject="bob")
    assert desk.find("from:bob") == [by_bob]
    assert desk.find('from:"bob roe"') == [by_bob]
    assert desk.find("from:bob@acme.example") == [by_bob]
    assert desk.find("to:bob") == [to_bob]
    assert desk.find("subject:bob") == [about_bob]
    assert sorted(desk.find("bob")) == [by_bob, to_bob, about_bob]


def test_conditions_narrow_a_search_and_stand_alone(desk: Desk) -> None:
    old = desk.mail("invoice", days=30)
    new = desk.mail("invoice", days=1, attached=True)
    assert desk.find("invoice after:2026-02-01") == [new]
    assert desk.find("invoice before:2026-02-15") == [old]
    assert desk.find("before:7d") == [old]
    assert desk.find("has:attachment") == [new]
    assert desk.find("before:2026-12-31") == [new, old]


def test_the_name_of_an_attachment_is_found(desk: Desk) -> None:
    email = desk.mail("see there", attached=True)
    assert desk.find("plan.pdf") == [email]


def test_is_unread_is_about_who_asks(desk: Desk) -> None:
    read, unread = desk.mail("hello"), desk.mail("hello")
    for email in (read, unread):
        email_users.link(desk.db, email, 1, "shared", is_read=email == read)
    desk.mail("hello")
    who = ann(email_read="all")
    assert (desk.find("hello is:unread", who=who), desk.find("is:read", who=who)) == ([unread], [read])


def test_the_mail_of_a_case_is_found_by_who_may_see_the_case(desk: Desk) -> None:
    email = desk.mail("hello")
    number = cases.add(desk.db, name="x", now=NOW)
    emails.set_parent(desk.db, email, Thing("case", number), account_id=None)
    assert desk.find(f"case:{number}", who=ann(email_read="all", case_read="all")) == [email]
    assert desk.find(f"hello case:{number}", who=ann(email_read="all")) == []
    assert desk.find("case:99") == []


def test_account_is_a_company_that_one_may_see_or_a_mailbox(desk: Desk) -> None:
    company = records.add(desk.db, "account", RecordFields(name="Acme Corp"), created_by_id=None, now=NOW)
    of_company, by_box = desk.mail("hello"), desk.mail("hello")
    emails.set_parent(desk.db, of_company, Thing("account", company), account_id=company)
    box = accounts.add(
        desk.db, Account(id=0, kind="group", name="support", address="s@team.example"), created_by_id=None, now=NOW
    )
    emails.link_account(desk.db, by_box, box)
    assert desk.find('account:"acme corp"', who=ann(email_read="all", account_read="all")) == [of_company]
    assert desk.find('account:"acme corp"', who=ann(email_read="all")) == []
    assert desk.find("account:support", who=ann(email_read="all")) == [by_box]


def test_a_snippet_shows_the_words_that_were_found(desk: Desk) -> None:
    desk.mail("long " * 100 + "the needle lies here " + "long " * 100)
    (found,) = search.search(desk.db, Actor(), "needle", limit=5, now=NOW)
    assert found.snippet is not None
    assert "needle lies here" in found.snippet
    assert len(found.snippet) < 200


def test_hidden_mail_is_not_found_and_does_not_move_what_is(desk: Desk) -> None:
    mine = [desk.mail(f"refund number {number}") for number in range(3)]
    for email in mine:
        email_users.link(desk.db, email, 1, "shared")
    alone = desk.find("refund", who=ann(email_read="own"))
    for _ in range(20):
        desk.mail("refund refund refund", subject="refund")
    assert desk.find("refund", who=ann(email_read="own")) == alone
    assert sorted(alone) == mine
    assert desk.find("refund", who=ann()) == []


def test_of_very_many_hits_the_newest_are_ranked(desk: Desk) -> None:
    sent = [desk.mail("refund") for _ in range(9)]
    found = search.search(desk.db, Actor(), "refund", limit=50, now=NOW, candidates=5)
    assert sorted(email.id for email in found) == sent[-5:]


def test_pages_of_a_search_follow_each_other(desk: Desk) -> None:
    for _ in range(7):
        desk.mail("refund")
    whole = desk.find("refund")
    pages = [[e.id for e in search.search(desk.db, Actor(), "refund", limit=3, offset=offset, now=NOW)] for offset in (0, 3, 6)]
    assert [email for page in pages for email in page] == whole


HOSTILE = [
    '"',
    '""',
    '" OR 1=1 --',
    "' or ''='",
    "NEAR(a b, 2)",
    "subject:",
    "subject: : :",
    "{subject people} : x",
    "a AND",
    "OR",
    "NOT a",
    "*",
    "**a**",
    "^a",
    "a^2",
    "-a",
    "a -b",
    "(((((",
    ")",
    "col:val",
    "body:x",
    "rowid:1",
    "email_texts:x",
    "\x00",
    "a\x00b",
    "\ud800",
    "💥",
    "é" * 3000,
    "a " * 5000,
    '"' * 5000,
    "*" * 3000,
    ":" * 3000,
    "a:" * 2000,
    "case:99999999999999999999",
    "case:-1",
    "case:٣",
    "before:9999999999d",
    "after:0001-01-01",
    "before:99999-01-01",
    "is:",
    "has:",
    "from:*",
    "from:**",
    'from:"',
    "to:\u202e",
    "%",
    "_",
    "\\",
    "\n\r\t",
    "; drop table emails",
    "match",
    "select * from emails",
    "account:",
    "account:%",
    "ﷺ" * 500,
    "a" * 100_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_never_errors(desk: Desk, text: str) -> None:
    desk.mail("hello")
    assert set(desk.find(text)) <= {1}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(text=st.text(alphabet=st.one_of(st.characters(), st.sampled_from('":*()^-+{} ')), max_size=60))
def test_any_text_can_be_searched_for(desk: Desk, text: str) -> None:
    for prefix in ("", "from:", "subject:", '"', "is:unread "):
        desk.find(prefix + text)
