"""Addresses: one strict reader for every header, and one normal form to compare by (RFC 5322 section 3.4). Pure; never fails.

Where two readings of a value differ (`a@good.example, <b@evil.example>` without its comma and the like), the mailbox has no address: it
links to nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from espomail.mail.charsets import clean
from espomail.mail.headers import decode_words, unfold
from espomail.model import Address

ADDRESSES_MAX = 1000
VALUE_MAX = 400_000

_LOCAL = re.compile(r"[^\s()<>\[\]:;@\\,\"\x00-\x1f\x7f]+(?:\.[^\s()<>\[\]:;@\\,\"\x00-\x1f\x7f]+)*")
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?)(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?)*\.?|\[[0-9A-Fa-f:.]{2,45}\]|\[IPv6:[0-9A-Fa-f:.]{2,45}\]")
_TOKEN = re.compile(r'[^"(<>,;:@\\\[]+|\\.|["(<>,;:@\\\[]', re.DOTALL)


def normalise(address: str) -> str:
    """Given one bare address, return it as we compare it, or "" when it is none.

    Lower case, no comments, a quoted local part without its quotes where they change nothing, the domain in Unicode.
    """
    text = clean(address).strip().strip("<>").strip()
    local, at, domain = text.rpartition("@")
    if not at or not local or len(text) > 320:
        return ""
    local = _plain_local(local.strip())
    domain = domain.strip().rstrip(".").lower()
    if not local or not _DOMAIN.fullmatch(domain):
        return ""
    return f"{local.lower()}@{_unicode_domain(domain)}"


def _plain_local(local: str) -> str:
    if local.startswith('"') and local.endswith('"') and len(local) > 2:
        inner = re.sub(r"\\(.)", r"\1", local[1:-1])
        if _LOCAL.fullmatch(inner):
            return inner
        return "" if re.search(r"[\x00-\x1f\x7f<>]", inner) else '"' + inner.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return local if _LOCAL.fullmatch(local) or re.fullmatch(r"[^\s()<>\[\]:;@\\,\"\x00-\x1f\x7f]+", local) else ""


def _unicode_domain(domain: str) -> str:
    """The Unicode form of an IDNA domain (RFC 3490); one that can't be read stays as it is."""
    if "xn--" not in domain:
        return domain
    try:
        return domain.encode("ascii").decode("idna").lower()
    except (UnicodeError, ValueError):
        return domain


def read_addresses(value: str) -> tuple[Address, ...]:
    """Given the undecoded value of From, To, Cc …, return its mailboxes in order; groups are taken apart, at most 1,000.

    `a@good.example <b@evil.example>` means b: what stands before the angle brackets is a name, whatever it looks like.
    """
    found = []
    for part in _split(unfold(value)[:VALUE_MAX]):
        mailbox = _mailbox(part)
        if mailbox is not None:
            found.append(mailbox)
            if len(found) >= ADDRESSES_MAX:
                break
    return tuple(found)


def _split(value: str) -> Iterator[list[tuple[str, str]]]:
    """The tokens of each mailbox: (kind, text) with kind text, quoted, comment, angle or at; a group's name and end are left out."""
    part: list[tuple[str, str]] = []
    position, end = 0, len(value)
    while position < end:
        match = _TOKEN.match(value, position)
        if match is None:
            break
        token = match[0]
        position = match.end()
        if token == '"':
            text, position = _quoted(value, position)
            part.append(("quoted", text))
        elif token == "(":
            text, position = _comment(value, position)
            part.append(("comment", text))
        elif token == "<":
            stop = _angle_end(value, position)
            part.append(("angle", value[position:stop]))
            position = stop + 1
        elif token == "[":
            stop = value.find("]", position)
            stop = end - 1 if stop < 0 else stop
            part.append(("text", value[position - 1 : stop + 1]))
            position = stop + 1
        elif token in ",;":
            yield part
            part = []
        elif token == ":":
            part = [] if not any(kind == "angle" or "@" in text for kind, text in part) else [*part, ("text", token)]
        elif token[0] == "\\" and len(token) == 2:
            part.append(("text", token[1]))
        else:
            part.append(("text", token))
    yield part


def _quoted(value: str, position: int) -> tuple[str, int]:
    """The inside of a quoted string that starts here, and where it ends; without an end it is taken as plain text."""
    match = re.compile(r'((?:[^"\\]|\\.)*)"', re.DOTALL).match(value, position)
    if match is None:
        return "", position
    return re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL), match.end()


def _comment(value: str, position: int) -> tuple[str, int]:
    """The inside of a comment, which may hold comments, and where it ends."""
    depth, start = 1, position
    for match in re.compile(r"\\.|[()]", re.DOTALL).finditer(value, position):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return value[start : match.start()], match.end()
    return value[start:], len(value)


def _angle_end(value: str, position: int) -> int:
    """Where the angle bracket closes; quotes inside may hold a `>`."""
    match = re.compile(r'(?:[^">]|"(?:[^"\\]|\\.)*")*', re.DOTALL).match(value, position)
    stop = match.end() if match else position
    if stop < len(value) and value[stop] == ">":
        return stop
    plain = value.find(">", position)
    return len(value) if plain < 0 else plain


def _mailbox(part: list[tuple[str, str]]) -> Address | None:
    angles = [text for kind, text in part if kind == "angle"]
    comments = " ".join(text for kind, text in part if kind == "comment")
    if len(angles) > 1:
        return Address(_name(part), "")
    if angles:
        trailing = "".join(text for kind, text in part[[k for k, _ in part].index("angle") + 1 :] if kind in ("text", "quoted"))
        name = _name([piece for piece in part if piece[0] != "angle"])
        address = normalise(re.sub(r"^@[^:]*:", "", re.sub(r"\([^()]*\)", "", angles[0]).strip()))
        return Address(name or decode_words(comments).strip(), "" if "@" in trailing else address)
    bare = "".join(f'"{text}"' if kind == "quoted" else text for kind, text in part if kind in ("text", "quoted")).strip()
    if not bare:
        return None
    if bare.count("@") != 1 or re.search(r"\s", bare.replace(" @", "@").replace("@ ", "@")):
        words = bare.split()
        looks = [word for word in words if "@" in word]
        if len(looks) == 1 and len(words) > 1:
            return Address(_name([("text", " ".join(word for word in words if word != looks[0]))]), "")
        return Address(_name(part), normalise(bare))
    return Address(decode_words(comments).strip(), normalise(bare.replace(" ", "")))


def _name(part: list[tuple[str, str]]) -> str:
    text = "".join(text if kind == "text" else f"{text}" for kind, text in part if kind in ("text", "quoted"))
    return " ".join(decode_words(text.strip()).split())
