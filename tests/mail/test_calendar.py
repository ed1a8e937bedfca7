"""An invitation tells what, when, where and who."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail.mail.calendar import describe_invite

ZONE = "BEGIN:VTIMEZONE\r\nTZID:X\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nEND:STANDARD\r\nEND:VTIMEZONE"
ALARM = "BEGIN:VALARM\r\nSUMMARY:no\r\nEND:VALARM"
SECOND = "BEGIN:VEVENT\r\nSUMMARY:second\r\nEND:VEVENT"


def calendar(*lines: str, method: str = "REQUEST") -> str:
    event = ("BEGIN:VEVENT", *lines, ALARM, "END:VEVENT")
    return "\r\n".join(("BEGIN:VCALENDAR", f"METHOD:{method}", ZONE, *event, SECOND, "END:VCALENDAR", ""))


def test_a_full_invitation_is_told_in_four_lines() -> None:
    content = calendar(
        "ORGANIZER;CN=\"Doe, Ann\":mailto:ann@x.example",
        "ATTENDEE;PARTSTAT=ACCEPTED;CN=Bob:MAILTO:bob@x.example",
        "ATTENDEE:mailto:eve@x.example",
        "DTSTART;TZID=Europe/Berlin:20260301T090000",
        "DTEND;TZID=Europe/Berlin:20260301T103000",
        "SUMMARY;LANGUAGE=en:Plan\\, budget\\; and",
        "  more\\nplans \\\\o/",
        "LOCATION:Room 1",
    )  # fmt: skip
    assert describe_invite(content) == (
        "Invitation: Plan, budget; and more plans \\o/\n"
        "When: 2026-03-01 09:00–10:30 Europe/Berlin\n"
        "Where: Room 1\n"
        "Who: Doe, Ann <ann@x.example> (organizer), Bob <bob@x.example> (accepted), eve@x.example"
    )


@pytest.mark.parametrize(
    ("lines", "when"),
    [
        (("DTSTART:20260301T090000Z", "DTEND:20260301T100000Z"), "2026-03-01 09:00–10:00 UTC"),
        (("DTSTART:20260301T090000Z", "DURATION:PT1H30M"), "2026-03-01 09:00–10:30 UTC"),
        (("DTSTART:20260301T230000", "DTEND:20260302T010000"), "2026-03-01 23:00 – 2026-03-02 01:00"),
        (("DTSTART:20260301T090000",), "2026-03-01 09:00"),
        (("DTSTART:20260301T090000", "DTEND:20260301"), "2026-03-01 09:00"),
        (("DTSTART:20260301T090000", "DTEND:20260228T090000"), "2026-03-01 09:00"),
        (("DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260302"), "2026-03-01 (all day)"),
        (("DTSTART;VALUE=DATE:20260301", "DTEND;VALUE=DATE:20260304"), "2026-03-01 – 2026-03-03"),
        (("DTSTART;VALUE=DATE:20260301", "DURATION:P1W"), "2026-03-01 – 2026-03-07"),
        (("DTSTART:99991231T235900", "DURATION:P9999W"), "9999-12-31 23:59"),
        (("DTSTART:20261399T996000",), "20261399T996000"),
        (("DTSTART:soon",), "soon"),
    ],
)
def test_the_time_stands_in_its_own_zone(lines: tuple[str, ...], when: str) -> None:
    assert describe_invite(calendar(*lines)) == f"Invitation: (no title)\nWhen: {when}"


@pytest.mark.parametrize(
    ("method", "title"), [("CANCEL", "Cancelled"), ("REPLY", "Reply to invitation"), ("PUBLISH", "Event"), ("", "Invitation")]
)
def test_the_method_says_what_it_is(method: str, title: str) -> None:
    assert describe_invite(calendar("SUMMARY:x", method=method)) == f"{title}: x"


def test_bytes_are_read_as_text() -> None:
    assert describe_invite(calendar("SUMMARY:Müller").encode()) == "Invitation: Müller"


def test_many_guests_are_counted() -> None:
    told = describe_invite(calendar(*(f"ATTENDEE:mailto:{number}@x.example" for number in range(25))))
    assert told is not None and told.endswith("19@x.example, and 5 more")


@pytest.mark.parametrize(
    "content", ["", "x", "BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nSUMMARY:x\r\nEND:VTODO\r\nEND:VCALENDAR", "\x00"]
)
def test_without_an_event_there_is_nothing_to_tell(content: str) -> None:
    assert describe_invite(content) is None


@given(
    st.lists(
        st.sampled_from(
            ["DTSTART:2026", "DTEND:20260301", "DURATION:P", "SUMMARY:", "\\", ":", ";", '"', "ATTENDEE;CN=", "\n", "1"]
        )
    )
)
def test_any_lines_are_told_or_not(pieces: list[str]) -> None:
    told = describe_invite("BEGIN:VEVENT\n" + "".join(pieces))
    assert told is not None and told.startswith("Invitation: ")


@given(st.text())
def test_any_text_is_told_or_not(content: str) -> None:
    assert describe_invite(content) is None or "BEGIN:VEVENT" in content.upper()


@pytest.mark.parametrize(
    "piece", [";", "a;", 'A;B="', 'A;B="x";', "BEGIN:VEVENT\n", "ATTENDEE:x\n", "\n ", ":", "A:\\", "SUMMARY:\\n"], ids=ascii
)
def test_a_megabyte_takes_a_moment(piece: str) -> None:
    started = process_time()
    describe_invite("BEGIN:VEVENT\n" + piece * (1_000_000 // len(piece)))
    assert process_time() - started < 2
