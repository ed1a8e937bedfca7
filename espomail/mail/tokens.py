"""The marks by which an answer finds its case: `[#42]` in the subject, signed Message-IDs, signed plus-addresses. Pure.

Signatures are HMAC-SHA256 with the instance's key, cut to 80 bits and written in lower-case base32, so that servers which
change the case of addresses do not break them. Comparison takes the same time whatever the difference.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

from espomail.model import Thing

CASE_NUMBER_MAX: Final = 2**53
NOTICE_NONCE: Final = "notice"
"""How the nonce of a notice's Message-ID begins, so that a notice which comes back is known for one."""
_SIGNATURE_BYTES = 10

_TOKEN = re.compile(r"\[#([1-9]\d*)\]", re.ASCII)
_REPLY_PREFIX = re.compile(
    r"(?:(?:re|aw|antw|antwort|sv|vs|ref|odp|rif|rép|réf|res|vá|ynt|atb|bls|ha|отв|ответ|відп|回复|答复|回覆|返信|답장)"
    r"(?:\[\d{1,4}\]|\(\d{1,4}\)|\d{0,4})\s*[:：]\s*)+",
    re.IGNORECASE,
)
_SIGNED_ID = re.compile(r"espomail\.([a-z]+)\.([0-9]+)\.([a-z0-9]+)\.([a-z0-9]+)@([^@\s<>]+)", re.ASCII)
_PLUS_ADDRESS = re.compile(r"([^@\s]+)\+case([0-9]+)\.([a-z0-9]+)@([^@\s]+)", re.ASCII)
_PLUS_TAG = re.compile(r"\+case\d+\.[a-z0-9]+(?=@)", re.ASCII)
_THING = re.compile(r"([a-z]+):([0-9]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class SignedId:
    """A Message-ID that this instance made: for which thing, and the nonce that makes it unique."""

    thing: Thing
    nonce: str


@dataclass(frozen=True, slots=True)
class PlusAddress:
    """A plus-address that this instance made: the account's plain address and the case's number."""

    address: str
    number: int


@dataclass(frozen=True, slots=True)
class BrokenSignature:
    """Looks like one of ours, but the signature does not fit: forged, mangled, or of another instance."""

    value: str


def subject_case_number(subject: str) -> int | None:
    """Given a subject, return the number in its first `[#42]`; None when there is none or it is above 2**53."""
    match = _TOKEN.search(subject)
    if match is None or len(match[1]) > 16:
        return None
    number = int(match[1])
    return number if number <= CASE_NUMBER_MAX else None


def with_case_token(subject: str, number: int) -> str:
    """Given a subject, return it with `[#number]` exactly once, and before any other such token."""
    token = f"[#{number}]"
    if subject.count(token) == 1 and subject_case_number(subject) == number:
        return subject
    reply, rest = _reply_prefix(subject)
    rest = " ".join(rest.replace(token, " ").split())
    return f"{reply}{token} {rest}".rstrip()


def reply_subject(subject: str) -> str:
    """Given a subject, return it with exactly one `Re: ` in front; answer prefixes in other languages count as one."""
    text = subject.strip()
    match = _REPLY_PREFIX.match(text)
    return f"Re: {text[match.end() :] if match else text}".rstrip()


def sign_message_id(key: bytes, *, thing: str, nonce: str, domain: str) -> str:
    """Given a thing (`case:42`), a unique nonce (a-z, 0-9) and a domain, return a Message-ID without angle brackets.

    `read_signed_id` knows it again. Raise ValueError when thing or nonce can't be written in one.
    """
    match = _THING.fullmatch(thing)
    if match is None or re.fullmatch("[a-z0-9]+", nonce, re.ASCII) is None:
        raise ValueError(f"can't sign thing {thing!r} with nonce {nonce!r}")
    signature = _signature(key, "message-id", match[1], str(int(match[2])), nonce, domain.lower())
    return f"espomail.{match[1]}.{int(match[2])}.{nonce}.{signature}@{domain.lower()}"


def read_signed_id(key: bytes, message_id: str) -> SignedId | BrokenSignature | None:
    """Given a Message-ID, return what we signed, BrokenSignature when it only looks like ours, None when it does not."""
    plain = message_id.strip().removeprefix("<").removesuffix(">").lower()
    match = _SIGNED_ID.fullmatch(plain) if len(plain) <= 500 else None
    if match is None:
        return None
    kind, number, nonce, signature, domain = match.groups()
    if len(number) > 16 or not _fits(key, signature, "message-id", kind, number, nonce, domain):
        return BrokenSignature(plain)
    return SignedId(Thing(kind, int(number)), nonce)


def is_notice(key: bytes, message_id: str) -> bool:
    """Whether a mail with this Message-ID is a notice that we sent, come back through a mailbox that we read."""
    signed = read_signed_id(key, message_id)
    return isinstance(signed, SignedId) and signed.nonce.startswith(NOTICE_NONCE)


def plus_address(key: bytes, *, address: str, number: int) -> str:
    """Given an account's address and a case's number, return `support+case42.SIGNATURE@team.example`."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local}+case{number}.{_signature(key, 'plus-address', address.lower(), str(number))}@{domain}"


def read_plus_address(key: bytes, address: str) -> PlusAddress | BrokenSignature | None:
    """Given an address, return the account and case we signed into it, BrokenSignature for a forgery, None for any other."""
    plain = address.strip().lower()
    match = _PLUS_ADDRESS.fullmatch(plain) if len(plain) <= 500 else None
    if match is None:
        return None
    base = f"{match[1]}@{match[4]}"
    if len(match[2]) > 16 or not _fits(key, match[3], "plus-address", base, match[2]):
        return BrokenSignature(plain)
    return PlusAddress(base, int(match[2]))


def without_plus_tag(address: str) -> str:
    """Given an address in lower case, return it without what makes it a plus-address, whoever signed that."""
    return _PLUS_TAG.sub("", address)


def _reply_prefix(subject: str) -> tuple[str, str]:
    match = _REPLY_PREFIX.match(subject.strip())
    return ("Re: ", subject.strip()[match.end() :]) if match else ("", subject)


def _signature(key: bytes, *parts: str) -> str:
    """The parts are joined by NUL, which none of them can hold, so that no two lists of parts sign alike."""
    digest = hmac.new(key, "\0".join(parts).encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return base64.b32encode(digest[:_SIGNATURE_BYTES]).decode("ascii").lower()


def _fits(key: bytes, signature: str, *parts: str) -> bool:
    return hmac.compare_digest(signature.encode("ascii"), _signature(key, *parts).encode("ascii"))
