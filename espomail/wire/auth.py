"""Log-in methods (SASL), shared by IMAP and SMTP: METHODS is the registry, `choose` picks from what a server offers."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who logs in where; `secret` is a password, or an access token when `is_token`."""

    login: str
    secret: str = field(repr=False)
    host: str
    port: int
    is_token: bool = False


@dataclass(frozen=True, slots=True)
class Method:
    """A SASL mechanism: `respond(credentials, turn, challenge)` answers the server's challenges, turn counted from 0."""

    name: str
    takes_token: bool
    hides_secret: bool
    respond: Callable[[Credentials, int, bytes], bytes]


def _plain(who: Credentials, turn: int, challenge: bytes) -> bytes:
    """RFC 4616."""
    return b"\0".join((b"", who.login.encode(), who.secret.encode()))


def _login(who: Credentials, turn: int, challenge: bytes) -> bytes:
    """The unofficial LOGIN: name first, then password; servers differ in how they ask, so the order decides."""
    return (who.login if turn == 0 else who.secret).encode()


def _cram_md5(who: Credentials, turn: int, challenge: bytes) -> bytes:
    """RFC 2195."""
    digest = hmac.new(who.secret.encode(), challenge, hashlib.md5).hexdigest()
    return f"{who.login} {digest}".encode()


def _xoauth2(who: Credentials, turn: int, challenge: bytes) -> bytes:
    """Google's and Microsoft's XOAUTH2; the second challenge is the server's complaint, answered by nothing."""
    return f"user={who.login}\x01auth=Bearer {who.secret}\x01\x01".encode() if turn == 0 else b""


def _oauthbearer(who: Credentials, turn: int, challenge: bytes) -> bytes:
    """RFC 7628; the second challenge is the server's complaint, answered by a single ^A."""
    if turn:
        return b"\x01"
    name = who.login.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={name},\x01host={who.host}\x01port={who.port}\x01auth=Bearer {who.secret}\x01\x01".encode()


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("PLAIN", takes_token=False, hides_secret=False, respond=_plain),
        Method("LOGIN", takes_token=False, hides_secret=False, respond=_login),
        Method("CRAM-MD5", takes_token=False, hides_secret=True, respond=_cram_md5),
        Method("XOAUTH2", takes_token=True, hides_secret=False, respond=_xoauth2),
        Method("OAUTHBEARER", takes_token=True, hides_secret=False, respond=_oauthbearer),
    )
}


def choose(offered: Collection[str], *, is_token: bool, is_protected: bool) -> Method | None:
    """The first method of METHODS that the server offers and the secret fits; None when there is none.

    On a connection that others can listen to, a method that hides the secret comes first.
    """
    names = {name.upper() for name in offered}
    fitting = [method for method in METHODS.values() if method.takes_token == is_token and method.name in names]
    if not is_protected:
        fitting.sort(key=lambda method: not method.hides_secret)
    return fitting[0] if fitting else None
