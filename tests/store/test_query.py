"""The query language of `email search`: any text is a query."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.store.query import TERMS_MAX, Query, Words, fold, holds, read_query, words_of

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
DAY = datetime(2026, 2, 1, tzinfo=UTC)


def anywhere(*texts: str) -> Query:
    return Query(words=tuple(Words(text) for text in texts))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        pytest.param("", Query(), id="nothing"),
        pytest.param("  \t\n", Query(), id="blanks"),
        pytest.param("broken screen", anywhere("broken", "screen"), id="words"),
        pytest.param('"broken screen" now', anywhere("broken screen", "now"), id="phrase and word"),
        pytest.param('"never closed', anywhere("never closed"), id="open quote"),
        pytest.param("pay*", Query(words=(Words("pay", is_prefix=True),)), id="prefix"),
        pytest.param('"order pay"*', Query(words=(Words("order pay", is_prefix=True),)), id="prefix of a phrase"),
        pytest.param("from:ann@x.example", Query(words=(Words("ann@x.example", field="from"),)), id="from"),
        pytest.param('FROM:"Ann Roe"', Query(words=(Words("Ann Roe", field="from"),)), id="field in capitals with a phrase"),
        pytest.param("to:ann*", Query(words=(Words("ann", is_prefix=True, field="to"),)), id="to with a prefix"),
        pytest.param("subject:invoice", Query(words=(Words("invoice", field="subject"),)), id="subject"),
        pytest.param("has:attachment", Query(has_attachment=True), id="has attachment"),
        pytest.param("has:wings", anywhere("has wings"), id="has something else is words"),
        pytest.param("is:unread is:important", Query(states=("unread", "important")), id="states"),
        pytest.param("before:2026-02-01", Query(before=DAY), id="before"),
        pytest.param("after:2026-02-01", Query(after=DAY), id="after"),
        pytest.param("after:2026-01-01 after:2026-02-01", Query(after=DAY), id="the later after"),
        pytest.param("before:soon", anywhere("before soon"), id="a date that is none is words"),
        pytest.param("case:7 case:#8", Query(case_numbers=(7, 8)), id="cases"),
        pytest.param("case:seven", anywhere("case seven"), id="a case that is no number is words"),
        pytest.param("account:Acme", Query(accounts=("Acme",)), id="account"),
        pytest.param('account:"Acme Corp"', Query(accounts=("Acme Corp",)), id="account with a blank"),
        pytest.param("note:this", anywhere("note this"), id="an unknown field is words"),
        pytest.param("from:", anywhere("from:"), id="a field without a value is a word"),
        pytest.param("*** --- :: ()", Query(), id="signs alone are nothing"),
        pytest.param("AND OR NOT", anywhere("AND", "OR", "NOT"), id="operators are words"),
    ],
)
def test_a_query_is_read(text: str, query: Query) -> None:
    assert read_query(text, now=NOW) == query


@given(st.text())
def test_any_text_is_a_query(text: str) -> None:
    query = read_query(text, now=NOW)
    assert len(query.words) <= TERMS_MAX
    assert all(words_of(each.text) for each in query.words)


@pytest.mark.parametrize(
    ("text", "folded"), [("Café MÜLLER", "cafe muller"), ("Straße", "strasse"), ("ﬁn", "fin"), ("naïve", "naive")]
)
def test_case_and_accents_do_not_count(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Words("ann"), True),
        (Words("Ann Roe"), True),
        (Words("roe ann@acme.example"), True),
        (Words("acme"), True),
        (Words("ac"), False),
        (Words("ac", is_prefix=True), True),
        (Words("ann ro", is_prefix=True), True),
        (Words("ann example"), False),
        (Words("ann roe ann acme example org"), False),
    ],
)
def test_words_of_a_person_follow_each_other(wanted: Words, fits: bool) -> None:
    assert holds("Ann Roe ann@acme.example", wanted) is fits
