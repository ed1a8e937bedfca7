"""Where does a quoted mail start? Attribution lines, dividers and header lines in many languages. Pure.

All functions look at a bounded number of lines, each cut to a bounded length.
"""

from __future__ import annotations

import re

from espomail.mail.reply_words import DELIMITER, DIVIDER_WORDS, FORWARD_LINES, HEADER_ROLES, LEADS, WROTE

_ATTRIBUTION_LINES_MAX = 4
_ATTRIBUTION_CHARS_MAX = 500
_HEADER_LINES_MAX = 12

RULE = re.compile(r"\s*(?:[-_=*~—–]{5,}|={4}|_{2,4})\s*")
_HEADER = re.compile(r"[>\s*_\ufeff]*([^\W\d][^\s\d:：*_<>@.,()]*+(?: [^\s\d:：*_<>@.,()]++)?)\s?[*_]{0,2}\s?[:：]")
_BLANKS = " \t>*_\xa0\u200e\u200f\u202a\u202b\u202c\u2068\u2069"
_SENTENCE_END = re.compile(r"[^\W\d]{5}[.!?] [^\W\d]")
_WROTE_AT = re.compile(r"(?:on |am |den )?[^:]{0,20}\d[^:]{0,20}[:.h]\d{2}(?::\d{2})?[^:\d]{0,6}:")
_DIVIDER = re.compile(r"[\s>]*[-_=*]{2,}[\s>]*(\w[^-_=*]{2,60}(?:-\w[^-_=*]{0,40})?)[-_=*]{2,}[\s:]*")
_ADDRESS = re.compile(r"[^\s<>@:]@[\w.-]|[<(\[]mailto:|<[^<>]{0,80}>")
_DATE = re.compile(r"\d{1,2}[:.h]\d{2}|\b(?:19|20)\d\d\b|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d年")
_DASHED = re.compile(r"-{3,} (.{1,300}) -{3,}")
_DATED_SENDER = re.compile(
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2}(?: \d{1,2}:\d{2}(?: GMT[+-]\d{1,2}:\d{2})?)? [^<>@:]{1,80}<[^<>\s@]{1,80}@[^<>\s@]{1,120}>"
    r"|\d{4}-\d{2}-\d{2} \d{1,2}:\d{2} GMT[+-]\d{1,2}:\d{2} [^:]{1,80}"
)
_TIME = re.compile(r"\d{1,2}[:.h]\d{2}")


def starts_whole_mail(heads: list[str], index: int) -> bool:
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
    return _header_role(head) is not None and not _is_in_a_form(heads, index) and _header_roles(heads, index) >= 3


def _is_in_a_form(heads: list[str], index: int) -> bool:
    """Whether the line right above has a label that no mail has: who fills in a form says `Name:` before `Subject:`."""
    above = heads[index - 1] if index else ""
    return _HEADER.match(above) is not None and _header_role(above) is None and not above.rstrip().endswith((":", "："))


def _header_role(head: str) -> str | None:
    match = _HEADER.match(head)
    return HEADER_ROLES.get(match[1].lower()) if match else None


def _header_roles(heads: list[str], start: int) -> int:
    """How many different header lines (From, Sent, To, Subject) stand here; 0 where they may be a person's own lines.

    "From: Berlin, To: Hamburg" has neither a subject nor an address.
    """
    roles: set[str] = set()
    has_address = False
    for head in heads[start : start + _HEADER_LINES_MAX]:
        role = _header_role(head)
        if role is not None:
            roles.add(role)
            has_address = has_address or (role == "from" and "@" in head)
        elif head.strip() and not roles:
            return 0
    is_mail = has_address or {"from", "subject"} <= roles
    return len(roles) if is_mail else 0


def below_headers(heads: list[str], index: int) -> int:
    """The line after the header lines of a mail that was forwarded without a word: its text is all there is to read."""
    stop = index
    while stop < len(heads) and _header_role(heads[stop]) is None and stop < index + _HEADER_LINES_MAX:
        stop += 1
    while stop < len(heads) and heads[stop].strip(" \t>"):
        stop += 1
    return stop


def above_rule(heads: list[str], index: int) -> int:
    """The first line of the rule (`_____`) right above a quoted mail's headers, or the line itself."""
    above = index
    while above and not heads[above - 1].strip():
        above -= 1
    return above - 1 if above and RULE.fullmatch(heads[above - 1]) else index


def attribution_length(heads: list[str], is_quoted: list[bool], index: int) -> int:
    """How many lines from here are an attribution ("On …,\\nAnn <ann@…> wrote:"); 0 for none."""
    joined = ""
    for length in range(1, _ATTRIBUTION_LINES_MAX + 1):
        if index + length > len(heads):
            return 0
        line = _undashed(heads[index + length - 1].strip(_BLANKS))
        if not line:
            return 0
        if length == 1 and _is_dated_sender(heads, is_quoted, index):
            return 1
        joined = f"{joined} {line}".strip()
        if len(joined) > _ATTRIBUTION_CHARS_MAX:
            return 0
        if _ends_as_attribution(line):
            return length if _is_attribution(joined, first_is_quoted(heads, is_quoted, index + length)) else 0
        if length == 1 and not _may_start_attribution(line):
            return 0
    return 0


def _undashed(line: str) -> str:
    dashed = _DASHED.fullmatch(line)
    return dashed[1] if dashed else line


def _is_dated_sender(heads: list[str], is_quoted: list[bool], index: int) -> bool:
    """Whether a line is a date and a sender without a verb, as Gmail wrote it: a paragraph of its own with text or a quote below."""
    if _DATED_SENDER.fullmatch(heads[index].strip()) is None or index + 2 >= len(heads):
        return False
    is_last = is_quoted[index + 1] or not heads[index + 1].strip()
    return is_last and not (index and heads[index - 1].strip())


def _ends_as_attribution(line: str) -> bool:
    return line.endswith((":", "：", "写道", "寫道", "wrote", "schrieb"))


def _may_start_attribution(line: str) -> bool:
    return LEADS.match(line) is not None or _ADDRESS.search(line) is not None


def _is_attribution(joined: str, is_followed_by_quote: bool) -> bool:
    has_address = _ADDRESS.search(joined) is not None
    has_date = _DATE.search(joined) is not None
    verb = WROTE.search(joined)
    starts_with_date = has_date and LEADS.match(joined) is not None
    if verb is not None:
        is_dated = starts_with_date or (has_date and _WROTE_AT.fullmatch(joined[verb.end() :].strip()) is not None)
        is_timed = is_dated and _TIME.search(joined) is not None and _SENTENCE_END.search(joined) is None
        return has_address or is_followed_by_quote or is_timed
    return has_address and starts_with_date


def first_is_quoted(heads: list[str], is_quoted: list[bool], start: int) -> bool:
    """Whether the first line with text from here on is a quoted one."""
    first = next((index for index in range(start, len(heads)) if heads[index].strip()), None)
    return first is not None and is_quoted[first]
