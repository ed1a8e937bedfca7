"""Mails made to hurt a parser are read in little time and memory; what is lost of them is said."""

from __future__ import annotations

import multiprocessing
import resource
import time
from multiprocessing.connection import Connection

import pytest

from espomail.mail.parse import parse
from espomail.model import Mail
from tests.mail.hostile import HOSTILE, Maker, repetitions
from tests.mail.values import strings_of

SHORT_BYTES = 60_000
LONG_BYTES = 50_000_000
SECONDS_MAX = 10
BYTES_MAX = 1_000_000_000

# What must be flagged when it is large: something of it is not kept.
CAPPED = (
    "nested multiparts",
    "nested mails",
    "many parts",
    "many fields",
    "a long line",
    "a long folded line",
    "a header that never ends",
    "many addresses",
    "a large text",
    "nested HTML",
)


def test_there_are_enough_of_them() -> None:
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_is_read_quickly_and_holds_nothing_that_cannot_be_stored(name: str) -> None:
    raw = HOSTILE[name](repetitions(HOSTILE[name], SHORT_BYTES))
    start = time.process_time()
    mail = parse(raw)
    assert time.process_time() - start < 2
    assert (mail.size_bytes, len(mail.content_key), mail.message_id != "") == (len(raw), 64, True)
    for text in strings_of(mail):
        assert "\x00" not in text
        assert text.encode().decode() == text


@pytest.mark.parametrize("name", CAPPED)
def test_what_is_cut_is_flagged(name: str) -> None:
    assert parse(HOSTILE[name](repetitions(HOSTILE[name], 3_000_000))).is_partial


EXACT: dict[str, tuple[str, int]] = {
    "nesting of 10,000": ("nested multiparts", 10_000),
    "10,000 mails in mails": ("nested mails", 10_000),
    "100,000 parts": ("many parts", 100_000),
    "200,000 headers": ("many fields", 200_000),
    "280 KB of To": ("many addresses", 18_700),
    "base64 of 200 MB": ("a large attachment", 49_350_000),
    "a header line of 50 MB": ("a long line", 50_000_000),
    "24 KB of quotes": ("quotes", 24_000),
    "20,000 parentheses": ("opening parentheses", 20_000),
}


@pytest.mark.long
@pytest.mark.parametrize("title", EXACT)
def test_a_known_attack_stays_within_the_limits(title: str) -> None:
    name, count = EXACT[title]
    assert _read_in_a_child(HOSTILE[name], count) == "read"


@pytest.mark.long
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_of_50_mb_stays_within_the_limits(name: str) -> None:
    assert _read_in_a_child(HOSTILE[name], repetitions(HOSTILE[name], LONG_BYTES)) == "read"


def _read_in_a_child(make: Maker, count: int) -> str:
    """Make and read the mail in a process of its own: `read`, or what stopped it."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_read_limited, args=(make(count), sender))
    child.start()
    sender.close()
    child.join(120)
    answer = str(receiver.recv()) if receiver.poll() else f"ended with {child.exitcode}"
    receiver.close()
    return answer


def _read_limited(raw: bytes, sender: Connection) -> None:
    """CPU time and memory are limited before the mail is read; the mail itself counts."""
    used = int(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + SECONDS_MAX, used + SECONDS_MAX))
    parsed: Mail = parse(raw)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sender.send("read" if parsed.size_bytes == len(raw) and peak < BYTES_MAX else f"took {peak} bytes of memory")
