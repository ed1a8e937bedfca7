"""The sending round against a server that refuses, breaks off, dawdles, or kills the round, wherever it likes."""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from espomail.answers import Reply
from espomail.desk import Desk
from espomail.model import Actor, Address
from espomail.rounds import locks, settling
from espomail.rounds.send import send
from espomail.store import db as store
from espomail.store import notifications, outbox
from espomail.store.db import Connection
from espomail.wire import smtp
from espomail.writing.letters import Author, Letter
from espomail.writing.post import write
from tests.conftest import NOW, Runner
from tests.scripted_smtp import ScriptedSmtp, scripted_smtp

CONTENT = b"From: ann@team.example\r\nSubject: hello\r\nMessage-ID: <1@team.example>\r\n\r\nhello\r\n.dot\r\nend\r\n"
ON_THE_WIRE = CONTENT.replace(b"\r\n.dot", b"\r\n..dot")
ANN = 1
THREE = ("a@shop.example", "b@shop.example", "c@shop.example")


@pytest.fixture
def post() -> Iterator[ScriptedSmtp]:
    with scripted_smtp() as server:
        yield server


@dataclasses.dataclass
class Office:
    """A database with user ann and the account `support`, and a desk whose clock the test turns."""

    db: Connection
    desk: Desk
    now: datetime = NOW
    count: int = 0

    def queue(self, *recipients: str, kind: str = "user") -> int:
        self.count += 1
        new = outbox.NewOutgoing(
            kind=kind,
            cause=f"{kind}:{self.count}",
            envelope_from="support@team.example" if kind == "user" else "",
            recipients=recipients or THREE[:1],
            subject="hello",
            message_id="1@team.example",
            content=CONTENT,
            account_id=1,
            created_by_id=ANN if kind == "user" else None,
        )
        with store.transaction(self.db):
            return outbox.add(self.db, new, now=self.now)

    def send(self, **limits: Any) -> tuple[int, int, int, int]:
        """Run a round; how many mails were sent, deferred, failed, of unknown fate."""
        sent = send(self.desk, **limits)
        return (sent.sent, sent.deferred, sent.failed, sent.unknown)

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def status(self, outbox_id: int) -> tuple[str, int, str | None]:
        found = outbox.find(self.db, outbox_id)
        assert found is not None
        return (found.status, found.attempts, found.last_reply)

    def told(self) -> list[str]:
        """What ann was told, oldest first."""
        return [each.text for each in reversed(notifications.list_(self.db, user_id=ANN, limit=100))]


@pytest.fixture
def office(tmp_path: Path, run: Runner, db: Connection, post: ScriptedSmtp) -> Office:
    run("user", "add", "ann", "--email", "ann@team.example", "--admin")
    made = run(
        *"group-account add support --address support@team.example --smtp-host 127.0.0.1 --smtp-security none".split(),
        "--smtp-port",
        str(post.port),
    )
    assert made.exit_code == 0, made.stderr
    desk = Desk(
        db=db,
        db_path=run.db_path,
        key_path=tmp_path / "key",
        who=Actor,
        now=lambda: made_office.now,
        monotonic=time.monotonic,
        new_token=lambda: "token",
        open_mailbox=lambda account, seconds: pytest.fail("no mailbox is asked for"),
        open_post=lambda account, seconds: smtp.open_post(account.smtp, password=None, deadline_s=seconds, command_timeout_s=3),
        lock_dir=tmp_path / "locks",
        say=lambda words: None,
    )
    made_office = Office(db, desk)
    return made_office


# ---------------------------------------------------------------- what servers answer


STAGES = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "end")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("answer", [b"451 later", b"554 never", None], ids=["4xx", "5xx", "hangs up"])
def test_whatever_a_server_answers_at_any_stage_the_mail_waits_or_fails_and_is_not_lost(
    office: Office, post: ScriptedSmtp, stage: str, answer: bytes | None
) -> None:
    mail = office.queue()
    post.answers = {stage: answer, "HELO": answer} if stage == "EHLO" else {stage: answer}
    is_final = answer == b"554 never" and stage not in ("greeting", "EHLO")
    assert office.send() == ((0, 0, 1, 0) if is_final else (0, 1, 0, 0))
    assert office.status(mail)[:2] == ("failed" if is_final else "deferred", 1)
    post.answers = {}
    assert office.send() == (0, 0, 0, 0)
    office.later(minutes=2)
    assert office.send() == ((0, 0, 0, 0) if is_final else (1, 0, 0, 0))
    assert post.arrived() == ([] if is_final else [("a@shop.example", ON_THE_WIRE)])
    assert len(office.told()) == (1 if is_final else 0)


def test_a_recipient_refused_for_good_is_told_and_the_others_get_the_mail_once(office: Office, post: ScriptedSmtp) -> None:
    mail = office.queue(*THREE)
    post.answers["b@shop.example"] = b"550 no such user"
    assert office.send() == (1, 0, 0, 0)
    office.later(days=1)
    assert office.send() == (0, 0, 0, 0)
    assert [taken.recipients for taken in post.taken] == [("a@shop.example", "c@shop.example")]
    assert office.told() == ["«hello» was refused for b@shop.example (550 no such user)"]
    assert office.status(mail) == ("sent", 1, "250 taken")


def test_a_recipient_deferred_is_tried_again_alone(office: Office, post: ScriptedSmtp) -> None:
    mail = office.queue(*THREE)
    post.answers = {"b@shop.example": b"450 greylisted", "c@shop.example": b"550 no such user"}
    assert office.send() == (0, 1, 0, 0)
    assert office.told() == ["«hello» was refused for c@shop.example (550 no such user)"]
    post.answers = {}
    office.later(minutes=2)
    assert office.send() == (1, 0, 0, 0)
    assert [taken.recipients for taken in post.taken] == [("a@shop.example",), ("b@shop.example",)]
    assert (office.status(mail), len(office.told())) == (("sent", 2, "250 taken"), 1)


def test_who_never_gets_it_in_three_days_is_named_and_only_they(office: Office, post: ScriptedSmtp) -> None:
    mail = office.queue(*THREE[:2])
    post.answers["b@shop.example"] = b"450 full"
    rounds = 0
    while office.status(mail)[0] in ("queued", "deferred"):
        office.send()
        office.later(minutes=5)
        rounds += 1
        assert rounds < 1000
    assert office.now - NOW < timedelta(days=3, minutes=10)
    assert office.status(mail) == ("sent", 24, "given up after 3 days: 450 full")
    assert [taken.recipients for taken in post.taken] == [("a@shop.example",)]
    assert office.told() == ["«hello» to b@shop.example could not be sent: given up after 3 days: 450 full"]


def test_the_three_days_of_a_scheduled_mail_begin_when_it_is_to_leave(office: Office, post: ScriptedSmtp) -> None:
    letter = Letter(
        sender="support@team.example", to=(Address("", THREE[0]),), words="later", at=office.now + timedelta(days=4)
    )
    with store.transaction(office.db):
        mail = write(office.db, letter, Author(actor=Actor()), now=office.now, token="token").outbox_id
    assert mail is not None
    post.answers["RCPT"] = b"451 greylisted"
    office.later(days=4)
    assert office.send() == (0, 1, 0, 0)
    post.answers = {}
    office.later(minutes=2)
    assert office.send() == (1, 0, 0, 0)


@pytest.mark.parametrize("stage", ["MAIL", "end"])
def test_a_server_that_refuses_the_empty_sender_gets_the_account_s(office: Office, post: ScriptedSmtp, stage: str) -> None:
    office.queue(kind="auto-reply")

    def refuse_empty(reached: str, argument: str) -> None:
        if reached == "MAIL":
            post.answers = {} if argument else {stage: b"550 5.7.60 the sender may not send as this"}

    post.reached = refuse_empty
    assert office.send() == (1, 0, 0, 0)
    assert [(taken.sender, taken.recipients) for taken in post.taken] == [("support@team.example", ("a@shop.example",))]


def test_a_server_that_ends_sessions_early_gets_the_rest_in_another(office: Office, post: ScriptedSmtp) -> None:
    for n in range(6):
        office.queue(f"{n}@shop.example")
    seen: list[str] = []

    def end_every_third(stage: str, argument: str) -> None:
        if stage == "MAIL":
            seen.append(argument)
            post.answers = {"MAIL": b"421 enough for now"} if len(seen) % 3 == 0 else {}

    post.reached = end_every_third
    assert office.send() == (4, 2, 0, 0)
    post.reached = lambda stage, argument: None
    post.answers = {}
    office.later(minutes=2)
    assert office.send() == (2, 0, 0, 0)
    assert sorted(address for address, _ in post.arrived()) == [f"{n}@shop.example" for n in range(6)]


def test_a_server_that_breaks_off_every_session_is_left_alone_after_three(office: Office, post: ScriptedSmtp) -> None:
    mails = [office.queue(f"{n}@shop.example") for n in range(50)]
    post.answers["MAIL"] = None
    sent = send(office.desk)
    assert (post.sessions, sent.deferred, sent.unreachable) == (3, 50, 1)
    assert {office.status(mail)[:2] for mail in mails} == {("deferred", 1)}
    assert sent.troubles == ["support: the server broke off 3 sessions in a row"]


def test_one_mail_that_a_server_can_t_bear_does_not_hold_up_the_others(office: Office, post: ScriptedSmtp) -> None:
    office.queue("poison@shop.example")
    for n in range(3):
        office.queue(f"{n}@shop.example")
    post.answers["poison@shop.example"] = None
    assert office.send() == (3, 1, 0, 0)


def test_an_answer_that_comes_after_the_round_s_time_is_still_heard(office: Office, post: ScriptedSmtp) -> None:
    first, second = office.queue(kind="auto-reply"), office.queue("b@shop.example")
    post.reached = lambda stage, argument: time.sleep(1.6 if stage == "end" else 0)
    assert office.send(max_time_s=1) == (1, 0, 0, 0)
    assert [office.status(mail)[0] for mail in (first, second)] == ["sent", "queued"]


def test_what_is_cancelled_while_the_round_runs_does_not_leave(office: Office, post: ScriptedSmtp, run: Runner) -> None:
    office.queue()
    second = office.queue("b@shop.example")

    def cancel(stage: str, argument: str) -> None:
        if stage == "end" and argument == "a@shop.example":
            assert run("outbox", "cancel", str(second)).exit_code == 0

    post.reached = cancel
    assert office.send() == (1, 0, 0, 0)
    assert [address for address, _ in post.arrived()] == ["a@shop.example"]
    assert office.status(second)[:2] == ("cancelled", 0)


def test_what_one_of_two_has_got_stays_sent_when_the_rest_is_cancelled(office: Office, post: ScriptedSmtp, run: Runner) -> None:
    mail = office.queue(*THREE[:2])
    post.answers["b@shop.example"] = b"450 full"
    assert office.send() == (0, 1, 0, 0)
    assert run("outbox", "cancel", str(mail)).exit_code == 0
    assert office.status(mail)[0] == "sent"
    post.answers = {}
    office.later(days=1)
    assert office.send() == (0, 0, 0, 0)
    assert [address for address, _ in post.arrived()] == ["a@shop.example"]


def test_a_disabled_account_sends_nothing_and_its_mail_waits(office: Office, post: ScriptedSmtp, run: Runner) -> None:
    mail = office.queue()
    run("group-account", "disable", "support")
    assert office.send() == (0, 1, 0, 0)
    assert (office.status(mail), post.sessions) == (("deferred", 1, "its account is disabled"), 0)
    run("group-account", "enable", "support")
    office.later(minutes=2)
    assert office.send() == (1, 0, 0, 0)


def outbox_findings(run: Runner) -> list[str]:
    found = run("doctor", "--json").json["findings"]
    return [each["message"] for each in found if each["check"] == "outbox"]


def test_doctor_tells_of_mail_that_is_put_off_again_and_again(office: Office, post: ScriptedSmtp, run: Runner) -> None:
    office.queue()
    post.answers["RCPT"] = b"451 later"
    for minutes in (0, 1, 5):
        assert outbox_findings(run) == []
        office.later(minutes=minutes)
        assert office.send() == (0, 1, 0, 0)
    assert outbox_findings(run) == ["1 mails are put off again and again: 451 later"]


def test_doctor_forgets_mail_that_failed_longer_than_a_week_ago(office: Office, post: ScriptedSmtp, run: Runner) -> None:
    post.answers["RCPT"] = b"550 never"
    for days, found in ((8, []), (6, ["1 mails of the last 7 days could not be sent"])):
        office.now = NOW - timedelta(days=days)
        office.queue()
        assert office.send() == (0, 0, 1, 0)
        assert outbox_findings(run) == found


def test_two_rounds_at_once_send_nothing_twice(office: Office, post: ScriptedSmtp) -> None:
    office.queue()
    with locks.hold(office.desk.lock_dir / "send.lock") as is_held:
        assert is_held
        assert send(office.desk).is_locked
    assert post.sessions == 0
    assert office.send() == (1, 0, 0, 0)


def test_no_more_mails_than_asked_leave(office: Office, post: ScriptedSmtp) -> None:
    for n in range(5):
        office.queue(f"{n}@shop.example")
    assert [office.send(max_mails=2)[0] for _ in range(4)] == [2, 2, 1, 0]
    assert len(post.taken) == 5


# ---------------------------------------------------------------- cut at every byte


def _cut_everywhere(office: Office, post: ScriptedSmtp, kind: str, *, step: int, tell: Callable[[str], None]) -> Counter[str]:
    """Cut a session at every `step`th byte, both ways, each followed by clean rounds; what became of the mails."""
    office.queue(kind=kind)
    lengths: dict[str, int] = {}
    post.reached = lambda stage, argument: lengths.update(sent=post.sent, heard=post.heard) if stage == "QUIT" else None
    assert office.send() == (1, 0, 0, 0)
    post.reached = lambda stage, argument: None
    found: Counter[str] = Counter()
    cuts = [("cut_sent", n) for n in range(0, lengths["sent"], step)] + [
        ("cut_heard", n) for n in range(0, lengths["heard"], step)
    ]
    for name, at in cuts:
        mail = office.queue(kind=kind)
        post.taken.clear()
        setattr(post, name, at)
        office.send()
        first = len(post.taken)
        fate = office.status(mail)[0]
        setattr(post, name, None)
        office.later(minutes=5)
        office.send()
        assert {content for _, content in post.arrived()} <= {ON_THE_WIRE}
        found[f"{fate}, {first} then {len(post.taken)} arrived, {office.status(mail)[0]}"] += 1
    tell(f"SMTP, {kind}: {len(cuts)} sessions cut, {dict(found)}")
    return found


ALLOWED = {
    "user": {
        "deferred, 0 then 1 arrived, sent",  # nobody had got it
        "deferred, 1 then 2 arrived, sent",  # cut between the last dot and our hearing the answer: one extra, the same bytes
        "sent, 1 then 1 arrived, sent",
    },
    "auto-reply": {
        "deferred, 0 then 1 arrived, sent",
        "unknown, 0 then 0 arrived, unknown",  # the last dot was cut off: the server may have heard it or not
        "unknown, 1 then 1 arrived, unknown",
        "sent, 1 then 1 arrived, sent",
    },
}


@pytest.mark.parametrize("kind", ALLOWED)
def test_cut_at_any_byte_people_s_mail_arrives_and_automatic_mail_never_twice(
    office: Office, post: ScriptedSmtp, kind: str, tell: Callable[[str], None]
) -> None:
    found = _cut_everywhere(office, post, kind, step=6, tell=tell)
    assert set(found) <= ALLOWED[kind]
    assert found["deferred, 0 then 1 arrived, sent"] > 15


@pytest.mark.long
@pytest.mark.parametrize("kind", ALLOWED)
def test_cut_at_every_byte_people_s_mail_arrives_and_automatic_mail_never_twice(
    office: Office, post: ScriptedSmtp, kind: str, tell: Callable[[str], None]
) -> None:
    found = _cut_everywhere(office, post, kind, step=1, tell=tell)
    assert set(found) <= ALLOWED[kind]
    assert set(found) >= ALLOWED[kind] - {"sent, 1 then 1 arrived, sent"}


# ---------------------------------------------------------------- killed


def _kill_again_and_again(office: Office, post: ScriptedSmtp, run: Runner, *, kills: int) -> str:
    """Kill the sending process at random points of its conversation, `kills` times; then let it send the rest; what was counted."""
    mails = {
        f"{kind}{n}@shop.example": office.queue(f"{kind}{n}@shop.example", kind=kind)
        for n in range(2 * kills)
        for kind in ("user", "auto-reply")
    }
    chance = random.Random(7)
    in_data = Counter[str]()
    tries = iter(range(2 * kills))
    while in_data["all"] < kills and next(tries, None) is not None:
        process = subprocess.Popen(
            [sys.executable, "-m", "espomail", "--db", str(run.db_path), "send", "--max", "6"],
            stderr=subprocess.DEVNULL,
            env={**os.environ, "ESPOMAIL_CONFIG": os.devnull},
        )
        steps = iter(range(chance.randrange(2, 22), -1, -1))

        def kill(stage: str, argument: str, process: Any = process, steps: Any = steps) -> None:
            if next(steps, -1) == 0:
                in_data["user" if argument.startswith("user") else "auto-reply"] += stage == "end"
                in_data["all"] += 1
                time.sleep(chance.choice((0, 0.002)))
                os.kill(process.pid, signal.SIGKILL)

        post.reached = kill
        process.wait(timeout=60)
        assert store.one(office.db, "pragma integrity_check") == "ok"
        _make_due(office.db)
    post.reached = lambda stage, argument: None
    for _ in range(3):
        office.send()
        _make_due(office.db)
    arrived = Counter(address for address, _ in post.arrived())
    assert {content for _, content in post.arrived()} == {ON_THE_WIRE}
    extras = sum(count - 1 for count in arrived.values())
    assert in_data["all"] == kills
    assert [a for a, mail in mails.items() if "user" in a and (office.status(mail)[0], arrived[a] > 0) != ("sent", True)] == []
    assert {arrived[a] for a in mails if "auto-reply" in a} <= {0, 1}
    assert {office.status(mail)[0] for a, mail in mails.items() if "auto-reply" in a} <= {"sent", "unknown"}
    assert [a for a, mail in mails.items() if office.status(mail)[0] == "sent" and not arrived[a]] == []
    assert extras <= in_data["user"]
    counted = f"{in_data['all']} kills hit a sending process, {in_data['user']} in DATA of a person's mail"
    return f"SMTP: {counted}; {len(mails)} mails, {extras} extra copies"


def _make_due(db: Connection) -> None:
    with store.transaction(db):
        db.execute("update outbox set next_try_at = '2020-01-01T00:00:00Z' where status in ('queued', 'deferred')")


def test_killed_anywhere_nothing_is_lost_and_automatic_mail_leaves_once(
    office: Office, post: ScriptedSmtp, run: Runner, tell: Callable[[str], None]
) -> None:
    tell(_kill_again_and_again(office, post, run, kills=12))


@pytest.mark.long
def test_killed_two_hundred_times_nothing_is_lost_and_automatic_mail_leaves_once(
    office: Office, post: ScriptedSmtp, run: Runner, tell: Callable[[str], None]
) -> None:
    tell(_kill_again_and_again(office, post, run, kills=200))


def test_what_we_refuse_ourselves_is_told_without_a_server_s_code() -> None:
    assert settling._words(Reply(0, "the mail has\n9 bytes")) == "the mail has 9 bytes"
    assert settling._words(Reply(550, "no such user")) == "550 no such user"
