"""Text from HTML reads as the page did, and no page makes reading slow."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.mail.text import TEXT_CHARS_MAX, clean, html_to_text, unflow


@pytest.mark.parametrize(
    ("html", "text"),
    [
        pytest.param("<p>One <b>bold</b>\n word</p><p>Two</p>", "One bold word\n\nTwo", id="paragraphs"),
        pytest.param("a<br>b<br/>c<div>d</div>e", "a\nb\nc\nd\ne", id="lines"),
        pytest.param("<h1>Title</h1>Text", "Title\n\nText", id="headings"),
        pytest.param("<ul><li>a<li>b<ul><li>c</ul></ul>d", "- a\n- b\n  - c\n\nd", id="lists"),
        pytest.param("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b", id="numbered lists"),
        pytest.param("<table><tr><th>A<th>B<tr><td>1<td>2</table>", "A  B\n1  2", id="tables"),
        pytest.param('<a href="https://x.example/?b&amp;c">here</a>', "here <https://x.example/?b&c>", id="links"),
        pytest.param('<a href="https://www.x.example/">x.example</a>', "x.example", id="links that say their address"),
        pytest.param('<a href="mailto:a@b.example">a@b.example</a>', "a@b.example", id="mail links"),
        pytest.param('<a href="javascript:alert(1)">x</a>', "x", id="no script links"),
        pytest.param('<a href="https://t.example/1"><img src="x"></a>y', "y", id="no links without a text"),
        pytest.param("<blockquote><p>a</p><blockquote>b</blockquote></blockquote>c", "> a\n>\n>> b\n\nc", id="quotes"),
        pytest.param("<pre>\n a\n   b\n</pre>c", " a\n   b\n\nc", id="preformatted"),
        pytest.param('<img alt="Logo &amp; co" src="x">', "[Logo & co]", id="images"),
        pytest.param("a<hr>b", "a\n--------------------\nb", id="rules"),
        pytest.param("<title>x</title><style>p{}</style>a<SCRIPT>if (a</b) {}</SCRIPT >b", "ab", id="no script, no style"),
        pytest.param("a<!-- x <b> -->b<!--[if mso]>c<![endif]-->d<![if !x]>e<?xml?>", "abde", id="comments"),
        pytest.param('<p title="a > b">x</p><p title=\'</p>\'>y', "x\n\ny", id="attributes with angle brackets"),
        pytest.param("1 < 2 > 1 <3 &lt;b&gt; &nbsp;&euro;&#8364;&#x20ac; &no;", "1 < 2 > 1 <3 <b> \xa0€€€ &no;", id="signs"),
        pytest.param("a\u200b\u00adb", "a b", id="invisible characters"),
        pytest.param("<p>a<p>b</div></p>c", "a\n\nb\n\nc", id="broken nesting"),
        pytest.param("x<a href='", "x", id="a tag that never ends"),
        pytest.param("x<script>y", "x", id="a script that never ends"),
        pytest.param("&#" + "9" * 9999 + ";", "&#" + "9" * 9999 + ";", id="a number beyond counting"),
        pytest.param("a\x00&#0;&#xd800;b", "a\ufffd\ufffdb", id="no NUL, no surrogates"),
        pytest.param("", "", id="nothing"),
    ],
)  # fmt: skip
def test_html_reads_as(html: str, text: str) -> None:
    assert html_to_text(html) == text


@given(st.text())
def test_any_html_gives_storable_text(html: str) -> None:
    text = html_to_text(html)
    assert "\x00" not in text
    assert text.encode("utf-8").decode("utf-8") == text


@given(
    st.lists(
        st.sampled_from(
            ["<", ">", "a", "<p>", "</p>", "<!--", "-->", "<a href=", '"', "'", "&#", "<pre>", "\n", "<li>", "</", "<td>"]
        )
    )
)
def test_any_tags_in_any_order_give_text(pieces: list[str]) -> None:
    assert isinstance(html_to_text("".join(pieces)), str)


HEAVY = (
    "<div>", "<!--", '<a href="', "<a =\"><b ='", "&#", "<script>", "<", ">", "</", "<b>x</i>", "<table><tr><td>",
    "<blockquote>x",    '<a href="http://x">y', "<ul><li>x", "<a b=c ", "<pre>\n", "&amp;", "<!", "<a\n",
)  # fmt: skip


@pytest.mark.parametrize("piece", HEAVY, ids=ascii)
def test_two_megabytes_take_a_moment(piece: str) -> None:
    html = piece * (2_000_000 // len(piece))
    started = process_time()
    text = html_to_text(html)
    assert process_time() - started < 4
    assert len(text) <= TEXT_CHARS_MAX


@pytest.mark.parametrize(
    ("text", "delsp", "expected"),
    [
        pytest.param("a \nb\nc", False, "a b\nc", id="soft breaks"),
        pytest.param("a \nb", True, "ab", id="delsp"),
        pytest.param("> a \n> b\n>> c \n> d", False, "> a b\n>> c \n> d", id="quotes of different depth"),
        pytest.param("a \n-- \nAnn \nSmith", False, "a \n-- \nAnn Smith", id="the signature mark stays alone"),
        pytest.param(" From here\n  two", False, "From here\n two", id="space-stuffing"),
        pytest.param("a\r\nb", False, "a\nb", id="CRLF"),
        pytest.param("", False, "", id="nothing"),
    ],
)
def test_flowed_text_is_joined(text: str, delsp: bool, expected: str) -> None:
    assert unflow(text, delsp=delsp) == expected


@given(st.text(), st.booleans())
def test_flowing_loses_no_word(text: str, delsp: bool) -> None:
    flown = unflow(text, delsp=delsp)
    assert sorted(flown.replace(" ", "").replace("\n", "").replace(">", "")) == sorted(
        text.replace("\r\n", "\n").replace(" ", "").replace("\n", "").replace(">", "")
    )


@given(st.text())
def test_clean_text_can_be_stored(text: str) -> None:
    cleaned = clean(text + "\x00\r\n\ud800\r")
    assert not set(cleaned) & {"\x00", "\r", "\ud800"}
    assert clean(cleaned) == cleaned
