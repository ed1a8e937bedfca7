"""Letters that once read wrong, or could: each `.eml` in tests/letters reads as its `.json` says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from espomail.mail.parse import parse
from espomail.model import Address, Mail

LETTERS = sorted((Path(__file__).resolve().parent.parent / "letters").glob("*.eml"))


@pytest.mark.parametrize("letter", LETTERS, ids=[letter.stem for letter in LETTERS])
def test_a_letter_reads_as_expected(letter: Path) -> None:
    assert shown(parse(letter.read_bytes())) == json.loads(letter.with_suffix(".json").read_text(encoding="utf-8"))


def test_there_is_an_expectation_for_each_letter() -> None:
    assert LETTERS
    assert [letter.with_suffix(".json").exists() for letter in LETTERS] == [True] * len(LETTERS)


def shown(mail: Mail) -> dict[str, Any]:
    """What a letter's expectation compares."""
    return {
        "subject": mail.subject,
        "from": _box(mail.sender) if mail.sender else None,
        "to": [_box(box) for box in mail.to],
        "sent_at": mail.sent_at.isoformat() if mail.sent_at else None,
        "message_id": mail.message_id,
        "references": list(mail.references),
        "text": mail.text,
        "has_html": mail.html is not None,
        "attachments": [[a.name, a.content_type, a.size_bytes, a.is_inline] for a in mail.attachments],
        "bounced": [[r.address, r.status] for r in mail.bounce.recipients] if mail.bounce else None,
        "automatic": mail.automatic,
        "flags": list(mail.flags),
        "is_partial": mail.is_partial,
    }


def _box(box: Address) -> str:
    return f"{box.name} <{box.address}>"
