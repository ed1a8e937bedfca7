"""Filters in the life of a mail: two accounts with different filters, in any order, and two kinds that hit at once."""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from espomail import life
from espomail.gather.arrangements import arrangements
from espomail.store import raw_mails, receipts
from espomail.store.db import Connection, transaction
from espomail.store.receipts import NewReceipt
from tests.conftest import NOW, Runner

SET_UP = (
    "role add agent --set email.read=team --set personal-accounts=yes --set case.read=team",
    "team add sales --role agent",
    "team add support --role agent",
    "user add ann --email ann@team.example --team sales",
    "user add ben --email ben@team.example --team support",
    "group-folder add Shelf --team sales",
    "group-folder add Attic --team support",
    "group-account add sales --address list@team.example --team sales --for-all-team-users",
    "group-account add support --address list@team.example --team support --for-all-team-users --create-case",
    "personal-account add own --user ann --address ann@team.example",
    "folder add Offers --user ann",
    "folder add Later --user ben",
)
LETTER = b"""From: Bob <bob@acme.example>\r\nTo: list@team.example\r\nSubject: An offer\r\nX-List: news\r
Message-ID: <offer@acme.example>\r\nDate: Mon, 2 Mar 2026 08:00:00 +0000\r\n\r\nDear list, buy a printer.\r\n"""
OF_SALES = "--group-account sales --subject *offer*"
OF_SUPPORT = "--group-account support --subject *offer*"


@dataclass(slots=True)
class Office:
    """The command line, and the way of a mail into it through an account."""

    run: Runner
    db: Connection

    def do(self, *lines: str) -> None:
        for line in lines:
            done = self.run(*line.split())
            assert done.exit_code == 0, (line, done.stderr)

    def arrive(self, account: str, content: bytes = LETTER) -> str:
        """What became of a mail that an account brought."""
        account_id = self.db.execute("select id from accounts where name = ?", (account,)).fetchone()[0]
        new = NewReceipt(source="deliver", account_id=account_id, received_at=NOW, raw_id=None)
        with transaction(self.db):
            receipt_id = life.take_in(self.db, raw_mails.pack(content), new, now=NOW)
            receipt = receipts.find(self.db, receipt_id)
            assert receipt is not None
            life.process(self.db, receipt, arrangements(self.db), now=NOW)
        return str(self.db.execute("select state from receipts where id = ?", (receipt_id,)).fetchone()[0])

    def seen(self, *who: str) -> Any:
        """The emails that the system, or a user, is shown."""
        acting = ("--as", *who) if who else ()
        return self.run("email", "list", "--json", *acting).json


@pytest.fixture
def office(run: Runner, db: Connection) -> Office:
    made = Office(run, db)
    made.do(*SET_UP)
    return made


@pytest.mark.parametrize("order", [("sales", "support"), ("support", "sales")], ids="-".join)
def test_who_skips_a_mail_does_not_see_what_another_account_brings(office: Office, order: tuple[str, str]) -> None:
    office.do(f"filter add no-offers {OF_SALES} --action skip")
    states = {account: office.arrive(account) for account in order}
    assert states == {"sales": "filtered", "support": "done"}
    assert office.seen("ann") == []
    assert office.run("email", "search", "printer", "--json", "--as", "ann").json == []
    assert office.run("email", "show", "1", "--as", "ann").exit_code == 66
    (email,) = office.seen("ben")
    assert (email["group_accounts"], email["teams"]) == (["support"], ["support"])
    assert [each["user"] for each in office.seen()[0]["users"]] == ["ben"]
    assert office.run("email", "search", "printer", "--json", "--as", "ben").json[0]["id"] == email["id"]
    filtered = office.db.execute("select filter, raw_id is not null from receipts where state = 'filtered'").fetchall()
    assert [tuple(row) for row in filtered] == [("no-offers", 1)]


@pytest.mark.parametrize("order", list(itertools.permutations(["sales", "support", "own"])), ids="-".join)
def test_the_order_of_accounts_with_different_filters_makes_no_difference(office: Office, order: tuple[str, ...]) -> None:
    office.do(
        f"filter add to-attic {OF_SUPPORT} --action move-to-group-folder --target Attic --mark-read",
        "filter add not-mine --personal-account own --header X-List=* --action skip",
        "filter add bobs --user ann --from bob@* --action move-to-folder --target Offers --important",
        "filter add later --user ben --cc nobody@* --action move-to-folder --target Later",
    )
    states = {account: office.arrive(account) for account in order}
    assert states["own"] == "filtered"
    assert sorted(states.values()) == ["done", "duplicate", "filtered"]
    (email,) = office.seen()
    assert sorted(email["group_accounts"]) == ["sales", "support"]
    assert (email["personal_accounts"], email["group_folder"], sorted(email["teams"])) == ([], "Attic", ["sales", "support"])
    people = {each["user"]: (each["folder"], each["is_important"], each["in_trash"]) for each in email["users"]}
    assert people == {"ann": ("Offers", True, False), "ben": (None, False, False)}
    assert (email["case"], len(office.run("case", "list", "--json").json)) == (1, 1)


@pytest.mark.parametrize("order", [("sales", "support"), ("support", "sales")], ids="-".join)
def test_the_flags_of_an_accounts_filter_hold_for_all_whom_it_reaches(office: Office, order: tuple[str, str]) -> None:
    """Sales reaches ann and ben, support ben alone: whoever has the mail already gets the flags too."""
    office.do(
        "user edit ben --add-team sales",
        f"filter add shelve {OF_SALES} --action move-to-group-folder --target Shelf --mark-read --important",
        "user add cat --email cat@team.example --team support",
    )
    for account in order:
        office.arrive(account)
    (email,) = office.seen()
    flagged = {each["user"]: (each["is_read"], each["is_important"]) for each in email["users"]}
    assert flagged == {"ann": (True, True), "ben": (True, True), "cat": (False, False)}


# What is set up, what becomes of the mail, its group folder, and for ann: folder, read, important, in the trash.
TOGETHER: dict[str, tuple[list[str], str, str | None, tuple[str | None, bool, bool, bool] | None]] = {
    "global skip before an account's move": (
        ["--global --subject *offer* --action skip", f"{OF_SALES} --action move-to-group-folder --target Shelf"],
        "filtered", None, None,
    ),
    "global skip before a user's folder": (
        ["--global --subject *offer* --action skip", "--user ann --from bob@* --action move-to-folder --target Offers"],
        "filtered", None, None,
    ),
    "an account's skip before a user's folder": (
        [f"{OF_SALES} --action skip", "--user ann --from bob@* --action move-to-folder --target Offers"],
        "filtered", None, None,
    ),
    "an account's move and a user's move are both done": (
        [
            f"{OF_SALES} --action move-to-group-folder --target Shelf",
            "--user ann --from bob@* --action move-to-folder --target Offers",
        ],
        "done", "Shelf", ("Offers", False, False, False),
    ),
    "an account's move and a user's skip: shelved, and in the user's trash": (
        [f"{OF_SALES} --action move-to-group-folder --target Shelf", "--user ann --from bob@* --action skip"],
        "done", "Shelf", (None, False, False, True),
    ),
    "the flags of both kinds add up": (
        [
            f"{OF_SALES} --action move-to-group-folder --target Shelf --mark-read",
            "--user ann --from bob@* --action none --important",
        ],
        "done", "Shelf", (None, True, True, False),
    ),
    "of one kind only the first": (
        ["--user ann --from bob@* --action none --important", "--user ann --subject *offer* --action skip --position 1"],
        "done", None, (None, False, False, True),
    ),
    "a global filter that does not match leaves the rest": (
        ["--global --subject offer --action skip", "--user ann --body-contains printer --action none --mark-read"],
        "done", None, (None, True, False, False),
    ),
    "a filter of another account is not asked": (
        [f"{OF_SUPPORT} --action skip"], "done", None, (None, False, False, False),
    ),
    "a filter of another user is not asked": (
        ["--user ben --from bob@* --action skip"], "done", None, (None, False, False, False),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("filters", "state", "shelf", "inbox"), TOGETHER.values(), ids=list(TOGETHER))
def test_filters_of_two_kinds_that_hit_one_mail(
    office: Office, filters: list[str], state: str, shelf: str | None, inbox: tuple[str | None, bool, bool, bool] | None
) -> None:
    office.do(*(f"filter add f{number} {words}" for number, words in enumerate(filters)))
    assert office.arrive("sales") == state
    emails = office.seen()
    assert [email["group_folder"] for email in emails] == ([] if state == "filtered" else [shelf])
    users = [each for email in emails for each in email["users"] if each["user"] == "ann"]
    held = [(each["folder"], each["is_read"], each["is_important"], each["in_trash"]) for each in users]
    assert held == ([] if inbox is None else [inbox])


def test_filters_hold_for_whom_the_group_folder_gives_the_mail(office: Office) -> None:
    """Ben has nothing to do with sales: he gets the mail with the folder of his team."""
    office.do(
        f"filter add to-attic {OF_SALES} --action move-to-group-folder --target Attic --important",
        "filter add later --user ben --from bob@* --action move-to-folder --target Later --mark-read",
    )
    assert office.arrive("sales") == "done"
    (email,) = office.seen()
    (ben,) = (each for each in email["users"] if each["user"] == "ben")
    assert (ben["folder"], ben["is_read"], ben["is_important"]) == ("Later", True, True)


ANSWER = (
    LETTER.replace(b"<offer@", b"<answer@")
    .replace(b"Subject: An offer", b"Subject: Re: An offer\r\nIn-Reply-To: <offer@acme.example>")
    .replace(b"a printer", b"two")
)


def test_what_a_users_filters_did_is_told_to_them_and_to_admins(office: Office) -> None:
    """Ann gets the mail with the account, ben with the case that is given to him."""
    office.do(
        "group-account edit sales --create-case --distribution direct-assignment --assign-to ben",
        "filter add bills --user ann --subject *bill* --action skip --position 1",
        "filter add bobs --user ann --from bob@* --action move-to-folder --target Offers",
        "filter add later --user ben --body-contains printer --action none",
    )
    assert office.arrive("sales") == "done"
    step = {s["step"]: s for s in office.run("email", "explain", "1", "--json").json["steps"]}["filter"]
    ann = {"user": "ann", "filter": "bobs", "action": "move-to-folder", "tried": {"bills": "subject: *bill*"}}
    ben = {"user": "ben", "filter": "later", "action": "none", "tried": {}}
    assert step["reason"] == "no filters; in an inbox bobs matches: move-to-folder; in an inbox later matches: none"
    assert step["details"]["inboxes"] == [ann, ben]
    told = {s["step"]: s for s in office.run("email", "explain", "1", "--json", "--as", "ann").json["steps"]}["filter"]
    assert told["details"] == {"inboxes": [ann]}


def test_filters_hold_for_whom_the_case_gives_the_mail(office: Office) -> None:
    """Ann is in no team of support: she gets the mail because its case is hers, first by its distribution, then as its agent."""
    office.do(
        "group-account edit support --no-for-all-team-users --distribution direct-assignment --assign-to ann",
        "filter add away --user ann --from bob@* --action move-to-folder --target Offers --important --skip-notification",
    )
    told = []
    for content in (LETTER, ANSWER):
        assert office.arrive("support", content) == "done"
        told.append([each["type"] for each in office.run("notification", "list", "--user", "ann", "--json").json])
    for email in office.seen():
        (ann,) = (each for each in email["users"] if each["user"] == "ann")
        assert (ann["folder"], ann["is_important"]) == ("Offers", True)
    assert told == [["case-assigned"]] * 2
    office.do(f"email move {email['id']} inbox --as ann")
    assert office.arrive("sales", ANSWER) == "duplicate"
    assert {each["folder"] for each in office.seen()[-1]["users"] if each["user"] == "ann"} == {None}


@pytest.mark.parametrize(
    ("criteria", "is_parsed"),
    [
        ("--header X-List=*", False),
        ("--from bob@* --subject *offer*", False),
        ("--from bob@* --body-contains printer", True),
    ],
)
def test_the_body_of_a_mail_skipped_by_its_header_is_never_parsed(office: Office, criteria: str, is_parsed: bool) -> None:
    office.do(f"filter add f --global {criteria} --action skip")
    called: set[str] = set()
    sys.setprofile(lambda frame, event, _: called.add(f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}"))
    try:
        state = office.arrive("sales")
    finally:
        sys.setprofile(None)
    assert (state, "espomail.mail.parse.parse_head" in called) == ("filtered", True)
    assert ("espomail.mail.parse.parse" in called) == is_parsed
