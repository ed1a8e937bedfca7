"""What stands in a mail that a person writes: their words, their signature, the mail they answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape

from espomail.mail.compose import quote_reply
from espomail.mail.text import html_to_text

QUOTED_CHARS_MAX = 200_000
_SIGNATURE_MARK = "-- \n"


@dataclass(frozen=True, slots=True)
class Quoted:
    """The mail that is answered: who wrote it, when, and its text."""

    author: str
    sent_at: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class Body:
    """The plain text, and the HTML beside it or None."""

    text: str
    html: str | None


def written(words: str, *, is_html: bool, signature: str = "", quoted: Quoted | None = None) -> Body:
    """Given a person's words, as text or HTML, return the body: the words, then the signature, then the quoted mail.

    Words in HTML have plain text beside them; what is quoted there is text too, never somebody else's HTML.
    """
    signed, quote = signature.strip(), _quote(quoted)
    plain = _joined(html_to_text(words) if is_html else words, _marked(signed), quote)
    if not is_html:
        return Body(plain, None)
    blocks = [words.strip(), _as_html(_marked(signed), "p") if signed else "", _as_html(quote, "blockquote") if quote else ""]
    return Body(plain, "\n".join(block for block in blocks if block))


def _quote(quoted: Quoted | None) -> str:
    if quoted is None or not quoted.text.strip():
        return ""
    return quote_reply(quoted.text[:QUOTED_CHARS_MAX], author=quoted.author, sent_at=quoted.sent_at)


def _marked(signature: str) -> str:
    """The signature under its line of two hyphens, which programs know it by (RFC 3676 section 4.3)."""
    return signature if not signature or signature.startswith("--") else _SIGNATURE_MARK + signature


def _joined(*blocks: str) -> str:
    kept = [block.strip("\n") for block in blocks if block.strip()]
    return "\n\n".join(kept)


def _as_html(text: str, element: str) -> str:
    lines = "<br>\n".join(escape(line) for line in text.strip("\n").split("\n"))
    return f"<{element}>{lines}</{element}>"
