"""Days, waits and charts of a report."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import pytest

from espomail.rules.report_page import page
from espomail.rules.reporting import Burden, Day, Report, Waits, days_of, for_chart, in_words, waits

MONDAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def days(count: int) -> tuple[Day, ...]:
    return tuple(Day(MONDAY + timedelta(days=n), received=1, cases_closed=2) for n in range(count))


def test_every_day_from_the_first_event_on_is_there() -> None:
    counts = {"received": {MONDAY: 3}, "cases_opened": {MONDAY + timedelta(days=2): 1}}
    assert days_of(counts, since=date(2020, 1, 1), until=date(2026, 3, 5)) == (
        Day(MONDAY, received=3),
        Day(date(2026, 3, 3)),
        Day(date(2026, 3, 4), cases_opened=1),
        Day(date(2026, 3, 5)),
    )
    assert days_of({}, since=date(2020, 1, 1), until=MONDAY) == (Day(MONDAY),)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param([], Waits(0, None, None), id="none"),
        pytest.param([60.4], Waits(1, 60, 60), id="one"),
        pytest.param([4, 1, 3, 2], Waits(4, 2, 4), id="an even number: the lower middle"),
        pytest.param(range(1, 101), Waits(100, 50, 90), id="a hundred"),
    ],
)
def test_waits_are_told_by_nearest_rank(seconds: list[float], expected: Waits) -> None:
    assert waits(seconds) == expected


def test_a_long_time_is_charted_by_the_week_and_a_longer_one_by_the_month() -> None:
    assert for_chart(days(62)) == ("day", days(62))
    unit, weeks = for_chart(days(63))
    assert (unit, len(weeks), weeks[0]) == ("week", 9, Day(MONDAY, received=7, cases_closed=14))
    unit, months = for_chart(days(500))
    assert (unit, months[0], months[1]) == (
        "month", Day(date(2026, 3, 1), received=30, cases_closed=60), Day(date(2026, 4, 1), received=30, cases_closed=60),
    )  # fmt: skip
    assert sum(month.received for month in months) == 500


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (5400, "1.5 h"), (181440, "2.1 d")],
)
def test_time_spans_are_said_as_a_person_says_them(seconds: int | None, words: str) -> None:
    assert in_words(seconds) == words


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_refers_to_nothing_and_escapes_names() -> None:
    hostile = '<script>alert(1)</script>"&'
    burden = Burden(hostile, open=3, new=1, assigned=1, pending=1, oldest_at=NOW)
    report = Report(
        since=NOW - timedelta(days=2), until=NOW, days=days(3), first_response=Waits(1, 90, 90), unanswered=2,
        resolution=Waits(0, None, None), backlog=(burden, Burden(None, 1, 1, 0, 0, NOW)),
    )  # fmt: skip
    made = page(report)
    read = Tags()
    read.feed(made)
    names = {tag for tag, _ in read.tags}
    assert names.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "a", "base", "form"})
    assert [
        value for _, attrs in read.tags for name, value in attrs.items() if name in ("src", "href", "style", "srcset")
    ] == []
    assert "url(" not in made
    assert "@import" not in made
    assert "http:" not in made
    assert "https:" not in made
    assert hostile in read.text
    assert hostile not in made
    assert sum(tag == "rect" for tag, _ in read.tags) == 4 * 3
    assert "2026-03-02: 1" in read.text


def test_a_page_without_anything_is_a_page_too() -> None:
    empty = Report(NOW, NOW, (), Waits(0, None, None), 0, Waits(0, None, None), ())
    assert "None." in page(empty)
