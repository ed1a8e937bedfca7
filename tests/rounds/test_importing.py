"""Mails from standard input: one mail, or a whole mbox."""

from __future__ import annotations

import pytest

from tests.conftest import Runner

LETTER = b"From: b@client.example\r\nSubject: %s\r\nMessage-ID: <%s@client.example>\r\n\r\nhello\r\n"


def letter(name: bytes) -> bytes:
    return LETTER % (name, name)


def mbox(*letters: bytes) -> bytes:
    return b"".join(b"From b@client.example Sun Mar  1 09:00:00 2026\n" + each + b"\n" for each in letters)


@pytest.fixture
def desk(run: Runner) -> Runner:
    assert run("group-account", "add", "desk", "--address", "desk@team.example").exit_code == 0
    return run


@pytest.mark.parametrize(
    ("content", "paths"),
    [(letter(b"one"), ["-"]), (mbox(letter(b"one"), letter(b"two")), ["-#1", "-#2"])],
    ids=["a mail", "an mbox"],
)
def test_mail_on_standard_input_is_imported(desk: Runner, content: bytes, paths: list[str]) -> None:
    done = desk("import", "-", "--account", "desk", "--json", input=content)
    assert [(each["path"], each["outcome"]) for each in done.json["files"]] == [(path, "imported") for path in paths]
    assert done.json["imported"] == len(paths)
    again = desk("import", "-", "--account", "desk", "--json", input=content)
    assert again.json["duplicates"] == len(paths)


@pytest.mark.parametrize(("content", "words"), [(b"", "no mail"), (b"Subject: x\r\n\r\n", "is no mbox")])
def test_what_is_no_mail_on_standard_input_is_bad_input(desk: Runner, content: bytes, words: str) -> None:
    refused = desk("import", "-", "--account", "desk", "--format", "mbox", "--json", input=content)
    assert (refused.exit_code, words in refused.error["message"]) == (65, True), refused.stderr
