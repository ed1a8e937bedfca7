"""Expectations of the corpus that are wrong, or mean something else than we do: (file, field) with the reason and the bytes.

At most 5 % of a field may stand here.
"""

from __future__ import annotations

import math

SHARE_MAX = 0.05

_LATIN_1 = (
    "expects U+00C3 U+0086 of the bytes `DISCOVER\\xc3\\x86 CARD`, the second a control character, because the part says "
    "iso-8859-1; every byte above 127 of the mail is part of a whole sequence of UTF-8"
)
_COMMENT_NAME = (
    "expects the comment of an address in the name: `Pete(A wonderful \\) chap) <pete(his account)@silly.test(his host)>`, "
    "`Chris Jones <c@(Chris's host.)public.example>`; RFC 5322 appendix A.5 gives Pete and Chris Jones"
)
_CUT_OFF = (
    "expects the last text of a mail whose last boundary is missing to be an attachment without a name: "
    "`--a\\nContent-Type: text/plain\\n\\nbody\\n`; then nobody would read the end of a mail that was cut off"
)

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("imap_tools__error_emails-content_transfer_encoding_7-bit.eml", "text"): _LATIN_1,
    ("imap_tools__error_emails-content_transfer_encoding_7-bit.eml", "html"): _LATIN_1,
    ("imap_tools__rfc2822-example10.eml", "from"): _COMMENT_NAME,
    ("imap_tools__rfc2822-example10.eml", "to"): _COMMENT_NAME,
    ("stalwart__legacy-023.eml", "attachments"): (
        'expects U+FFFD in a file name, `filename="HasenundFr\\xf6sche.txt"`: byte \\xf6 is an ö in the mail\'s own charset, '
        "iso-8859-1, and the text says Frösche too"
    ),
    ("stalwart__malformed-003.eml", "attachments"): _CUT_OFF,
    ("stalwart__malformed-009.eml", "attachments"): _CUT_OFF,
    ("stalwart__malformed-009.eml", "text"): (
        "expects the first of three texts alone: `1\\n--2 … 22\\n--1 … 333`; each of them is shown to a reader"
    ),
}


def exceptions_max(expected: int) -> int:
    """How many of so many expectations of a field may stand in the list."""
    return math.floor(expected * SHARE_MAX)
