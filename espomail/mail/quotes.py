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

from espomail.mail.quote_starts import RULE, above_rule, attribution_length, below_headers, first_is_quoted, starts_whole_mail
from espomail.mail.reply_words import FOOTER, PHONE_SIGNATURE

LINE_CHARS_READ: Final = 400
LINES_READ_MAX: Final = 50_000
_SIGNATURE_LINES_MAX = 40
_PGP_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"
_PGP_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"

_QUOTED = re.compile(r"[ \t\xa0]{0,3}(?:>|[A-Z]{1,4}>(?=[ >]))")
_SIGNATURE_MARK = re.compile(r"(?:--|—)[ \xa0\t]?")


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
    end = _mark_pgp(heads, marks)
    end = _mark_quoted_mail(heads[:end], is_quoted[:end], marks)
    end = _mark_trailing_quotes(heads, is_quoted, marks, end)
    _mark_signature(heads, is_quoted, marks, end)
    return marks + marks[-1:] * (len(lines) - len(marks))


def _mark_pgp(heads: list[str], marks: list[Mark]) -> int:
    """Mark the armour of a signed text (RFC 9580 section 7); return where its signature block begins, or the end."""
    first = next((index for index, head in enumerate(heads) if head.strip()), 0)
    if heads[first].rstrip() == _PGP_SIGNED:
        while first < len(heads) and heads[first].strip():
            marks[first] = Mark.SIGNATURE
            first += 1
    end = next((index for index, head in enumerate(heads) if head.rstrip() == _PGP_SIGNATURE), len(heads))
    marks[end:] = [Mark.SIGNATURE] * (len(heads) - end)
    return end


def _mark_quoted_mail(heads: list[str], is_quoted: list[bool], marks: list[Mark]) -> int:
    """Mark the first quoted whole mail; return the line before which what is still to be judged ends."""
    start, has_text = 0, False
    for index, head in enumerate(heads):
        if index < start or not head.strip() or marks[index] is Mark.SIGNATURE:
            continue
        if starts_whole_mail(heads, index):
            if has_text:
                return _mark_from(marks, above_rule(heads, index), len(heads))
            start = below_headers(heads, index)
            _mark_from(marks, index, start)
            continue
        length = attribution_length(heads, is_quoted, index)
        if length and not has_text and not first_is_quoted(heads, is_quoted, index + length):
            start = index + length
            _mark_from(marks, index, start)
            continue
        if length:
            return _mark_below_attribution(heads, is_quoted, marks, start=index, after=index + length)
        has_text = True
    return len(heads)


def _mark_from(marks: list[Mark], start: int, stop: int) -> int:
    marks[start:stop] = [Mark.QUOTED] * (stop - start)
    return start


def _mark_below_attribution(heads: list[str], is_quoted: list[bool], marks: list[Mark], *, start: int, after: int) -> int:
    """Below an attribution line: without `>` all is quoted; with it, what stands between the quotes is an answer.

    Text that stands above the attribution or below the last quote stays without the quotes.
    """
    count = len(heads)
    if not first_is_quoted(heads, is_quoted, after):
        return _mark_from(marks, start, count)
    below = _last_quoted(is_quoted) + 1
    answers = _inline_answers(heads, is_quoted, after)
    if not answers:
        return _mark_tail(heads, marks, start, below)
    if answers[0] >= below:
        _mark_from(marks, start, below)
        _mark_signature(heads, is_quoted, marks, start)
    else:
        _mark_from(marks, start, after)
    return count


def _mark_tail(heads: list[str], marks: list[Mark], start: int, stop: int) -> int:
    """Mark a quote and what follows it: a signature or a footer, for an answer would have been found."""
    _mark_from(marks, start, stop)
    marks[stop : len(heads)] = [Mark.SIGNATURE if head.strip() else Mark.QUOTED for head in heads[stop:]]
    return start


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
        if not is_wrapped and not _is_footer_block(heads[index:stop]):
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
        if _SIGNATURE_MARK.fullmatch(heads[index]) or _starts_list_footer(heads, index, end):
            return index
    return end


def _starts_list_footer(heads: list[str], index: int, end: int) -> bool:
    return RULE.fullmatch(heads[index]) is not None and any(
        FOOTER.search(head) for head in heads[index + 1 : min(index + 4, end)]
    )


def _is_footer_block(block: list[str]) -> bool:
    """Whether a paragraph was put there by a phone, a list, a gateway or a company, not by the person."""
    return RULE.fullmatch(block[0]) is not None or all(_is_footer(head) or FOOTER.search(head) for head in block)


def _is_signature_line(head: str) -> bool:
    return _SIGNATURE_MARK.fullmatch(head) is not None or _is_footer(head)


def _is_footer(head: str) -> bool:
    return len(head) < 200 and PHONE_SIGNATURE.fullmatch(head.strip()) is not None
