"""Header fields and body parts of an outgoing mail as bytes every relay takes: ASCII, CRLF, short lines. Pure.

Sources: RFC 5322 (fields, folding), RFC 2047 (encoded words), RFC 2231 (file names), RFC 2045 (transfer encodings).
Nothing here trusts its input: a control character in a field is refused, never dropped in silence.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Final

from espomail.errors import BadInput
from espomail.model import Address

ADDRESS_CHARS_MAX: Final = 320
FILE_NAME_CHARS_MAX: Final = 255
VALUE_CHARS_MAX: Final = 60_000
_LINE_CHARS = 76
_WORD_BYTES = 42  # 42 bytes are 56 base64 characters: `=?utf-8?b?…?=` stays under the 75 of RFC 2047

_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*|\"(?:[ !#-\[\]-~]|\\[ -~])+\"")
_LABEL = r"(?!-)[A-Za-z0-9_-]++(?<!-)"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*+|\[[0-9A-Za-z.:]+\]")
_MESSAGE_ID = re.compile(r"[!-;=?A-~]+@[!-;=?A-~]+")
_CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,80}/[a-z0-9][a-z0-9!#$&^_.+-]{0,80}", re.IGNORECASE)
_ADDRESS_HINT = "write it as name@example.com"
_SAFE_IN_NAME = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def refuse_controls(what: str, value: str) -> str:
    """Given a value for a header, return it; raise BadInput on a control character, a surrogate, or too much of it."""
    match = _CONTROL.search(value)
    if match is not None:
        refused = f"{what} holds a character that can't stand in a mail header: {match[0]!r} at position {match.start()}"
        raise BadInput(refused, "write it on one line, without control characters")
    if len(value) > VALUE_CHARS_MAX:
        raise BadInput(f"{what} is too long: {len(value)} characters", f"{VALUE_CHARS_MAX} at most")
    return value


def field(name: str, value: str) -> bytes:
    """Given a field of free text, return its lines, as encoded words where the text is not plain ASCII."""
    refuse_controls(name, value)
    return folded(name, _words(value))


def folded(name: str, words: list[str]) -> bytes:
    """Given ASCII words, return `Name: word word` folded before 76 characters where there is a space."""
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > _LINE_CHARS and len(lines[-1]) > len(name) + 1:
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines).encode("ascii") + b"\r\n"


def address_words(what: str, addresses: tuple[Address, ...]) -> list[str]:
    """Given mailboxes, return the words of their header field, commas included; raise BadInput on one that is no address."""
    words: list[str] = []
    for index, entry in enumerate(addresses):
        shown = _phrase(what, entry.name)
        spec = ascii_address(what, entry.address)
        words.extend([*shown, f"<{spec}>"] if shown else [spec])
        if index < len(addresses) - 1:
            words[-1] += ","
    return words


def ascii_address(what: str, address: str) -> str:
    """Given `user@münchen.example`, return it with its domain in ASCII; raise BadInput when it can't be used on the wire."""
    refuse_controls(what, address)
    local, _, domain = address.rpartition("@")
    try:
        wire_domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise BadInput(f"{what}: not an address: {address!r}", _ADDRESS_HINT) from error
    is_good = _LOCAL.fullmatch(local) is not None and _DOMAIN.fullmatch(wire_domain) is not None
    is_good = is_good and "=?" not in local  # no address has encoded words (RFC 2047 section 5), yet some readers decode them
    if not is_good or len(address) > ADDRESS_CHARS_MAX:
        raise BadInput(f"{what}: not an address: {address[:ADDRESS_CHARS_MAX]!r}", _ADDRESS_HINT)
    return f"{local}@{wire_domain}"


def message_id(what: str, value: str) -> str:
    """Given a Message-ID without angle brackets, return it with them; raise BadInput when it is none."""
    refuse_controls(what, value)
    if len(value) > 900 or _MESSAGE_ID.fullmatch(value) is None:
        raise BadInput(f"{what}: not a message id: {value[:100]!r}", "write it as id@example.com, without < and >")
    return f"<{value}>"


def is_message_id(value: str) -> bool:
    return len(value) <= 900 and _MESSAGE_ID.fullmatch(value) is not None


def date_text(moment: datetime) -> str:
    """Given an aware moment, return it as RFC 5322 writes dates, in UTC."""
    utc = moment.astimezone(UTC)
    clock = f"{utc.hour:02}:{utc.minute:02}:{utc.second:02}"
    return f"{_DAYS[utc.weekday()]}, {utc.day:02} {_MONTHS[utc.month - 1]} {utc.year:04} {clock} +0000"


def text_part(subtype: str, text: str) -> bytes:
    """Given text, return it as a part `text/SUBTYPE` in UTF-8: 7bit where it can be, else the shorter encoding."""
    content = "\r\n".join(text.split("\n")).encode("utf-8")
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: '
    lines = content.split(b"\r\n")
    if text.isascii() and max(map(len, lines)) <= 900 and not _CONTROL.search(text.replace("\n", "").replace("\t", "")):
        return f"{head}7bit\r\n\r\n".encode("ascii") + content + b"\r\n"
    quoted = b"\r\n".join(_quoted_printable(line) for line in lines)
    if len(quoted) <= len(content) * 4 // 3:
        return f"{head}quoted-printable\r\n\r\n".encode("ascii") + quoted + b"\r\n"
    return f"{head}base64\r\n\r\n".encode("ascii") + base64_lines(content)


def attachment_part(name: str, content_type: str, content: bytes) -> bytes:
    """Given a file, return it as a base64 part; types that are unreadable or must not be in base64 become octet-stream."""
    refuse_controls("content type", content_type)
    kind = content_type.strip().lower()
    if _CONTENT_TYPE.fullmatch(kind) is None or kind.startswith(("multipart/", "message/")):
        kind = "application/octet-stream"
    return (
        folded("Content-Type", [kind])
        + folded("Content-Disposition", ["attachment;", *_file_name(name)])
        + b"Content-Transfer-Encoding: base64\r\n\r\n"
        + base64_lines(content)
    )


def base64_lines(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n")


def _quoted_printable(line: bytes) -> bytes:
    return binascii.b2a_qp(line, quotetabs=False, istext=False).replace(b"\n", b"\r\n")


def _words(value: str) -> list[str]:
    if not value:
        return []
    words = value.split(" ")
    if _PLAIN.fullmatch(value) and "=?" not in value and max(map(len, words)) <= _LINE_CHARS:
        return words
    plain = 0 if "=?" in value else next((index for index, word in enumerate(words) if not _is_plain(word)), 0)
    return words[:plain] + _encoded_words(" ".join(words[plain:]))


def _is_plain(word: str) -> bool:
    return len(word) <= _LINE_CHARS and _PLAIN.fullmatch(word) is not None


def _encoded_words(value: str) -> list[str]:
    """RFC 2047 words in base64, cut between characters, never inside one."""
    words: list[str] = []
    chunk = b""
    for character in value:
        encoded = character.encode("utf-8")
        if len(chunk) + len(encoded) > _WORD_BYTES:
            words.append(_encoded_word(chunk))
            chunk = b""
        chunk += encoded
    return [*words, _encoded_word(chunk)]


def _encoded_word(chunk: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(chunk).decode('ascii')}?="


def _phrase(what: str, name: str) -> list[str]:
    """A display name: atoms as they are, other ASCII quoted, everything else in encoded words."""
    refuse_controls(what, name)
    if not name:
        return []
    words = name.split(" ")
    if _PLAIN.fullmatch(name) is None or "=?" in name or max(map(len, words)) > _LINE_CHARS - 4:
        return _encoded_words(name)
    if _ATOMS.fullmatch(name):
        return words
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'.split(" ")


def _file_name(name: str) -> list[str]:
    """The `filename` parameter, in pieces of RFC 2231 section 3 when it is long or not ASCII."""
    refuse_controls("file name", name)
    if len(name) > FILE_NAME_CHARS_MAX:
        raise BadInput(f"file name is too long: {len(name)} characters, {FILE_NAME_CHARS_MAX} at most", "rename the file")
    if _PLAIN.fullmatch(name) and len(name) <= 50 and '"' not in name and "\\" not in name and "=?" not in name:
        return [f'filename="{name}"']
    octets = [chr(byte) if byte in _SAFE_IN_NAME else f"%{byte:02X}" for byte in name.encode("utf-8")]
    pieces = ["".join(octets[start : start + 18]) for start in range(0, len(octets), 18)] or [""]
    if len(pieces) == 1:
        return [f"filename*=utf-8''{pieces[0]}"]
    pieces[0] = "utf-8''" + pieces[0]
    last = len(pieces) - 1
    return [f"filename*{index}*={piece}{'' if index == last else ';'}" for index, piece in enumerate(pieces)]
