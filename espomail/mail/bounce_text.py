"""Delivery failures told in prose, as Exim, qmail, old Exchange and many gateways do: who failed and why. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from espomail.mail.delivery_status import ADDRESS, RECIPIENTS_MAX, judge
from espomail.model import BouncedRecipient

TEXT_CHARS_MAX: Final = 200_000
_LINE_CHARS_MAX = 1000

_RETURNED = re.compile(
    r"\s*(?:\|?[-=_*>]{2,}\s*)?(?:this is (?:a|the) copy of|(?:the )?original (?:message|mail)|below this line|unsent message"
    r"|(?:the )?(?:header|copy)s? of the (?:original|source|message)|message headers follow|(?:here|below) is (?:a|your) copy"
    r"|returned message|message text follows"
    r"|(?:---+ )?forwarded message|included is a copy|the attachment contains the original|-----* ?original"
    r"|(?:received|return-path|message-id|x-originating-ip|dkim-signature):)",
    re.IGNORECASE,
)
_SUMMARY = re.compile(r"\s*(?:to|cc|from|subject|sent|date|reply-to)\s*:", re.IGNORECASE)
_CONTACT = re.compile(
    r"contact|assist|questions?\b|problems?, (?:ask|write|mail)|help\b|if you (?:feel|believe|think)"
    r"|forward this|please reply to|\bsend (?:mail|e-?mail)",
    re.IGNORECASE,
)
_NOT_RECIPIENTS = re.compile(r"mailer-daemon|no-?reply|.*\.prod\.outlook\.com$", re.IGNORECASE)
_BECAME = re.compile(r"\(?(?:ultimately )?(?:generated|expanded) (?:from|by):? ?<?(" + ADDRESS.pattern + r")>?\)?", re.I | re.A)
_SENT_BY = re.compile(r"(?:message|mail)(?: was)?(?: sent)? (?:by|from):?\s{0,9}<?(" + ADDRESS.pattern + ")", re.I | re.A)
FAILED: Final = re.compile(
    r"(?:could|can|was|were|did|has|have|is|are)(?: ?not|n't) (?:be |been |yet been |able to |reach "
    r"|possible )*(?:deliver|sent|reach|accept)"
    r"|cannot be delivered|could not be (?:delivered|sent|processed)|unable to deliver|undeliver(?:able|ed)|un-?deliverable"
    r"|did not reach|delivery (?:has )?(?:failed|failure|problem|error|to the following|status notification \(fail)"
    r"|failed to deliver"
    r"|error (?:has )?occurr?ed while (?:attempting|trying)|mail failed|was aborted after|invalid user address|no such user"
    r"|user unknown|no valid recipients|failed recipients?\b"
    r"|(?:address(?:es)?|recipients?)(?:\(e?s\))? (?:had|have|failed)|permanent (?:fatal )?errors?|delivery problems"
    r"|mail(?:ing)? error"
    r"|returned (?:mail|to sender|message)|failure notice|mail failure|trouble delivering|error (?:delivering"
    r"|sending) your|not delivered"
    r"|automatically rejected|mailbox is full|rejected recipient|rejected by|non-?deliver|wasn't able to deliver|unknown user"
    r"|unzustellbar|nicht zugestellt|konnte nicht|non remis|n'a pas pu être|no se (?:ha podido|pudo) entregar|non recapitabile"
    r"|não (?:pôde ser|foi) entregue|onbestelbaar|niet (?:worden )?(?:af|be)geleverd|niedostarczon|nie można dostarczyć"
    r"|ikke leveres"
    r"|kunde inte levereras|не (?:доставлено|может быть доставлено)|nedoručiteln|送信できませんでした|送信に失敗"
    r"|配信できません|配送できませんでした"
    r"|投稿できなかった|退信|(?:传输|投递|发送)失败|无法(?:投递|发送|送达)|無法傳遞",
    re.IGNORECASE,
)
DELAYED: Final = re.compile(
    r"delivery attempts will (?:be )?continue|will (?:be )?(?:retried|retry|keep trying|continue to (?:try|be made))"
    r"|has not yet been delivered"
    r"|(?:message|mail|delivery)(?: has been| is| was)? (?:delayed|deferred)|still being retried|warning: (?:message"
    r"|could not send)"
    r"|you do not need to resend|no action is required on your part",
    re.IGNORECASE,
)


def split_report(text: str) -> tuple[str, str]:
    """Given the text of a bounce, return the report and the returned mail below it ("" when there is none)."""
    lines = text[:TEXT_CHARS_MAX].split("\n")
    for index, line in enumerate(lines):
        if index and _RETURNED.match(line[:_LINE_CHARS_MAX]):
            return "\n".join(lines[:index]), "\n".join(lines[index:])
    return "\n".join(lines), ""


def failed_recipients(report: str, *, ours: frozenset[str]) -> tuple[BouncedRecipient, ...]:
    """Given a report in prose, return the addresses it says failed, each with the words up to the next address.

    `ours` are addresses (lower case) that can't have failed: those the bounce goes to. Addresses to ask for help are left out.
    An address that another one became (an alias, a forwarding) counts as the one that we wrote to.
    """
    lines = [line[:_LINE_CHARS_MAX] for line in report.split("\n") if not _SUMMARY.match(line[:40])]
    excluded = ours | _other_addresses(lines, report)
    words: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    current = ""
    for line in lines:
        became = _BECAME.search(line)
        for found in _addresses_in(line[: became.start()] if became else line, excluded):
            if found.lower() in names or len(names) < RECIPIENTS_MAX:
                current = found.lower()
                names.setdefault(current, found)
        if became:
            current = current or became[1].lower()
            names[current] = became[1]
        words.setdefault(current, []).append(line)
    above = words.get("", [])
    told = {name.lower(): (name, _reason(words.get(key, []), name) or _reason(above, name)) for key, name in names.items()}
    return tuple(judge(name, "", reason) for name, reason in told.values())


def _other_addresses(lines: list[str], report: str) -> set[str]:
    """The addresses (lower case) to ask for help, and those that a mail is said to come from."""
    helpers = {found.lower() for line in lines if _CONTACT.search(line) for found in ADDRESS.findall(line)}
    return helpers | {match[1].lower() for match in _SENT_BY.finditer(report)}


def _addresses_in(line: str, excluded: frozenset[str] | set[str]) -> Iterator[str]:
    for match in ADDRESS.finditer(line):
        found = match[0].removeprefix("SMTP=").removeprefix("smtp=").lstrip("'")
        if found.lower() not in excluded and not _NOT_RECIPIENTS.match(found):
            yield found


def _reason(lines: list[str], address: str) -> str:
    """The words about one address without the address that heads them; "" where there are none."""
    words = " ".join(" ".join(lines)[:2000].split())
    told = words.lstrip('<["*').removeprefix(address).lstrip(' >"]:,')
    return told.removesuffix('"') if told.count('"') == 1 else told
