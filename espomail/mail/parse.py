"""From the bytes of a mail to its values. Pure and total: any bytes give a Mail, and `is_partial` says that something was lost."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Literal

from espomail.mail import automatic, bounce, calendar, identity, text as texts, tnef
from espomail.mail.addresses import read_addresses
from espomail.mail.dates import read_date
from espomail.mail.headers import Header, split_header, text_of
from espomail.mail.structure import Part, Structure, after_mbox_line, split, with_line_feeds
from espomail.model import Address, Attachment, Head, Mail

TEXT_MAX = 2_000_000
SUBJECT_MAX = 2_000
HEADERS_MAX = 400
_AUTH_RESULT = re.compile(r"\b(dmarc|dkim|spf)\s*=\s*([a-z]+)", re.IGNORECASE)
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def parse_head(raw: bytes, *, trusted_authserv_id: str | None = None) -> Head:
    """Given the bytes of a mail, return what its header says; the body is not looked at."""
    content = with_line_feeds(raw)
    header, _ = split_header(content, after_mbox_line(content))
    return _head(header, trusted_authserv_id)


def parse(raw: bytes, *, head: Head | None = None, trusted_authserv_id: str | None = None) -> Mail:
    """Given the bytes of a mail (and its head, when it was read before), return the whole mail."""
    structure = split(raw)
    head = head or _head(structure.header, trusted_authserv_id)
    content = _content(structure)
    attachments = tuple(_attachment(leaf) for leaf in content.attachments)
    sender = head.sender.address if head.sender else ""
    key = identity.content_key(
        head.message_id, sender, head.sent_at, content.text, (a.sha256 for a in attachments), subject=head.subject
    )
    found_bounce = bounce.read_bounce(structure.root, text=content.text)
    values = {f.name: getattr(head, f.name) for f in fields(Head)}
    values["is_partial"] = head.is_partial or structure.is_partial or content.is_partial
    values["message_id"] = head.message_id or identity.derived_message_id(key)
    if found_bounce is not None and head.automatic is None:
        values["automatic"] = "a delivery failure report"
    return Mail(
        **values,
        content_key=key,
        text=content.text[:TEXT_MAX],
        html=content.html,
        attachments=attachments,
        bounce=found_bounce,
        flags=content.flags,
        size_bytes=len(raw),
    )


def attachment_content(raw: bytes, position: int) -> bytes:
    """The bytes of the attachment with that `position`; raise KeyError when the mail has none such."""
    for leaf in _content(split(raw)).attachments:
        if leaf.position == position:
            return leaf.content
    raise KeyError(position)


# ---------------------------------------------------------------- the header


def _head(header: Header, trusted_authserv_id: str | None) -> Head:
    def addresses(name: str) -> tuple[Address, ...]:
        return tuple(a for value in header.all(name) for a in read_addresses(value))

    decoded = tuple((name, text_of(value)) for name, value in header.fields[:HEADERS_MAX])
    senders = addresses("from") or addresses("sender")
    to, cc = addresses("to"), addresses("cc")
    sender = senders[0] if senders else None
    subject = one_line(text_of(header.first("subject")))[:SUBJECT_MAX]
    delivered = [a.address for a in (*to, *cc, *addresses("delivered-to"), *addresses("x-original-to")) if a.address]
    return Head(
        subject=subject,
        sender=sender,
        to=to,
        cc=cc,
        bcc=addresses("bcc"),
        reply_to=addresses("reply-to"),
        sent_at=read_date(header.first("date") or ""),
        message_id=identity.normal_message_id(header.first("message-id") or ""),
        in_reply_to=identity.message_ids(header.first("in-reply-to") or ""),
        references=identity.message_ids(header.first("references") or ""),
        delivered_to=tuple(dict.fromkeys(delivered)),
        headers=decoded,
        automatic=automatic.automatic_reason(decoded, sender.address if sender else ""),
        is_auto_reply=automatic.is_auto_reply(decoded, subject),
        sender_auth=_sender_auth(decoded, trusted_authserv_id),
        is_partial=header.is_capped or len(header.fields) > HEADERS_MAX,
    )


def one_line(value: str) -> str:
    """A decoded subject or name may hold line breaks and control characters (encoded words): a space for each."""
    return " ".join(_FORBIDDEN.sub(" ", value).split()) if not value.isprintable() or "  " in value else value


def _sender_auth(headers: Sequence[tuple[str, str]], trusted: str | None) -> Literal["pass", "fail", "none"]:
    """The verdict of our own server's Authentication-Results (RFC 8601): DMARC if it judged, else DKIM or SPF."""
    if trusted is None:
        return "none"
    for name, value in headers:
        if name == "authentication-results" and value.partition(";")[0].split()[:1] == [trusted]:
            verdicts = {method.lower(): verdict.lower() for method, verdict in reversed(_AUTH_RESULT.findall(value))}
            if verdicts.get("dmarc") in ("pass", "fail"):
                return "pass" if verdicts["dmarc"] == "pass" else "fail"
            seen = [v for v in (verdicts.get("dkim"), verdicts.get("spf")) if v]
            return "pass" if "pass" in seen else "fail" if "fail" in seen else "none"
    return "none"


# ---------------------------------------------------------------- the body


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A part that is an attachment; `position` numbers them as they stand in the mail."""

    position: int
    name: str
    content_type: str
    content: bytes
    is_inline: bool
    content_id: str | None


@dataclass(frozen=True, slots=True)
class _Content:
    text: str
    html: str | None
    attachments: tuple[_Leaf, ...]
    flags: tuple[str, ...]
    is_partial: bool


def _content(structure: Structure) -> _Content:
    """The text (plain, or made from HTML), the HTML, what is attached, and what is unusual (signed, encrypted …)."""
    plain: list[str] = []
    html: list[str] = []
    invites: list[str] = []
    leaves: list[Part] = []
    damaged = False
    for part, is_body in _walk(structure.root):
        if is_body and part.content_type in ("text/plain", "text/html"):
            text, lost = part.decoded()
            damaged = damaged or lost
            (html if part.content_type == "text/html" else plain).append(_unflowed(part, text))
        elif part.content_type == "text/calendar":
            invites.append(calendar.describe_invite(part.text()) or "")
            leaves.append(part)
        else:
            leaves.append(part)
    page = "\n".join(html) if html else None
    body = "\n".join(texts.clean(text) for text in plain)
    if not body.strip() and page is not None:
        body = texts.html_to_text(page)
    body = "\n\n".join(block for block in (body, *invites) if block.strip())
    return _Content(body, page, tuple(_leaves(leaves, page)), _flags(structure.root), damaged)


def _walk(root: Part) -> Iterator[tuple[Part, bool]]:
    """Every leaf in order, with whether it is text to be read; of alternatives each kind of text once."""
    stack: list[tuple[Part, bool]] = [(root, True)]
    while stack:
        part, may_be_body = stack.pop()
        if part.content_type.startswith("multipart/"):
            children = [(child, may_be_body) for child in part.parts]
            stack.extend(reversed(children))
            continue
        is_text = part.content_type in ("text/plain", "text/html")
        is_body = may_be_body and is_text and part.disposition != "attachment" and not part.name
        yield part, is_body


def _unflowed(part: Part, text: str) -> str:
    if part.content_type == "text/plain" and part.params.get("format", "").lower() == "flowed":
        return texts.unflow(text, delsp=part.params.get("delsp", "").lower() == "yes")
    return text


def _leaves(parts: Sequence[Part], page: str | None) -> Iterator[_Leaf]:
    """The attachments; a winmail.dat gives what is packed in it."""
    position = 0
    for part in parts:
        inner = tnef.unpack(part.content) if part.content_type in tnef.TYPES or part.name.lower() == "winmail.dat" else None
        found: Sequence[tuple[str, str, bytes]] = inner or [(attachment_name(part), part.content_type, part.content)]
        for name, kind, content in found:
            inline = part.disposition != "attachment" and _is_shown(part, page)
            yield _Leaf(position, name, kind, content, inline, part.content_id)
            position += 1


def _is_shown(part: Part, page: str | None) -> bool:
    """Whether the part is a picture in the HTML rather than something attached."""
    return part.content_id is not None and (part.disposition == "inline" or (page is not None and f"cid:{part.content_id}" in page))


def attachment_name(part: Part) -> str:
    """The file name as given, on one line; an embedded mail without one is named by its subject."""
    if part.name:
        return one_line(part.name)
    if part.content_type == "message/rfc822" and part.parts:
        subject = next((value for name, value in part.parts[0].headers if name == "subject"), "")
        return f"{one_line(subject)[:200]}.eml" if subject else ""
    return ""


def _attachment(leaf: _Leaf) -> Attachment:
    return Attachment(
        position=leaf.position,
        name=leaf.name,
        content_type=leaf.content_type,
        size_bytes=len(leaf.content),
        sha256=hashlib.sha256(leaf.content).hexdigest(),
        is_inline=leaf.is_inline,
        content_id=leaf.content_id,
    )


_KINDS: Sequence[tuple[str, Callable[[Part], bool]]] = (
    ("pgp", lambda p: "pgp" in p.content_type or "pgp" in p.params.get("protocol", "").lower()),
    ("smime", lambda p: "pkcs7" in p.content_type or "pkcs7" in p.params.get("protocol", "").lower()),
    ("invitation", lambda p: p.content_type == "text/calendar"),
)


def _flags(root: Part) -> tuple[str, ...]:
    """Which of `pgp`, `smime`, `invitation` the mail is."""
    parts = [root, *root.parts, *(part for child in root.parts for part in child.parts)]
    return tuple(name for name, holds in _KINDS if any(holds(part) for part in parts))
