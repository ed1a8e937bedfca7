"""Log-in methods: the bytes that the standards print, and which method is taken."""

from __future__ import annotations

import pytest

from espomail.wire import auth
from espomail.wire.auth import METHODS, Credentials

WHO = Credentials("tim", "tanstaaftanstaaf", "imap.example", 993)
BOX = Credentials("a,b=c@team.example", "vF9dft4q", "imap.example", 993, is_token=True)

EXPECTED = [
    ("PLAIN", WHO, [(b"", b"\0tim\0tanstaaftanstaaf")]),
    ("LOGIN", WHO, [(b"Username:", b"tim"), (b"Password:", b"tanstaaftanstaaf")]),
    ("CRAM-MD5", WHO, [(b"<1896.697170952@postoffice.reston.mci.net>", b"tim b913a602c7eda7a495b4e6e7334d3890")]),
    ("XOAUTH2", BOX, [(b"", b"user=a,b=c@team.example\x01auth=Bearer vF9dft4q\x01\x01"), (b"{}", b"")]),
    (
        "OAUTHBEARER",
        BOX,
        [
            (b"", b"n,a=a=2Cb=3Dc@team.example,\x01host=imap.example\x01port=993\x01auth=Bearer vF9dft4q\x01\x01"),
            (b"{}", b"\x01"),
        ],
    ),
]


@pytest.mark.parametrize(("name", "who", "turns"), EXPECTED, ids=[name for name, _, _ in EXPECTED])
def test_each_method_says_what_its_standard_says(name: str, who: Credentials, turns: list[tuple[bytes, bytes]]) -> None:
    respond = METHODS[name].respond
    assert [respond(who, turn, challenge) for turn, (challenge, _) in enumerate(turns)] == [answer for _, answer in turns]


CHOICES = [
    (["PLAIN", "CRAM-MD5", "LOGIN"], False, True, "PLAIN"),
    (["login", "cram-md5"], False, True, "LOGIN"),
    (["PLAIN", "CRAM-MD5"], False, False, "CRAM-MD5"),
    (["PLAIN"], False, False, "PLAIN"),
    (["GSSAPI", "NTLM"], False, True, None),
    (["PLAIN", "XOAUTH2", "OAUTHBEARER"], True, True, "XOAUTH2"),
    (["PLAIN", "OAUTHBEARER"], True, True, "OAUTHBEARER"),
    (["PLAIN", "LOGIN"], True, True, None),
    (["XOAUTH2"], False, True, None),
]


@pytest.mark.parametrize(("offered", "is_token", "is_protected", "expected"), CHOICES)
def test_the_method_fits_the_secret_and_the_line(
    offered: list[str], is_token: bool, is_protected: bool, expected: str | None
) -> None:
    method = auth.choose(offered, is_token=is_token, is_protected=is_protected)
    assert (method.name if method else None) == expected


def test_credentials_do_not_show_their_secret() -> None:
    assert "tanstaaf" not in repr(WHO)
