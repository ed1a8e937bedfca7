"""What the body of a mail holds: the text to read, the HTML, and what is attached. Pure; never fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from espomail.mail import calendar, tnef
from espomail.mail import text as texts
from espomail.mail.charsets import decode
from espomail.mail.encodings import without_inline_files
from espomail.mail.structure import Part

TEXT_CHARS_MAX = 2_000_000
NAME_CHARS_MAX = 60

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SHOWN = ("text/plain", "text/html")


@dataclass(frozen=True, slots=True)
class Leaf:
    """Something attached; `position` numbers these as they stand in the mail."""

    position: int
    name: str
    content_type: str
    content: bytes
    is_inline: bool
    content_id: str | None


@dataclass(frozen=True, slots=True)
class Content:
    """The text (plain, or made from HTML), the HTML or None, what is attached, and what is unusual (`pgp`, `smime` …)."""

    text: str
    html: str | None
    leaves: tuple[Leaf, ...]
    flags: tuple[str, ...]
    is_partial: bool


class _Shown(NamedTuple):
    """A text of the mail, plain or HTML; `choice` is the multipart/alternative that it belongs to, None for none."""

    kind: str
    text: str
    choice: Part | None
    place: int
    part: Part


@dataclass(slots=True)
class _Reading:
    """What has been read of the body: texts in order, invitations, and the other parts, each with its place in the mail."""

    shown: list[_Shown] = field(default_factory=list)
    invites: list[str] = field(default_factory=list)
    attached: list[tuple[int, Part]] = field(default_factory=list)
    chars: int = 0
    is_partial: bool = False


def content_of(root: Part) -> Content:
    """Given the parts of a mail, return what a person gets to see of them."""
    reading = _Reading()
    for place, (part, choice) in enumerate(_leaves(root)):
        if part.content_type in _SHOWN and part.disposition != "attachment" and (not part.name or part is root):
            _read_text(_without_files(part, place, reading), choice, place, reading)
        else:
            reading.attached.append((place, part))
            if part.content_type == "text/calendar":
                reading.invites.append(calendar.describe_invite(part.text()) or "")
    pages = [shown.text for shown in reading.shown if shown.kind == "text/html"]
    page = "\n".join(pages) if pages else None
    text = "\n\n".join(block for block in (_text(reading), *reading.invites) if block.strip())
    is_cut = len(text) > TEXT_CHARS_MAX or (page is not None and len(page) > texts.HTML_CHARS_MAX)
    parts = sorted([*reading.attached, *_untold_pages(reading.shown)], key=lambda placed: placed[0])
    attached = tuple(_attached([part for _, part in parts], page))
    return Content(text[:TEXT_CHARS_MAX], page, attached, _flags(root, text), reading.is_partial or is_cut)


def one_line(value: str) -> str:
    """A decoded subject or name may hold line breaks and control characters (encoded words): a space for each."""
    return " ".join(_FORBIDDEN.sub(" ", value).split()) if not value.isprintable() or "  " in value else value


def _leaves(root: Part) -> Iterator[tuple[Part, Part | None]]:
    """Everything but multiparts, in order, each with the multipart/alternative around it; an embedded mail is one thing."""
    waiting: list[tuple[Part, Part | None]] = [(root, None)]
    while waiting:
        part, choice = waiting.pop()
        if part.content_type.startswith("multipart/"):
            choice = part if part.content_type == "multipart/alternative" else choice
            waiting.extend((child, choice) for child in reversed(part.parts))
        else:
            yield part, choice


def _without_files(part: Part, place: int, reading: _Reading) -> Part:
    """A plain text without the uuencoded files in it, which are attached, as programs did before MIME."""
    content, files = without_inline_files(part.content) if part.content_type == "text/plain" else (part.content, ())
    for file in files:
        name = decode(file.name, None)[0][:NAME_CHARS_MAX]
        attached = Part("application/octet-stream", {}, (), "attachment", name, None, file.content, ())
        reading.attached.append((place, attached))
    return replace(part, content=content) if files else part


def _read_text(part: Part, choice: Part | None, place: int, reading: _Reading) -> None:
    if reading.chars > TEXT_CHARS_MAX:
        reading.is_partial = True
        return
    text, is_lossy = part.decoded()
    if part.content_type == "text/plain":
        text = _with_line_feeds(text) if "\r" in text else text
        if part.params.get("format", "").lower() == "flowed":
            text = texts.unflow(text, delsp=part.params.get("delsp", "").lower() == "yes")
    reading.shown.append(_Shown(part.content_type, text, choice, place, part))
    reading.chars += len(text)
    reading.is_partial = reading.is_partial or is_lossy


def _with_line_feeds(text: str) -> str:
    """Each line end, CR LF, CR CR LF or CR alone, as one LF.

    Where each CR stands before an LF, as nearly always, the CRs can just go, which takes half the time.
    """
    bare = text.replace("\r", "")
    if len(text) - len(bare) == text.count("\r\n"):
        return bare
    return text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")


def _text(reading: _Reading) -> str:
    """The plain texts, and those of HTML that has no plain text beside it or, outside of a choice, before it.

    So a list's plain footer does not hide the mail above it, and who sends a text twice has it read once.
    """
    plain = [shown for shown in reading.shown if shown.kind == "text/plain" and shown.text.strip()]
    if len(plain) == len(reading.shown):
        return "\n".join(shown.text for shown in plain)
    chosen: list[str] = []
    has_plain = False
    choices = {id(shown.choice) for shown in plain if shown.choice is not None}
    for shown in reading.shown:
        is_said = has_plain if shown.choice is None else id(shown.choice) in choices
        if shown.kind == "text/plain":
            chosen.append(shown.text)
            has_plain = has_plain or bool(shown.text.strip())
        elif not is_said:
            chosen.append(texts.html_to_text(shown.text))
    return "\n".join(text for text in chosen if text.strip())


def _untold_pages(shown: Sequence[_Shown]) -> list[tuple[int, Part]]:
    """The pages behind a plain text, not beside it as another choice, most of whose words it lacks.

    They are documents of their own: whoever reads the text alone would never know of them.
    """
    plain = [one.text for one in shown if one.kind == "text/plain" and one.text.strip()]
    alone = [one for one in shown if one.kind == "text/html" and one.choice is None]
    if not plain or not alone or alone[0] is shown[0]:
        return []
    told = {word for text in plain for word in text.lower().split()}
    return [(one.place, one.part) for one in alone if not _is_told(texts.html_to_text(one.text), told)]


def _is_told(text: str, told: set[str]) -> bool:
    words = set(text.lower().split())
    return len(words & told) * 2 >= len(words)


def _attached(parts: Sequence[Part], page: str | None) -> Iterator[Leaf]:
    """The attachments; a winmail.dat gives what is packed in it."""
    position = 0
    for part in parts:
        is_inline = part.disposition != "attachment" and _is_in_page(part, page)
        for name, kind, content in _unpacked(part):
            yield Leaf(position, one_line(name), kind, content, is_inline, part.content_id)
            position += 1


def _unpacked(part: Part) -> Sequence[tuple[str, str, bytes]]:
    is_packet = part.content_type in tnef.TYPES or part.name.lower() == "winmail.dat"
    inside = tnef.unpack(part.content) if is_packet else None
    return inside or [(part.name, part.content_type, part.content)]


def _is_in_page(part: Part, page: str | None) -> bool:
    """Whether the part is a picture in the HTML rather than something attached."""
    if part.content_id is None:
        return False
    return part.disposition == "inline" or (page is not None and f"cid:{part.content_id}" in page)


_KINDS: Sequence[tuple[str, Callable[[Part], bool]]] = (
    ("pgp", lambda part: "pgp" in part.content_type or "pgp" in part.params.get("protocol", "").lower()),
    ("smime", lambda part: "pkcs7" in part.content_type or "pkcs7" in part.params.get("protocol", "").lower()),
    ("invitation", lambda part: part.content_type == "text/calendar"),
)


def _flags(root: Part, text: str) -> tuple[str, ...]:
    """Which of `pgp`, `smime`, `invitation` the mail is; PGP may also stand in the text itself."""
    parts = [root, *root.parts, *(part for child in root.parts for part in child.parts)]
    found = [name for name, holds in _KINDS if any(holds(part) for part in parts)]
    if "pgp" not in found and text.lstrip()[:40].startswith("-----BEGIN PGP"):
        found.insert(0, "pgp")
    return tuple(found)
