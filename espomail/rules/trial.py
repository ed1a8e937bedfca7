"""A filter tried on mails as bytes, outside of the life of any mail. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from espomail.mail.parse import parse, parse_head
from espomail.model import Mail
from espomail.rules.filters import why_not


def obstacle(criteria: Mapping[str, Any], raw: bytes, *, trusted_authserv_id: str | None, size_bytes: int = 0) -> str:
    """Given a filter's criteria and a mail, return the first criterion that the mail does not meet, "" when it hits.

    `size_bytes` is the mail's own size where the bytes are only its beginning. The body is read only where the header leaves it open.
    """
    head = parse_head(raw, trusted_authserv_id=trusted_authserv_id)

    @cache
    def whole() -> Mail:
        mail = parse(raw, head=head, trusted_authserv_id=trusted_authserv_id)
        return replace(mail, size_bytes=max(mail.size_bytes, size_bytes))

    return why_not(criteria, head, whole)
