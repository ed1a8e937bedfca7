"""Settings read from text and written as text."""

from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from espomail import times
from espomail.errors import BadInput
from espomail.model import Settings
from espomail.rules import settings


def test_every_setting_has_a_registered_key() -> None:
    assert {field.name for field in fields(Settings)} == set(settings.KEYS) | set(settings.OUTBOUND_KEYS)


def test_settings_are_shown_as_they_are_documented() -> None:
    assert settings.written(Settings()) == {
        "baseline_role": None,
        "b2c_mode": False,
        "link_to_open_opportunity": False,
        "reopen_days": None,
        "trash_days": 30,
        "skipped_keep_days": 30,
        "personal_accounts_max": 2,
        "auto_reply_limit": 5,
        "auto_reply_period": "2h",
        "auto_reply_per_case": 1,
        "auto_reply_hourly_cap": 100,
        "mail_size_max": "50M",
        "notify_max_age": "2d",
        "auto_reply_max_age": "24h",
        "allow_private_hosts": False,
        "trusted_authserv_id": None,
    }


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("b2c_mode", "yes", True),
        ("b2c_mode", "Off", False),
        ("B2C-Mode", "1", True),
        ("reopen_days", "none", None),
        ("reopen_days", "14", 14),
        ("trash_days", "0", 0),
        ("auto_reply_period", "90m", timedelta(minutes=90)),
        ("mail_size_max", "1g", 1024**3),
        ("mail_size_max", "1500", 1500),
        ("mail_size_max", "2 MiB", 2 * 1024**2),
        ("baseline_role", "agent", "agent"),
        ("baseline_role", "none", None),
        ("trusted_authserv_id", " mx.team.example ", "mx.team.example"),
    ],
)
def test_a_setting_is_read_from_what_a_person_types(key: str, text: str, value: Any) -> None:
    assert settings.parse(key, text) == value


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("b2c_mode", "maybe"),
        ("trash_days", "-1"),
        ("trash_days", "ten"),
        ("trash_days", "٣"),
        ("trash_days", "99999999999999"),
        ("auto_reply_period", "2"),
        ("mail_size_max", "big"),
        ("baseline_role", "7"),
    ],
)
def test_a_value_that_a_setting_can_t_have_is_refused(key: str, text: str) -> None:
    with pytest.raises(BadInput):
        settings.parse(key, text)


def test_a_mistyped_key_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(BadInput) as refused:
        settings.parse("trash_day", "3")
    assert (refused.value.message, refused.value.hint) == ("no setting is called trash_day", "did you mean trash_days?")


@given(st.integers(min_value=0, max_value=10**11))
def test_a_size_that_is_written_reads_back_the_same(size: int) -> None:
    assert settings.parse_size(settings.write_size(size)) == size


@given(st.integers(min_value=0, max_value=10**8))
def test_a_span_that_is_written_reads_back_the_same(seconds: int) -> None:
    assert times.parse_span(settings.write_span(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


def test_the_spans_are_written_as_their_defaults_are_documented() -> None:
    written = settings.written(Settings())
    spans = {key: written[key] for key in ("auto_reply_period", "notify_max_age", "auto_reply_max_age")}
    assert spans == {"auto_reply_period": "2h", "notify_max_age": "2d", "auto_reply_max_age": "24h"}


@pytest.mark.parametrize("text", ["90s", "1m", "90m", "1h", "24h", "2d", "7d", "2w", "0s"])
def test_a_span_stays_in_the_unit_that_people_use_for_it(text: str) -> None:
    assert settings.write_span(times.parse_span(text)) == text
