"""What servers say, made fit for a person's eyes. Pure."""

from __future__ import annotations

import base64


def printable(raw: bytes, *, most: int = 200) -> str:
    """A server's bytes as at most `most` harmless characters."""
    text = raw[: most * 2].decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text)[:most].strip()


def without_secret(text: str, login: str, secret: str) -> str:
    """A server's text; should it echo the secret, in any form in which a log-in sends it, that is struck out."""
    escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
    encoded = [base64.b64encode(form.encode()).decode() for form in (secret, f"\0{login}\0{secret}")]
    for form in (*encoded, escaped, secret):
        if form:
            text = text.replace(form, "***")
    return text
