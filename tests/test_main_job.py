"""A mailbox becomes cases: the main job, end to end, on a real IMAP server, by the command line and its JSON alone."""

from __future__ import annotations

import imaplib
import itertools
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.shop import Shop, letter

TODAY = datetime.now(UTC)
SUPPORT = "--team support --create-case --distribution round-robin --target-team support --target-position agent"


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory: pytest.TempPathFactory):
    names = [f"box{n}" for n in range(200)]
    with servers.dovecot(tmp_path_factory.mktemp("dovecot"), users=dict.fromkeys(names, "secret")) as server:
        server.free = iter(names)
        yield server


@pytest.fixture
def shop(tmp_path: Path, dovecot) -> Shop:
    return Shop(tmp_path, dovecot)


@pytest.fixture
def box(dovecot):
    """The name of a mailbox that no other test uses."""
    return lambda: next(dovecot.free)


def support(shop: Shop, box, *agents: str, options: str = SUPPORT) -> str:
    mailbox = box()
    shop.add_agents(*agents)
    shop.add_account("support", options, login=mailbox)
    return mailbox


def flags(dovecot, user: str, folder: str) -> list[tuple[str, ...]]:
    """The flags of each mail in a folder, as another mail program sees them."""
    session = imaplib.IMAP4(dovecot.host, dovecot.port)
    session.login(user, "secret")
    session.select(folder, readonly=True)
    answers = session.fetch("1:*", "(FLAGS)")[1] if session.untagged_responses["EXISTS"] != [b"0"] else []
    session.logout()
    found = [tuple(flag.decode() for flag in imaplib.ParseFlags(answer)) for answer in answers if isinstance(answer, bytes)]
    return [tuple(flag for flag in each if flag != "\\Recent") for each in found]


def stream(shop: Shop, case: dict[str, Any]) -> list[dict[str, Any]]:
    notes: list[dict[str, Any]] = shop.ask(f"stream show case:{case['number']}")["stream"]
    return notes


def questions(first: int, count: int) -> list[bytes]:
    return [
        letter(f"q{n}@client{n}.example", sender=f"c{n}@client{n}.example", subject=f"Question {n}", at=TODAY)
        for n in range(first, first + count)
    ]


def test_thirty_mails_become_thirty_cases_in_turn_and_twenty_answers_join_them(shop, box):
    mailbox = support(shop, box, "ann", "bob", "cho")
    shop.put(mailbox, *questions(1, 30))
    report = shop.ask("fetch")
    assert (report["imported"], report["cases_created"]) == (30, 30)
    cases = shop.cases()
    assert [case["number"] for case in cases] == list(range(1, 31))
    assert [case["assigned_user"] for case in cases] == ["ann", "bob", "cho"] * 10
    assert {case["status"] for case in cases} == {"Assigned"}

    answers = [
        letter(
            f"a{n}@client{n}.example",
            sender=f"c{n}@client{n}.example",
            subject=f"Re: Question {n}",
            answers=f"q{n}@client{n}.example",
        )
        for n in range(1, 11)
    ] + [
        letter(
            f"a{n}@client{n}.example",
            sender=f"c{n}@client{n}.example",
            subject="no prefix",
            references=(f"lost{n}@elsewhere.example", f"q{n}@client{n}.example"),
        )
        for n in range(11, 16)
    ]
    shop.put(mailbox, *answers)
    roots = [
        letter(f"u{n}@client.example", sender=f"u{n}@client.example", references=(f"unseen{n}@x.example",)) for n in range(5)
    ]
    late = [
        letter(f"v{n}@client.example", sender=f"u{n}@client.example", references=(f"unseen{n}@x.example",)) for n in range(5)
    ]
    shop.put(mailbox, *roots)
    assert shop.ask("fetch")["cases_created"] == 5
    shop.put(mailbox, *late)
    assert shop.ask("fetch")["cases_created"] == 0
    cases = shop.cases()
    assert len(cases) == 35
    assert [len(case["emails"]) for case in cases] == [2] * 15 + [1] * 15 + [2] * 5
    for case in cases:
        notes = Counter(n["email"] for n in stream(shop, case) if n["type"] == "email-received")
        assert notes == dict.fromkeys(case["emails"], 1)
    again = shop.ask("fetch")
    assert (again["imported"], again["duplicates"], again["cases_created"]) == (0, 0, 0)
    assert Counter(case["assigned_user"] for case in shop.cases()[:30]) == {"ann": 10, "bob": 10, "cho": 10}


def test_the_least_busy_agent_is_served(shop, box):
    mailbox = support(
        shop, box, "ann", "bob", options="--team support --create-case --distribution least-busy --target-team support"
    )
    shop.run("case add --name Old --team support")
    shop.run("case assign 1 ann")
    shop.put(mailbox, *questions(1, 3))
    shop.run("fetch")
    assert [case["assigned_user"] for case in shop.cases()] == ["ann", "bob", "ann", "bob"]


def test_the_given_user_is_served_directly(shop, box):
    mailbox = support(
        shop, box, "ann", "bob", options="--team support --create-case --distribution direct-assignment --assign-to bob"
    )
    shop.put(mailbox, *questions(1, 3))
    shop.run("fetch")
    assert [case["assigned_user"] for case in shop.cases()] == ["bob", "bob", "bob"]


@pytest.mark.parametrize("rule", ["round-robin", "least-busy", "direct-assignment --assign-to bob"])
def test_an_inactive_or_absent_agent_is_never_served(shop, box, rule):
    mailbox = support(
        shop, box, "ann", "bob", "cho", options=f"--team support --create-case --distribution {rule} --target-team support"
    )
    shop.run("user disable bob")
    shop.run("user edit cho --absent 2020-01-01..2099-01-01")
    shop.put(mailbox, *questions(1, 4))
    shop.run("fetch")
    wanted = None if rule.startswith("direct") else "ann"
    assert {case["assigned_user"] for case in shop.cases()} == {wanted}
    if wanted is None:
        assert {case["status"] for case in shop.cases()} == {"New"}


def test_two_fetches_at_the_same_moment_serve_no_turn_twice(shop, box):
    one, two = box(), box()
    shop.add_agents("ann", "bob", "cho")
    shop.add_account("one", SUPPORT, login=one)
    shop.add_account("two", SUPPORT, login=two)
    shop.put(one, *questions(1, 30))
    shop.put(two, *questions(31, 30))
    with ThreadPoolExecutor(4) as pool:
        codes = [
            run.result().returncode for run in [pool.submit(shop.try_, f"fetch {n}") for n in ("one", "two", "one", "two")]
        ]
    assert codes == [0, 0, 0, 0]
    cases = shop.cases()
    assert [case["number"] for case in cases] == list(range(1, 61))
    assert [case["assigned_user"] for case in cases] == ["ann", "bob", "cho"] * 20


def three_accounts(shop: Shop, box) -> tuple[str, str, str]:
    """Two group accounts and Ann's own, each with a mailbox; only support opens cases."""
    boxes = box(), box(), box()
    shop.add_agents("ann", "bob")
    shop.run("team add sales")
    shop.run("user add sue --email sue@team.example --role agent --team sales")
    shop.add_account("support", f"{SUPPORT} --for-all-team-users", login=boxes[0])
    shop.add_account("sales", "--team sales --for-all-team-users", login=boxes[1])
    shop.run(f"personal-account add ann --user ann --address ann@team.example {shop.imap(boxes[2])}")
    return boxes


def state(shop: Shop) -> tuple[list, list, list]:
    """What must not depend on the order of accounts: emails with their people, cases, notes."""
    emails = sorted(
        (
            email["message_id"],
            sorted(user["user"] for user in email["users"]),
            sorted(email["teams"]),
            sorted(email["group_accounts"]),
            sorted(email["personal_accounts"]),
            email["case"] is not None,
        )
        for email in shop.emails()
    )
    cases = sorted((case["name"], case["status"], len(case["emails"]), sorted(case["teams"])) for case in shop.cases())
    notes = sorted((case["name"], note["type"]) for case in shop.cases() for note in stream(shop, case))
    return emails, cases, notes


def test_one_mail_in_three_accounts_in_any_order_is_one_email_with_one_case_and_one_note(tmp_path, dovecot, box):
    to_all = letter("all@client.example", to="support@team.example, sales@team.example", cc="ann@team.example")
    answer = letter("re@client.example", to="support@team.example", cc="ann@team.example", answers="all@client.example")
    states = []
    boxes = None
    for number, order in enumerate(itertools.permutations(["support", "sales", "ann"])):
        shop = Shop(tmp_path / str(number), dovecot)
        boxes = three_accounts(shop, box)
        shop.put(boxes[0], to_all, answer)
        shop.put(boxes[1], to_all)
        shop.put(boxes[2], to_all, answer)
        for account in order:
            shop.run(f"fetch {account}")
        states.append(state(shop))
        assert len(shop.emails()) == 2
        assert len(shop.cases()) == 1
    assert states[0][0][0] == (
        "all@client.example",
        ["ann", "bob", "sue"],
        ["sales", "support"],
        ["sales", "support"],
        ["ann"],
        True,
    )
    for part in zip(*states, strict=True):
        assert {str(each) for each in part} == {str(part[0])}


def test_each_mail_finds_its_record_and_says_by_which_step(shop, box):
    mailbox = support(shop, box, "ann")
    shop.run("record add account --name Acme --email office@acme.example")
    shop.run("record add contact --name Carl --email carl@acme.example --account Acme")
    shop.run("record add contact --name Solo --email solo@x.example")
    shop.run("record add lead --name Lea --email lea@lead.example")
    shop.run("record add lead --name Leo --email leo@lead.example")
    shop.run("record convert Leo --account Leocorp --contact Leo")
    senders = {
        "carl@acme.example": ("account", "Acme"),
        "solo@x.example": ("contact", "Solo"),
        "office@acme.example": ("account", "Acme"),
        "lea@lead.example": ("lead", "Lea"),
        "leo@lead.example": ("account", "Leocorp"),
        "nobody@x.example": None,
    }
    shop.run("group-account edit support --no-create-case")
    for n, sender in enumerate(senders):
        shop.put(mailbox, letter(f"s{n}@x.example", sender=sender))
    shop.put(mailbox, letter("r1@x.example", sender="form@web.example", reply_to="carl@acme.example"))
    shop.put(mailbox, letter("t1@x.example", sender="form@web.example", to="carl@acme.example"))
    shop.run("fetch")
    found = {e["message_id"]: e for e in shop.emails()}
    for n, wanted in enumerate(senders.values()):
        parent = found[f"s{n}@x.example"]["parent"]
        assert (parent and (parent["type"], parent["name"])) == wanted
    for message_id, place in (("s0@x.example", "From"), ("r1@x.example", "Reply-To"), ("t1@x.example", "To")):
        step = shop.step(found[message_id]["id"], "link")
        assert step["outcome"] == "linked"
        assert step["reason"] == f"address: {place} carl@acme.example"
        assert found[message_id]["account"]["name"] == "Acme"
    assert shop.step(found["s5@x.example"]["id"], "link")["outcome"] == "not linked"


def test_a_follower_who_is_not_in_to_or_cc_is_notified_once(shop, box):
    mailbox = support(shop, box, "ann", "bob", options="--team support --create-case")
    shop.put(mailbox, *questions(1, 1))
    shop.run("fetch")
    shop.run("follow case:1 --user bob")
    shop.put(mailbox, letter("a1@client1.example", sender="c1@client1.example", answers="q1@client1.example"))
    shop.run("fetch")
    shop.run("fetch")
    notices = [n for n in shop.ask("notification list --as bob") if n["email"] is not None]
    assert [(n["type"], str(n["thing"])) for n in notices] == [("record-email", "case:1")]


def test_a_number_in_the_subject_joins_for_a_participant_only(shop, box):
    mailbox = support(shop, box, "ann")
    shop.put(mailbox, *questions(1, 5))
    shop.run("fetch")
    shop.put(
        mailbox,
        letter("p@client5.example", sender="c5@client5.example", subject="[#5] more"),
        letter("s@stranger.example", sender="s@stranger.example", subject="[#5] let me in"),
        letter("n@client5.example", sender="c5@client5.example", subject="[#99999] what"),
    )
    assert shop.ask("fetch")["cases_created"] == 2
    found = {e["message_id"]: e for e in shop.emails()}
    assert [found[i]["case"] for i in ("p@client5.example", "s@stranger.example", "n@client5.example")] == [5, 6, 7]
    passed = shop.step(found["s@stranger.example"]["id"], "link")["details"]["passed"]
    assert passed["subject-token"] == "[#5] in the subject, but the sender takes no part in that case"
    passed = shop.step(found["n@client5.example"]["id"], "link")["details"]["passed"]
    assert passed["subject-token"] == "[#99999] in the subject: no such case"


@pytest.mark.parametrize(
    ("policy", "status", "cases"), [("reopen", "Assigned", 1), ("note", "Closed", 1), ("new", "Closed", 2)]
)
def test_a_follow_up_to_a_closed_case_does_what_its_account_says(shop, box, policy, status, cases):
    mailbox = support(shop, box, "ann", options=f"{SUPPORT} --followup-closed {policy}")
    shop.put(mailbox, *questions(1, 1))
    shop.run("fetch")
    shop.run("case close 1")
    shop.put(mailbox, letter("a1@client1.example", sender="c1@client1.example", answers="q1@client1.example"))
    shop.run("fetch")
    found = shop.cases()
    assert (found[0]["status"], len(found)) == (status, cases)


def test_an_automatic_answer_never_reopens(shop, box):
    mailbox = support(shop, box, "ann")
    shop.put(mailbox, *questions(1, 1))
    shop.run("fetch")
    shop.run("case close 1")
    shop.put(
        mailbox,
        letter(
            "o@client1.example",
            sender="c1@client1.example",
            answers="q1@client1.example",
            headers=(("Auto-Submitted", "auto-replied"),),
        ),
    )
    shop.run("fetch")
    assert [(c["status"], len(c["emails"])) for c in shop.cases()] == [("Closed", 2)]


def test_deliver_takes_one_mail_from_an_mta(shop, box):
    support(shop, box, "ann")
    delivered = shop.ask("deliver support", stdin=questions(1, 1)[0])
    assert delivered == {"outcome": "imported", "email": 1, "case": 1}
    assert shop.ask("deliver support", stdin=questions(1, 1)[0]) == {"outcome": "duplicate", "email": 1, "case": 1}
    assert shop.try_("deliver nosuch", stdin=b"x").returncode == 75
    assert shop.try_("deliver support --nosuch", stdin=b"x").returncode == 75


@pytest.mark.parametrize("words", ["--json >/dev/full", "--json >&-", ">&- 2>&-"])
def test_deliver_that_can_not_tell_what_it_kept_does_not_have_it_brought_again(shop, box, words):
    support(shop, box, "ann")
    line = f"{sys.executable} -m espomail deliver support {words}"
    done = subprocess.run(["sh", "-c", line], env=shop.environment, input=questions(1, 1)[0], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(shop.emails()) == 1


def test_files_are_imported_once_and_never_answered(shop, box, tmp_path):
    support(shop, box, "ann")
    files = tmp_path / "mails"
    for part in ("cur", "new", "tmp"):
        (files / "dir" / part).mkdir(parents=True)
    mails = questions(1, 4)
    (files / "a.eml").write_bytes(mails[0])
    (files / "b.mbox").write_bytes(
        b"".join(b"From x@y Mon Mar  2 09:00:00 2026\n" + m.replace(b"\r\n", b"\n") + b"\n\n" for m in mails[:2])
    )
    (files / "dir" / "new" / "1.host").write_bytes(mails[2])
    (files / "dir" / "cur" / "2.host:2,S").write_bytes(mails[3])
    (files / "notes.txt").write_text("no mail")
    report = shop.ask(f"import {files} --account support")
    outcomes = [(Path(f["path"]).name, f["outcome"], f["email"]) for f in report["files"]]
    assert outcomes == [
        ("a.eml", "imported", 1),
        ("b.mbox#1", "duplicate", 1),
        ("b.mbox#2", "imported", 2),
        ("1.host", "imported", 3),
        ("2.host:2,S", "imported", 4),
    ]
    assert (report["imported"], report["duplicates"], report["failed"]) == (4, 1, 0)
    assert len(shop.cases()) == 4


def test_an_archive_opens_no_case_now_or_later(shop, box, tmp_path):
    mailbox = support(shop, box, "ann")
    (tmp_path / "old.eml").write_bytes(questions(1, 1)[0])
    shop.run(f"import {tmp_path / 'old.eml'} --account support --no-case --no-notify")
    shop.put(mailbox, *questions(1, 1))
    shop.run("fetch")
    assert shop.cases() == []
    assert len(shop.emails()) == 1


def test_an_archived_answer_to_a_case_hangs_on_the_record_of_its_sender(shop, box, tmp_path):
    """It joins no case, and nothing says that it did."""
    mailbox = support(shop, box, "ann")
    shop.run("record add contact --name Cora --email customer@client.example")
    shop.put(mailbox, letter("q@client.example"))
    shop.run("fetch")
    (tmp_path / "old.eml").write_bytes(letter("a@client.example", answers="q@client.example"))
    shop.run(f"import {tmp_path / 'old.eml'} --account support --no-case --no-notify")
    archived = shop.emails()[-1]
    assert (archived["case"], archived["parent"]["type"]) == (None, "contact")
    assert "leads to case:1, but it was imported without cases" in shop.step(archived["id"], "link")["reason"]


def test_what_the_account_says_happens_on_the_server_after_the_commit(shop, box, dovecot):
    seen, moved, deleted, kept = box(), box(), box(), box()
    shop.add_agents("ann")
    for name, mailbox, action in (
        ("seen", seen, "seen"),
        ("moved", moved, "move:Done"),
        ("deleted", deleted, "delete"),
        ("kept", kept, "keep-unread"),
    ):
        shop.add_account(name, f"--after-import {action}", login=mailbox)
        shop.put(mailbox, *questions(1, 2))
    dovecot.make_folder(moved, "Done")
    shop.run("fetch")
    assert flags(dovecot, seen, "INBOX") == [("\\Seen",), ("\\Seen",)]
    assert (flags(dovecot, moved, "INBOX"), len(flags(dovecot, moved, "Done"))) == ([], 2)
    assert flags(dovecot, deleted, "INBOX") == []
    assert flags(dovecot, kept, "INBOX") == [(), ()]
    assert len(shop.emails()) == 2


def test_only_mail_since_the_given_day_is_taken_in(shop, box, dovecot):
    mailbox = support(shop, box, "ann", options=SUPPORT)
    shop.run("group-account edit support --fetch-since 2026-03-02")
    for n, day in enumerate((1, 2, 3)):
        dovecot.put(mailbox, "INBOX", questions(n, 1)[0], at=datetime(2026, 3, day, 0, 30, tzinfo=UTC))
    assert shop.ask("fetch")["accounts"][0]["folders"][0]["listed"] == 2
    assert shop.ask("fetch")["accounts"][0]["folders"][0]["listed"] == 0
    assert sorted(e["subject"] for e in shop.emails()) == ["Question 1", "Question 2"]


def test_a_folder_with_a_foreign_name_is_read(shop, box, dovecot):
    mailbox = support(shop, box, "ann", options=f"{SUPPORT} --folder INBOX --folder 'Entwürfe & 受信'")
    dovecot.make_folder(mailbox, "Entwürfe & 受信")
    shop.put(mailbox, *questions(1, 1))
    shop.put(mailbox, *questions(2, 1), folder="Entwürfe & 受信")
    report = shop.ask("fetch")
    assert [(f["folder"], f["imported"]) for f in report["accounts"][0]["folders"]] == [("INBOX", 1), ("Entwürfe & 受信", 1)]


def test_a_new_uidvalidity_imports_nothing_twice(shop, box, dovecot):
    mailbox = support(shop, box, "ann")
    shop.put(mailbox, *questions(1, 5))
    shop.run("fetch")
    dovecot.renew_uids(mailbox)
    shop.put(mailbox, *questions(6, 1))
    report = shop.ask("fetch")
    assert (report["imported"], report["duplicates"], report["cases_created"]) == (1, 5, 1)


def test_a_mail_over_the_size_limit_counts_with_its_whole_size(shop, box):
    """Only its beginning is read, but what the server says of its size decides, and is shown."""
    mailbox = support(shop, box, "ann")
    shop.run("settings set mail_size_max 50K")
    shop.run("filter add huge --global --larger-than 900K --action skip")
    for lines in (60_000, 120_000):
        shop.put(mailbox, letter(f"m{lines}@x.example", text="long line\n" * lines))
    report = shop.ask("fetch")
    assert (report["imported"], report["filtered"]) == (1, 1)
    assert shop.ask("filter preview --global --larger-than 600K")["matched"] == 1
    assert 60_000 * 11 < shop.emails()[0]["size_bytes"] < 60_000 * 12


def test_a_mail_over_the_size_limit_is_kept_with_its_text(shop, box):
    mailbox = support(shop, box, "ann")
    shop.run("settings set mail_size_max 50K")
    shop.put(
        mailbox, letter("big@x.example", subject="Big one", text="start of it " + "x" * 60 + "\n" * 3 + "long line\n" * 60_000)
    )
    report = shop.ask("fetch")
    assert report["imported"] == 1
    email = shop.ask("email show 1")
    assert (email["subject"], "oversize" in email["flags"], email["case"]) == ("Big one", True, 1)
    assert email["text"].startswith("start of it")


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        pytest.param("--imap-host nosuch.invalid", 69, "nosuch.invalid", id="unknown host"),
        pytest.param("--imap-port 1", 69, "refused", id="nobody listens"),
        pytest.param("--imap-login nobody", 69, "log-in", id="refused log-in"),
        pytest.param("--folder Nowhere", 3, "Nowhere", id="missing folder"),
        pytest.param("--imap-password-file /nonexistent/secret", 3, "/nonexistent/secret", id="unreadable password file"),
    ],
)
def test_trouble_with_one_account_is_one_clear_sentence_and_leaves_the_others_alone(shop, box, change, code, words):
    mailbox = support(shop, box, "ann")
    shop.add_account("other", login=box())
    shop.run(f"group-account edit other --allow-plaintext {change}")
    shop.put(mailbox, *questions(1, 2))
    done = shop.try_("fetch other")
    assert done.returncode in (code, 69, 3)
    assert words in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    report = shop.ask("fetch --now", code=3)
    assert report["imported"] == 2
    status = {a["account"]: a for a in shop.ask("status")["accounts"]}
    assert status["other"]["failures"] >= 1
    assert status["support"]["failures"] == 0


def test_twenty_accounts_with_nothing_new_are_fetched_in_one_round(shop, box):
    for n in range(20):
        shop.add_account(f"a{n}", login=box())
    shop.run("fetch")
    report = shop.ask("fetch")
    assert len(report["accounts"]) == 20
    assert report["imported"] == 0
