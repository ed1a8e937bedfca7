"""Date headers, as they are written and as they are broken."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.mail.dates import read_date


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("Mon, 2 Mar 2026 09:30:15 +0100", datetime(2026, 3, 2, 8, 30, 15, tzinfo=UTC)),
        ("2 Mar 2026 09:30:15 -0330 (Newfoundland)", datetime(2026, 3, 2, 13, 0, 15, tzinfo=UTC)),
        ("Mon, 2 Mar 2026 (a (rather (early)) morning) 09:30:15 +0000", datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC)),
        ("Mon,\n  2\n Mar\n 2026\n 09:30 +0000", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
        ("Mon, 02 Mar 26 09:30 GMT", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
        ("Mon, 02 Mar 99 09:30 EST", datetime(1999, 3, 2, 14, 30, tzinfo=UTC)),
        ("Monday, 2 March 2026 9:30:15 PM CET", datetime(2026, 3, 2, 20, 30, 15, tzinfo=UTC)),
        ("Mon Mar  2 09:30:15 2026", datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC)),
        ("2026-03-02T09:30:15Z", datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC)),
        ("2026-03-02 09:30:15 +02:00", datetime(2026, 3, 2, 7, 30, 15, tzinfo=UTC)),
        ("Mon, 2 Mar 2026 09:30:15 GMT+0200", datetime(2026, 3, 2, 7, 30, 15, tzinfo=UTC)),
        ("Mon, 2 Mar 2026 23:59:60 +0000", datetime(2026, 3, 2, 23, 59, 59, tzinfo=UTC)),
        ("Mon, 2 Mar 2026 23:59:60 GMT", datetime(2026, 3, 2, 23, 59, 59, tzinfo=UTC)),
        ("Mon, 2 Mar 2026 09:30:15", datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC)),
        ("Mon, 2 Mar 2026", datetime(2026, 3, 2, tzinfo=UTC)),
        ("Mon, 31 Feb 2026 09:30:15 +0000", None),
        ("Mon, 2 Mar 2026 25:00:00 +0000", None),
        ("Mon, 2 Xyz 2026 09:00:00 +0000", None),
        ("yesterday", None),
        ("", None),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
    ],
)
def test_a_date_is_a_moment_in_utc_or_none(value: str, moment: datetime | None) -> None:
    assert read_date(value) == moment


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_the_usual_form_reads_as_the_same_date_in_another_form(local: datetime, offset: int) -> None:
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}{abs(offset) % 60:02}"
    date = f"{local.day} {local:%b %Y}"
    assert read_date(f"{date} {local:%H:%M:%S} {zone}") == read_date(f"  {date},  {local:%H:%M:%S}  {zone}")
