"""A mail's part tree made by the standard library, so that tests of its readers do not lean on our own splitter."""

from __future__ import annotations

import email
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from email.message import Message
from typing import TYPE_CHECKING, cast

from espomail.mail.text import clean, html_to_text

if TYPE_CHECKING:
    from espomail.mail.structure import Part


@dataclass(frozen=True)
class Tree:
    """What the readers use of a part."""

    content_type: str
    headers: tuple[tuple[str, str], ...]
    content: bytes
    parts: tuple[Tree, ...] = ()
    params: dict[str, str] = field(default_factory=dict)
    name: str = ""

    def text(self) -> str:
        return self.content.decode("utf-8", "replace")


def tree_of(raw: bytes) -> Part:
    return cast("Part", _tree(email.message_from_bytes(raw)))


def text_of(raw: bytes) -> str:
    """The first text of the mail itself, HTML made plain."""
    message = email.message_from_bytes(raw)
    for part in message.walk():
        if part.get_content_type() == "message/rfc822":
            break
        if part.get_content_maintype() == "text":
            text = _decoded(part)
            return html_to_text(text) if part.get_content_subtype() == "html" else clean(text)
    return clean(str(message.get_payload())) if message.get_content_maintype() == "multipart" else ""


def header_of(raw: bytes, name: str) -> str:
    return next((value for key, value in tree_of(raw).headers if key == name), "")


def _tree(message: Message) -> Tree:
    kind = message.get_content_type()
    headers = tuple((name.lower(), _shown(str(value))) for name, value in message.items())
    children = (
        [part for part in cast("list[Message]", message.get_payload()) if isinstance(part, Message)]
        if message.is_multipart()
        else []
    )
    if kind == "message/rfc822" and children:
        return Tree(kind, headers, children[0].as_bytes(), (_tree(children[0]),))
    if kind.startswith("multipart/") or not children:
        content = b"" if children else cast("bytes", message.get_payload(decode=True) or b"")
        return Tree(kind, headers, content, tuple(_tree(child) for child in children))
    return Tree(kind, headers, b"\n".join(child.as_bytes() for child in children))


def _shown(value: str) -> str:
    try:
        return str(make_header(decode_header(" ".join(value.split()))))
    except (ValueError, LookupError):
        return value


def _decoded(part: Message) -> str:
    content = cast("bytes", part.get_payload(decode=True) or b"")
    try:
        return content.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return content.decode("latin-1")
