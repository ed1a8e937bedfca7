"""Mail written by a machine is known by what RFC 3834 and the machines in the wild put into the header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.mail.automatic import automatic_reason, is_auto_reply

PERSON = "ann@customer.example"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("auto-submitted", "auto-replied", "Auto-Submitted: auto-replied"),
        ("auto-submitted", "Auto-Generated; owner=x", "Auto-Submitted: auto-generated"),
        ("auto-submitted", "auto-replied (vacation)", "Auto-Submitted: auto-replied"),
        ("x-auto-response-suppress", "DR, OOF, AutoReply", "X-Auto-Response-Suppress: DR, OOF, AutoReply"),
        ("x-auto-response-suppress", "All", "X-Auto-Response-Suppress: All"),
        ("x-auto-response-suppress", "NDR OOF", "X-Auto-Response-Suppress: NDR OOF"),
        ("x-auto-response-suppress", "all;", "X-Auto-Response-Suppress: all;"),
        ("precedence", "Bulk", "Precedence: bulk"),
        ("precedence", "list", "Precedence: list"),
        ("precedence", "junk", "Precedence: junk"),
        ("precedence", "auto_reply", "Precedence: auto_reply"),
        ("list-id", "<x.example>", "List-Id"),
        ("list-unsubscribe", "<mailto:x>", "List-Unsubscribe"),
        ("list-post", "NO", "List-Post"),
        ("mailing-list", "contact x", "Mailing-List"),
        ("x-autoreply", "yes", "X-Autoreply"),
        ("x-autorespond", "1", "X-Autorespond"),
        ("content-type", "Multipart/Report; report-type=delivery-status", "multipart/report"),
        ("return-path", "<>", "empty Return-Path"),
        ("return-path", " < > ", "empty Return-Path"),
        ("return-path", "<MAILER-DAEMON>", "Return-Path is mailer-daemon"),
        ("from", "Postmaster <>", "empty From"),
        ("x-ms-exchange-inbox-rules-loop", "a@b.example", "X-MS-Exchange-Inbox-Rules-Loop"),
        ("auto-submitted", "no", None),
        ("auto-submitted", "No (really)", None),
        ("auto-submitted", "", None),
        ("x-auto-response-suppress", "None", None),
        ("x-autoreply", "no", None),
        ("precedence", "normal", None),
        ("precedence", "first-class", None),
        ("content-type", "multipart/mixed", None),
        ("return-path", "<ann@customer.example>", None),
        ("x-mailer", "bulk", None),
    ],
)
def test_a_header_tells_a_machine(name: str, value: str, reason: str | None) -> None:
    assert automatic_reason([("received", "x"), (name, value), ("subject", "Hello")], PERSON) == reason


ROBOTS = """
MAILER-DAEMON mailer_daemon postmaster no-reply noreply no_reply do-not-reply donotreply bounces auto-reply autoresponder
notifications-noreply owner-list list-bounces list-request noreply.billing no-reply+x bounces+7-ab bounce-42
"""


@pytest.mark.parametrize("local", ROBOTS.split())
def test_a_robots_address_tells_a_machine(local: str) -> None:
    assert automatic_reason([], f"{local}@x.example") == f"sender is {local.lower()}"


@pytest.mark.parametrize(
    "local",
    ["ann", "reply", "norbert", "nora.reply.smith", "postmaster.smith", "shop.owner", "nobody", "bounce.house", "owner", ""],
)
def test_a_persons_address_does_not(local: str) -> None:
    assert automatic_reason([], f"{local}@x.example") is None


ABSENCES = """
Automatic reply: Hello
Out of Office: Hello
Auto: Hello
Autoreply
Re: Out of office
Automatische Antwort: Hallo
Abwesenheitsnotiz
Réponse automatique : Bonjour
Respuesta automática: Hola
Risposta automatica: Ciao
Resposta automática: Olá
Automatisch antwoord: Hallo
Odpowiedź automatyczna: Cześć
Autosvar: Hej
Автоответ: Привет
Automatická odpověď: Ahoj
自动回复: 你好
自動返信: こんにちは
""".strip().splitlines()


@pytest.mark.parametrize("subject", ABSENCES)
def test_an_absence_is_told_by_its_subject(subject: str) -> None:
    assert is_auto_reply([], subject)


@pytest.mark.parametrize(
    "subject", ["Hello", "Auto for sale", "My automatic door", "Office out of paper", "Question: out of office hours?", ""]
)
def test_an_ordinary_subject_tells_no_absence(subject: str) -> None:
    assert not is_auto_reply([], subject)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("auto-submitted", "auto-replied")], True),
        ([("auto-submitted", "auto-generated")], False),
        ([("x-autoreply", "yes")], True),
        ([("precedence", "auto_reply")], True),
        ([("precedence", "bulk")], False),
        ([("auto-submitted", "auto-replied"), ("content-type", "multipart/report; report-type=delivery-status")], False),
    ],
)
def test_an_auto_reply_is_told_by_its_headers(headers: list[tuple[str, str]], expected: bool) -> None:
    assert is_auto_reply(headers, "Hello") is expected


@given(
    st.lists(st.tuples(st.sampled_from(["auto-submitted", "precedence", "return-path", "x-autoreply", "from"]), st.text())),
    st.text(),
    st.text(),
)
def test_any_header_is_judged(headers: list[tuple[str, str]], sender: str, subject: str) -> None:
    reason = automatic_reason(headers, sender)
    assert reason is None or 0 < len(reason) <= 100
    assert is_auto_reply(headers, subject) in (True, False)
