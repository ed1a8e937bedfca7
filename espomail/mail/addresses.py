"""Addresses: one strict reader for every header, and one normal form to compare by (RFC 5322 section 3.4). Pure; never fails.

Where two readings of a value differ (two addresses without a comma between them and the like), the mailbox has no address: it
links to nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from espomail.mail.charsets import clean
from espomail.mail.headers import decode_words, unfold
from espomail.model import Address

ADDRESSES_MAX = 1000
ADDRESS_CHARS_MAX = 320
VALUE_MAX = 400_000
USUAL_CHARS_MAX = 200

_ATOMS = re.compile(r"[^\s()<>\[\]:;@\\,\"\x00-\x1f\x7f]+")
_DOMAIN = re.compile(
    r"[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?)*|\[[0-9A-Fa-f:.]{2,45}\]|\[ipv6:[0-9a-f:.]{2,45}\]"
)
_SIMPLE = re.compile(
    r"""\s*(?:(?:"([\w !#$%&'*+/?^`{|}~.,:;@()-]*)"|([\w !#$%&'*+/=?^`{|}~.-]*?))\s*(<))?"""
    r"""([\w!#$%&'*+/=?^`{|}~.-]{1,64}@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?){0,20})(>)?\s*""",
    re.ASCII | re.IGNORECASE,
)
_UNQUOTABLE = re.compile(r"[\x00-\x1f\x7f<>]")
_TOKEN = re.compile(r'=\?[^?\s]{1,80}\?[bBqQ]\?[^?\s<>@"()]*+\?=|[^"(<>,;:@\\\[=]+|\\.|.', re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_QUOTED = re.compile(r'((?:[^"\\]|\\.)*+)"', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_COMMENT_MARK = re.compile(r"\\.|[()]", re.DOTALL)
_ANGLE = re.compile(r'((?:[^">]|"(?:[^"\\]|\\.){0,320}+"){0,1000}+)>', re.DOTALL)
_ROUTE = re.compile(r"^(?:@[^:<>]*+|mailto):", re.IGNORECASE)
_INNER_COMMENT = re.compile(r"\([^()]*+\)")
_SPACED_DOT = re.compile(r"\s*+\.\s*+")


def normalise(address: str) -> str:
    """Given one bare address, return it as we compare it, or "" when it is none.

    Lower case, a quoted local part without its quotes where they change nothing, the domain in Unicode.
    """
    text = clean(address).strip().strip("<>").strip()
    text = text[1:-1] if len(text) > 2 and text[0] == text[-1] == "'" else text
    local, at, domain = text.rpartition("@")
    if not at or len(text) > ADDRESS_CHARS_MAX:
        return ""
    local = _plain_local(local.strip())
    domain = domain.strip().rstrip(".").lower()
    if not local or not _DOMAIN.fullmatch(domain):
        return ""
    return f"{local.lower()}@{_unicode_domain(domain)}"


def _plain_local(local: str) -> str:
    if not (local.startswith('"') and local.endswith('"') and len(local) > 2):
        return local if _ATOMS.fullmatch(local) else ""
    inner = _QUOTED_PAIR.sub(r"\1", local[1:-1])
    if _ATOMS.fullmatch(inner):
        return inner
    return "" if _UNQUOTABLE.search(inner) else _quote(inner)


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unicode_domain(domain: str) -> str:
    """The Unicode form of an IDNA domain (RFC 3490); one that can't be read stays as it is."""
    if "xn--" not in domain:
        return domain
    try:
        shown = domain.encode("ascii").decode("idna").lower()
    except (UnicodeError, ValueError):
        return domain
    return shown if _DOMAIN.fullmatch(shown) else domain


class _Token(NamedTuple):
    """A piece of a mailbox: `text`, `quoted`, `comment` or `angle`, and what it says."""

    kind: str
    text: str


def read_addresses(value: str) -> tuple[Address, ...]:
    """Given the undecoded value of From, To, Cc …, return its mailboxes in order; groups are taken apart, at most 1,000.

    `a@good.example <b@evil.example>` means b: what stands before the angle brackets is a name, whatever it looks like.
    """
    return _usual_addresses(value) if len(value) <= USUAL_CHARS_MAX else _read_simple(value) or _read_any(value)


@lru_cache(maxsize=1024)
def _usual_addresses(value: str) -> tuple[Address, ...]:
    """The same of a short value, remembered: the same people write to the same mailboxes."""
    return _read_simple(value) or _read_any(value)


def _read_simple(value: str) -> tuple[Address, ...]:
    """The usual forms at once: `a@example.org`, `Name <a@example.org>`, and such without quotes in a row; () for all else."""
    pieces = [value] if '"' in value else value.split(",")
    found: list[Address] = []
    for piece in pieces if len(pieces) <= ADDRESSES_MAX else ():
        box = _SIMPLE.fullmatch(piece) if len(piece) < ADDRESS_CHARS_MAX else None
        if box is None or (box[3] is None) != (box[5] is None) or "xn--" in piece.lower():
            return ()
        name = box[1] or box[2] or ""
        found.append(Address(_decoded(name) if "=?" in name else " ".join(name.split()), box[4].lower()))
    return tuple(found)


def _read_any(value: str) -> tuple[Address, ...]:
    found: list[Address] = []
    for tokens in _split(unfold(value)[:VALUE_MAX]):
        mailbox = _mailbox(tokens)
        if mailbox is not None and found and _is_half_a_name(found[-1], mailbox, tokens):
            found[-1] = Address(", ".join(name for name in (found[-1].name, mailbox.name) if name), mailbox.address)
        elif mailbox is not None:
            found.append(mailbox)
            if len(found) >= ADDRESSES_MAX:
                break
    return tuple(found)


def _is_half_a_name(before: Address, mailbox: Address, tokens: Sequence[_Token]) -> bool:
    """Whether what stood before is a name without quotes: `Example, Ann <ann@example.org>`, `Example; <ann@example.org>`."""
    is_word = before.address == "" and before.name != "" and "@" not in before.name
    return is_word and mailbox.address != "" and any(token.kind == "angle" for token in tokens)


def _split(value: str) -> Iterator[list[_Token]]:
    """The tokens of each mailbox; the name of a group and its end are left out."""
    tokens: list[_Token] = []
    position = 0
    while position < len(value):
        match = _TOKEN.match(value, position)
        if match is None:
            break
        mark, position = match[0], match.end()
        if mark in ",;":
            yield tokens
            tokens = []
        elif mark == ":":
            if _holds_address(tokens):
                tokens.append(_Token("text", mark))
            else:
                tokens = []
        elif mark in _OPENED:
            token, position = _opened(value, mark, position)
            tokens.append(token)
        else:
            tokens.append(_Token("text", mark[1] if mark[0] == "\\" and len(mark) == 2 else mark))
    yield tokens


_OPENED = ('"', "(", "<", "[")


def _holds_address(tokens: Sequence[_Token]) -> bool:
    return any(token.kind == "angle" or "@" in token.text for token in tokens)


def _opened(value: str, mark: str, position: int) -> tuple[_Token, int]:
    """What stands inside quotes, parentheses or brackets that open here, and where it ends; what never closes is plain text."""
    match mark:
        case '"':
            quoted = _QUOTED.match(value, position)
            if quoted is None:
                return _Token("text", ""), position
            return _Token("quoted", _QUOTED_PAIR.sub(r"\1", quoted[1]) if "\\" in quoted[1] else quoted[1]), quoted.end()
        case "(":
            return _comment(value, position)
        case "<":
            angle = _ANGLE.match(value, position)
            if angle is not None:
                return _Token("angle", angle[1]), angle.end()
            stop = value.find(">", position)
            stop = len(value) if stop < 0 else stop
            return _Token("angle", value[position : min(stop, position + ADDRESS_CHARS_MAX + 1)]), stop + 1
        case _:
            stop = value.find("]", position, position + 100)
            return (_Token("text", mark), position) if stop < 0 else (_Token("text", value[position - 1 : stop + 1]), stop + 1)


def _comment(value: str, position: int) -> tuple[_Token, int]:
    """The inside of a comment, which may hold comments."""
    depth = 1
    for match in _COMMENT_MARK.finditer(value, position):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return _Token("comment", value[position : match.start()]), match.end()
    return _Token("comment", value[position:]), len(value)


def _mailbox(tokens: Sequence[_Token]) -> Address | None:
    """One mailbox of its tokens; None when there is nothing in it."""
    angles = [index for index, token in enumerate(tokens) if token.kind == "angle"]
    if not angles:
        return _bare_mailbox(tokens)
    before, after = tokens[: angles[0]], tokens[angles[0] + 1 :]
    comments = " ".join(token.text for token in tokens if token.kind == "comment")
    name = _name([*before, *(token for token in after if token.text.strip(" >"))]) or _decoded(comments)
    if len(angles) > 1 or any("@" in token.text for token in after if token.kind != "comment"):
        return Address(name, "")
    return Address(name, _closed_up(_ROUTE.sub("", _INNER_COMMENT.sub("", tokens[angles[0]].text).strip())))


def _bare_mailbox(tokens: Sequence[_Token]) -> Address | None:
    """`user@host (Name)`; words beside it that stand in no comment could mean anything, so that it is no address then."""
    texts = [token for token in tokens if token.kind in ("text", "quoted")]
    bare = "".join(_quote(token.text) if token.kind == "quoted" else token.text for token in texts).strip()
    comments = _decoded(" ".join(token.text for token in tokens if token.kind == "comment"))
    if not bare:
        return None
    address = _closed_up(bare)
    return Address(comments, address) if address else Address(_name(texts), "")


def _closed_up(text: str) -> str:
    """The normal form; white space around the dots and the `@` of a bare address means nothing (RFC 5322 section 4.4)."""
    address = normalise(text)
    if address or '"' in text or len(text) > ADDRESS_CHARS_MAX:
        return address
    local, at, domain = text.rpartition("@")
    return normalise(f"{local.rstrip()}@{_SPACED_DOT.sub('.', domain.strip())}") if at else ""


def _name(tokens: Sequence[_Token]) -> str:
    """The words of a name: quotes off, encoded words decoded, white space folded."""
    return _decoded("".join(token.text for token in tokens if token.kind in ("text", "quoted")))


def _decoded(text: str) -> str:
    """Encoded words may hold control characters: a space for each."""
    decoded = decode_words(text.strip())
    return " ".join((decoded if decoded.isprintable() else _CONTROL.sub(" ", decoded)).split())
