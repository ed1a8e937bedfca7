"""The connection under IMAP and SMTP: what may go over it."""

from __future__ import annotations

import pytest

from espomail.errors import Unreachable
from espomail.model import Server
from espomail.wire.connection import require_protection

CASES = [
    ("tls", False, False, True),
    ("starttls", False, False, True),
    ("none", True, False, True),
    ("none", False, True, True),
    ("none", False, False, False),
]


@pytest.mark.parametrize(("security", "is_loopback", "allow_plaintext", "allowed"), CASES)
def test_plain_text_stays_on_this_machine_unless_it_is_allowed(
    security: str, is_loopback: bool, allow_plaintext: bool, allowed: bool
) -> None:
    server = Server(
        host="mail.example",
        port=143,
        security=security,
        login="ann",
        secret=None,
        allow_plaintext=allow_plaintext,  # type: ignore[arg-type]
    )
    if allowed:
        require_protection(server, is_loopback=is_loopback)
        return
    with pytest.raises(Unreachable, match=r"mail\.example:143 .* plain text"):
        require_protection(server, is_loopback=is_loopback)
