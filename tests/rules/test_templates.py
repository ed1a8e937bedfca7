"""Templates filled with what their placeholders stand for."""

from datetime import UTC, datetime

import pytest

from espomail.errors import BadInput
from espomail.model import Address
from espomail.rules import templates

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
BOB = Address("Bob Roe", "bob@customer.example")


def test_a_template_speaks_of_case_mail_and_person() -> None:
    values = templates.variables(
        now=NOW,
        case=templates.case_values(42, name="A question", status="New", priority="Normal", assigned_user="ann"),
        email=templates.email_values(7, sender=BOB, subject="A question", sent_at=NOW),
        person=BOB,
        account={"name": "support", "address": "s@team.example"},
    )
    body = "{{ person.name }} #{{ case.number }} {{ case.assigned_user }} {{ email.from }} {{ account.address }} {{ today }}"
    assert templates.filled("Re: {{ email.subject }}", body, values, is_html=False) == (
        "Re: A question",
        "Bob Roe #42 ann bob@customer.example s@team.example 2026-03-01",
    )


def test_what_does_not_apply_prints_as_nothing() -> None:
    values = templates.variables(now=NOW)
    assert templates.filled("[{{ case.number }}]", "<{{ person.name }}{{ user.signature }}>", values, is_html=False) == (
        "[]",
        "<>",
    )


def test_a_subject_is_one_line_and_its_sender_s_words_are_cut_short() -> None:
    email = templates.email_values(7, sender=BOB, subject="x" * 500, sent_at=None)
    subject, _ = templates.filled("a\r\nBcc: {{ email.subject }}", "", templates.variables(now=NOW, email=email), is_html=False)
    assert subject == "a Bcc: " + "x" * 200


def test_values_are_escaped_in_html_but_not_in_the_subject() -> None:
    person = Address("<b>Bob</b>", "bob@customer.example")
    assert templates.filled(
        "{{ person.name }}", "{{ person.name }}", templates.variables(now=NOW, person=person), is_html=True
    ) == (
        "<b>Bob</b>",
        "&lt;b&gt;Bob&lt;/b&gt;",
    )


@pytest.mark.parametrize("text", ["{{ nobody.name }}", "{% for a in b %}{% endfor %}", "{{ case.number", "{{ 'a' * 9 }}"])
def test_a_template_that_can_t_be_filled_is_refused_before_it_is_kept(text: str) -> None:
    for subject, body in ((text, ""), ("", text)):
        with pytest.raises(BadInput, match="line 1"):
            templates.check(subject, body)


def test_the_body_of_a_mail_is_no_placeholder() -> None:
    email = templates.email_values(7, sender=BOB, subject="s", sent_at=None)
    assert sorted(email) == ["from", "id", "sent_at", "subject"]
