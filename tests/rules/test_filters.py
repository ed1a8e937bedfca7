"""Which filter a mail hits."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.errors import BadInput
from espomail.model import Address, Attachment, Head, Mail
from espomail.rules import filters
from espomail.rules.filters import ACTIONS, CRITERIA, KINDS, Filter, Verdict, first_hit
from espomail.rules.wildcards import folded, wildcard

PDF = Attachment(0, "a.pdf", "application/pdf", 9, "00", False, None)
LOGO = Attachment(1, "logo.png", "image/png", 9, "00", True, "logo")
FACTS: dict[str, Any] = {
    "subject": "Invoice 42 for Zoë",
    "sender": Address("Bob Roe", "bob@acme.example"),
    "to": (Address("Support", "support@team.example"), Address("", "ann@team.example")),
    "cc": (Address("", "boss@acme.example"),),
    "headers": (("x-spam-flag", "YES"), ("x-team", "red"), ("x-team", "blue")),
    "automatic": None,
    "sender_auth": "pass",
}
BODY: dict[str, Any] = {"text": "Hello Ann,\nthe printer is\non fire. Größe: 5*", "attachments": (PDF,), "size_bytes": 3000}
HTML_ONLY: dict[str, Any] = {
    "text": "please read the HTML part",
    "html": "<p>Dear <b>Ann</b>,</p><p>the&nbsp;server<br>caught fire &amp; smoke</p><script>secret words</script>",
}


def mail(**facts: Any) -> Mail:
    return Mail(message_id="m@acme.example", content_key="k", **{**FACTS, **BODY, **facts})


def rule(criteria: dict[str, Any], **facts: Any) -> Filter:
    known = {"id": 1, "name": "f", "kind": "user", "position": None, "action": "skip"}
    return Filter(criteria=criteria, **{**known, **facts})


def hits(criteria: dict[str, Any], letter: Mail) -> bool:
    return first_hit([rule(criteria)], letter, lambda: letter).hit is not None


TABLE: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    # wildcards
    "a whole subject": ({"subject": "Invoice 42 for Zoë"}, {}, True),
    "a part is not the whole": ({"subject": "Invoice"}, {}, False),
    "star at the end": ({"subject": "Invoice*"}, {}, True),
    "star at the start": ({"subject": "*Zoë"}, {}, True),
    "star in the middle": ({"subject": "Invoice*Zoë"}, {}, True),
    "stars at both ends": ({"subject": "*42*"}, {}, True),
    "stars everywhere": ({"subject": "*In*o*ce*42*f*"}, {}, True),
    "a lone star": ({"subject": "*"}, {}, True),
    "a lone star on an empty subject": ({"subject": "*"}, {"subject": ""}, True),
    "two stars": ({"subject": "**"}, {}, True),
    "a star may stand for nothing": ({"subject": "Invoice* 42*"}, {}, True),
    "the end is not looked for before the start": ({"subject": "aba*ba"}, {"subject": "aba"}, False),
    "start and end may touch": ({"subject": "aba*ba"}, {"subject": "ababa"}, True),
    "the middle is not looked for in the end": ({"subject": "*ab*b"}, {"subject": "ab"}, False),
    "pieces in the wrong order": ({"subject": "*for*Invoice*"}, {}, False),
    "a piece twice needs two": ({"subject": "*42*42*"}, {}, False),
    "a star at the end of something else": ({"subject": "Receipt*"}, {}, False),
    "a star at the start of something else": ({"subject": "*Bob"}, {}, False),
    "an empty subject is no invoice": ({"subject": "Invoice*"}, {"subject": ""}, False),
    # no other character is special
    "brackets and hash": ({"subject": "[#12]*"}, {"subject": "[#12] Printer"}, True),
    "brackets are no choice": ({"subject": "[#12]*"}, {"subject": "1 Printer"}, False),
    "a question mark": ({"subject": "Why?"}, {"subject": "Why?"}, True),
    "a question mark stands for itself": ({"subject": "Why?"}, {"subject": "Whys"}, False),
    "a dot": ({"subject": "a.b"}, {"subject": "axb"}, False),
    "a percent sign": ({"subject": "50% off"}, {"subject": "50 years off"}, False),
    "an underscore": ({"subject": "a_b"}, {"subject": "axb"}, False),
    "a backslash": ({"subject": "a\\*"}, {"subject": "a\\b"}, True),
    "a backslash hides no star": ({"subject": "a\\*"}, {"subject": "a*"}, False),
    "parentheses and plus": ({"subject": "(a+)+$"}, {"subject": "(a+)+$"}, True),
    "a star in the value": ({"subject": "5*"}, {"subject": "5*"}, True),
    "braces": ({"subject": "{a,b}"}, {"subject": "a"}, False),
    "spaces count": ({"subject": "Invoice  42*"}, {}, False),
    # case and accents
    "case doesn't count": ({"subject": "INVOICE 42 FOR ZOË"}, {}, True),
    "case in the value": ({"subject": "invoice"}, {"subject": "INVOICE"}, True),
    "an accent counts": ({"subject": "*Zoe"}, {}, False),
    "a composed accent finds a combining one": ({"subject": "*Zoë"}, {"subject": "for Zoe\u0308"}, True),
    "a combining accent finds a composed one": ({"subject": "*Zoe\u0308"}, {"subject": "for ZOË"}, True),
    "sharp s": ({"subject": "strasse"}, {"subject": "Straße"}, True),
    "final sigma": ({"subject": "ΟΔΟΣ"}, {"subject": "οδος"}, True),
    "cyrillic case": ({"subject": "счёт*"}, {"subject": "СЧЁТ 5"}, True),
    "no case at all": ({"subject": "請求書*"}, {"subject": "請求書 5"}, True),
    # from
    "the sender's address": ({"from": "bob@acme.example"}, {}, True),
    "a domain": ({"from": "*@acme.example"}, {}, True),
    "another domain": ({"from": "*@acme.test"}, {}, False),
    "a domain that ends alike": ({"from": "*@me.example"}, {}, False),
    "the sender in capitals": ({"from": "BOB@ACME.EXAMPLE"}, {}, True),
    "the display name is not the address": ({"from": "Bob*Roe"}, {}, False),
    "an address in the display name is not the address": (
        {"from": "a@good.test"},
        {"sender": Address("a@good.test", "b@evil.test")},
        False,
    ),
    "no sender": ({"from": "*@*"}, {"sender": None}, False),
    "any sender or none": ({"from": "*"}, {"sender": None}, True),
    # to and cc
    "the first recipient": ({"to": "support@team.example"}, {}, True),
    "the second recipient": ({"to": "ann@team.example"}, {}, True),
    "to does not look at cc": ({"to": "boss@acme.example"}, {}, False),
    "cc does not look at to": ({"cc": "ann@team.example"}, {}, False),
    "cc": ({"cc": "boss@*"}, {}, True),
    "no recipient at all": ({"to": "*"}, {"to": ()}, False),
    "two recipients are not one value": ({"to": "support@*ann@team.example"}, {}, False),
    # headers
    "a header": ({"headers": [["X-Spam-Flag", "yes"]]}, {}, True),
    "a header with a star": ({"headers": [["x-spam-flag", "Y*"]]}, {}, True),
    "a header that is missing": ({"headers": [["X-Virus", "*"]]}, {}, False),
    "the second of two equal headers": ({"headers": [["X-Team", "blue"]]}, {}, True),
    "two headers, both there": ({"headers": [["X-Team", "red"], ["X-Spam-Flag", "*"]]}, {}, True),
    "two headers, one not": ({"headers": [["X-Team", "red"], ["X-Spam-Flag", "no"]]}, {}, False),
    "a part of a header": ({"headers": [["X-Team", "re"]]}, {}, False),
    # automatic and sender-auth
    "automatic": ({"automatic": True}, {"automatic": "List-Id"}, True),
    "not automatic": ({"automatic": True}, {}, False),
    "sender-auth pass": ({"sender_auth": "pass"}, {}, True),
    "sender-auth fail": ({"sender_auth": "fail"}, {}, False),
    "sender-auth none": ({"sender_auth": "none"}, {"sender_auth": "none"}, True),
    # size and attachments
    "larger": ({"larger_than": 2999}, {}, True),
    "just as large is not larger": ({"larger_than": 3000}, {}, False),
    "larger than nothing": ({"larger_than": 0}, {}, True),
    "an attachment": ({"has_attachment": True}, {}, True),
    "an inline picture is none": ({"has_attachment": True}, {"attachments": (LOGO,)}, False),
    "no attachment": ({"has_attachment": True}, {"attachments": ()}, False),
    # body
    "a phrase": ({"body_contains": ["printer"]}, {}, True),
    "a phrase in another case": ({"body_contains": ["PRINTER"]}, {}, True),
    "a phrase across the end of a line": ({"body_contains": ["is on fire"]}, {}, True),
    "a phrase inside a word": ({"body_contains": ["rint"]}, {}, True),
    "a phrase with an accent": ({"body_contains": ["GRÖSSE"]}, {}, True),
    "a star in a phrase is a star": ({"body_contains": ["5*"]}, {}, True),
    "a star in a phrase stands for nothing else": ({"body_contains": ["pr*er"]}, {}, False),
    "any of two": ({"body_contains": ["scanner", "fire"]}, {}, True),
    "none of two": ({"body_contains": ["scanner", "water"]}, {}, False),
    "all of two": ({"body_contains_all": ["printer", "fire"]}, {}, True),
    "only one of all": ({"body_contains_all": ["printer", "water"]}, {}, False),
    "the subject is not the body": ({"body_contains": ["Invoice"]}, {}, False),
    "any in the HTML": ({"body_contains": ["caught fire"]}, HTML_ONLY, True),
    "across tags and entities": ({"body_contains": ["server caught fire & smoke"]}, HTML_ONLY, True),
    "all, one in the text and one in the HTML": ({"body_contains_all": ["html part", "caught fire"]}, HTML_ONLY, True),
    "not all in the HTML": ({"body_contains_all": ["caught fire", "water"]}, HTML_ONLY, False),
    "a tag is no text": ({"body_contains": ["<b>"]}, HTML_ONLY, False),
    "a script is no text": ({"body_contains": ["secret words"]}, HTML_ONLY, False),
    "any and all together": ({"body_contains": ["fire"], "body_contains_all": ["printer", "hello"]}, {}, True),
    # several criteria
    "all given must match": ({"from": "*@acme.example", "subject": "Invoice*", "has_attachment": True}, {}, True),
    "one of the given does not": ({"from": "*@acme.example", "subject": "Receipt*"}, {}, False),
    "header fits, body doesn't": ({"from": "*@acme.example", "body_contains": ["water"]}, {}, False),
    "flags that are off ask for nothing": ({"from": "bob@*", "automatic": False, "has_attachment": False}, {}, True),
    # empty
    "no criteria hit nothing": ({}, {}, False),
    "an empty pattern is no criterion": ({"subject": ""}, {"subject": ""}, False),
    "an empty list is no criterion": ({"body_contains": []}, {}, False),
}


@pytest.mark.parametrize(("criteria", "facts", "expected"), TABLE.values(), ids=TABLE)
def test_a_filter_hits(criteria: dict[str, Any], facts: dict[str, Any], expected: bool) -> None:
    assert hits(criteria, mail(**facts)) is expected


def test_the_table_has_at_least_eighty_cases_and_every_criterion() -> None:
    assert len(TABLE) >= 80
    assert {name for criteria, _, _ in TABLE.values() for name in criteria} == set(CRITERIA)


ORDER = {
    "a position comes before none": ([("a", None, "skip", "1"), ("b", 9, "none", "2")], "b"),
    "the lower position": ([("a", 2, "skip", "1"), ("b", 1, "none", "2")], "b"),
    "skip before move": ([("a", None, "move-to-folder", "1"), ("b", None, "skip", "2")], "b"),
    "move before none": ([("a", None, "none", "1"), ("b", None, "move-to-folder", "2")], "b"),
    "at one position skip before none": ([("a", 3, "none", "1"), ("b", 3, "skip", "2")], "b"),
    "the older of equals": ([("a", None, "skip", "2"), ("b", None, "skip", "1")], "b"),
    "of one age the lower id": ([("a", None, "skip", "1"), ("b", None, "skip", "1")], "a"),
}


@pytest.mark.parametrize(("rows", "expected"), ORDER.values(), ids=ORDER)
def test_of_filters_that_match_the_first_in_order_hits(rows: list[tuple[str, int | None, str, str]], expected: str) -> None:
    both = [
        rule({"subject": "*"}, id=number, name=name, position=position, action=action, created_at=f"2026-03-0{age}")
        for number, (name, position, action, age) in enumerate(rows, start=1)
    ]
    hit = first_hit(both, mail(), mail).hit
    assert hit is not None
    assert hit.name == expected


def test_a_verdict_tells_what_was_tried_before_and_why_it_did_not_match() -> None:
    rules = [
        rule({"subject": "Receipt*"}, id=1, name="receipts", position=1),
        rule({"body_contains": ["water", "flood"], "from": "bob@*"}, id=2, name="floods", position=2),
        rule({"headers": [["X-Virus", "*"]]}, id=3, name="viruses", position=3),
        rule({"has_attachment": True}, id=4, name="files", position=4),
        rule({"subject": "*"}, id=5, name="rest", position=5),
    ]
    assert first_hit(rules, mail(), mail) == Verdict(
        rules[3],
        (("receipts", "subject: Receipt*"), ("floods", "body-contains: water, flood"), ("viruses", "headers: X-Virus=*")),
    )


def test_without_filters_nothing_is_hit() -> None:
    assert first_hit([], mail(), mail) == Verdict(None)


def test_the_body_is_parsed_only_when_the_header_criteria_all_hold() -> None:
    parsed: list[str] = []

    def whole() -> Mail:
        parsed.append("body")
        return mail()

    head = Head(**FACTS)
    first_hit([rule({"body_contains": ["fire"], "larger_than": 1, "subject": "Receipt*"})], head, whole)
    first_hit([rule({"from": "bob@*", "automatic": True, "has_attachment": True})], head, whole)
    first_hit([rule({"subject": "Invoice*"})], head, whole)
    assert parsed == []
    first_hit([rule({"body_contains": ["fire"], "subject": "Invoice*"})], head, whole)
    assert parsed == ["body"]


@pytest.mark.parametrize("pattern", ["*a" * 2000 + "*b", "*aab" * 500 + "*", "a*" * 5000 + "b", "*" * 5000])
def test_no_pattern_makes_a_long_value_slow(pattern: str) -> None:
    fits = wildcard(pattern)
    began = time.process_time()
    fits("a" * 1_000_000)
    assert time.process_time() - began < 1.0


def _reference(pattern: str, value: str) -> bool:
    """The plain definition of `*`, exponential and obviously right."""
    if not pattern:
        return not value
    if pattern[0] == "*":
        return any(_reference(pattern[1:], value[n:]) for n in range(len(value) + 1))
    return bool(value) and value[0] == pattern[0] and _reference(pattern[1:], value[1:])


@given(st.text("ab*", max_size=7), st.text("ab", max_size=9))
def test_law_a_wildcard_means_what_its_definition_says(pattern: str, value: str) -> None:
    assert wildcard(pattern)(value) == _reference(pattern, value)


@given(st.text(max_size=30))
def test_law_a_value_without_a_star_fits_itself_in_any_case(value: str) -> None:
    pattern = value.replace("*", "")
    assert wildcard(pattern)(pattern.upper()) == (folded(pattern.upper()) == folded(pattern))
    assert wildcard(pattern)(pattern)


ALLOWED = {
    "global": {"skip"},
    "group-account": {"skip", "move-to-group-folder"},
    "personal-account": {"skip"},
    "user": {"skip", "move-to-folder", "none"},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ACTIONS)
def test_each_kind_may_do_only_what_is_its_own(kind: str, action: str) -> None:
    if action in ALLOWED[kind]:
        filters.validate(kind, {"subject": "*"}, action)
    else:
        with pytest.raises(BadInput, match=f"may not {action}"):
            filters.validate(kind, {"subject": "*"}, action)


@pytest.mark.parametrize(
    ("criteria", "words"),
    [
        pytest.param({}, "without criteria", id="nothing given"),
        pytest.param({"subject": "", "automatic": False, "body_contains": []}, "without criteria", id="nothing but empties"),
        pytest.param({"subjekt": "x"}, "no such criterion: subjekt", id="an unknown one"),
        pytest.param({"subject": 5}, "subject can't be 5", id="a number as a pattern"),
        pytest.param({"body_contains": "fire"}, "body-contains can't be 'fire'", id="a phrase that is no list"),
        pytest.param({"body_contains": [" "]}, "body-contains can't be", id="a blank phrase"),
        pytest.param({"headers": [["X"]]}, "header can't be", id="a header without a pattern"),
        pytest.param({"headers": [["", "x"]]}, "header can't be", id="a header without a name"),
        pytest.param({"larger_than": "5M"}, "larger-than can't be '5M'", id="a size that was not read"),
        pytest.param({"larger_than": -1}, "larger-than can't be -1", id="less than nothing"),
        pytest.param({"has_attachment": "yes"}, "has-attachment can't be 'yes'", id="a word for a flag"),
        pytest.param({"sender_auth": "maybe"}, "sender-auth can't be 'maybe'", id="no such verdict"),
    ],
)
def test_what_can_not_be_looked_for_is_refused(criteria: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        filters.validate("user", criteria, "skip")


@pytest.mark.parametrize(("criteria", "facts", "expected"), TABLE.values(), ids=TABLE)
def test_what_a_filter_looks_for_is_accepted_where_it_is_made(
    criteria: dict[str, Any], facts: dict[str, Any], expected: bool
) -> None:
    if expected:
        filters.validate("user", criteria, "none")


def test_a_misspelt_criterion_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadInput) as caught:
        filters.validate("user", {"subjekt": "x"}, "skip")
    assert caught.value.hint == "did you mean subject?"
