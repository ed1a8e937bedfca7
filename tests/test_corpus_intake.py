"""Every real mail of the corpus comes in through a real IMAP server: an email each, or a duplicate of one."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests import servers
from tests.shop import Shop

CORPUS = os.environ.get("ESPOMAIL_CORPUS")

pytestmark = pytest.mark.skipif(CORPUS is None, reason="ESPOMAIL_CORPUS names no folder with the corpus of real mails")


def test_every_mail_of_the_corpus_has_an_email_and_none_is_slow(tmp_path: Path) -> None:
    files = sorted(Path(CORPUS or "").glob("*.eml"))
    assert files
    with servers.dovecot(users={"support": "secret"}) as server:
        shop = Shop(tmp_path, server)
        shop.run("team add support")
        shop.add_account("support", "--team support --create-case --auto-submitted case")
        for file in files:
            server.put("support", "INBOX", file.read_bytes())
        started = time.monotonic()
        report = shop.ask("fetch")
        seconds = time.monotonic() - started
    folder = report["accounts"][0]["folders"][0]
    assert (folder["listed"], folder["quarantined"], folder["pending"], folder["vanished"]) == (len(files), 0, 0, 0)
    assert folder["imported"] + folder["duplicates"] == len(files)
    assert len(shop.emails()) == folder["imported"]
    assert seconds < 60
    print(f"{len(files)} files in {seconds:.1f} s: {folder['imported']} emails, {folder['duplicates']} duplicates")


def test_the_corpus_imported_from_files_is_what_imap_brings(tmp_path: Path) -> None:
    shop = Shop(tmp_path, None)
    shop.run("group-account add archive --address archive@team.example")
    report = shop.ask(f"import {CORPUS} --account archive --no-notify")
    files = sorted(Path(CORPUS or "").glob("*.eml"))
    assert [Path(f["path"]).name for f in report["files"]] == [file.name for file in files]
    assert report["failed"] == 0
    assert report["imported"] + report["duplicates"] == len(files)
    again = shop.ask(f"import {CORPUS} --account archive --no-notify")
    assert (again["imported"], again["duplicates"]) == (0, len(files))
