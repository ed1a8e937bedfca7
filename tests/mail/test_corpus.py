"""Real mails are read as other projects expect them, field by field, but for a short list of expectations that are wrong.

Needs the folder named by ESPOMAIL_CORPUS; the table is made by `python -m tests.reading`.
"""

from __future__ import annotations

import time
from collections import Counter

import pytest

from espomail.mail.parse import attachment_content, parse, parse_head
from espomail.model import Head
from tests.mail import corpus
from tests.mail.exceptions import EXCEPTIONS, exceptions_max
from tests.mail.values import strings_of

pytestmark = pytest.mark.skipif(not corpus.FOLDER, reason="ESPOMAIL_CORPUS names no folder of real mails")

SECONDS_MAX = 1.0


@pytest.fixture(scope="module")
def readings() -> list[corpus.Reading]:
    return corpus.readings()


@pytest.mark.parametrize("field", corpus.FIELDS)
def test_a_field_reads_as_expected(field: str, readings: list[corpus.Reading]) -> None:
    chosen = [reading for reading in readings if reading.field == field and (reading.file, field) not in EXCEPTIONS]
    assert chosen, f"the corpus expects nothing about {field}"
    assert {reading.file: reading.got for reading in chosen} == {reading.file: reading.expected for reading in chosen}


def test_each_exception_is_one_and_they_are_few(readings: list[corpus.Reading]) -> None:
    wrong = {(reading.file, reading.field) for reading in readings if not reading.is_right}
    known = {(reading.file, reading.field) for reading in readings}
    assert {exception for exception in EXCEPTIONS if exception in known} <= wrong
    expected = Counter(reading.field for reading in readings)
    listed = Counter(field for _, field in EXCEPTIONS)
    assert {field: count for field, count in listed.items() if count > exceptions_max(expected[field])} == {}


def test_no_mail_takes_long_and_every_string_can_be_stored() -> None:
    for entry in corpus.entries():
        raw = corpus.raw_of(entry)
        start = time.process_time()
        mail = parse(raw)
        assert time.process_time() - start < SECONDS_MAX, entry["file"]
        for text in strings_of(mail):
            assert "\x00" not in text, entry["file"]
            assert text.encode().decode() == text, entry["file"]


def test_the_head_alone_says_the_same_as_the_whole_mail() -> None:
    for entry in corpus.entries():
        raw = corpus.raw_of(entry)
        head, mail = parse_head(raw), parse(raw)
        same = [name for name in Head.__slots__ if name not in ("message_id", "is_partial", "automatic")]
        assert [getattr(head, name) for name in same] == [getattr(mail, name) for name in same]
        assert parse(raw, head=head) == mail


def test_every_attachment_is_found_again_by_its_position() -> None:
    for entry in corpus.entries():
        raw = corpus.raw_of(entry)
        attachments = parse(raw).attachments
        sizes = [len(attachment_content(raw, attachment.position)) for attachment in attachments]
        assert sizes == [attachment.size_bytes for attachment in attachments]
        with pytest.raises(KeyError):
            attachment_content(raw, len(attachments))


def test_the_same_mail_with_other_transport_headers_is_the_same() -> None:
    for entry in corpus.entries():
        raw = corpus.raw_of(entry)
        if raw.startswith((b"From ", b">From ", b"\n", b"\r", b" ", b"\t")) or b"\n" not in raw:
            continue
        moved = b"Received: from a.example by b.example; Mon, 2 Mar 2026 09:00:00 +0000\nX-Spam-Score: 1\n" + raw
        assert (parse(moved).content_key, parse(moved).message_id) == (parse(raw).content_key, parse(raw).message_id)
