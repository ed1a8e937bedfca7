"""Real mails and what other projects expect of them: one comparison per field, from an entry of index.json to right or wrong.

The folder is the one that ESPOMAIL_CORPUS names. White space and letter case of addresses are passed over; nothing else is.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

from espomail.mail.addresses import normalise
from espomail.mail.parse import parse
from espomail.mail.quotes import split_reply
from espomail.mail.structure import Part, split
from espomail.mail.text import html_to_text
from espomail.model import Address, Mail

FOLDER = os.environ.get("ESPOMAIL_CORPUS", "")

Entry = dict[str, Any]


class Reading(NamedTuple):
    """One field of one mail: what was expected and what we read, both in the form they are compared in."""

    file: str
    field: str
    expected: object
    got: object

    @property
    def is_right(self) -> bool:
        return self.expected == self.got


def entries() -> list[Entry]:
    """Every mail of the corpus with its expectations."""
    found: list[Entry] = json.loads((Path(FOLDER) / "index.json").read_text(encoding="utf-8"))
    return found


def raw_of(entry: Entry) -> bytes:
    return (Path(FOLDER) / str(entry["file"])).read_bytes()


def readings() -> list[Reading]:
    """Every undisputed expectation of the corpus beside what we read."""
    return [reading for entry in entries() for reading in readings_of(entry)]


def readings_of(entry: Entry) -> list[Reading]:
    raw = raw_of(entry)
    mail = parse(raw)
    expected = entry.get("expect", {})
    disputed = entry.get("expect_disputed", {})
    return [
        Reading(entry["file"], field, *FIELDS[field](expected, mail, raw))
        for field in expected
        if field in FIELDS and field not in disputed
    ]


Comparison = Callable[[Mapping[str, Any], Mail, bytes], tuple[object, object]]


def _words(text: str) -> str:
    return " ".join(text.split())


def _solid(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _tagless(html: str) -> str:
    bare = re.sub(r"(?is)<(style|title|script)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", "", html)
    return _solid(unescape(bare))


def _expected_mailboxes(rows: Sequence[Mapping[str, str]]) -> list[tuple[str, str]]:
    return [(_words(row.get("name") or ""), normalise(row["address"]) or row["address"].lower()) for row in rows]


def _mailboxes(found: Sequence[Address]) -> list[tuple[str, str]]:
    return [(_words(box.name), box.address) for box in found]


def _from(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    """A mail has one sender here: the first where From names several."""
    return _expected_mailboxes(expected["from"])[:1], _mailboxes([mail.sender] if mail.sender else [])


def _list_of(field: str) -> Comparison:
    def compare(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
        return _expected_mailboxes(expected[field]), _mailboxes(getattr(mail, field))

    return compare


def _to_first(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    return _expected_mailboxes([expected["to_first"]]), _mailboxes(mail.to[:1])


def _subject(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    return _words(expected["subject"]), _words(mail.subject)


def _date(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    """A date without a zone counts as UTC."""
    if not expected["date"]:
        return None, mail.sent_at
    wanted = datetime.fromisoformat(expected["date"])
    return wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC), mail.sent_at


def _message_id(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    """A mail that is expected to have none has one made from its content."""
    made = mail.message_id.endswith("@derived.espomail.invalid")
    return expected["message_id"] or None, None if made else mail.message_id


def _text(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    """Where a mail has HTML only, others have no text and we make it from the HTML."""
    wanted = expected["text"]
    if not wanted.strip() and mail.html is not None:
        wanted = html_to_text(mail.html)
    return _words(wanted), _words(mail.text)


def _text_nows(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    return expected["text_nows"], _solid(mail.text)


def _html(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    return _words(expected["html"]), _words(mail.html or "")


def _html_text_nows(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    return expected["html_text_nows"], _tagless(mail.html or "")


def _attachments(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    """Name and type, and size and hash where they are expected."""
    wanted = expected["attachments"]
    keys = [[key for key in ("name", "type", "size", "sha256") if row.get(key) is not None] for row in wanted]
    got = [{"name": a.name, "type": a.content_type, "size": a.size_bytes, "sha256": a.sha256} for a in mail.attachments]
    shown = [{key: a[key] for key in names} for names, a in zip(keys, got, strict=False)] + got[len(keys) :]
    return [{key: row[key] for key in names} for names, row in zip(keys, wanted, strict=True)], shown


def _attachment_count(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    return expected["attachment_count"], len(mail.attachments)


def _is_bounce(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    return expected["is_bounce"], mail.bounce is not None


def _is_dsn(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    """A delay warning or a success report is no bounce."""
    return False, mail.bounce is not None


def _bounced_addresses(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    """Addresses that a delay warning names have not bounced."""
    wanted = set() if expected.get("is_dsn") else {address.lower() for address in expected["bounced_addresses"]}
    return wanted, {recipient.address.lower() for recipient in mail.bounce.recipients} if mail.bounce else set()


def _new_text(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    return _words(expected["reply_text"]), _words(split_reply(mail.text).new)


def _elided(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    return _words(expected["elided"]), _words(split_reply(mail.text).elided)


def _mime_tree(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    return _sorted_tree(expected["mime_tree"]), _sorted_tree(_type_tree(split(raw).root))


def _type_tree(part: Part) -> object:
    if not part.parts or part.content_type == "message/rfc822":
        return part.content_type
    return {part.content_type: [_type_tree(child) for child in part.parts]}


def _sorted_tree(tree: object) -> object:
    """Given types as a list, a name with a list, or a name with numbered types, return (type, children) throughout."""
    match tree:
        case str():
            return tree
        case [str() as only]:
            return only
        case list():
            return [_sorted_tree(branch) for branch in tree]
        case dict() if len(tree) == 1:
            return {name: sorted(map(str, map(_sorted_tree, branch))) for name, branch in _branches(tree)}
        case _:
            raise AssertionError(f"not a tree: {tree!r}")


def _branches(tree: Mapping[str, Any]) -> list[tuple[str, list[object]]]:
    """`{'multipart/related': {'0': 'image/png', 'multipart/alternative': [...]}}` has its children as values or as names."""
    found = []
    for name, inside in tree.items():
        children = inside
        if isinstance(inside, dict):
            children = [value if key.isdigit() else {key: value} for key, value in inside.items()]
        found.append((name, children))
    return found


def _mime4j_tree(expected: Mapping[str, Any], mail: Mail, raw: bytes) -> tuple[object, object]:
    return expected["mime4j_tree"], {"message": [_kind_tree(split(raw).root)]}


def _kind_tree(part: Part) -> object:
    if part.content_type == "message/rfc822" and part.parts:
        return {"message": [_kind_tree(part.parts[0])]}
    if part.parts:
        return {"multipart": [_kind_tree(child) for child in part.parts]}
    return "text" if part.content_type.startswith("text/") else "binary"


FIELDS: Mapping[str, Comparison] = {
    "subject": _subject,
    "from": _from,
    "to": _list_of("to"),
    "to_first": _to_first,
    "cc": _list_of("cc"),
    "reply_to": _list_of("reply_to"),
    "date": _date,
    "message_id": _message_id,
    "text": _text,
    "text_nows": _text_nows,
    "html": _html,
    "html_text_nows": _html_text_nows,
    "attachments": _attachments,
    "attachment_count": _attachment_count,
    "is_bounce": _is_bounce,
    "is_dsn": _is_dsn,
    "bounced_addresses": _bounced_addresses,
    "reply_text": _new_text,
    "elided": _elided,
    "mime_tree": _mime_tree,
    "mime4j_tree": _mime4j_tree,
}
