"""Is this mail a delivery failure report, and whom did our mail not reach? Pure.

RFC 3464 reports are read by their fields, others by their words. Either way only a mail that comes from a mail system is
looked at (empty Return-Path, multipart/report, MAILER-DAEMON and kin): a person quoting a bounce is a person. Delay warnings,
success reports, read receipts and abuse reports are no bounces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from espomail.mail.bounce_text import DELAYED, FAILED, TEXT_CHARS_MAX, failed_recipients, split_report
from espomail.mail.delivery_status import ADDRESS, Report, judge, read_delivery_status
from espomail.model import Bounce, BouncedRecipient

if TYPE_CHECKING:
    from espomail.mail.structure import Part

_PARTS_MAX: Final = 200
_DAEMON = re.compile(
    r"(?:mailer[-_.]?daemon|post[-_.]?master|mail[-_]?system|mdaemon|mail[-_. ]delivery[-_. ](?:sub)?system|imss|ndr)\b",
    re.IGNORECASE,
)
_ROBOT = re.compile(r"(?:no|do-?not)[-_.]?reply", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"^[> \t]*message-id:\s*<?([^<>\s]{3,500})", re.IGNORECASE | re.MULTILINE)
_RECIPIENT_FIELD = re.compile(r"^(?:to|cc):((?:.{0,2000})(?:\n[ \t].{0,2000}){0,50})", re.IGNORECASE | re.MULTILINE)
_HEADING = re.compile(r"^[ \t]{0,8}<?(" + ADDRESS.pattern + r")>?:?[ \t]*$", re.ASCII | re.MULTILINE)
_RETURNED_HEADERS = frozenset({"text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/partial"})
_NO_BOUNCE = frozenset({"message/feedback-report"})


def read_bounce(root: Part, *, text: str) -> Bounce | None:
    """Given a mail's part tree and its text, return the bounce it is; None when it is none.

    The recipients are those whose delivery failed, as the report names them; where it names none, the one to whom the returned
    mail went, or nobody.
    """
    headers = _first_values(root)
    if not _may_bounce(root, headers):
        return None
    parts = list(_parts(root))
    kinds = {part.content_type for part in parts}
    if kinds & _NO_BOUNCE:
        return None
    report, returned = split_report(text)
    status = _delivery_status(parts, text)
    if status is not None and status.names_recipients:
        recipients = _with_words(status.failed, report)
        if not recipients:
            return None
    else:
        if not _tells_failure(headers, report, kinds):
            return None
        recipients = _told_recipients(headers, parts, report, returned)
    original = _original_message_id(parts, returned) or (status.original_message_id if status else None)
    return Bounce(recipients, original, _has_empty_path(headers))


def _first_values(part: Part) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in part.headers:
        values.setdefault(name, value)
    return values


def _parts(root: Part) -> Iterator[Part]:
    """The parts of the mail itself, in order; what stands inside a returned mail is not looked at."""
    waiting = [root]
    count = 0
    while waiting and count < _PARTS_MAX:
        part = waiting.pop()
        count += 1
        yield part
        if part.content_type.startswith("multipart/"):
            waiting.extend(reversed(part.parts))


def _has_empty_path(headers: dict[str, str]) -> bool:
    return headers.get("return-path", "-").replace(" ", "") == "<>"


def _may_bounce(root: Part, headers: dict[str, str]) -> bool:
    """Whether a mail system sent this: never a person, whatever the text says."""
    sender = headers.get("from", "")[:1000]
    if _has_empty_path(headers) or root.content_type == "multipart/report" or "x-failed-recipients" in headers:
        return True
    if (
        sender.replace(" ", "").endswith("<>")
        or _DAEMON.search(sender)
        or _DAEMON.search(headers.get("return-path", "")[:1000])
    ):
        return True
    return _ROBOT.search(sender) is not None and _returns_to(root, headers)


def _returns_to(root: Part, headers: dict[str, str]) -> bool:
    """Whether a mail attached here was sent by the one whom this mail goes to."""
    to = {found.lower() for found in ADDRESS.findall(headers.get("to", "")[:2000])}
    for part in _parts(root):
        if part.content_type == "message/rfc822" and part.parts:
            inner = _first_values(part.parts[0])
            if to & {
                found.lower() for name in ("return-path", "from") for found in ADDRESS.findall(inner.get(name, "")[:2000])
            }:
                return True
    return False


def _delivery_status(parts: list[Part], text: str) -> Report | None:
    """The report's fields: in their own part, or in the text of a mail whose boundaries got lost or that never had any."""
    for part in parts:
        if part.content_type == "message/delivery-status":
            return read_delivery_status(_bytes_text(part))
    found = text[:TEXT_CHARS_MAX].find("\nFinal-Recipient:")
    if found >= 0:
        start = max(text.rfind("\n\n", 0, found + 1), 0)
        return read_delivery_status(text[start : start + TEXT_CHARS_MAX])
    return None


def _with_words(failed: tuple[BouncedRecipient, ...], report: str) -> tuple[BouncedRecipient, ...]:
    """Add the words of the report to recipients whose fields give no reason."""
    if all(entry.reason for entry in failed):
        return failed
    told = {entry.address.lower(): entry for entry in failed_recipients(report, ours=frozenset())}
    return tuple(
        entry if entry.reason or key not in told else judge(entry.address, entry.status, told[key].reason)
        for entry in failed
        for key in (entry.address.lower(),)
    )


def _tells_failure(headers: dict[str, str], report: str, kinds: set[str]) -> bool:
    subject = headers.get("subject", "")[:1000]
    if DELAYED.search(subject) or DELAYED.search(report):
        return False
    if "message/disposition-notification" in kinds and "rejected" not in report.lower():
        return False
    return FAILED.search(subject) is not None or FAILED.search(report) is not None


def _told_recipients(headers: dict[str, str], parts: list[Part], report: str, returned: str) -> tuple[BouncedRecipient, ...]:
    """Whom the report names; else X-Failed-Recipients; else the only one to whom the returned mail was addressed."""
    ours = frozenset(found.lower() for found in ADDRESS.findall(headers.get("to", "")[:2000]))
    told = failed_recipients(report, ours=ours)
    if told:
        return told
    named = ADDRESS.findall(headers.get("x-failed-recipients", "")[:10_000]) or _returned_to(parts, returned)
    words = " ".join(report.split())[:1000] or "delivery failed"
    others = tuple(judge(address, "", words) for address in dict.fromkeys(named) if address.lower() not in ours)[:20]
    return others or _own_recipients(report, ours)


def _own_recipients(report: str, ours: frozenset[str]) -> tuple[BouncedRecipient, ...]:
    """Who wrote to themselves gets their own bounce: an address of ours counts where it heads the words about it."""
    heading = {match[1].lower() for match in _HEADING.finditer(report)}
    return tuple(told for told in failed_recipients(report, ours=ours - heading) if told.address.lower() in ours)


def _returned_to(parts: list[Part], returned: str) -> list[str]:
    for headers in _returned_headers(parts, returned):
        found = [address for line in _RECIPIENT_FIELD.findall(headers) for address in ADDRESS.findall(line)]
        if found:
            return found if len(found) == 1 else []
    return []


def _original_message_id(parts: list[Part], returned: str) -> str | None:
    for headers in _returned_headers(parts, returned):
        match = _MESSAGE_ID.search(headers)
        if match is not None:
            return match[1]
    return None


def _returned_headers(parts: list[Part], returned: str) -> Iterator[str]:
    """The headers of the mail that came back, wherever they stand: attached, as headers only, or below the report's text."""
    for part in parts:
        if part.content_type == "message/rfc822" or part.content_type in _RETURNED_HEADERS:
            yield _bytes_text(part)[:100_000]
    yield returned[:100_000]
    for part in parts[1:]:
        if part.content_type == "text/plain":
            yield _bytes_text(part)[:100_000]


def _bytes_text(part: Part) -> str:
    return part.content[:500_000].decode("utf-8", "replace").replace("\x00", "")
