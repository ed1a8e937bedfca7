"""What makes two mails the same mail: Message-ID and content together, never transport headers (docs/reliability.md). Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime

from espomail.mail.charsets import clean
from espomail.times import to_text

IDS_MAX = 1000
VARIANT_TEXT_MAX = 2_000_000

_ID = re.compile(r"<([^<>]{1,1200})>")
_BREAK = re.compile(r"[\s<>(),\";]+")
_USUAL_ID = re.compile(r"<([!-;=?-~]{1,1200})>", re.ASCII)
_SPACES = b"\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f"
_TO_SPACE = bytes.maketrans(_SPACES, b" " * len(_SPACES))
_WIDE_SPACES = {
    b"\xc2": (b"\xc2\x85", b"\xc2\xa0"),
    b"\xe1": (b"\xe1\x9a\x80",),
    b"\xe2": (b"\xe2\x80", b"\xe2\x81\x9f"),
    b"\xe3": (b"\xe3\x80\x80",),
}


def normal_message_id(value: str) -> str | None:
    """Given a Message-ID field, return the id without angle brackets; None when it holds nothing that can name a mail."""
    found = message_ids(value)
    return found[0] if found else None


def message_ids(value: str) -> tuple[str, ...]:
    """The ids in Message-ID, In-Reply-To or References, in order, each once, at most 1,000.

    In angle brackets with an @; else bare with an @; else in angle brackets without. White space in brackets comes from folding.
    """
    if not value:
        return ()
    usual = _USUAL_ID.fullmatch(value)
    if usual is not None and usual[1].strip("@"):
        return (usual[1],)
    text = clean(value.replace("\r", "").replace("\n", " "))
    bracketed = ["".join(i.split()) if " " in i or "\t" in i else i for i in _ID.findall(text)]
    found = [i for i in bracketed if "@" in i] or [i for i in _BREAK.split(text) if "@" in i and len(i) <= 1200] or bracketed
    return tuple(dict.fromkeys(i for i in found if i.strip("@")))[:IDS_MAX]


def normal_text(text: str) -> str:
    """The text by which mails are compared: white space folded, ends cut."""
    return " ".join(text.split())


def normal_bytes(text: str) -> bytes:
    """`normal_text` in UTF-8; of a text whose only white space is ASCII, as most are, it takes a fraction of the time."""
    content = text.encode("utf-8", "replace")
    for lead, spaces in _WIDE_SPACES.items():
        if lead in content and any(space in content for space in spaces):
            return normal_text(text).encode("utf-8", "replace")
    return _folded(content)


def _folded(content: bytes) -> bytes:
    content = content.translate(_TO_SPACE).strip(b" ")
    while b"  " in content:
        content = content.replace(b"  ", b" ")
    return content


def content_key(
    message_id: str | None,
    sender: str,
    sent_at: datetime | None,
    text: str,
    attachment_hashes: Iterable[str],
    *,
    subject: str = "",
    body: bytes = b"",
) -> str:
    """Given what the writer of a mail made, return its key (hex sha256): equal keys are one mail.

    The subject counts only where there is no Message-ID: lists put their tag into it. There the decoded body counts as well when no
    text could be made of it: bytes that can't be shown still tell two mails apart. None of the values can hold the separator,
    which is white space to all of them.
    """
    named = (message_id or "", sender, to_text(sent_at) if sent_at else "")
    parts = [word.encode("utf-8", "replace") for word in named]
    parts += [normal_bytes(text), *(word.encode() for word in sorted(attachment_hashes))]
    if message_id is None:
        parts.append(normal_bytes(subject))
        unreadable = b"" if parts[3] else _folded(body)
        parts += [unreadable] if unreadable else []
    return hashlib.sha256(b"\x1f".join(parts)).hexdigest()


def derived_message_id(content_key: str) -> str:
    """The id of a mail without a usable one: the same for the same content, wherever it was fetched."""
    return f"{content_key[:40]}@derived.espomail.invalid"


def is_variant(one: str, other: str) -> bool:
    """Whether one text holds the other whole, as when a list or gateway put a footer or a banner around it.

    An empty text is part of everything and proves nothing.
    """
    short, long = sorted((normal_text(one[:VARIANT_TEXT_MAX]), normal_text(other[:VARIANT_TEXT_MAX])), key=len)
    return bool(short) and short in long
