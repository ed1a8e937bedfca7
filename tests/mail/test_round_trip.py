"""What others write in good faith is read back: mails of the standard library's writers, and those that we compose."""

from __future__ import annotations

import email.headerregistry
import email.utils
from datetime import UTC, datetime, timedelta, timezone
from email.header import Header
from email.message import EmailMessage

from hypothesis import given, settings
from hypothesis import strategies as st

from espomail.mail.addresses import read_addresses
from espomail.mail.compose import Draft, compose
from espomail.mail.dates import read_date
from espomail.mail.headers import decode_words, text_of
from espomail.mail.parse import attachment_content, parse
from espomail.model import Address

LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"))
LINES = st.text(LETTERS, max_size=60).map(lambda line: " ".join(line.split()).lstrip("\ufeff"))  # a byte order mark is none
ASCII_LINES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30).map(lambda line: " ".join(line.split()))
TEXTS = st.lists(LINES, max_size=8).map("\n".join)
LOCALS = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,12}(\.[a-z0-9]{1,8}){0,2}", fullmatch=True)
DOMAINS = st.from_regex(r"[a-wyz0-9]{1,10}(-[a-z0-9]{1,5})?(\.[a-z]{2,8}){1,2}", fullmatch=True)
ADDRESSES = st.builds("{}@{}".format, LOCALS, DOMAINS)
NAMES = LINES.filter(lambda name: "=?" not in name)
FILES = st.lists(st.tuples(NAMES.filter(bool), st.binary(max_size=200)), max_size=3)
MOMENTS = st.datetimes(min_value=datetime(1980, 1, 1), max_value=datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=0))


@given(st.lists(st.tuples(ASCII_LINES.filter(lambda name: "=?" not in name), ADDRESSES), max_size=5))
def test_a_list_of_mailboxes_is_read_back(boxes: list[tuple[str, str]]) -> None:
    value = ", ".join(email.utils.formataddr(box) for box in boxes)
    assert read_addresses(value) == tuple(Address(name, address) for name, address in boxes)


@given(st.lists(st.tuples(NAMES, ADDRESSES), min_size=1, max_size=3))
def test_names_in_encoded_words_are_read_back(boxes: list[tuple[str, str]]) -> None:
    value = ",\r\n ".join(f"{Header(name, 'utf-8').encode()} <{address}>" for name, address in boxes)
    assert read_addresses(value) == tuple(Address(name, address) for name, address in boxes)


@given(MOMENTS, st.integers(-14 * 60, 14 * 60))
def test_a_date_is_read_back(moment: datetime, offset_minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    assert read_date(email.utils.format_datetime(aware)) == aware


@given(
    LINES,
    st.sampled_from(["utf-8", "utf-16-be", "gb18030", "shift_jis", "iso-8859-1", "iso-2022-jp", "koi8-r", "big5", "euc-kr"]),
)
def test_a_subject_is_read_back_in_any_charset(line: str, charset: str) -> None:
    """ISO-8859-1 is read as windows-1252, so that its control characters are out; others map a few signs in two ways."""
    text = "".join(char for char in line if _is_in(char, charset))
    assert text_of(Header(text, charset, maxlinelen=60).encode()) == text.strip()


def _is_in(char: str, charset: str) -> bool:
    """Whether a charset has the character, and our codec of the kind that mailers mean by its name reads it as the same."""
    try:
        return decode_words(f"=?{charset}?q?{''.join(f'={byte:02X}' for byte in char.encode(charset))}?=") == char
    except UnicodeEncodeError:
        return False


@settings(max_examples=60, deadline=None)
@given(LINES, NAMES, ADDRESSES, TEXTS, st.none() | TEXTS, FILES, st.sampled_from(["7bit", "quoted-printable", "base64"]))
def test_a_mail_of_the_standard_library_is_read_back(
    subject: str, name: str, address: str, text: str, page: str | None, files: list[tuple[str, bytes]], encoding: str
) -> None:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = email.headerregistry.Address(name, addr_spec=address)
    message.set_content(text, cte="base64" if encoding == "7bit" and not text.isascii() else encoding)
    if page is not None:
        message.add_alternative(f"<p>{page}", subtype="html", cte="base64")
    for file_name, content in files:
        message.add_attachment(content, maintype="application", subtype="x-thing", filename=file_name)
    raw = message.as_bytes()
    mail = parse(raw)
    assert (mail.subject, mail.sender and mail.sender.address) == (subject.strip(), address)
    assert mail.text.rstrip("\n") == text.rstrip("\n") or not text.strip()
    assert (mail.html or "").rstrip("\n") == ("" if page is None else f"<p>{page}".rstrip("\n"))
    assert [(attached.name, attached.size_bytes) for attached in mail.attachments] == [(n, len(c)) for n, c in files]
    assert [attachment_content(raw, attached.position) for attached in mail.attachments] == [content for _, content in files]
    assert not mail.is_partial


@settings(max_examples=60, deadline=None)
@given(
    LINES,
    st.tuples(NAMES, ADDRESSES),
    st.lists(st.tuples(NAMES, ADDRESSES), max_size=4),
    TEXTS,
    st.none() | TEXTS,
    FILES,
    MOMENTS,
)
def test_a_mail_that_we_compose_is_read_back(
    subject: str,
    sender: tuple[str, str],
    recipients: list[tuple[str, str]],
    text: str,
    page: str | None,
    files: list[tuple[str, bytes]],
    moment: datetime,
) -> None:
    draft = Draft(
        from_=Address(*sender),
        to=tuple(Address(*box) for box in recipients),
        subject=subject,
        text=text,
        html=page,
        attachments=tuple((name, "application/x-thing", content) for name, content in files),
        message_id="1@team.example",
        date=moment.replace(tzinfo=UTC),
        in_reply_to="2@customer.example",
        references=("3@customer.example", "2@customer.example"),
    )
    raw = compose(draft)
    mail = parse(raw)
    assert (mail.subject, mail.sender, mail.to, mail.sent_at) == (draft.subject, draft.from_, draft.to, draft.date)
    assert (mail.message_id, mail.in_reply_to, mail.references) == (draft.message_id, (draft.in_reply_to,), draft.references)
    assert mail.text.rstrip("\n") == text.rstrip("\n") or not text.strip()
    assert (mail.html or "").replace("\r\n", "\n").rstrip("\n") == (page or "").rstrip("\n")
    assert [attachment_content(raw, attached.position) for attached in mail.attachments] == [content for _, content in files]
    assert not mail.is_partial
