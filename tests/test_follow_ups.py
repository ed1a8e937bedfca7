"""Answers: late ones to closed cases, and those that came before what they answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from espomail import times
from espomail.store.db import Connection
from tests.conftest import Runner
from tests.shop import letter


@pytest.mark.parametrize(
    ("closed_for", "case"),
    [
        pytest.param(timedelta(days=14, hours=5), 2, id="later than reopen_days: a new case"),
        pytest.param(timedelta(days=13, hours=20), 1, id="within reopen_days: reopened"),
    ],
)
def test_reopen_days_are_counted_to_the_moment(run: Runner, db: Connection, closed_for: timedelta, case: int) -> None:
    run("group-account", "add", "desk", "--address", "desk@team.example", "--create-case", "--reopen-days", "14")
    question = letter("q@client.example", to="desk@team.example")
    assert run("deliver", "desk", "--json", input=question).json["case"] == 1
    run("case", "close", "1")
    db.execute("update cases set closed_at = ?", (times.to_text(datetime.now(UTC) - closed_for),))
    answer = letter("a@client.example", to="desk@team.example", answers="q@client.example")
    assert run("deliver", "desk", "--json", input=answer).json["case"] == case


def test_a_mail_that_comes_between_two_it_connects_makes_one_thread_of_them(run: Runner) -> None:
    run("group-account", "add", "desk", "--address", "desk@team.example")
    for line in (("root", None), ("grandchild", "child"), ("child", "root")):
        own, answered = (f"{name}@client.example" if name else None for name in line)
        run("deliver", "desk", input=letter(str(own), to="desk@team.example", answers=answered))
    assert {each["thread_id"] for each in run("email", "list", "--json").json} == {1}


@pytest.mark.parametrize("is_deleted", [False, True], ids=["held", "deleted since"])
def test_who_borrows_the_id_of_an_answered_mail_does_not_come_into_its_case(run: Runner, is_deleted: bool) -> None:
    run("group-account", "add", "desk", "--address", "desk@team.example", "--create-case")
    question = letter("q@client.example", to="desk@team.example")
    answer = letter("a@client.example", to="desk@team.example", answers="q@client.example")
    borrowed = letter("q@client.example", to="desk@team.example", sender="eve@bad.example", text="Something else")
    assert [run("deliver", "desk", "--json", input=mail).json["case"] for mail in (question, answer)] == [1, 1]
    if is_deleted:
        run("email", "delete", "1", "--yes")
    taken = run("deliver", "desk", "--json", input=borrowed).json
    shown = run("email", "show", str(taken["email"]), "--json").json
    assert (taken["case"], shown["thread_id"], shown["flags"]) == (2, taken["email"], ["reused-message-id"])


def test_an_address_shared_with_a_personal_account_stays_the_group_accounts_own(run: Runner) -> None:
    run("user", "add", "ann", "--email", "ann@team.example")
    run("group-account", "add", "desk", "--address", "desk@team.example", "--create-case")
    run("personal-account", "add", "own", "--user", "ann", "--address", "desk@team.example")
    mail = letter("one@team.example", sender="desk@team.example", to="customer@client.example")
    assert run("deliver", "desk", "--json", input=mail).json["case"] is None


def stream(run: Runner, thing: str) -> list[str]:
    return [note["type"] for note in run("stream", "show", thing, "--json").json["stream"]]


def test_what_was_sent_from_the_group_accounts_address_stands_as_sent_in_the_stream(run: Runner) -> None:
    run("group-account", "add", "desk", "--address", "desk@team.example", "--create-case")
    run("deliver", "desk", input=letter("q@client.example", to="desk@team.example"))
    answer = letter("a@team.example", sender="desk@team.example", to="customer@client.example", answers="q@client.example")
    run("deliver", "desk", input=answer)
    assert stream(run, "case:1") == ["create", "email-received", "email-sent"]


@pytest.mark.parametrize("order", [("own", "desk"), ("desk", "own")], ids="-".join)
def test_a_colleagues_mail_stands_as_received_in_the_case_that_it_opens(run: Runner, order: tuple[str, str]) -> None:
    run("user", "add", "ann", "--email", "ann@team.example")
    run("record", "add", "account", "--name", "Ours", "--email", "ann@team.example")
    run("personal-account", "add", "own", "--user", "ann", "--address", "ann@team.example")
    run("group-account", "add", "desk", "--address", "desk@team.example", "--create-case")
    mail = letter("q@team.example", sender="ann@team.example", to="desk@team.example")
    for account in order:
        run("deliver", account, input=mail)
    assert (stream(run, "case:1"), stream(run, "account:Ours")) == (["create", "email-received"], ["create"])


CHAIN = (("q", None), ("a", "q"), ("b", "a"))


@pytest.mark.parametrize("order", [("own", "desk"), ("desk", "own")], ids="-".join)
def test_a_whole_chain_of_answers_is_in_the_case_whichever_account_came_first(run: Runner, order: tuple[str, str]) -> None:
    """The group account has the question alone; each answer cites only the mail before it."""
    run("user", "add", "ann", "--email", "ann@team.example")
    run("personal-account", "add", "own", "--user", "ann", "--address", "ann@team.example")
    run("group-account", "add", "desk", "--address", "desk@team.example", "--create-case")
    at = datetime.now(UTC)
    mails = [letter(f"{id}@client.example", answers=cited and f"{cited}@client.example", text=id, at=at) for id, cited in CHAIN]
    for account in order:
        for mail in mails if account == "own" else mails[:1]:
            run("deliver", account, input=mail)
    assert [each["case"] for each in run("email", "list", "--json").json] == [1, 1, 1]


@pytest.mark.parametrize("order", [("own", "desk"), ("desk", "own")], ids="-".join)
def test_a_stranger_s_answer_stays_out_of_the_case_whichever_account_came_first(run: Runner, order: tuple[str, str]) -> None:
    run("user", "add", "ann", "--email", "ann@team.example")
    run("personal-account", "add", "own", "--user", "ann", "--address", "ann@team.example")
    run("group-account", "add", "desk", "--address", "desk@team.example", "--create-case", "--strangers", "new-case")
    at = datetime.now(UTC)
    question = letter("q@client.example", at=at)
    answer = letter("a@bad.example", sender="eve@bad.example", answers="q@client.example", at=at)
    for account in order:
        for mail in (question, answer) if account == "own" else (question,):
            run("deliver", account, input=mail)
    assert [each["case"] for each in run("email", "list", "--json").json] == [None, 1]


def test_an_answer_hung_on_a_record_by_hand_stays_there_when_its_question_gets_a_case(run: Runner) -> None:
    run("user", "add", "ann", "--email", "ann@team.example")
    run("record", "add", "account", "--name", "Acme")
    run("personal-account", "add", "own", "--user", "ann", "--address", "ann@team.example")
    run("group-account", "add", "desk", "--address", "desk@team.example", "--create-case")
    question, answer = letter("q@client.example"), letter("a@client.example", answers="q@client.example")
    for mail in (question, answer):
        run("deliver", "own", input=mail)
    run("email", "link", "2", "account:Acme")
    run("deliver", "desk", input=question)
    assert [each["parent"]["type"] for each in run("email", "list", "--json").json] == ["account", "case"]


def test_a_case_that_no_account_opened_is_joined_as_the_account_that_brings_the_mail_says(run: Runner) -> None:
    run("group-account", "add", "desk", "--address", "desk@team.example", "--create-case", "--strangers", "new-case")
    run("case", "add", "--name", "By phone")
    run("import", "-", "--account", "desk", "--no-case", input=letter("q@client.example"))
    run("email", "link", "1", "case:1")
    stranger = letter("a@bad.example", sender="eve@bad.example", answers="q@client.example")
    assert run("deliver", "desk", "--json", input=stranger).json["case"] == 2


def test_a_case_names_the_one_it_follows_only_to_who_may_see_it(run: Runner) -> None:
    run("role", "add", "own", "--set", "case.read=own", "--set", "case.stream=own")
    for name in ("ann", "ben"):
        run("user", "add", name, "--email", f"{name}@team.example", "--role", "own")
    run("group-account", "add", "desk", "--address", "desk@team.example", "--create-case", "--followup-closed", "new")
    run("deliver", "desk", input=letter("q@client.example"))
    run("case", "close", "1")
    run("deliver", "desk", input=letter("a@client.example", answers="q@client.example"))
    run("case", "assign", "1", "ann")
    for who, follows, data in (("ann", 1, {"follows": 1}), ("ben", None, {})):
        run("case", "assign", "2", who)
        case = run("case", "show", "2", "--json", "--as", who).json
        assert (case["follows_case"], case["stream"][0]["data"]) == (follows, data)


def test_an_email_that_a_person_took_off_its_record_stays_off_until_a_person_hangs_it_up(run: Runner) -> None:
    run("record", "add", "contact", "--name", "Cora", "--email", "customer@client.example")
    for name in ("desk", "sales"):
        run("group-account", "add", name, "--address", f"{name}@team.example")
    mail = letter("q@client.example")
    parents = []
    for line in ("deliver desk", "email unlink 1", "deliver sales", "reprocess 1 --yes", "email link 1 contact:1"):
        assert run(*line.split(), input=mail if "deliver" in line else b"").exit_code == 0
        parents.append(run("email", "show", "1", "--json").json["parent"])
    cora = {"type": "contact", "id": 1, "name": "Cora"}
    assert parents == [cora, None, None, None, cora]
    link = [each for each in run("email", "explain", "1", "--json").json["steps"] if each["step"] == "link"]
    assert link[1]["reason"] == "a person took it off what it hung on"


def test_an_answer_that_a_person_took_off_a_case_is_not_brought_back_by_the_mail_that_it_answers(run: Runner) -> None:
    run("user", "add", "ann", "--email", "ann@team.example")
    run("personal-account", "add", "own", "--user", "ann", "--address", "ann@team.example")
    run("group-account", "add", "desk", "--address", "desk@team.example", "--create-case")
    run("case", "add", "--name", "Something else")
    at = datetime.now(UTC)
    run("deliver", "own", input=letter("a@client.example", answers="q@client.example", at=at))
    run("email", "link", "1", "case:1")
    run("email", "unlink", "1")
    assert run("deliver", "desk", "--json", input=letter("q@client.example", at=at)).json["case"] == 2
    assert run("email", "show", "1", "--json").json["case"] is None
