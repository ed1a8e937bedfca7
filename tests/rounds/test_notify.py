"""Notifications leave by mail, by command and by webhook: once, to whom they may tell what, and as each user wishes."""

from __future__ import annotations

import json
import shlex
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from espomail.rounds import notify
from espomail.store import notifications
from espomail.store.db import Connection, transaction
from tests.cli.test_send import do, question
from tests.conftest import Runner

READER = ("email.read=all", "case.read=all", "contact.read=all", "contact.stream=all", "case.stream=all")
SMTP = ("--smtp-host", "127.0.0.1", "--smtp-port", "2525", "--smtp-security", "none")


@pytest.fixture
def office(run: Runner) -> Runner:
    """ann wants each notification by mail, ben one mail a day, cid none; all follow the contact Bob; crm@ sends for the system."""
    run.now = datetime.now(UTC)  # mail is processed by a process of its own, whose clock is the machine's
    do(run, "role", "add", "reader", *(word for cell in READER for word in ("--set", cell)))
    do(run, "record", "add", "contact", "--name", "Bob", "--email", "bob@client.example")
    for name, wish in (("ann", "instant"), ("ben", "digest"), ("cid", "off")):
        do(run, "user", "add", name, "--email", f"{name}@team.example", "--role", "reader", "--notify-mail", wish)
        do(run, "follow", "contact:1", "--user", name)
    do(run, "group-account", "add", "crm", "--address", "crm@team.example", *SMTP)
    do(run, "settings", "outbound", "--address", "crm@team.example", "--from-name", "The CRM")
    return run


def arrive(run: Runner, number: int) -> None:
    do(run, "deliver", "crm", input=question(f"q{number}", Subject=f"Lamp {number} is dark"))


def mails(db: Connection) -> list[tuple[str, EmailMessage]]:
    """What is queued, oldest first: to whom, and what."""
    rows = db.execute(
        "select r.address, o.kind, o.envelope_from, o.content from outbox o join outbox_recipients r on r.outbox_id = o.id"
        " order by o.id"
    ).fetchall()
    assert {(row["kind"], row["envelope_from"]) for row in rows} <= {("notice", "")}
    return [(row["address"], message_from_bytes(row["content"], policy=policy.default)) for row in rows]  # type: ignore[misc]


def test_each_user_is_told_as_they_wish_and_once(office: Runner, db: Connection) -> None:
    arrive(office, 1)
    arrive(office, 2)
    assert do(office, "notify") == {"mailed": 2, "handed_over": 0}
    assert [(to, str(mail["Subject"])) for to, mail in mails(db)] == [
        ("ann@team.example", "New mail from Bob Roe: Lamp 1 is dark"),
        ("ann@team.example", "New mail from Bob Roe: Lamp 2 is dark"),
    ]
    assert do(office, "notify") == {"mailed": 0, "handed_over": 0}
    office.now += timedelta(hours=25)
    assert do(office, "notify") == {"mailed": 2, "handed_over": 0}
    to, digest = mails(db)[-1]
    assert (to, str(digest["Subject"])) == ("ben@team.example", "2 news, the latest: New mail from Bob Roe: Lamp 2 is dark")
    assert [line for line in digest.get_content().splitlines() if line.strip() and not line.startswith(" ")] == [
        "New mail from Bob Roe: Lamp 1 is dark", "New mail from Bob Roe: Lamp 2 is dark",
    ]  # fmt: skip
    office.now += timedelta(hours=36)
    assert (do(office, "notify")["mailed"], len(mails(db))) == (0, 3)


def test_a_notice_says_that_a_machine_wrote_it_and_where_to_look(office: Runner, db: Connection) -> None:
    arrive(office, 1)
    do(office, "notify")
    ((_, mail),) = mails(db)
    assert {name: str(mail[name]) for name in ("From", "To", "Auto-Submitted", "X-Auto-Response-Suppress", "Precedence")} == {
        "From": "The CRM <crm@team.example>",
        "To": "ann@team.example",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Precedence": "bulk",
    }
    assert mail.get_content().rstrip().splitlines() == ["New mail from Bob Roe: Lamp 1 is dark", "    espomail email show 1"]


def test_what_was_read_or_is_old_is_not_mailed_any_more(office: Runner, db: Connection) -> None:
    arrive(office, 1)
    do(office, "notification", "read", "--all", "--as", "ann")
    assert do(office, "notify")["mailed"] == 0
    office.now += timedelta(days=3)
    assert do(office, "notify")["mailed"] == 0
    assert mails(db) == []


def test_who_may_not_read_the_mail_any_more_is_told_of_the_record_alone(office: Runner, db: Connection) -> None:
    arrive(office, 1)
    do(office, "role", "edit", "reader", "--add-set", "email.read=own")
    do(office, "notify")
    ((to, mail),) = mails(db)
    assert (to, str(mail["Subject"])) == ("ann@team.example", "News on contact:1: Bob")
    assert b"Lamp" not in mail.as_bytes()


def test_nothing_is_mailed_while_the_system_has_no_address(office: Runner, db: Connection) -> None:
    do(office, "settings", "outbound", "--clear", "address", "--clear", "from-name")
    arrive(office, 1)
    assert do(office, "notify")["mailed"] == 0
    do(office, "settings", "outbound", "--address", "crm@team.example")
    assert do(office, "notify")["mailed"] == 0
    assert mails(db) == []


def test_the_subject_of_a_hostile_mail_adds_no_header_to_its_notice(office: Runner, db: Connection) -> None:
    subject = "=?utf-8?b?bGFtcA0KQmNjOiBldmlsQGV2aWwuZXhhbXBsZQ0KDQp4AAA=?="  # lamp CR LF Bcc: … CR LF CR LF x NUL
    do(office, "deliver", "crm", input=question("q9", Subject=subject))
    do(office, "notify")
    ((_, mail),) = mails(db)
    assert (mail["Bcc"], len(mail.get_all("Subject", [])), mail.is_multipart()) == (None, 1, False)


# ---------------------------------------------------------------- command and webhook


class Webhook(HTTPServer):
    """Keeps what is posted to it; answers `status`, or as another kind of server does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Posted)
        self.status, self.posted = 200, list[Any]()
        self.speaks_http, self.drips = True, False


class _Posted(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        self.server.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        for _ in range(30 if self.server.drips else 0):
            self.wfile.write(b"H")
            time.sleep(0.1)
        if not self.server.speaks_http:
            self.wfile.write(b"220 mail.example ESMTP\r\n")
            return
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(timeout=5)


def configure(run: Runner, monkeypatch: pytest.MonkeyPatch, **notify: str) -> None:
    path = run.folder / "config.yaml"
    path.write_text(json.dumps({"notify": notify}))
    monkeypatch.setenv("ESPOMAIL_CONFIG", str(path))


def test_a_command_and_a_webhook_get_each_notification_once_as_json(
    office: Runner, webhook: Webhook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "tell.py"
    program.write_text("import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + '\\n')")
    told = tmp_path / "told"
    url = f"http://127.0.0.1:{webhook.server_address[1]}/hook"
    configure(office, monkeypatch, command=f"{sys.executable} {program} {told}", webhook=url)
    arrive(office, 1)
    assert do(office, "notify") == {"mailed": 1, "handed_over": 2}
    expected = do(office, "notification", "list", "--as", "ann") + do(office, "notification", "list", "--as", "cid")
    assert [json.loads(line) for line in told.read_text().splitlines()] == expected == webhook.posted
    assert do(office, "notify") == {"mailed": 0, "handed_over": 0}
    assert len(webhook.posted) == 2


@pytest.mark.parametrize("broken", ["command", "webhook"])
def test_a_hook_that_fails_is_told_of_and_holds_up_no_mail(
    office: Runner, db: Connection, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    webhook.status = 500
    url = f"http://127.0.0.1:{webhook.server_address[1]}/hook"
    configure(office, monkeypatch, **({"command": "false"} if broken == "command" else {"webhook": url}))
    arrive(office, 1)
    done = office("notify")
    words = {"command": "the notify command ended with 1", "webhook": "the webhook failed: HTTP Error 500"}[broken]
    assert (done.exit_code, done.stderr.startswith(words)) == (3, True), done.stderr
    assert [to for to, _ in mails(db)] == ["ann@team.example"]
    assert office("notify").exit_code == 0
    arrive(office, 2)
    done = office("cron")
    assert words in done.stderr
    assert done.exit_code == 3


def test_a_webhook_that_speaks_no_http_stops_nothing_that_cron_has_to_send(
    office: Runner, db: Connection, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook.speaks_http = False
    configure(office, monkeypatch, webhook=f"http://127.0.0.1:{webhook.server_address[1]}/hook")
    arrive(office, 1)
    done = office("cron", "--json")
    assert (done.exit_code, done.json["send"] is not None) == (3, True), done.stderr
    assert "the webhook failed: what it speaks is no HTTP" in done.stderr
    assert [to for to, _ in mails(db)] == ["ann@team.example"]


def test_a_webhook_that_drips_is_given_up_by_the_clock(
    office: Runner, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "HOOK_S", 0.3)
    webhook.drips = True
    configure(office, monkeypatch, webhook=f"http://127.0.0.1:{webhook.server_address[1]}/hook")
    arrive(office, 1)
    started = time.monotonic()
    done = office("notify")
    assert (done.exit_code, "the webhook took more than" in done.stderr) == (3, True), done.stderr
    assert time.monotonic() - started < 2.5


def test_a_hook_s_token_is_in_no_trouble(office: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "HOOK_S", 0.2)
    configure(office, monkeypatch, command=f"{shlex.quote(sys.executable)} -c 'import time; time.sleep(5)' --token=hunter2")
    arrive(office, 1)
    done = office("notify")
    assert (done.exit_code, "took more than" in done.stderr, "hunter2" in done.stderr) == (3, True, False), done.stderr


def test_a_webhook_must_be_https_or_this_machine(office: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    for url in (
        "http://chat.example/hook",
        "http://127.0.0.1.evil.example/hook",
        "https://",
        "file:///etc/passwd",
        "https://a.example/b c",
    ):
        configure(office, monkeypatch, webhook=url)
        assert office("notify").exit_code == 78, url


# ---------------------------------------------------------------- trouble


def test_admins_are_told_by_mail_of_an_account_that_keeps_failing(office: Runner, db: Connection) -> None:
    do(office, "user", "add", "root", "--email", "root@team.example", "--admin", "--notify-mail", "instant")
    server = ("--imap-host", "127.0.0.1", "--imap-port", "1", "--imap-security", "none", "--imap-login", "x")
    do(
        office,
        "group-account",
        "add",
        "broken",
        "--address",
        "broken@team.example",
        *server,
        "--imap-password-command",
        "echo x",
    )
    for _ in range(6):
        assert office("fetch", "broken").exit_code == 69
        office.now += timedelta(hours=2)
    do(office, "notify")
    ((to, mail),) = mails(db)
    assert (to, str(mail["Subject"]).startswith("broken has failed ")) == ("root@team.example", True)


def test_admins_are_told_by_mail_of_mail_that_needs_a_person(office: Runner, db: Connection) -> None:
    from espomail.rounds.worker import tell_parked
    from espomail.store import receipts

    do(office, "user", "add", "root", "--email", "root@team.example", "--admin", "--notify-mail", "instant")
    arrive(office, 1)
    receipt = receipts.find(db, 1)
    assert receipt is not None
    with transaction(db):
        for _ in range(2):  # told once, however often it is tried
            tell_parked(db, receipt, "it raises", now=office.now)
    assert [n.user for n in notifications.list_(db, user_id=None, limit=100) if n.type == "mail-parked"] == ["root"]
    do(office, "notify")
    told = [str(mail["Subject"]) for to, mail in mails(db) if to == "root@team.example"]
    assert told == [
        "The mail “Lamp 1 is dark” from Bob Roe <bob@client.example> could not be processed (it raises); see: espomail quarantine show 1"
    ]
