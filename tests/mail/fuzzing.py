"""Random mails and texts for every public function of espomail.mail, each made from one number: a finding is that number.

A function may answer with anything but an exception that its docstring does not name; what it returns must be fit to be stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from espomail.errors import BadInput
from espomail.mail import (
    addresses,
    automatic,
    body,
    bounce,
    bounce_text,
    calendar,
    charset_names,
    charsets,
    compose,
    content,
    dates,
    delivery_status,
    encode,
    encodings,
    headers,
    identity,
    japanese,
    parameters,
    parse,
    quote_starts,
    quotes,
    structure,
    stub,
    templates,
    text,
    tnef,
    tokens,
)
from espomail.model import Address
from tests.mail.values import strings_of

_WORDS = rb"""
From:|To:|Cc:|Subject:|Date:|Message-ID:|References:|In-Reply-To:|Reply-To:|Return-Path: <>|Content-Type:
Content-ID: <a@b>|Content-Disposition: attachment; filename=|Content-Transfer-Encoding:|base64|quoted-printable
x-uuencode|7bit|binary|text/plain|text/html|text/calendar|multipart/mixed|multipart/alternative|multipart/report
multipart/digest|message/rfc822|application/ms-tnef|message/delivery-status|; boundary=|; boundary="b"|; charset=
; format=flowed|; delsp=yes|; name=|; name*0*=utf-8''|; name*1=|--b|--b--|=?utf-8?q?|=?utf-8?b?|=?gb2312?B?|?=|=?|=C3=A4
=E4|=|=20|w6Q=|Zm9v|YQ|===|utf-8|iso-8859-1|utf-16|utf-7|gb18030|iso-2022-jp|hz|zlib|idna|<|>|<a@b.example>
"Ann" <ann@a.example>|ann@a.example|a@good <b@evil>|@|.|,|;|:|"|\|(|)|[|]|xn--|xn--mnchen-3ya.example|group: a@b;
Mon, 2 Mar 2026 09:00:00 +0100|31 Feb 2026 25:61:61 -9999|2026-03-02T09:00:00Z|begin 644 x|end|`
Final-Recipient: rfc822; a@b.example|Action: failed|Status: 5.1.1|Diagnostic-Code: smtp; 550 no such user
BEGIN:VCALENDAR|BEGIN:VEVENT|END:VEVENT|DTSTART;TZID=Europe/Berlin:|20260302T090000|RRULE:FREQ=DAILY|SUMMARY:
ATTENDEE;CN=|mailto:|On Monday, Ann <ann@a.example> wrote:|> |>> |-- |Am 2.3.2026 schrieb Ann:
-----Original Message-----|Sent: Monday|-----BEGIN PGP MESSAGE-----|<html>|<div>|</div>|<p>|<br>|<table><tr><td>
<a href="|<script>|</script>|<style>|<!--|-->|<![CDATA[|&amp;|&#xD800;|&#0;|&|<meta charset=|<blockquote>
Auto-Submitted: auto-replied|Precedence: bulk|Authentication-Results: mx.example; dkim=pass|spf=fail|[#42]|AW: |Re: |x
espomail.case.42.n.sig@team.example|support+case42.abc@team.example|{{ email.subject }}|{% if case %}|{% endif %}|{{|}}
{%|x
"""
_BYTES = (
    b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\x1b[2J", b"\xef\xbb\xbf", b"\x78\x9f\x3e\x22\x01\x00",
    b"~{", b"+2AA-", b"\x1b$B", b"\x1b(B", b"\x1b(I", b"\x1b$)C",
)  # fmt: skip
WORDS: Sequence[bytes] = (*_WORDS.strip().replace(b"\n", b"|").split(b"|"), *_BYTES)
ENDS = (b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\r\n", b" ", b"", b"\n ", b"\t", b"; ")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = b"k" * 32


def mail(random: Random, material: Sequence[bytes]) -> bytes:
    """A mail: words put together, or one of the material with pieces changed, doubled, cut out and moved."""
    made = bytearray(random.choice(material)[:60_000] if material and random.random() < 0.7 else _put_together(random))
    for _ in range(random.choice((0, 1, 2, 5, 20))):
        _change(made, random, material)
    return bytes(made)


def _put_together(random: Random) -> bytes:
    return b"".join(random.choice(WORDS) + random.choice(ENDS) for _ in range(random.randrange(60)))


def _change(made: bytearray, random: Random, material: Sequence[bytes]) -> None:
    start = random.randrange(len(made) + 1)
    stop = min(len(made), start + random.choice((0, 1, 2, 10, 100, 1000)))
    match random.randrange(7):
        case 0:
            made[start:start] = random.choice(WORDS) + random.choice(ENDS)
        case 1:
            del made[start:stop]
        case 2:
            made[start:start] = made[start:stop] * random.randrange(1, 30)
        case 3:
            made[start:stop] = random.randbytes(random.randrange(8))
        case 4:
            made[start:start] = _line_of(random, material)
        case 5:
            del made[start:]
        case _:
            old, new = random.sample(ENDS[:6], 2)
            made[start:stop] = made[start:stop].replace(old, new) if old else made[start:stop]


def _line_of(random: Random, material: Sequence[bytes]) -> bytes:
    """A few lines of another mail."""
    lines = random.choice(material)[:60_000].splitlines(keepends=True) if material else [random.choice(WORDS)]
    start = random.randrange(len(lines) + 1)
    return b"".join(lines[start : start + random.randrange(1, 12)])


@dataclass(frozen=True)
class Given:
    """What one number gives to all functions: a mail, its parts and texts, and the dice."""

    random: Random
    raw: bytes

    def text(self) -> str:
        """A stretch of the mail as a careless reader would decode it, lone surrogates and all."""
        start = self.random.randrange(len(self.raw) + 1)
        stretch = self.raw[start : start + self.random.choice((3, 30, 300, 30_000))]
        return stretch.decode(
            self.random.choice(("utf-8", "latin-1", "cp1252")), self.random.choice(("replace", "ignore", "surrogateescape"))
        )

    def bytes(self) -> bytes:
        start = self.random.randrange(len(self.raw) + 1)
        return self.raw[start : start + self.random.choice((3, 30, 300, 30_000))]

    def line(self) -> str:
        return " ".join(self.text()[:200].split())

    def mailbox(self) -> Address:
        found = addresses.read_addresses(self.text()[:300])
        return self.random.choice(found) if found and self.random.random() < 0.8 else Address(self.line(), self.line())


Target = Callable[[Given], object]


def _draft(given: Given) -> compose.Draft:
    """Half of the drafts have values that a person could have typed, so that they get past the checks."""
    text_of = given.line if given.random.random() < 0.5 else given.text
    return compose.Draft(
        from_=Address("", "support@team.example") if given.random.random() < 0.5 else given.mailbox(),
        to=tuple(given.mailbox() for _ in range(given.random.randrange(3))),
        subject=charsets.clean(text_of()),
        text=given.text(),
        html=given.random.choice((None, given.text())),
        attachments=tuple((given.line(), given.line()[:40], given.bytes()) for _ in range(given.random.randrange(3))),
        message_id=given.random.choice(("a@b.example", given.line())),
        date=NOW,
        in_reply_to=given.random.choice((None, given.line())),
        references=tuple(given.line() for _ in range(given.random.randrange(4))),
        headers=given.random.choice(((), (("X-Loop", given.line()),), ((given.line(), "x"),))),
    )


def _lines(given: Given) -> tuple[list[str], list[bool], int]:
    """Lines, which of them are quoted, and the number of one of them."""
    lines = given.text().split("\n")
    return lines, [line.startswith(">") for line in lines], given.random.randrange(len(lines))


def _attachments(given: Given) -> list[bytes]:
    return [parse.attachment_content(given.raw, attached.position) for attached in parse.parse(given.raw).attachments[:3]]


def _variable(given: Given) -> dict[str, object]:
    return {"case": None, "email": {"subject": given.line()}}


TARGETS: dict[str, Target] = {
    "addresses.normalise": lambda given: addresses.normalise(given.text()),
    "addresses.read_addresses": lambda given: addresses.read_addresses(given.text()),
    "automatic.subject_reason": lambda given: automatic.subject_reason(given.text()),
    "automatic.automatic_reason": lambda given: automatic.automatic_reason(parse.parse_head(given.raw).headers, given.line()),
    "automatic.robot_reason": lambda given: automatic.robot_reason("sender", given.text()),
    "automatic.is_auto_reply": lambda given: automatic.is_auto_reply(parse.parse_head(given.raw).headers, given.text()),
    "body.written": lambda given: body.written(given.text(), is_html=given.random.random() < 0.5, signature=given.line()),
    "bounce.read_bounce": lambda given: bounce.read_bounce(structure.split(given.raw).root, text=given.text()),
    "bounce_text.split_report": lambda given: bounce_text.split_report(given.text()),
    "bounce_text.failed_recipients": lambda given: bounce_text.failed_recipients(given.text(), ours=frozenset({given.line()})),
    "calendar.describe_invite": lambda given: calendar.describe_invite(given.random.choice((given.text(), given.bytes()))),
    "charset_names.codec_name": lambda given: charset_names.codec_name(given.text()),
    "charsets.is_said": lambda given: charsets.is_said(given.text()[: given.random.choice((8, 80))]),
    "charsets.decode": lambda given: charsets.decode(given.bytes(), given.text()[: given.random.choice((8, 80))]),
    "charsets.lookup": lambda given: charsets.lookup(given.text()[: given.random.choice((8, 80))]),
    "charsets.html_charset": lambda given: charsets.html_charset(given.bytes()),
    "charsets.clean": lambda given: charsets.clean(given.text()),
    "compose.compose": lambda given: compose.compose(_draft(given)),
    "compose.quote_reply": lambda given: compose.quote_reply(given.text(), author=given.text(), sent_at=NOW),
    "compose.reply_recipients": lambda given: compose.reply_recipients(
        parse.parse_head(given.raw), own=(given.line(),), reply_all=given.random.random() < 0.5
    ),
    "content.content_of": lambda given: content.content_of(structure.split(given.raw).root),
    "content.one_line": lambda given: content.one_line(charsets.clean(given.text())),
    "dates.read_date": lambda given: dates.read_date(given.text()),
    "delivery_status.read_delivery_status": lambda given: delivery_status.read_delivery_status(given.text()),
    "delivery_status.judge": lambda given: delivery_status.judge(given.line(), given.line(), given.text()),
    "encode.refuse_controls": lambda given: encode.refuse_controls("x", given.text()),
    "encode.field": lambda given: encode.field("Subject", given.text()),
    "encode.folded": lambda given: encode.folded("Subject", given.line().encode("ascii", "ignore").decode().split(" ")),
    "encode.address_words": lambda given: encode.address_words("To", (given.mailbox(), given.mailbox())),
    "encode.ascii_address": lambda given: encode.ascii_address("To", given.line()),
    "encode.message_id": lambda given: encode.message_id("Message-ID", given.line()),
    "encode.is_message_id": lambda given: encode.is_message_id(given.text()),
    "encode.date_text": lambda given: encode.date_text(NOW + timedelta(seconds=given.random.randrange(10**9))),
    "encode.text_part": lambda given: encode.text_part("plain", charsets.clean(given.text())),
    "encode.attachment_part": lambda given: encode.attachment_part(given.text(), given.text()[:60], given.bytes()),
    "encode.base64_lines": lambda given: encode.base64_lines(given.bytes()),
    "encodings.decoded": lambda given: encodings.decoded(
        given.raw, 0, len(given.raw), given.random.choice(("base64", "uuencode", "quoted-printable", given.text()))
    ),
    "encodings.without_inline_files": lambda given: encodings.without_inline_files(given.bytes()),
    "headers.split_header": lambda given: headers.split_header(given.raw, given.random.randrange(len(given.raw) + 1)),
    "headers.unfold": lambda given: headers.unfold(given.text()),
    "headers.decode_words": lambda given: headers.decode_words(given.text()),
    "headers.base64_bytes": lambda given: headers.base64_bytes(given.bytes()),
    "headers.text_of": lambda given: headers.text_of(given.text()),
    "identity.normal_message_id": lambda given: identity.normal_message_id(given.text()),
    "identity.message_ids": lambda given: identity.message_ids(given.text()),
    "identity.normal_text": lambda given: identity.normal_text(charsets.clean(given.text())),
    "identity.normal_bytes": lambda given: identity.normal_bytes(given.text()).decode(),
    "identity.content_key": lambda given: identity.content_key(None, given.line(), None, given.text(), ()),
    "identity.derived_message_id": lambda given: identity.derived_message_id(given.random.randbytes(32).hex()),
    "identity.is_variant": lambda given: identity.is_variant(given.text(), given.text()),
    "japanese.as_shift_jis": lambda given: japanese.as_shift_jis(given.bytes()),
    "parameters.parameters": lambda given: parameters.parameters(given.text()),
    "parse.parse_head": lambda given: parse.parse_head(given.raw, trusted_authserv_id="mx.example"),
    "parse.parse": lambda given: parse.parse(given.raw, trusted_authserv_id="mx.example"),
    "parse.attachment_content": _attachments,
    "quote_starts.starts_whole_mail": lambda given: quote_starts.starts_whole_mail(*_lines(given)[::2]),
    "quote_starts.below_headers": lambda given: quote_starts.below_headers(*_lines(given)[::2]),
    "quote_starts.above_rule": lambda given: quote_starts.above_rule(*_lines(given)[::2]),
    "quote_starts.attribution_length": lambda given: quote_starts.attribution_length(*_lines(given)),
    "quote_starts.first_is_quoted": lambda given: quote_starts.first_is_quoted(*_lines(given)),
    "quotes.split_reply": lambda given: quotes.split_reply(charsets.clean(given.text())),
    "quotes.new_text": lambda given: quotes.new_text(charsets.clean(given.text())),
    "structure.split": lambda given: structure.split(given.raw).root,
    "structure.with_line_feeds": lambda given: structure.with_line_feeds(given.raw),
    "structure.after_mbox_line": lambda given: structure.after_mbox_line(given.raw),
    "stub.stub": lambda given: stub.stub(given.raw),
    "templates.render": lambda given: templates.render(given.text(), _variable(given), html=given.random.random() < 0.5),
    "templates.render_check": lambda given: templates.render_check(given.text()),
    "text.clean": lambda given: text.clean(given.text()),
    "text.unflow": lambda given: text.unflow(charsets.clean(given.text()), delsp=given.random.random() < 0.5),
    "text.html_to_text": lambda given: text.html_to_text(given.text()),
    "tnef.unpack": lambda given: tnef.unpack(given.random.choice((b"", b"\x78\x9f\x3e\x22\x01\x00")) + given.bytes()),
    "tokens.subject_case_number": lambda given: tokens.subject_case_number(given.text()),
    "tokens.with_case_token": lambda given: tokens.with_case_token(given.text(), given.random.randrange(100)),
    "tokens.reply_subject": lambda given: tokens.reply_subject(given.text()),
    "tokens.sign_message_id": lambda given: tokens.sign_message_id(KEY, thing="case:7", nonce="n1", domain=given.line()),
    "tokens.read_signed_id": lambda given: tokens.read_signed_id(KEY, given.text()),
    "tokens.is_notice": lambda given: tokens.is_notice(KEY, given.text()),
    "tokens.plus_address": lambda given: tokens.plus_address(KEY, address=given.line(), number=7),
    "tokens.without_plus_tag": lambda given: tokens.without_plus_tag(given.text()),
    "tokens.read_plus_address": lambda given: tokens.read_plus_address(KEY, given.text()),
}  # fmt: skip

REFUSING = frozenset({"compose", "encode", "templates"})
"""The modules whose functions refuse a value that must not leave, with BadInput."""

GIVING_BACK = frozenset({"headers.unfold", "encode.folded", "headers.split_header", "content.one_line"})
"""What is no decoder: strings come out as they went in."""


def given_by(seed: int, material: Sequence[bytes]) -> Given:
    random = Random(seed)
    return Given(random, mail(random, material))


def run(name: str, given: Given) -> str | None:
    """Call one function; return what was wrong with its answer, None when nothing was. What it raises goes through."""
    try:
        answer = TARGETS[name](given)
    except BadInput:
        return None if name.partition(".")[0] in REFUSING else "refused its input"
    if name in GIVING_BACK or not name.startswith(
        ("parse.", "structure.split", "content.", "calendar.", "text.", "headers.", "dates.")
    ):
        return None
    return next((f"gave {string[:60]!r}" for string in strings_of(answer) if not is_storable(string)), None)


def is_storable(string: str) -> bool:
    """Whether a database and a terminal can take it: no zero byte, no half of a surrogate pair."""
    return "\x00" not in string and not any("\ud800" <= char <= "\udfff" for char in string)
