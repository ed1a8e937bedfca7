"""Mail that people write: who may send as whom, what its header says, who sees it, drafts, and what refuses to go."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest

from espomail.cli.front import Front
from espomail.cli.letter_options import read_attachments, read_words
from espomail.cli.opening import open_desk
from espomail.errors import NotPermitted
from espomail.model import Actor
from tests import servers
from tests.conftest import NOW, Result, Runner

CELLS = ("email.create=yes", "email.read=all", "case.read=all", "case.edit=all", "case.stream=all", "contact.read=all")
SMTP = ("--smtp-host", "127.0.0.1", "--smtp-port", "2525", "--smtp-security", "none")


def do(run: Runner, *words: str, input: str | bytes | None = None) -> Any:
    """Run a command that must succeed; return its JSON."""
    done = run("--json", *words, input=input)
    assert done.exit_code == 0, (words, done.stderr)
    return done.json if done.stdout.strip() else None


def dump(run: Runner) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    db = sqlite3.connect(run.db_path)
    names = [row[0] for row in db.execute("select name from sqlite_master where type = 'table' order by name")]
    rows = {name: db.execute(f"select * from {name}").fetchall() for name in names}  # noqa: S608 (names of tables)
    db.close()
    return rows


def refused(run: Runner, *words: str, input: str | bytes | None = None) -> Result:
    """Run a command that must fail, and see that no byte changed."""
    before = dump(run)
    done = run("--json", *words, input=input)
    assert done.exit_code != 0, words
    assert dump(run) == before
    return done


def parsed(run: Runner, email_id: int) -> EmailMessage:
    """The bytes that leave, as the standard library reads them; they are those that `email raw` gives."""
    db = sqlite3.connect(run.db_path)
    row = db.execute("select content from outbox where email_id = ?", (email_id,)).fetchone()
    raw = db.execute("select status from emails where id = ?", (email_id,)).fetchone()
    db.close()
    assert raw is not None
    assert row is not None
    message = BytesParser(policy=policy.default).parsebytes(row[0])
    assert isinstance(message, EmailMessage)
    return message


def text_of(part: object) -> str:
    """The text of a part, its lines ended as Python ends them."""
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def recipients(run: Runner, email_id: int) -> list[str]:
    return sorted(next(row["to"] for row in do(run, "outbox", "list") if row["id"] == outbox_of(run, email_id)))


def outbox_of(run: Runner, email_id: int) -> int:
    return next(r["id"] for r in do(run, "outbox", "list") if do(run, "outbox", "show", str(r["id"]))["email"] == email_id)


def question(message_id: str = "q1", **headers: str) -> bytes:
    """A customer's mail to support."""
    message = EmailMessage()
    given = {
        "From": "Bob Roe <bob@client.example>",
        "To": "support@team.example",
        "Subject": "Lamp is dark",
        "Date": "Mon, 02 Mar 2026 08:00:00 +0000",
        "Message-ID": f"<{message_id}@client.example>",
    }
    for name, value in {**given, **{key.replace("_", "-"): value for key, value in headers.items()}}.items():
        message[name] = value
    message.set_content("The lamp is dark.\n")
    return message.as_bytes()


@pytest.fixture
def office(run: Runner) -> Runner:
    """ann and ben in support, whose account is shared; ann has a mailbox of her own, zoe is in no team."""
    do(run, "role", "add", "agent", *(word for cell in (*CELLS, "group-email-account=team") for word in ("--set", cell)))
    do(run, "team", "add", "support", "--role", "agent")
    do(run, "user", "add", "ann", "--email", "ann@team.example", "--team", "support", "--full-name", "Ann Agent")
    do(run, "user", "add", "ben", "--email", "ben@team.example", "--team", "support")
    do(run, "user", "add", "zoe", "--email", "zoe@team.example", "--role", "agent")
    do(
        run, "group-account", "add", "support", "--address", "support@team.example", "--team", "support", "--create-case",
        "--target-team", "support", "--shared", "--from-name", "Team Support", *SMTP,
    )  # fmt: skip
    do(run, "personal-account", "add", "anns", "--user", "ann", "--address", "ann@team.example", *SMTP)
    return run


@pytest.fixture
def case(office: Runner) -> Runner:
    """The same, with case 1 from Bob's email 1, in which Carl and ben are in Cc."""
    done = do(
        office, "deliver", "support", input=question(Cc="Carl <carl@client.example>, ben@team.example, support@team.example")
    )
    assert (done["email"], done["case"]) == (1, 1)
    return office


# ---------------------------------------------------------------- who may send as whom


@pytest.mark.parametrize("command", ["send", "draft"])
@pytest.mark.parametrize(
    ("who", "sender", "code", "fix"),
    [
        pytest.param("ann", "ann@team.example", 0, "", id="her own address, her own mailbox"),
        pytest.param("ann", "ANN@Team.Example", 0, "", id="however it is spelled"),
        pytest.param("ann", "support@team.example", 0, "", id="the shared address of her team"),
        pytest.param("", "support@team.example", 0, "", id="the system"),
        pytest.param("ben", "ben@team.example", 77, "personal-account add NAME --user ben", id="no mailbox of his own"),
        pytest.param("ben", "ann@team.example", 77, "espomail user edit ben", id="a colleague's address"),
        pytest.param("zoe", "support@team.example", 77, "--add-team", id="another team's account"),
        pytest.param("ann", "ceo@client.example", 77, "espomail user edit ann", id="a stranger's address"),
        pytest.param("", "nobody@team.example", 77, "group-account add NAME --address nobody@team.example", id="no account"),
    ],
)
def test_who_may_send_from_which_address(office: Runner, command: str, who: str, sender: str, code: int, fix: str) -> None:
    acting = ["--as", who] if who else []
    words = ["email", "send", *acting, "--from", sender, "--to", "bob@client.example", "--body", "hi"]
    if command == "draft":
        words.append("--draft")
    if code == 0:
        sent = do(office, *words)
        assert (sent["from"]["address"], sent["status"]) == (sender.lower(), "draft" if command == "draft" else "queued")
        return
    done = refused(office, *words)
    assert done.exit_code == code
    assert fix in done.error["hint"]


@pytest.mark.parametrize(
    ("change", "who", "sender", "fix"),
    [
        (
            ("group-account", "edit", "support", "--no-shared"),
            "ben",
            "support@team.example",
            "group-account edit support --shared",
        ),
        (("group-account", "disable", "support"), "ben", "support@team.example", "group-account enable support"),
        (("group-account", "edit", "support", "--clear", "smtp-host"), "ben", "support@team.example", "--smtp-host HOST"),
        (("role", "edit", "agent", "--add-set", "group-email-account=no"), "ben", "support@team.example", "role edit ROLE"),
        (("role", "edit", "agent", "--add-set", "email.create=no"), "ann", "ann@team.example", "email.create=yes"),
        (("personal-account", "disable", "anns"), "ann", "ann@team.example", "personal-account enable anns"),
        (("personal-account", "edit", "anns", "--clear", "smtp-host"), "ann", "ann@team.example", "--smtp-host HOST"),
    ],
    ids=["not shared", "inactive", "no SMTP", "no permission", "no email.create", "own inactive", "own without SMTP"],
)
def test_a_refusal_names_what_would_allow_it(office: Runner, change: tuple[str, ...], who: str, sender: str, fix: str) -> None:
    words = ("email", "send", "--as", who, "--from", sender, "--to", "bob@client.example", "--body", "hi")
    do(office, *words)
    do(office, *change)
    done = refused(office, *words)
    assert (done.exit_code, done.error["kind"]) == (77, "not-permitted")
    assert fix in done.error["hint"]


def test_the_shared_system_address_is_open_to_whoever_may_write(office: Runner) -> None:
    words = ("email", "send", "--as", "zoe", "--from", "crm@team.example", "--to", "bob@client.example", "--body", "hi")
    server = ("--server", "127.0.0.1:2525", "--smtp-security", "none")
    do(office, "settings", "outbound", "--address", "crm@team.example", "--from-name", "The CRM", *server)
    assert refused(office, *words).exit_code == 77
    do(office, "settings", "outbound", "--shared")
    assert do(office, *words)["from"] == {"name": "The CRM", "address": "crm@team.example"}


# ---------------------------------------------------------------- what the header says


def test_a_reply_keeps_the_thread_and_leads_answers_to_the_group(case: Runner) -> None:
    reply = do(case, "case", "reply", "1", "--body", "On its way.", "--from", "ann@team.example", "--as", "ann")
    message = parsed(case, reply["email"])
    message_id = message["Message-ID"]
    assert message_id.startswith("<espomail.case.1.")
    assert [(name, str(value)) for name, value in message.items() if name not in ("Message-ID", "MIME-Version")] == [
        ("From", "Ann Agent <ann@team.example>"),
        ("To", "Bob Roe <bob@client.example>"),
        ("Cc", "Carl <carl@client.example>"),
        ("Reply-To", "support@team.example"),
        ("Subject", "Re: [#1] Lamp is dark"),
        ("Date", "Mon, 02 Mar 2026 09:00:00 +0000"),
        ("In-Reply-To", "<q1@client.example>"),
        ("References", "<q1@client.example>"),
        ("Content-Type", 'text/plain; charset="utf-8"'),
        ("Content-Transfer-Encoding", "7bit"),
    ]
    quote = "On 2026-03-02 08:00 UTC, Bob Roe wrote:\n> The lamp is dark.\n"
    assert text_of(message) == f"On its way.\n\n{quote}"
    assert recipients(case, reply["email"]) == ["bob@client.example", "carl@client.example"]


def test_a_reply_goes_from_the_group_where_one_may_and_else_from_oneself(case: Runner) -> None:
    first = do(case, "case", "reply", "1", "--body", "hi", "--as", "ann")
    assert str(parsed(case, first["email"])["From"]) == "Team Support <support@team.example>"
    do(case, "group-account", "edit", "support", "--no-shared")
    second = do(case, "case", "reply", "1", "--body", "hi", "--as", "ann")
    assert str(parsed(case, second["email"])["From"]) == "Ann Agent <ann@team.example>"
    done = refused(case, "case", "reply", "1", "--body", "hi", "--as", "ben")
    assert (done.exit_code, "--shared" in done.error["hint"]) == (77, True)


@pytest.mark.parametrize(
    "options", [("--parent", "case:1"), ("--in-reply-to", "1"), ("--in-reply-to", "1", "--parent", "case:1")]
)
@pytest.mark.parametrize("subject", [None, "Lamp", "Re: [#1] Lamp", "[#1] [#1] Lamp", "Re: [#9] Lamp"])
def test_every_mail_of_a_case_carries_its_marks(case: Runner, options: tuple[str, ...], subject: str | None) -> None:
    words = [
        "email",
        "send",
        "--as",
        "ann",
        "--from",
        "ann@team.example",
        "--to",
        "bob@client.example",
        "--body",
        "hi",
        *options,
    ]
    sent = do(case, *words, *(("--subject", subject) if subject is not None else ()))
    message = parsed(case, sent["id"])
    assert (message["Subject"].count("[#1]"), message["Subject"].index("[#1]") < 5) == (1, True)
    assert message["Reply-To"] == "support@team.example"
    assert message["Message-ID"].startswith("<espomail.case.1.")
    assert (sent["case"], sent["parent"]["id"]) == (1, 1)


@pytest.mark.parametrize(
    ("options", "prefix"),
    [
        ((), "support@team.example"),
        (("--reply-to", "help@team.example"), "help@team.example"),
        (("--plus-address",), "support+case1."),
    ],
    ids=["its address", "its reply-to address", "its signed plus-address"],
)
def test_answers_go_where_the_group_account_says(case: Runner, options: tuple[str, ...], prefix: str) -> None:
    if options:
        do(case, "group-account", "edit", "support", *options)
    reply = do(case, "case", "reply", "1", "--body", "hi", "--as", "ann")
    assert parsed(case, reply["email"])["Reply-To"].startswith(prefix)


def test_a_case_without_a_group_account_has_no_reply_to(office: Runner) -> None:
    do(office, "record", "add", "contact", "--name", "Bob", "--email", "bob@client.example")
    do(office, "case", "add", "--name", "Called by phone", "--contact", "Bob")
    reply = do(office, "case", "reply", "1", "--body", "hi", "--as", "ann")
    message = parsed(office, reply["email"])
    assert {name: message[name] for name in ("From", "To", "Reply-To", "Subject", "In-Reply-To")} == {
        "From": "Ann Agent <ann@team.example>",
        "To": "Bob <bob@client.example>",
        "Reply-To": None,
        "Subject": "[#1] Called by phone",
        "In-Reply-To": None,
    }


def test_the_answer_to_a_mail_that_a_person_sent_joins_the_case(case: Runner) -> None:
    reply = do(case, "case", "reply", "1", "--body", "hi", "--as", "ann")
    ours = parsed(case, reply["email"])["Message-ID"]
    answer = question("a1", In_Reply_To=ours, Subject="no token", From="Stranger <x@other.example>")
    assert do(case, "deliver", "support", input=answer)["case"] == 1


def test_none_of_our_addresses_is_answered(office: Runner) -> None:
    do(office, "group-account", "edit", "support", "--reply-to", "help@team.example")
    do(office, "group-account", "add", "sales", "--address", "sales@team.example")
    do(office, "settings", "outbound", "--address", "crm@team.example", "--server", "127.0.0.1:25", "--smtp-security", "none")
    ours = "sales@team.example, help@team.example, ANN@team.example, zoe@team.example, crm@team.example"
    do(office, "user", "disable", "zoe")
    do(office, "deliver", "support", input=question(Cc=f"{ours}, carl@client.example"))
    sent = do(office, "email", "send", "--as", "ann", "--from", "ann@team.example", "--in-reply-to", "1", "--body", "hi")
    assert ([a["address"] for a in sent["to"]], [a["address"] for a in sent["cc"]]) == (
        ["bob@client.example"],
        ["carl@client.example"],
    )


def test_reply_to_comes_before_from(office: Runner) -> None:
    do(office, "deliver", "support", input=question(Reply_To="desk@client.example"))
    reply = do(office, "case", "reply", "1", "--body", "hi", "--as", "ann")
    assert parsed(office, reply["email"])["To"] == "desk@client.example"


def test_nobody_is_told_of_blind_copies(office: Runner) -> None:
    words = ("--to", "bob@client.example, ben@team.example", "--bcc", "Carl <carl@client.example>", "--body", "hi")
    sent = do(office, "email", "send", "--as", "ann", "--from", "ann@team.example", *words)
    assert sent["bcc"] == [{"name": "Carl", "address": "carl@client.example"}]
    assert recipients(office, sent["id"]) == ["ben@team.example", "bob@client.example", "carl@client.example"]
    assert "carl" not in office("email", "raw", str(sent["id"])).stdout.lower()
    assert do(office, "email", "show", str(sent["id"]), "--as", "ben")["bcc"] == []


# ---------------------------------------------------------------- the words


def test_signature_and_quote_stand_below_the_words(case: Runner) -> None:
    do(case, "user", "edit", "ann", "--signature", "Ann\nTeam Support")
    reply = do(case, "case", "reply", "1", "--body-file", "-", "--as", "ann", input="Hello Bob,\n\nfixed.\n")
    assert text_of(parsed(case, reply["email"])) == (
        "Hello Bob,\n\nfixed.\n\n-- \nAnn\nTeam Support\n\nOn 2026-03-02 08:00 UTC, Bob Roe wrote:\n> The lamp is dark.\n"
    )
    assert do(case, "email", "show", str(reply["email"]))["text_new"] == "Hello Bob,\n\nfixed."
    short = do(case, "case", "reply", "1", "--body", "fixed", "--no-quote", "--as", "ann")
    assert text_of(parsed(case, short["email"])) == "fixed\n\n-- \nAnn\nTeam Support\n"


def test_words_in_html_have_text_beside_them_and_quote_no_foreign_html(office: Runner) -> None:
    mail = question().replace(b"The lamp is dark.", b"<script>alert(1)</script>")
    do(office, "deliver", "support", input=mail)
    reply = do(office, "case", "reply", "1", "--html", "--body", "<p>On its <b>way</b></p>", "--as", "ann")
    text, html = parsed(office, reply["email"]).iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text_of(text).startswith("On its way\n")
    assert "<p>On its <b>way</b></p>" in text_of(html)
    assert "&lt;script&gt;" in text_of(html)
    assert "<script>" not in text_of(html)


def test_a_template_is_filled_with_case_person_and_user(case: Runner) -> None:
    body = "Dear {{ person.name }}, case {{ case.number }} ({{ email.subject }}) is with {{ user.name }}."
    do(case, "template", "add", "received", "--subject", "We have it", "--body", body)
    reply = do(case, "case", "reply", "1", "--template", "received", "--no-quote", "--as", "ann")
    message = parsed(case, reply["email"])
    assert text_of(message) == "Dear Bob Roe, case 1 (Lamp is dark) is with Ann Agent.\n"
    assert message["Subject"] == "Re: [#1] Lamp is dark"
    words = ("--from", "ann@team.example", "--to", "bob@client.example", "--template", "received")
    assert do(case, "email", "send", "--as", "ann", *words)["subject"] == "We have it"


def test_the_preview_for_a_case_has_the_words_that_a_reply_would_have(case: Runner) -> None:
    body = "Dear {{ person.name }} ({{ email.subject }}), {{ account.name }} has case {{ case.number }}."
    do(case, "template", "add", "received", "--subject", "We have it", "--body", body)
    told = do(case, "template", "preview", "received", "--case", "1", "--as", "ann")["body"]
    reply = do(case, "case", "reply", "1", "--template", "received", "--no-quote", "--as", "ann")
    assert text_of(parsed(case, reply["email"])) == f"{told}\n"
    assert told == "Dear Bob Roe (Lamp is dark), support has case 1."


def test_the_preview_for_a_case_without_mail_is_addressed_to_its_contact(office: Runner) -> None:
    do(office, "template", "add", "received", "--subject", "x", "--body", "Dear {{ person.name }}{{ email.subject }}")
    do(office, "record", "add", "contact", "--name", "Dora Doe", "--email", "dora@client.example")
    do(office, "case", "add", "--name", "By phone", "--contact", "Dora Doe")
    assert do(office, "template", "preview", "received", "--case", "1")["body"] == "Dear Dora Doe"


def test_files_and_stdin_are_attached(office: Runner, tmp_path: Path) -> None:
    file = tmp_path / "Pläne.pdf"
    file.write_bytes(b"%PDF\x00\xff")
    words = ("--from", "ann@team.example", "--to", "bob@client.example", "--body", "hi")
    attach = ("--attach", str(file), "--attach", "list.csv=-")
    sent = do(office, "email", "send", "--as", "ann", *words, *attach, input=b"a,b\n")
    found = [
        (a.get_filename(), a.get_content_type(), a.get_payload(decode=True))
        for a in parsed(office, sent["id"]).iter_attachments()
    ]
    assert found == [("Pläne.pdf", "application/pdf", b"%PDF\x00\xff"), ("list.csv", "text/csv", b"a,b\n")]
    assert [a["name"] for a in sent["attachments"]] == ["Pläne.pdf", "list.csv"]


# ---------------------------------------------------------------- who sees it


def test_the_right_colleagues_have_the_mail(case: Runner) -> None:
    do(case, "case", "assign", "1", "ben")
    reply = do(case, "case", "reply", "1", "--body", "hi", "--as", "ann")
    shown = do(case, "email", "show", str(reply["email"]))
    assert shown["teams"] == ["support"]
    assert [(each["user"], each["is_read"]) for each in shown["users"]] == [("ann", True), ("ben", False)]
    assert (shown["direction"], shown["status"], shown["thread_id"], shown["in_reply_to"]) == (
        "out",
        "queued",
        1,
        "q1@client.example",
    )


def test_what_one_wrote_as_the_group_is_in_sent_and_not_in_the_inbox(case: Runner) -> None:
    do(case, "case", "assign", "1", "ben")
    reply = do(case, "case", "reply", "1", "--body", "hi", "--as", "ann")
    with closing(sqlite3.connect(case.db_path)) as db, db:
        db.execute("update emails set status = 'sent' where id = ?", (reply["email"],))
    places = {
        (who, folder): [each["id"] for each in do(case, "email", "list", "--folder", folder, "--as", who)]
        for who in ("ann", "ben")
        for folder in ("sent", "inbox")
    }
    assert places == {
        ("ann", "sent"): [reply["email"]],
        ("ann", "inbox"): [],
        ("ben", "sent"): [],
        ("ben", "inbox"): [reply["email"], 1],
    }


def test_a_sent_mail_stands_in_the_stream_once(case: Runner) -> None:
    reply = do(case, "case", "reply", "1", "--body", "hi", "--close", "--as", "ann")
    assert reply["status"] == "Closed"
    told = [(note["type"], note["user"], note["email"]) for note in reply["stream"]]
    assert told == [
        ("create", None, None), ("email-received", None, 1), ("email-sent", "ann", reply["email"]), ("status", "ann", None),
    ]  # fmt: skip


def test_mail_to_a_customer_hangs_on_their_record_where_one_may_see_it(office: Runner) -> None:
    do(office, "record", "add", "contact", "--name", "Bob", "--email", "bob@client.example")
    words = ("--from", "ann@team.example", "--to", "bob@client.example", "--body", "hi")
    assert do(office, "email", "send", "--as", "ann", *words)["parent"] == {"type": "contact", "id": 1, "name": "Bob"}
    do(office, "role", "edit", "agent", "--add-set", "contact.read=no")
    hidden = do(office, "email", "send", "--as", "ann", *words)["id"]
    assert do(office, "email", "show", str(hidden))["parent"] is None


# ---------------------------------------------------------------- drafts and later


def test_a_draft_waits_for_its_author_and_then_leaves_dated_anew(case: Runner) -> None:
    words = ("--from", "support@team.example", "--in-reply-to", "1", "--bcc", "dora@client.example", "--body", "hi", "--draft")
    draft = do(case, "email", "send", "--as", "ann", *words)
    assert (draft["status"], draft["outbox"], draft["teams"]) == ("draft", None, [])
    assert do(case, "outbox", "list") == []
    assert "email-sent" not in [note["type"] for note in do(case, "stream", "show", "case:1")["stream"]]
    assert [each["id"] for each in do(case, "email", "drafts", "--as", "ann")] == [draft["id"]]
    assert do(case, "email", "drafts", "--as", "ben") == []
    assert refused(case, "email", "send", str(draft["id"]), "--as", "ben").exit_code == 66
    assert refused(case, "email", "send", "1", "--as", "ann").exit_code == 66
    case.now = NOW + timedelta(days=3)
    sent = do(case, "email", "send", str(draft["id"]), "--as", "ann")
    assert (sent["id"], sent["status"], sent["teams"]) == (draft["id"], "queued", ["support"])
    message = parsed(case, draft["id"])
    assert message["Date"] == "Thu, 05 Mar 2026 09:00:00 +0000"
    assert message["Message-ID"] == f"<{draft['message_id']}>"
    assert recipients(case, draft["id"]) == ["bob@client.example", "carl@client.example", "dora@client.example"]
    assert refused(case, "email", "send", str(draft["id"]), "--as", "ann").exit_code == 66


def test_a_draft_whose_author_may_no_longer_send_stays(office: Runner) -> None:
    words = ("--from", "support@team.example", "--to", "bob@client.example", "--body", "hi", "--draft")
    draft = do(office, "email", "send", "--as", "ben", *words)
    do(office, "group-account", "edit", "support", "--no-shared")
    assert refused(office, "email", "send", str(draft["id"]), "--as", "ben").exit_code == 77


@pytest.mark.parametrize(
    ("at", "when"),
    [
        ("2h", "2026-03-02T11:00:00Z"),
        ("2026-03-03T07:30:00+01:00", "2026-03-03T06:30:00Z"),
        ("tomorrow", "2026-03-03T00:00:00Z"),
    ],
)
def test_a_scheduled_mail_leaves_then_and_can_be_cancelled(case: Runner, at: str, when: str) -> None:
    words = ("--from", "support@team.example", "--in-reply-to", "1", "--body", "hi", "--at", at)
    sent = do(case, "email", "send", "--as", "ann", *words)
    assert (sent["status"], sent["sent_at"]) == ("scheduled", when)
    (row,) = do(case, "outbox", "list")
    assert (row["status"], row["next_try_at"]) == ("queued", when)
    assert do(case, "send") == {"sent": 0, "deferred": 0, "failed": 0, "unknown": 0}
    assert "email-sent" in [note["type"] for note in do(case, "stream", "show", "case:1")["stream"]]
    do(case, "outbox", "cancel", str(sent["outbox"]), "--as", "ann")
    assert do(case, "email", "show", str(sent["id"]))["status"] == "cancelled"
    assert "email-sent" not in [note["type"] for note in do(case, "stream", "show", "case:1")["stream"]]


# ---------------------------------------------------------------- what refuses to go


FROM_ANN = ("email", "send", "--as", "ann", "--from", "ann@team.example")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((*FROM_ANN, "--body", "hi"), 2),
        (("email", "send", "--as", "ann", "--to", "bob@client.example", "--body", "hi"), 2),
        ((*FROM_ANN, "--to", "bob@client.example", "--body", "hi", "--template", "x"), 2),
        ((*FROM_ANN, "--to", "bob@client.example", "--body", "-", "--attach", "a=-"), 2),
        ((*FROM_ANN, "--to", "bob@client.example", "--attach", "-"), 2),
        ((*FROM_ANN, "--to", "bob@client.example", "--at", "2h", "--draft"), 2),
        ((*FROM_ANN, "--to", "bob@client.example", "--no-quote"), 2),
        (("email", "send", "1", "--as", "ann", "--body", "hi"), 2),
        (("case", "reply", "1", "--as", "ann"), 2),
        (("case", "reply", "1", "--body", " ", "--as", "ann"), 65),
        ((*FROM_ANN, "--to", "nonsense", "--body", "hi"), 65),
        ((*FROM_ANN, "--to", "", "--body", "hi"), 65),
        ((*FROM_ANN, "--to", "bob@client.example", "--at", "yesterday"), 65),
        ((*FROM_ANN, "--to", "bob@client.example", "--attach", "/nowhere/file"), 65),
        ((*FROM_ANN, "--to", "bob@client.example", "--subject", "a\nBcc: x@y.example"), 65),
        ((*FROM_ANN, "--to", "bob@client.example", "--parent", "email:1"), 65),
        ((*FROM_ANN, "--to", "bob@client.example", "--template", "none"), 66),
        ((*FROM_ANN, "--to", "bob@client.example", "--parent", "case:9"), 66),
        ((*FROM_ANN, "--in-reply-to", "99", "--body", "hi"), 66),
        (("case", "reply", "9", "--body", "hi", "--as", "ann"), 66),
    ],
    ids=lambda value: " ".join(value[4:])[:60].replace("\n", "~") if isinstance(value, tuple) else str(value),
)
def test_what_can_not_be_sent_changes_nothing(case: Runner, words: tuple[str, ...], code: int) -> None:
    assert refused(case, *words, input="x").exit_code == code


def test_what_one_may_not_read_can_not_be_answered(case: Runner) -> None:
    do(case, "role", "edit", "agent", "--add-set", "email.read=own", "--add-set", "case.read=own")
    assert refused(case, *FROM_ANN, "--in-reply-to", "1", "--body", "hi").exit_code == 66
    assert refused(case, "case", "reply", "1", "--body", "hi", "--as", "ann").exit_code == 66


def test_a_mail_that_is_too_large_is_refused(office: Runner, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 3000)
    do(office, "settings", "set", "mail_size_max", "2k")
    done = refused(office, *FROM_ANN, "--to", "bob@client.example", "--attach", str(tmp_path / "large"))
    assert (done.exit_code, done.error["hint"]) == (65, "attach less")


def test_through_sudo_no_file_can_be_named(office: Runner, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the owner's")
    desk = open_desk(Front(db=office.db_path, now=lambda: NOW))
    borrowed = replace(desk, who=lambda: Actor(1, "ann", is_admin=False, is_borrowed=True))
    for read in (lambda path: read_attachments(borrowed, [path]), lambda path: read_words(borrowed, None, path, None)):
        with pytest.raises(NotPermitted):
            read(str(tmp_path / "secret"))
    assert read_attachments(desk, [str(tmp_path / "secret")]) == (("secret", "application/octet-stream", b"the owner's"),)
    desk.db.close()


# ---------------------------------------------------------------- the system's sender


def test_the_system_sends_from_a_group_account_with_exactly_that_address(office: Runner) -> None:
    nothing = {"address": None, "from_name": None, "shared": False, "server": None}
    assert do(office, "settings", "outbound") == nothing
    words = ("--address", "Support@team.example", "--from-name", "Team", "--shared")
    set_ = {"address": "support@team.example", "from_name": "Team", "shared": True, "server": None}
    assert do(office, "settings", "outbound", *words) == set_
    assert do(office, "settings", "outbound") == set_
    for words in (("disable", "support"), ("remove", "support", "--yes"), ("edit", "support", "--clear", "smtp-host")):
        assert refused(office, "group-account", *words).exit_code == 65
    gone = ("--clear", "address", "--clear", "from-name", "--no-shared")
    assert do(office, "settings", "outbound", *gone) == nothing
    do(office, "group-account", "disable", "support")


def test_the_system_s_account_keeps_its_address_unless_a_server_of_its_own_is_named(office: Runner) -> None:
    do(office, "settings", "outbound", "--address", "support@team.example")
    moved = ("group-account", "edit", "support", "--address", "help@team.example")
    disabled = ("group-account", "disable", "support")
    assert [refused(office, *words).exit_code for words in (moved, disabled)] == [65, 65]
    do(office, "settings", "outbound", "--server", "127.0.0.1:2525", "--smtp-security", "none")
    do(office, *disabled)
    do(office, *moved)
    assert refused(office, "settings", "outbound", "--clear", "server").exit_code == 65


@pytest.mark.parametrize(
    ("change", "address", "hint"),
    [
        ((), "nobody@team.example", "group-account add NAME --address nobody@team.example"),
        ((), "ann@team.example", "group-account add NAME --address ann@team.example"),
        (("disable", "support"), "support@team.example", "group-account enable support"),
        (("edit", "support", "--clear", "smtp-host"), "support@team.example", "--smtp-host HOST"),
    ],
    ids=["no account", "only a personal account", "inactive", "without SMTP"],
)
def test_the_system_does_not_send_from_what_can_not(office: Runner, change: tuple[str, ...], address: str, hint: str) -> None:
    if change:
        do(office, "group-account", *change)
    done = refused(office, "settings", "outbound", "--address", address)
    assert (done.exit_code, hint in done.error["hint"]) == (65, True)


def test_with_a_server_of_its_own_no_account_is_needed(office: Runner) -> None:
    server = ("--server", "mail.team.example:465", "--smtp-login", "crm", "--smtp-password-env", "CRM_PASSWORD")
    shown = do(office, "settings", "outbound", "--address", "crm@team.example", *server)
    assert shown["server"] == {
        "host": "mail.team.example",
        "port": 465,
        "security": "tls",
        "login": "crm",
        "password": "env",
        "tls_ca_file": None,
        "allow_plaintext": False,
    }
    assert do(office, "settings", "outbound", "--from-name", "CRM")["server"] == shown["server"]
    assert refused(office, "settings", "outbound", "--clear", "server").exit_code == 65
    assert do(office, "settings", "outbound", "--clear", "server", "--clear", "address")["server"] is None


@pytest.mark.parametrize(
    ("server", "port"),
    [("mail.team.example", 465), ("mail.team.example:25", 465), ("mail.team.example:2525", 2525), ("2001:db8::1", 465)],
)
def test_the_port_of_the_systems_server_follows_the_security_unless_it_is_another(
    office: Runner, server: str, port: int
) -> None:
    plain = ("--server", server, "--smtp-security", "none", "--allow-plaintext")
    do(office, "settings", "outbound", "--address", "crm@team.example", *plain)
    assert do(office, "settings", "outbound", "--smtp-security", "tls")["server"]["port"] == port


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--server", "mail.team.example:465"), 65),
        (("--shared",), 65),
        (("--address", "a@team.example", "--server", "10.0.0.1:25", "--smtp-security", "none"), 65),
        (("--address", "a@team.example", "--server", "mail.team.example:0"), 65),
        (("--smtp-login", "crm"), 2),
        (("--as", "ann"), 77),
        (("--address", "support@team.example", "--as", "ann"), 77),
    ],
    ids=["no address", "nothing to share", "plain text", "no port", "no server", "not an admin", "not an admin either"],
)
def test_a_sender_that_makes_no_sense_is_refused(office: Runner, words: tuple[str, ...], code: int) -> None:
    assert refused(office, "settings", "outbound", *words).exit_code == code


def test_mail_from_the_system_address_leaves_through_the_server_that_is_named(office: Runner) -> None:
    with servers.smtp() as post:
        server = ("--server", f"127.0.0.1:{post.port}", "--smtp-security", "none")
        do(office, "settings", "outbound", "--address", "crm@team.example", "--shared", *server)
        words = ("--from", "crm@team.example", "--to", "bob@client.example", "--body", "hi")
        do(office, "email", "send", "--as", "zoe", *words)
        assert do(office, "send")["sent"] == 1
    assert [(mail.sender, mail.recipients) for mail in post.mails] == [("crm@team.example", ("bob@client.example",))]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(
            "{password: {env: NOT_SET}}", "the environment variable NOT_SET is not set", id="a password that is nowhere"
        ),
        pytest.param("{allow_private: no}", "which is not a public address", id="a host that it may not be at"),
    ],
)
def test_an_account_that_can_not_be_used_holds_up_nobody_else_s_mail(office: Runner, change: str, why: str) -> None:
    do(office, "apply", "-", input=f"group_accounts: [{{name: support, smtp: {change}}}]")
    with servers.smtp() as post:
        place = ("--smtp-host", "127.0.0.1", "--smtp-port", str(post.port), "--smtp-security", "none")
        do(office, "personal-account", "edit", "anns", *place)
        for sender in ("support@team.example", "ann@team.example"):
            do(office, "email", "send", "--as", "ann", "--from", sender, "--to", "bob@client.example", "--body", "hi")
        ran = office("send", "--json")
    assert ran.json == {"sent": 1, "deferred": 1, "failed": 0, "unknown": 0}
    assert (ran.exit_code, why in ran.stderr) == (3, True)
    waiting = do(office, "outbox", "list", "--status", "deferred")
    assert [(mail["attempts"], why in mail["last_reply"]) for mail in waiting] == [(1, True)]
    assert [mail.sender for mail in post.mails] == ["ann@team.example"]
