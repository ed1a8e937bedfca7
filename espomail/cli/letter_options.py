"""What `email send` and `case reply` share: who writes, the words, the attachments, and what is told afterwards."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from espomail import times
from espomail.cli.can_send import writer_of
from espomail.cli.frame import read_path, read_text
from espomail.errors import BadInput, NotPermitted, UsageError
from espomail.rules.senders import MaySend
from espomail.writing import letters, post

if TYPE_CHECKING:
    from espomail.desk import Desk


def author_of(desk: Desk) -> letters.Author:
    """Who acts, as somebody who writes a mail."""
    from espomail.store import users

    user = users.find(desk.db, desk.actor.name) if desk.actor.user_id is not None else None
    if user is None:
        return letters.Author(actor=desk.actor)
    return letters.Author(
        actor=desk.actor,
        writer=writer_of(desk, user),
        full_name=user.profile.full_name or user.name,
        address=user.emails[0] if user.emails else "",
        signature=user.profile.signature,
    )


def choose_sender(desk: Desk, author: letters.Author, wanted: Sequence[str]) -> str:
    """The first of the addresses that the author may send from; raise NotPermitted, with the way to the first, when none."""
    for address in wanted:
        if isinstance(post.may_send(desk.db, author, address), MaySend):
            return address
    if not wanted:
        raise NotPermitted(f"{author.actor.name} has no address to send from", "name one with --from")
    refusal = post.may_send(desk.db, author, wanted[0])
    assert not isinstance(refusal, MaySend)
    raise NotPermitted(f"{author.actor.name} may not send from {wanted[0]}: {refusal.reason}", refusal.fix)


def read_words(desk: Desk, body: str | None, body_file: str | None, template: str | None) -> str:
    """The words to send, from --body (`-` is stdin) or --body-file; raise UsageError for two sources of them."""
    if sum(each is not None for each in (body, body_file, template)) > 1:
        raise UsageError("the words come from two places", "give one of --body, --body-file, --template")
    path = body_file if body_file is not None else "-" if body == "-" else None
    if path is None:
        return _text(body or "")
    return read_text(desk, path)


def _text(words: str) -> str:
    """The words themselves; raise UnicodeEncodeError, which the front door explains, for what is no text."""
    words.encode()
    return words


def read_attachments(desk: Desk, wanted: Sequence[str]) -> tuple[tuple[str, str, bytes], ...]:
    """The files of --attach, each with its name and type; `NAME=-` is stdin under that name."""
    return tuple(_attachment(desk, each) for each in wanted)


def _attachment(desk: Desk, wanted: str) -> tuple[str, str, bytes]:
    if wanted == "-":
        raise UsageError("what comes from stdin needs a name", "for example: --attach report.pdf=-")
    is_stdin = wanted.endswith("=-") and len(wanted) > 2
    name = Path(wanted.removesuffix("=-") if is_stdin else wanted).name
    content = read_path(desk, "-" if is_stdin else wanted)
    return name, mimetypes.guess_type(name)[0] or "application/octet-stream", content


def refuse_double_stdin(body: str | None, body_file: str | None, attachments: Sequence[str]) -> None:
    """Only one thing can be read from stdin."""
    if (body == "-") + (body_file == "-") + sum(each.endswith("=-") for each in attachments) > 1:
        raise UsageError("stdin can be read once only", "put one of them into a file")


def read_moment(desk: Desk, text: str | None) -> datetime | None:
    """When to send: a moment, or a span such as `2h` from now; raise BadInput for what is past."""
    if text is None:
        return None
    now = desk.now()
    try:
        at = now + times.parse_span(text)
    except BadInput:
        at = times.parse_moment(text, now=now)
    except OverflowError as error:
        raise BadInput(f"too far away: {text!r}", "name a day in this century") from error
    if at < now.replace(microsecond=0):
        raise BadInput(f"{times.to_text(at)} is past", "name a moment to come, or leave out --at to send at once")
    return at


def email_document(desk: Desk, done: letters.Written) -> dict[str, Any]:
    """The email as `email show` gives it, and where it stands in the outbox; only its id for whom no role lets read it."""
    from espomail.cli.email import shown
    from espomail.model import Thing
    from espomail.store import visibility

    may_read = visibility.may(desk.db, desk.actor, Thing("email", done.email_id))
    return {**(shown(desk, done.email_id) if may_read else {"id": done.email_id}), "outbox": done.outbox_id}
