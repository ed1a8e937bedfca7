"""Each letter, `tests/letters/NAME.eml`, is read as `NAME.json` says: the fields of Mail by their names, and these:

`new_text`, `attachment_names`, `text_has` and `text_lacks` (strings), `has_derived_id`; of attachments only what is named.
Texts are compared without blank lines at their ends.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from espomail.mail.parse import parse, parse_head
from espomail.mail.quotes import new_text
from espomail.model import Head, Mail

LETTERS = sorted((Path(__file__).parent.parent / "letters").glob("*.eml"))
TRUSTED = "mx.team.example"


def plain(value: Any) -> Any:
    """A value as JSON shows it: tuples are lists, moments are ISO 8601."""
    match value:
        case datetime():
            return value.isoformat()
        case tuple() | list():
            return [plain(item) for item in value]
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case _:
            return value


def read(mail: Mail, field: str, wanted: Any) -> Any:
    """What the mail says of a field, as much of it as is wanted."""
    match field:
        case "new_text":
            return new_text(mail.text)
        case "text":
            return mail.text.strip("\n")
        case "text_has":
            return [piece for piece in wanted if piece in mail.text]
        case "text_lacks":
            return [piece for piece in wanted if piece not in mail.text]
        case "attachment_names":
            return [attachment.name for attachment in mail.attachments]
        case "attachments":
            found = [asdict(attachment) for attachment in mail.attachments]
            keys = [list(row) for row in wanted]
            return [{key: row[key] for key in names} for row, names in zip(found, keys, strict=False)] + found[len(keys) :]
        case "bounce":
            return mail.bounce and {
                "recipients": [[r.address, r.status, r.reason, r.is_hard] for r in mail.bounce.recipients],
                "original_message_id": mail.bounce.original_message_id,
                "empty_return_path": mail.bounce.empty_return_path,
            }
        case "has_derived_id":
            return mail.message_id.endswith("@derived.espomail.invalid")
        case _:
            return plain(getattr(mail, field))


@pytest.mark.parametrize("path", LETTERS, ids=lambda path: path.stem)
def test_a_letter_reads_as_written_beside_it(path: Path) -> None:
    expected: Mapping[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    mail = parse(path.read_bytes(), trusted_authserv_id=TRUSTED)
    wanted = {name: value.strip("\n") if name == "text" else value for name, value in expected.items()}
    assert {field: read(mail, field, expected[field]) for field in expected} == wanted


@pytest.mark.parametrize("path", LETTERS, ids=lambda path: path.stem)
def test_the_head_of_a_letter_is_that_of_the_whole(path: Path) -> None:
    raw = path.read_bytes()
    head, mail = parse_head(raw), parse(raw)
    same = [name for name in Head.__slots__ if name not in ("message_id", "is_partial", "automatic")]
    assert [getattr(head, name) for name in same] == [getattr(mail, name) for name in same]
    assert (parse(raw, head=head), head.message_id in (None, mail.message_id)) == (mail, True)


def test_there_are_letters_and_each_has_its_expectations() -> None:
    assert len(LETTERS) >= 40
    assert [path.stem for path in LETTERS if not json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))] == []
