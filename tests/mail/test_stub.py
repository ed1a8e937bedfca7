"""Three lines of a head, whatever the rest is."""

from __future__ import annotations

import pytest

from espomail.mail.stub import CHARS_MAX, HEAD_BYTES_MAX, stub


@pytest.mark.parametrize(
    ("beginning", "expected"),
    [
        (
            b"From: Ann <ann@x.example>\r\nSubject: =?utf-8?q?=C3=84?=\r\nDate: today\r\n\r\nFrom: body",
            ("Ann <ann@x.example>", "=?utf-8?q?=C3=84?=", "today"),
        ),
        (b"subject: long\n\tand folded\nX: 1\n folded too\n\nhello", ("", "long and folded", "")),
        (b"Subject: \xff\xc3\xa4\x00", ("", "\ufffd\u00e4\ufffd", "")),
        (b"nothing of a mail", ("", "", "")),
        (b"", ("", "", "")),
        (b"Subject: " + b"x" * 1_000_000, ("", "x" * CHARS_MAX, "")),
        (b"X: " + b"x" * HEAD_BYTES_MAX + b"\nSubject: too late", ("", "", "")),
    ],
)  # fmt: skip
def test_a_stub_is_what_stands_in_the_head(beginning: bytes, expected: tuple[str, str, str]) -> None:
    assert stub(beginning) == expected
