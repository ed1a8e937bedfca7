"""From a draft to the bytes that leave, and what a reply takes from the mail it answers. Pure.

The bytes are 7-bit, CRLF, with no line over 998 characters; Bcc is never in them. Whatever could smuggle a header
or a recipient in raises BadInput.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from espomail.errors import BadInput
from espomail.mail import encode
from espomail.mail.text import clean
from espomail.mail.tokens import without_plus_tag
from espomail.model import Address, Head

_REFERENCES_KEPT = 20
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,70}")
_OWN_FIELDS = frozenset(
    (
        "from",
        "to",
        "cc",
        "bcc",
        "reply-to",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "mime-version",
        "sender",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A mail to be sent. `message_id`, `in_reply_to` and `references` (oldest first) stand without angle brackets.

    `attachments` are (file name, content type, bytes); `headers` are further fields such as Auto-Submitted.
    """

    from_: Address
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    text: str = ""
    html: str | None = None
    attachments: tuple[tuple[str, str, bytes], ...] = ()
    message_id: str
    date: datetime
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


def compose(draft: Draft) -> bytes:
    """Given a draft, return the mail as bytes, always the same; raise BadInput on values that can't stand in a mail."""
    return _fields(draft) + b"MIME-Version: 1.0\r\n" + _body(draft)


def quote_reply(text: str, *, author: str, sent_at: datetime | None) -> str:
    """Given a mail's text, return it quoted under `On 2026-03-01 09:00 UTC, Ann wrote:`."""
    name = " ".join(clean(author).split())
    when = f"On {sent_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, " if sent_at else ""
    lines = (f">{'' if line.startswith('>') else ' '}{line}".rstrip() for line in clean(text).rstrip().split("\n"))
    return f"{when}{name} wrote:\n" + "\n".join(lines) + "\n"


def reply_recipients(mail: Head, *, own: Collection[str], reply_all: bool) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """Given the mail to answer, return To and Cc of the answer.

    Reply-To comes before From; an answer to our own mail goes to whom that went. Our own addresses (and plus-addresses
    made from them) never appear; nobody appears twice.
    """
    ours = {address.lower() for address in own}
    sender = (mail.sender,) if mail.sender else ()
    choices = (_others(mail.reply_to, ours), _others(sender, ours), _others(mail.to, ours))
    to = next((choice for choice in choices if choice), ())
    if not reply_all:
        return to, ()
    taken = ours | {entry.address.lower() for entry in to}
    return to, _others((*mail.to, *mail.cc), taken)


def _others(addresses: Iterable[Address], taken: Collection[str]) -> tuple[Address, ...]:
    seen: dict[str, Address] = {}
    for entry in addresses:
        key = entry.address.lower()
        if key and key not in taken and without_plus_tag(key) not in taken:
            seen.setdefault(key, entry)
    return tuple(seen.values())


def _fields(draft: Draft) -> bytes:
    lines = [encode.folded("From", encode.address_words("From", (draft.from_,)))]
    if not draft.to and not draft.cc:
        lines.append(encode.folded("To", ["undisclosed-recipients:;"]))
    for name, addresses in (("To", draft.to), ("Cc", draft.cc), ("Reply-To", draft.reply_to)):
        if addresses:
            lines.append(encode.folded(name, encode.address_words(name, addresses)))
    encode.address_words("Bcc", draft.bcc)
    lines.append(encode.field("Subject", draft.subject))
    lines.append(encode.folded("Date", [encode.date_text(draft.date)]))
    lines.append(encode.folded("Message-ID", [encode.message_id("Message-ID", draft.message_id)]))
    lines.extend(_thread_fields(draft))
    lines.extend(_further_field(name, value) for name, value in draft.headers)
    return b"".join(lines)


def _thread_fields(draft: Draft) -> list[bytes]:
    """In-Reply-To and References, the first id and the nearest ones; an id that can't be written is left out."""
    references = [value for value in draft.references if encode.is_message_id(encode.refuse_controls("References", value))]
    if len(references) > _REFERENCES_KEPT:
        references = [references[0], *references[-_REFERENCES_KEPT + 1 :]]
    lines: list[bytes] = []
    parent = encode.refuse_controls("In-Reply-To", draft.in_reply_to or "")
    if encode.is_message_id(parent):
        lines.append(encode.folded("In-Reply-To", [f"<{parent}>"]))
    if references:
        lines.append(encode.folded("References", [f"<{value}>" for value in references]))
    return lines


def _further_field(name: str, value: str) -> bytes:
    lowered = name.lower()
    if _HEADER_NAME.fullmatch(name) is None or lowered in _OWN_FIELDS or lowered.startswith("content-"):
        raise BadInput(f"not a header that can be added: {name[:100]!r}", "choose another name, such as X-Team")
    return encode.field(name, value)


def _body(draft: Draft) -> bytes:
    body = encode.text_part("plain", clean(draft.text))
    if draft.html is not None:
        body = _multipart("alternative", [body, encode.text_part("html", clean(draft.html))])
    if draft.attachments:
        files = [encode.attachment_part(*attachment) for attachment in draft.attachments]
        body = _multipart("mixed", [body, *files])
    return body


def _multipart(subtype: str, parts: list[bytes]) -> bytes:
    """The parts with a boundary made from their content, which no author of a part can foresee."""
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]
    boundary = f"=_{digest}"
    head = f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n'.encode("ascii")
    opened = b"".join(b"--%s\r\n%s" % (boundary.encode("ascii"), part) for part in parts)
    return head + opened + b"--%s--\r\n" % boundary.encode("ascii")
