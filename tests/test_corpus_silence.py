"""No machine's mail of the corpus is answered, taken in as if it came today; people's mails are."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.mail import corpus
from tests.shop import Shop, letter

pytestmark = pytest.mark.skipif(not corpus.FOLDER, reason="ESPOMAIL_CORPUS names no folder of real mails")

PERSONS = frozenset({"flufl.bounce__groupwise_03.eml"})  # lies among the bounces; a person wrote it with Outlook
MACHINES = frozenset({"bounce", "dsn", "arf", "autoreply-header", "auto-generated-header"})


def sent_today(raw: bytes) -> bytes:
    """The mail with a date of now, for an old one is answered by nobody."""
    head, gap, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    kept = re.sub(rb"(?im)^date:.*\n?(?:[ \t].*\n?)*", b"", head).rstrip(b"\n")
    return kept + b"\nDate: " + format_datetime(datetime.now(UTC)).encode() + gap + body


def is_machine(entry: dict[str, Any]) -> bool:
    expected = entry.get("expect", {})
    if entry["file"] in PERSONS:
        return False
    return bool(MACHINES & set(entry["tags"]) or expected.get("is_bounce") or expected.get("is_dsn"))


def test_no_bounce_or_auto_reply_gets_an_answer_and_a_person_does(tmp_path: Path) -> None:
    machines = [entry for entry in corpus.entries() if is_machine(entry)]
    assert machines
    with servers.dovecot(users={"support": "secret"}) as server:
        shop = Shop(tmp_path, server)
        shop.run("team add support")
        shop.run("template add thanks --subject 'Re: {{ email.subject }}' --body 'Thank you.'")
        shop.add_account(
            "support",
            "--team support --create-case --auto-submitted case --auto-reply --reply-template thanks "
            "--smtp-host 127.0.0.1 --smtp-port 1 --smtp-security none",
        )
        shop.put("support", *(sent_today(corpus.raw_of(entry)) for entry in machines))
        shop.put("support", letter("q1@client.example", sender="Cora <cora@client.example>"))
        shop.run("fetch")
    assert len(shop.emails()) > len(machines) // 2
    assert [row["to"] for row in shop.ask("outbox list --limit 1000")] == [["cora@client.example"]]
