"""The fields of a delivery report, message/delivery-status (RFC 3464), and what its codes and words mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from espomail.model import BouncedRecipient

RECIPIENTS_MAX: Final = 1000
REASON_CHARS_MAX: Final = 300
_CONTENT_CHARS_MAX = 500_000

STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])", re.ASCII)
REPLY_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?=[ \-:,]|$)", re.ASCII)
ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,100}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.)+[A-Za-z0-9-]{2,63}", re.ASCII
)
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,40}):[ \t]*(.*)", re.ASCII)
_TYPED_ADDRESS = re.compile(r"(?:[A-Za-z0-9-]{1,30}\s*;)?\s*(.*)", re.DOTALL)
_ONCE = frozenset({"final-recipient", "original-recipient", "action", "status", "diagnostic-code"})

_NOT_THE_ADDRESS = re.compile(
    r"quota|mailbox (?:is )?full|storage|too (?:large|big)|size limit|exceeds? (?:the )?(?:max|size|limit)|exceeded|spam"
    r"|block(?:ed|list)"
    r"|black ?list|policy|policies|dmarc|\bspf\b|dkim|relay|sender address|sender (?:was |is )?(?:rejected|denied|not)"
    r"|domain of sender|grey ?list"
    r"|too many|frequency|rate limit|suspended|disabled|discontinued|time[d -]?out|ldap|loop|hop count|virus|reputation"
    r"|network not allowed|\bptr\b|reverse dns|throttl|try again later|temporar|mailbox (?:temporarily )?busy|insufficient"
    r"|not found, try again|end of data command|(?:after|reply to|response to) mail from|recipient preferences",
    re.IGNORECASE,
)
_NO_SUCH_ADDRESS = re.compile(
    r"(?:unknown|illegal|invalid|bad|no such|nonexistent|non-existent|not a valid|unrouteable|undeliverable|unrecogni[sz]ed)"
    r" (?:or \w+ )?(?:local )?(?:user|recipient|address|mailbox|account|alias|destination|person|e-?mail)"
    r"|(?:user|recipient|address|mailbox|account|alias)(?: name)?(?: is| was)? (?:unknown|not found|invalid|not recognized"
    r"|does not exist|doesn't exist|not exist|unavailable|not known|not listed)|does(?:n't| not) (?:exist"
    r"|have an? \S{1,80} account)|no mailbox"
    r"|recipient name is not recognized|recipnotfound|not our customer|no longer (?:valid"
    r"|exists|active)"
    r"|not listed in .{0,40}(?:directory|address book)|invalid final delivery user|no mx record found for"
    r"|no smtp service|unknown host|(?:host|domain) does not accept (?:e-?)?mail|host \S{3,80} not found"
    r"|host (?:or domain name )?(?:unknown|not found)|domain (?:name )?(?:not found|does not exist|unknown)|no such (?:domain"
    r"|host)|nxdomain|could(?: not|n't) be found"
    r"|not have a final email delivery point|is not a known user|unknown or illegal|user not (?:found|known)",
    re.IGNORECASE,
)
_REFUSED_ADDRESS = re.compile(r"\b(?:recipient|address|user|mailbox|account)(?: address)?(?: is| was)? rejected", re.IGNORECASE)
_GONE_STATUSES = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.4.4"})
_ADDRESS_STATUSES = ("5.0.", "5.1.", "5.4.1")
_SERVER_STATUS = re.compile(r"(?:smtp\b[\s;]*)?[45]\d\d[ -]([45]\.\d{1,3}\.\d{1,3})(?![\d.])", re.ASCII | re.IGNORECASE)
_NOT_FAILED = ("delay", "deliver", "relay", "expand")


class Report(NamedTuple):
    """What a delivery report says: who failed, whether it names any recipient, and the Message-ID it quotes."""

    failed: tuple[BouncedRecipient, ...]
    names_recipients: bool
    original_message_id: str | None


def read_delivery_status(content: str) -> Report:
    """Given message/delivery-status, return its failed recipients; delayed, delivered, relayed and expanded ones are none.

    Reads reports that leave out the blank lines between recipients, or put Action before Final-Recipient.
    """
    failed: dict[str, BouncedRecipient] = {}
    names_recipients = False
    original: str | None = None
    for record in _records(content[:_CONTENT_CHARS_MAX]):
        original = original or record.get("x-original-message-id") or record.get("original-message-id")
        address = _address_of(record)
        if not address:
            continue
        names_recipients = True
        recipient = _failed_recipient(address, record)
        if recipient is not None and len(failed) < RECIPIENTS_MAX:
            failed.setdefault(address.lower(), recipient)
    return Report(tuple(failed.values()), names_recipients, original.strip(" <>") if original else None)


def judge(address: str, status: str, reason: str) -> BouncedRecipient:
    """Given an address, the stated status ("" for none) and the words about it, return the recipient with the best status.

    `is_hard` only where the address itself is wrong: a full mailbox, a policy, a refused sender say nothing about it.
    """
    words = " ".join(reason.split())
    precise = _precise_status(status, words)
    is_refused = precise.startswith(_ADDRESS_STATUSES) and _REFUSED_ADDRESS.search(words) is not None
    is_wrong = is_refused or precise in _GONE_STATUSES or _NO_SUCH_ADDRESS.search(words) is not None
    is_hard = precise.startswith("5") and is_wrong and _NOT_THE_ADDRESS.search(words) is None
    return BouncedRecipient(address, precise, words[:REASON_CHARS_MAX], is_hard)


def _precise_status(status: str, words: str) -> str:
    """What the refusing server says first; else the stated status, unless it says only "failed" and the words hold a better one."""
    said = _SERVER_STATUS.match(words)
    if said is not None and not said[1].endswith(".0.0"):
        return said[1]
    stated = STATUS.search(status)
    if stated is not None and not stated[1].endswith(".0.0"):
        return stated[1]
    found = next(
        (match[1] for match in STATUS.finditer(words) if not match[1].startswith("2") and not match[1].endswith(".0.0")), None
    )
    if found is not None:
        return found
    if stated is not None:
        return stated[1]
    code = REPLY_CODE.search(words)
    return f"{code[1][0]}.0.0" if code else "5.0.0"


def _failed_recipient(address: str, record: dict[str, str]) -> BouncedRecipient | None:
    action = record.get("action", "").split(None, 1)[:1]
    status = record.get("status", "")
    is_failed = not action[0].lower().startswith(_NOT_FAILED) if action else not status.strip().startswith(("2", "4"))
    if not is_failed:
        return None
    _, _, diagnosis = record.get("diagnostic-code", "").partition(";")
    comment = status.partition("(")[2].rstrip(") ")
    return judge(address, status, diagnosis.strip() or record.get("diagnostic-code", "") or comment)


def _address_of(record: dict[str, str]) -> str:
    """The address we sent to (Original-Recipient) before the one it became (Final-Recipient); "" for none."""
    for name in ("original-recipient", "final-recipient"):
        match = _TYPED_ADDRESS.fullmatch(record.get(name, "").strip())
        found = ADDRESS.search(match[1][:1000]) if match else None
        if found is not None:
            return found[0]
    return ""


def _records(content: str) -> Iterator[dict[str, str]]:
    """The groups of fields: a blank line ends one, and so does a field that can stand only once coming again."""
    record: dict[str, str] = {}
    name = ""
    for line in content.replace("\r\n", "\n").split("\n"):
        match = _FIELD.match(line)
        if not line.strip():
            yield record
            record, name = {}, ""
        elif line[0] in " \t" and name:
            record[name] = f"{record[name]} {line.strip()}"[:4000]
        elif match is not None:
            name = match[1].lower()
            if name in _ONCE and name in record:
                yield record
                record = {}
            record.setdefault(name, match[2])
    yield record
