"""From the bytes of a mail to its values. Pure and total: any bytes give a Mail; `is_partial` says that something was lost."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Literal

from espomail.mail import automatic, bounce, identity
from espomail.mail.addresses import ADDRESSES_MAX, read_addresses
from espomail.mail.content import Content, Leaf, content_of, one_line
from espomail.mail.dates import read_date
from espomail.mail.headers import Header, split_header, text_of
from espomail.mail.structure import after_mbox_line, split, with_line_feeds
from espomail.model import Address, Attachment, Head, Mail

SUBJECT_CHARS_MAX = 2_000

_AUTH_RESULT = re.compile(r"\b(dmarc|dkim|spf)\s{0,9}=\s{0,9}([a-z]+)", re.IGNORECASE)
_HEAD_FIELDS = tuple(field.name for field in fields(Head))

Verdict = Literal["pass", "fail", "none"]


def parse_head(raw: bytes, *, trusted_authserv_id: str | None = None) -> Head:
    """Given the bytes of a mail, return what its header says; the body is not looked at."""
    content = with_line_feeds(raw)
    header, _ = split_header(content, after_mbox_line(content))
    return _head(header, header.decoded(), trusted_authserv_id)


def parse(raw: bytes, *, head: Head | None = None, trusted_authserv_id: str | None = None) -> Mail:
    """Given the bytes of a mail (and its head, when it was read before), return the whole mail."""
    structure = split(raw)
    head = head or _head(structure.header, structure.root.headers, trusted_authserv_id)
    content = content_of(structure.root)
    attachments = tuple(_attachment(leaf) for leaf in content.leaves)
    key = _content_key(head, content, attachments, body=structure.root.content)
    found_bounce = bounce.read_bounce(structure.root, text=content.text)
    values = {name: getattr(head, name) for name in _HEAD_FIELDS}
    values["is_partial"] = head.is_partial or structure.is_partial or content.is_partial
    values["message_id"] = head.message_id or identity.derived_message_id(key)
    if found_bounce is not None and head.automatic is None:
        values["automatic"] = "a delivery failure report"
    return Mail(
        **values,
        content_key=key,
        text=content.text,
        html=content.html,
        attachments=attachments,
        bounce=found_bounce,
        flags=content.flags,
        size_bytes=len(raw),
    )


def attachment_content(raw: bytes, position: int) -> bytes:
    """The bytes of the attachment with that `position`; raise KeyError when the mail has none such."""
    for leaf in content_of(split(raw).root).leaves:
        if leaf.position == position:
            return leaf.content
    raise KeyError(position)


def _content_key(head: Head, content: Content, attachments: Sequence[Attachment], *, body: bytes) -> str:
    sender = head.sender.address if head.sender else ""
    hashes = (attachment.sha256 for attachment in attachments)
    return identity.content_key(head.message_id, sender, head.sent_at, content.text, hashes, subject=head.subject, body=body)


def _attachment(leaf: Leaf) -> Attachment:
    return Attachment(
        position=leaf.position,
        name=leaf.name,
        content_type=leaf.content_type,
        size_bytes=len(leaf.content),
        sha256=hashlib.sha256(leaf.content).hexdigest(),
        is_inline=leaf.is_inline,
        content_id=leaf.content_id,
    )


def _head(header: Header, decoded: tuple[tuple[str, str], ...], trusted_authserv_id: str | None) -> Head:
    """The head of a raw header and the same fields decoded; of a field that may stand once, the first counts."""
    raw: dict[str, list[str]] = {}
    for name, value in header.fields:
        raw.setdefault(name, []).append(value)
    boxes = {name: _mailboxes(raw.get(name, ())) for name in _ADDRESS_FIELDS}
    senders = boxes["from"] or boxes["sender"]
    sender = senders[0] if senders else None
    subject = one_line(text_of(_first(raw, "subject")))[:SUBJECT_CHARS_MAX]
    return Head(
        subject=subject,
        sender=sender,
        to=boxes["to"],
        cc=boxes["cc"],
        bcc=boxes["bcc"],
        reply_to=boxes["reply-to"],
        sent_at=read_date(_first(raw, "date")),
        message_id=identity.normal_message_id(_first(raw, "message-id")),
        in_reply_to=identity.message_ids(_first(raw, "in-reply-to")),
        references=identity.message_ids(_first(raw, "references")),
        delivered_to=tuple(dict.fromkeys(box.address for name in _DELIVERED_FIELDS for box in boxes[name] if box.address)),
        headers=decoded,
        automatic=automatic.automatic_reason(decoded, sender.address if sender else ""),
        is_auto_reply=automatic.is_auto_reply(decoded, subject),
        sender_auth=_sender_auth(decoded, trusted_authserv_id),
        is_partial=header.is_capped or any(len(found) >= ADDRESSES_MAX for found in boxes.values()),
    )


_DELIVERED_FIELDS = ("to", "cc", "delivered-to", "x-original-to")
_ADDRESS_FIELDS = ("from", "sender", "bcc", "reply-to", *_DELIVERED_FIELDS)


def _first(raw: dict[str, list[str]], name: str) -> str:
    return raw[name][0] if name in raw else ""


def _mailboxes(values: Sequence[str]) -> tuple[Address, ...]:
    """The mailboxes of all fields of one name, at most 1,000."""
    if len(values) == 1:
        return read_addresses(values[0])
    return tuple(box for value in values for box in read_addresses(value))[:ADDRESSES_MAX]


def _sender_auth(headers: Sequence[tuple[str, str]], trusted: str | None) -> Verdict:
    """The verdict of our own server's Authentication-Results (RFC 8601): DMARC if it judged, else DKIM or SPF.

    Ours is the topmost one that carries its name: a sender can only have put others below it.
    """
    if trusted is None:
        return "none"
    for name, value in headers:
        if name == "authentication-results" and value.partition(";")[0].lower().split()[:1] == [trusted.lower()]:
            verdicts = {method.lower(): verdict.lower() for method, verdict in reversed(_AUTH_RESULT.findall(value))}
            if verdicts.get("dmarc") in ("pass", "fail"):
                return "pass" if verdicts["dmarc"] == "pass" else "fail"
            seen = [verdict for verdict in (verdicts.get("dkim"), verdicts.get("spf")) if verdict]
            return "pass" if "pass" in seen else "fail" if "fail" in seen else "none"
    return "none"
