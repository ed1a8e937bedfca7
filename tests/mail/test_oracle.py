"""Our splitting by boundary search finds the same parts, types and bytes as the standard library's parser, line by line.

Over real mails, but for those where the standard parser stops early or is known to be wrong, and over made-up ones.
"""

from __future__ import annotations

import email
from email.message import Message

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from espomail.mail.headers import _split_by_line, _split_plain
from espomail.mail.structure import Part, split
from tests.mail import corpus

Leaf = tuple[str, bytes]


def ours(raw: bytes) -> list[Leaf]:
    """(type, decoded bytes) of every leaf in order; an embedded mail gives the leaves inside it."""
    return [(part.content_type, part.content) for part in _our_leaves(split(raw).root)]


def _our_leaves(part: Part) -> list[Part]:
    if part.parts or part.content_type.startswith("multipart/"):
        return [leaf for child in part.parts for leaf in _our_leaves(child)]
    return [part]


def standard(raw: bytes) -> list[Leaf]:
    return [leaf for part in _standard_leaves(email.message_from_bytes(raw)) if (leaf := _standard_leaf(part)) is not None]


def _standard_leaves(part: Message) -> list[Message]:
    """The standard parser reads what is in message/delivery-status and its kin as mails; for us they are one thing."""
    inside = part.get_payload()
    is_other_message = part.get_content_maintype() == "message" and part.get_content_type() != "message/rfc822"
    if not isinstance(inside, list) or is_other_message:
        return [part]
    return [leaf for child in inside if isinstance(child, Message) for leaf in _standard_leaves(child)]


def _standard_leaf(part: Message) -> Leaf | None:
    """A multipart without parts is nothing, or text when something is in it."""
    if part.get_content_maintype() == "message":
        return part.get_content_type(), b""
    content = part.get_payload(decode=True)
    payload = content if isinstance(content, bytes) else b""
    if part.get_content_maintype() == "multipart":
        return ("text/plain", payload) if payload.strip() else None
    return part.get_content_type(), payload


def same(leaves: list[Leaf]) -> list[Leaf]:
    """Line ends and blank ends differ by the parser's taste; what is inside a report is compared elsewhere."""
    return [
        (kind, b"" if kind.startswith("message/") else content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip())
        for kind, content in leaves
    ]


# Mails in which the standard parser is the one to err, and how.
STANDARD_ERRS = {
    "MimeKit__rfc2046.eml": "decodes `... first half of encoded audio data goes here ...` as if it were base64",
    "stalwart__rfc-000.eml": "likewise: `... base64-encoded 8000 Hz single-channel`",
    "flufl.bounce__groupwise_03.eml": "likewise: `[Removed part]`",
    "mime4j__mimetools-2002_06_12_doublebound.eml": "takes a repeated delimiter line for one; it is an empty part",
    "stalwart__malformed-000.eml": "likewise: `--:foo\\n--:foo`",
    "mime4j__mimetools-multi-2gifs-base64.eml": "does not decode an embedded mail in base64",
    "stalwart__rfc-008.eml": "likewise",
    "mime4j__mimetools-multi-simple.eml": 'does not unfold a boundary: `boundary="simple\\r\\n boundary"`',
    "mime4j__very-long-boundary.eml": "cuts the white space at a boundary's end, so that a similar line ends the part",
    "stalwart__malformed-013.eml": "makes an empty part of the end behind a last delimiter line without `--`",
    "stalwart__malformed-020.eml": "likewise",
    "stalwart__malformed-019.eml": "takes a field with a blank before its colon, `Fro :uMmlti`, for the start of the body",
}


@pytest.mark.skipif(not corpus.FOLDER, reason="ESPOMAIL_CORPUS names no folder of real mails")
def test_real_mails_have_the_parts_that_the_standard_parser_finds() -> None:
    differing = set()
    for entry in corpus.entries():
        raw = corpus.raw_of(entry)
        if same(ours(raw)) != same(standard(raw)):
            differing.add(entry["file"])
    assert differing == set(STANDARD_ERRS)


BOUNDARIES = st.sampled_from(["b", "bb", "=_x", "a b", "b--", "'q'"])
LINES = st.lists(
    st.sampled_from([b"", b"text", b"--", b"-- ", b"--b", b"--bb--", b"--x", b" --b", b"caf\xc3\xa9", b"=3D=\t", b"aGVsbG8="]),
    max_size=6,
)
ENDS = st.sampled_from([b"\n", b"\r\n"])
TYPES = st.sampled_from(["text/plain", "TEXT/HTML; charset=utf-8", "image/png; name=x.png", "application/octet-stream"])
ENCODINGS = st.sampled_from([None, "7bit", "base64", "Quoted-Printable", "8bit"])


@st.composite
def entities(draw: st.DrawFn, depth: int = 0, end: bytes | None = None) -> bytes:
    """A mail or part, well formed but for bodies that look like boundaries of others."""
    end = draw(ENDS) if end is None else end
    kind = draw(st.sampled_from(["leaf", "leaf", "multipart", "mail"])) if depth < 3 else "leaf"
    if kind == "multipart":
        boundary = f"{draw(st.sampled_from(['outer', 'in ner', '=_y', 'outer2']))}{depth}"
        children = [draw(entities(depth=depth + 1, end=end)) for _ in range(draw(st.integers(1, 3)))]
        head = f'Content-Type: multipart/mixed; boundary="{boundary}"'.encode() + end + end
        delimiter = b"--" + boundary.encode()
        closing = draw(st.sampled_from([delimiter + b"--" + end, delimiter + b"--", b""]))
        return head + b"preamble" + end + b"".join(delimiter + end + child + end for child in children) + closing
    if kind == "mail":
        return b"Content-Type: message/rfc822" + end + end + b"Subject: inside" + end + draw(entities(depth=depth + 1, end=end))
    encoding = draw(ENCODINGS)
    head = b"Content-Type: " + draw(TYPES).encode() + end
    head += b"Content-Transfer-Encoding: " + encoding.encode() + end if encoding else b""
    return head + end + end.join([b"aGVsbG8gd29y", b"bGQ="] if encoding == "base64" else draw(LINES))


@settings(max_examples=300, deadline=None)
@given(entities())
def test_made_up_mails_have_the_parts_that_the_standard_parser_finds(raw: bytes) -> None:
    assert same(ours(raw)) == same(standard(raw))


HEADER_LINES = st.lists(
    st.sampled_from(
        [
            b"A: b",
            b"Subject : x",
            b" folded",
            b"\ttab",
            b"no field",
            b"",
            b"X-Y:",
            b"\xe9: x",
            b"F: \xc3\xa9",
            b"G:\r",
            b"From x",
            b" ",
        ]
    ),
    max_size=8,
)


@settings(max_examples=500, deadline=None)
@given(HEADER_LINES, ENDS)
def test_a_header_read_at_once_is_the_header_read_line_by_line(lines: list[bytes], end: bytes) -> None:
    raw = end.join(lines) + end + end + b"body"
    at_once = _split_plain(raw, 0, len(raw))
    by_line = _split_by_line(raw, 0, len(raw))
    unfolded = [(name, " ".join(value.split())) for name, value in by_line[0].fields]
    assert at_once is None or ([(name, " ".join(value.split())) for name, value in at_once[0].fields], at_once[1]) == (
        unfolded,
        by_line[1],
    )
