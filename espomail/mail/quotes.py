"""Which lines of a mail are new, and which are quoted or a signature? Pure, linear in the length of the text.

Every line gets one mark. A whole quoted mail below an answer goes from its attribution ("On …, Ann wrote:", the header
lines of Outlook, a forwarding line) to the end; answers written between quoted lines stay, with the quotes above
them, because they mean nothing without.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from espomail.mail.reply_words import DELIMITER, DIVIDER_WORDS, FORWARD_LINES, HEADER_ROLES, LEADS, PHONE_SIGNATURE, WROTE

LINE_CHARS_READ: Final = 400
LINES_READ_MAX: Final = 50_000
_ATTRIBUTION_LINES_MAX = 4
_ATTRIBUTION_CHARS_MAX = 500
_HEADER_LINES_MAX = 12
_SIGNATURE_LINES_MAX = 40

_QUOTED = re.compile(r"[ \t\xa0]{0,3}(?:>|\|[ ]|[A-Za-z]{1,4}>)")
_HEADER = re.compile(r"[>\s*_\ufeff]*([^\W\d][^\W\d]*(?: [^\W\d]+)?)\s?[*_]{0,2}\s?[:：]", re.UNICODE)
_RULE = re.compile(r"\s*[-_=*~—–]{5,}\s*")
_DIVIDER = re.compile(r"[\s>]*[-_=*]{2,}[\s>]*(\w[^-_=*]{2,60}(?:-\w[^-_=*]{0,40})?)[-_=*]{2,}[\s:]*")
_SIGNATURE_MARK = re.compile(r"(?:--|—)[ \xa0\t]?")
_ADDRESS = re.compile(r"[^\s<>@:]@[\w.-]|[<(\[]mailto:|<[^<>]{0,80}>")
_DATE = re.compile(r"\d{1,2}[:.h]\d{2}|\b(?:19|20)\d\d\b|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d年")
_TIME = re.compile(r"\d{1,2}[:.h]\d{2}")


class Mark(Enum):
    NEW = "new"
    QUOTED = "quoted"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Reply:
    """A mail's text by lines: what its author wrote now, what is quoted, the signature.

    `elided` is all that is not new, in the order of the mail.
    """

    new: str
    quoted: str
    signature: str
    elided: str


def split_reply(text: str) -> Reply:
    """Given a mail's text, return its parts; where nothing would be left as new, all of it is new."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    marks = _marks(lines)
    if not any(mark is Mark.NEW and line.strip() for line, mark in zip(lines, marks, strict=True)):
        return Reply(text.strip(), "", "", "")
    return Reply(
        new=_joined(lines, marks, {Mark.NEW}),
        quoted=_joined(lines, marks, {Mark.QUOTED}),
        signature=_joined(lines, marks, {Mark.SIGNATURE}),
        elided=_joined(lines, marks, {Mark.QUOTED, Mark.SIGNATURE}),
    )


def new_text(text: str) -> str:
    """Given a mail's text, return it without quoted mails and signature; all of it when nothing would be left."""
    return split_reply(text).new


def _joined(lines: list[str], marks: list[Mark], wanted: set[Mark]) -> str:
    return "\n".join(line.rstrip() for line, mark in zip(lines, marks, strict=True) if mark in wanted).strip("\n")


def _marks(lines: list[str]) -> list[Mark]:
    """Mark the first quoted whole mail, then trailing quotes, then the signature above; lines beyond the cap like the last."""
    heads = [line[:LINE_CHARS_READ] for line in lines[:LINES_READ_MAX]]
    is_quoted = [_QUOTED.match(head) is not None for head in heads]
    marks = [Mark.NEW] * len(heads)
    end = _mark_quoted_mail(heads, is_quoted, marks)
    end = _mark_trailing_quotes(heads, is_quoted, marks, end)
    _mark_signature(heads, is_quoted, marks, end)
    return marks + marks[-1:] * (len(lines) - len(marks))


def _mark_quoted_mail(heads: list[str], is_quoted: list[bool], marks: list[Mark]) -> int:
    """Mark the first quoted whole mail; return the line before which what is still to be judged ends."""
    start, has_text = 0, False
    for index, head in enumerate(heads):
        if index < start or not head.strip():
            continue
        if _starts_whole_mail(heads, index):
            if has_text:
                return _mark_from(marks, _above_rule(heads, index), len(heads))
            start = _below_headers(heads, index)
            _mark_from(marks, index, start)
            continue
        length = _attribution_length(heads, is_quoted, index)
        if length:
            return _mark_below_attribution(heads, is_quoted, marks, (index, index + length))
        has_text = True
    return len(heads)


def _mark_from(marks: list[Mark], start: int, stop: int) -> int:
    marks[start:stop] = [Mark.QUOTED] * (stop - start)
    return start


def _mark_below_attribution(heads: list[str], is_quoted: list[bool], marks: list[Mark], span: tuple[int, int]) -> int:
    """Below an attribution line: without `>` all is quoted; with it, what stands between the quotes is an answer."""
    start, after = span
    count = len(heads)
    if not any(is_quoted[after:]) or not _first_is_quoted(heads, is_quoted, after):
        return _mark_from(marks, start, count)
    answers = _inline_answers(heads, is_quoted, after)
    if not answers:
        return _mark_tail(heads, marks, start, _last_quoted(is_quoted) + 1)
    _mark_from(marks, start, after)
    return count


def _mark_tail(heads: list[str], marks: list[Mark], start: int, stop: int) -> int:
    """Mark a quote and what follows it: a signature or a footer, for an answer would have been found."""
    _mark_from(marks, start, stop)
    marks[stop:] = [Mark.SIGNATURE if head.strip() else Mark.QUOTED for head in heads[stop:]]
    return start


def _first_is_quoted(heads: list[str], is_quoted: list[bool], start: int) -> bool:
    first = next((index for index in range(start, len(heads)) if heads[index].strip()), None)
    return first is not None and is_quoted[first]


def _last_quoted(is_quoted: list[bool]) -> int:
    return next(index for index in range(len(is_quoted) - 1, -1, -1) if is_quoted[index])


def _inline_answers(heads: list[str], is_quoted: list[bool], start: int) -> list[int]:
    """The lines between and below the quotes that a person wrote: not a signature, not the rest of a wrapped quoted line."""
    answers: list[int] = []
    index = start
    count = len(heads)
    while index < count:
        if is_quoted[index] or not heads[index].strip():
            index += 1
            continue
        stop = index
        while stop < count and not is_quoted[stop] and heads[stop].strip():
            stop += 1
        if _is_signature_line(heads[index]):
            break
        is_wrapped = is_quoted[index - 1] and stop < count and is_quoted[stop]
        if not is_wrapped and not all(_is_footer(head) for head in heads[index:stop]):
            answers.extend(range(index, stop))
        index = stop
    return answers


def _mark_trailing_quotes(heads: list[str], is_quoted: list[bool], marks: list[Mark], end: int) -> int:
    """Mark the quotes at the end when there is text above them; return where the rest ends."""
    stop = end
    while stop and (is_quoted[stop - 1] or not heads[stop - 1].strip()):
        stop -= 1
    if stop and any(is_quoted[stop:end]):
        return _mark_from(marks, stop, end)
    return end


def _mark_signature(heads: list[str], is_quoted: list[bool], marks: list[Mark], end: int) -> None:
    """Mark the signature at the end of what is left: below `-- `, and lines that phones add."""
    start = _signature_start(heads, is_quoted, end)
    stop = start
    while stop and (not heads[stop - 1].strip() or _is_footer(heads[stop - 1])):
        stop -= 1
    for index in range(stop, end):
        marks[index] = Mark.SIGNATURE


def _signature_start(heads: list[str], is_quoted: list[bool], end: int) -> int:
    """The line `-- ` that opens the signature, or `end`; a long text below it, or a quote, says it is none."""
    for index in range(end - 1, max(end - _SIGNATURE_LINES_MAX, 0) - 1, -1):
        if is_quoted[index]:
            return end
        if _SIGNATURE_MARK.fullmatch(heads[index]):
            return index
    return end


def _is_signature_line(head: str) -> bool:
    return _SIGNATURE_MARK.fullmatch(head) is not None or _is_footer(head)


def _is_footer(head: str) -> bool:
    return len(head) < 200 and PHONE_SIGNATURE.fullmatch(head.strip()) is not None


def _starts_whole_mail(heads: list[str], index: int) -> bool:
    """Whether an original or forwarded mail starts here: a divider, a forwarding line, or at least three header lines."""
    head = heads[index]
    if DELIMITER.search(head):
        return True
    bare = head.strip(" \t>*_:：").lower()
    if bare.startswith(FORWARD_LINES) and len(bare) < 80:
        return True
    divider = _DIVIDER.fullmatch(head)
    if divider is not None:
        return divider[1].strip(" :").lower() in DIVIDER_WORDS or _header_roles(heads, index + 1) >= 2
    return _header_role(head) is not None and _header_roles(heads, index) >= 3


def _header_role(head: str) -> str | None:
    match = _HEADER.match(head)
    return HEADER_ROLES.get(match[1].lower()) if match else None


def _header_roles(heads: list[str], start: int) -> int:
    """How many different header lines (From, Sent, To, Subject) stand here; 0 without `From` or both `Sent` and `Subject`."""
    roles: set[str] = set()
    for head in heads[start : start + _HEADER_LINES_MAX]:
        role = _header_role(head)
        if role is not None:
            roles.add(role)
        elif head.strip() and not roles:
            return 0
    return len(roles) if "from" in roles or {"sent", "subject"} <= roles else 0


def _below_headers(heads: list[str], index: int) -> int:
    """The line after the header lines of a mail that was forwarded without a word: its text is all there is to read."""
    stop = index
    while stop < len(heads) and _header_role(heads[stop]) is None and stop < index + _HEADER_LINES_MAX:
        stop += 1
    while stop < len(heads) and heads[stop].strip(" \t>"):
        stop += 1
    return stop


def _above_rule(heads: list[str], index: int) -> int:
    """The first line of the rule (`_____`) right above a quoted mail's headers, or the line itself."""
    above = index
    while above and not heads[above - 1].strip():
        above -= 1
    return above - 1 if above and _RULE.fullmatch(heads[above - 1]) else index


def _attribution_length(heads: list[str], is_quoted: list[bool], index: int) -> int:
    """How many lines from here are an attribution ("On …,\\nAnn <ann@…> wrote:"); 0 for none."""
    joined = ""
    for length in range(1, _ATTRIBUTION_LINES_MAX + 1):
        if index + length > len(heads):
            return 0
        line = heads[index + length - 1].strip(" \t>*_\xa0")
        if not line:
            return 0
        joined = f"{joined} {line}".strip()
        if len(joined) > _ATTRIBUTION_CHARS_MAX:
            return 0
        if _ends_as_attribution(line):
            return length if _is_attribution(joined, _first_is_quoted(heads, is_quoted, index + length)) else 0
        if length == 1 and not _may_start_attribution(line):
            return 0
    return 0


def _ends_as_attribution(line: str) -> bool:
    return line.endswith((":", "：", "写道", "寫道", "wrote", "schrieb"))


def _may_start_attribution(line: str) -> bool:
    return LEADS.match(line) is not None or _ADDRESS.search(line) is not None


def _is_attribution(joined: str, is_followed_by_quote: bool) -> bool:
    has_address = _ADDRESS.search(joined) is not None
    has_date = _DATE.search(joined) is not None
    has_verb = WROTE.search(joined) is not None
    starts_with_date = has_date and LEADS.match(joined) is not None
    if has_verb:
        return has_address or is_followed_by_quote or (starts_with_date and _TIME.search(joined) is not None)
    return has_address and starts_with_date
