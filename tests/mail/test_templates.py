"""Templates fill in what they are given, and can neither run long nor grow large."""

from __future__ import annotations

from datetime import UTC, date, datetime
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from espomail.errors import BadInput
from espomail.mail.templates import render, render_check

WHEN = datetime(2026, 3, 1, 9, 5, 7, tzinfo=UTC)
VARIABLES: dict[str, object] = {
    "case": {"number": 42, "name": "Printer"},
    "person": {"name": "<Ann>"},
    "account": None,
    "today": date(2026, 3, 1),
    "now": WHEN,
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("", ""),
        ("Case {{ case.number }}: {{ case['name'] }}\n", "Case 42: Printer\n"),
        ("{{ person.name }}", "<Ann>"),
        ("{{ account }}|{{ account.name }}|{{ case.nothing.at.all }}", "||"),
        ("{{ case.name|upper }} {{ case.none|default('?') }} {{ case.name|truncate(4, true, '', 0) }}", "PRINTER ? Prin"),
        ("{% if case.number > 40 and person %}yes{% elif now %}maybe{% else %}no{% endif %}", "yes"),
        ("{{ 'a' if account else 'b' }}{{ 'x' ~ case.number }}{{ 1 + 2 }}", "bx423"),
        ("{{ today }} {{ now }} {{ case|date }}", "2026-03-01 2026-03-01 09:05 "),
        ("{{ now|date('%d.%m.%Y %H:%M:%S %% %Q') }}", "01.03.2026 09:05:07 % %Q"),
        ("{# nothing #}{% raw %}{{ case }}{% endraw %}", "{{ case }}"),
        ("{{ case.__class__ }}{{ case['__class__'] }}{{ person.name.__len__ }}", ""),
        ("{{ case.items }}{{ case.keys ~ '' }}{{ now.strftime }}{{ person.name.title|upper }}", ""),
    ],
)  # fmt: skip
def test_placeholders_are_filled(template: str, expected: str) -> None:
    assert render(template, VARIABLES, html=False) == expected


def test_values_are_escaped_in_html() -> None:
    assert render("<b>{{ person.name }}</b>", VARIABLES, html=True) == "<b>&lt;Ann&gt;</b>"


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("{{ 'a' * 10**9 }}", 1),
        ("a\n{{ 9 ** 9 ** 9 }}", 2),
        ("{% for i in case %}x{% endfor %}", 1),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", 1),
        ("{{ ''.join(case) }}", 1),
        ("{{ '%999999999d' % 1 }}", 1),
        ("{{ [1] }}", 1),
        ("{% set x = 'a' %}", 1),
        ("{% include 'x' %}", 1),
        ("\n\n{{ nobody }}", 3),
        ("{{ case.name|center(999999999) }}", 1),
        ("{{ case.name|replace('', 'aaaaaaaa') }}", 1),
        ("{{ case.name|nothing }}", 1),
        ("{{ case.name|attr('__class__') }}", 1),
        ("{{ case.name|safe }}", 1),
        ("{{ 1.5|round(999999999, 'ceil') }}", 1),
        ("{{ lipsum() }}", 1),
        ("a\n{{ case", 2),
        ("{% if %}", 1),
        ("{% endif %}", 1),
    ],
)
def test_what_is_not_allowed_is_refused_with_its_line(template: str, line: int) -> None:
    with pytest.raises(BadInput, match=f"line {line}:"):
        render(template, VARIABLES, html=False)


@pytest.mark.parametrize(
    "template",
    [
        "{{" + "(" * 3000 + "1" + ")" * 3000 + "}}",
        "{{" + "case." * 3000 + "x}}",
        "{{" + "not " * 3000 + "case}}",
        "{{ 9" + "9" * 5000 + "}}",
        "{% if case %}" * 500 + "{% endif %}" * 500,
        "{{ case < 1 }}",
        "{{ case + 1 }}",
        "{{ case.number|length }}",
        "x" * 200_001,
    ],
    ids=range(9),
)
def test_what_can_not_be_computed_is_refused(template: str) -> None:
    with pytest.raises(BadInput):
        render(template, VARIABLES, html=False)


def test_no_template_writes_more_than_a_million_characters() -> None:
    with pytest.raises(BadInput, match="more than 1000000"):
        render("{{ case }}{{ case }}", {"case": "x" * 600_000}, html=False)


def test_a_template_is_judged_within_a_second() -> None:
    started = process_time()
    render("{{ case.name|upper }}" * 5000, VARIABLES, html=False)
    assert process_time() - started < 5


def test_checking_names_the_unknown_placeholder() -> None:
    render_check("{{ case.number }} {{ user.name }}")
    with pytest.raises(BadInput, match="line 2: unknown placeholder 'custmer'"):
        render_check("Hello\n{{ custmer.name }}")


@settings(max_examples=200, deadline=None)
@given(st.text(), st.text(alphabet="{}%#abcse.|()[]'\"*+-~ \n0123456789", max_size=80))
def test_a_template_is_filled_or_refused(value: str, template: str) -> None:
    for html in (False, True):
        try:
            filled = render("{{ case }}" + template, {"case": value}, html=html)
        except BadInput:
            continue
        assert "<" not in filled if html else filled.startswith(value)
