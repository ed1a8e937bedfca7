"""`espomail email send|drafts`: mail that people write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from espomail import times
from espomail.cli.frame import changed, command, emit, pass_desk
from espomail.cli.letter_options import (
    author_of,
    email_document,
    read_attachments,
    read_moment,
    read_words,
    refuse_double_stdin,
)
from espomail.cli.numbers import ID, limit_option
from espomail.cli.things import thing_of
from espomail.cli.views import EMAIL_COLUMNS, EMAIL_FIELDS, email_json
from espomail.errors import BadInput, UsageError
from espomail.model import Address, Thing
from espomail.rules.names import check_address, check_people
from espomail.store import drafts as store
from espomail.store import emails_read
from espomail.store.db import transaction
from espomail.writing import letters, post, recipients

if TYPE_CHECKING:
    from datetime import datetime

    from espomail.desk import Desk
    from espomail.store.emails_read import ReadEmail


@command(
    "send",
    help="Write a mail and queue it; `espomail send` delivers. With the id of a draft that one is sent as it stands. An "
    "answer (--in-reply-to) goes to everybody in the mail but us unless --to says otherwise.",
    epilog="""Example: espomail email send --from support@team.example --to bob@client.example --subject Lamp --body 'It is back.'
    espomail email send --from ann@team.example --in-reply-to 12 --body-file - --attach plan.pdf
    espomail email send 15 --at 2h""",
)
@click.argument("draft_id", metavar="[DRAFT]", required=False, type=ID)
@click.option("--from", "sender", metavar="ADDRESS", help="an address that you may send from (see: can-send)")
@click.option("--to", multiple=True, metavar="ADDRESS", help="to whom; several with commas or repeated")
@click.option("--cc", multiple=True, metavar="ADDRESS", help="who else gets it")
@click.option("--bcc", multiple=True, metavar="ADDRESS", help="who gets it without the others knowing")
@click.option("--subject", metavar="TEXT", help="default: that of the mail it answers, or of the template")
@click.option("--body", metavar="TEXT", help="the words, - for stdin")
@click.option("--body-file", metavar="FILE", help="read the words from a file, - for stdin")
@click.option("--html/--no-html", "is_html", default=None, help="the words are HTML")
@click.option("--attach", multiple=True, metavar="FILE|NAME=-", help="add a file, or stdin under a name")
@click.option("--parent", metavar="THING", help="the case or record that it belongs to")
@click.option("--in-reply-to", metavar="EMAIL", type=ID, help="the id of the email it answers")
@click.option("--quote/--no-quote", "with_quote", default=None, help="quote the mail it answers; so by default")
@click.option("--template", metavar="TEMPLATE", help="the words of a template")
@click.option("--at", metavar="TIME", help="send it then, or after a span such as 2h")
@click.option("--draft", "is_draft", is_flag=True, help="keep it as a draft")
@pass_desk
def send(desk: Desk, /, draft_id: int | None, at: str | None, is_draft: bool, **asked: Any) -> None:
    if is_draft and at is not None:
        raise UsageError("a draft is not sent at any time", "leave out --at, or --draft")
    moment = read_moment(desk, at)
    done = (
        _send_draft(desk, draft_id, moment, is_draft, asked) if draft_id is not None else _write(desk, moment, is_draft, asked)
    )
    if done.outbox_id is None:
        words = f"draft {done.email_id} kept; next: espomail email send {done.email_id}"
    else:
        when = f"for {times.to_text(moment)}" if moment else "; next: espomail send"
        words = f"email {done.email_id} queued {when}".replace(" ;", ";")
    changed(words, email_document(desk, done))


@command("drafts", help="Your drafts, newest first.", epilog="Example: espomail email drafts --as ann")
@limit_option
@pass_desk
def drafts(desk: Desk, limit: int) -> None:
    ids = store.list_ids(desk.db, user_id=desk.actor.user_id)[:limit]
    emit(
        [email_json(each) for each in emails_read.list_ids(desk.db, desk.actor, ids)],
        columns=EMAIL_COLUMNS,
        fields=EMAIL_FIELDS,
    )


def _send_draft(desk: Desk, draft_id: int, at: datetime | None, is_draft: bool, asked: dict[str, Any]) -> letters.Written:
    if is_draft or any(value not in (None, ()) for value in asked.values()):
        raise UsageError("a draft is sent as it stands", f"only --at goes with it: espomail email send {draft_id} --at 2h")
    with transaction(desk.db):
        return post.send_draft(desk.db, draft_id, author_of(desk), at=at, now=desk.now())


def _write(desk: Desk, at: datetime | None, is_draft: bool, asked: dict[str, Any]) -> letters.Written:
    if asked["sender"] is None:
        raise UsageError("from which address?", "name it with --from; see: espomail can-send USER ADDRESS")
    if asked["with_quote"] is not None and asked["in_reply_to"] is None:
        raise UsageError("there is nothing to quote", "name the mail it answers with --in-reply-to")
    refuse_double_stdin(asked["body"], asked["body_file"], asked["attach"])
    words = read_words(desk, asked["body"], asked["body_file"], asked["template"])
    attachments = read_attachments(desk, asked["attach"])
    with transaction(desk.db):
        answers = _answered(desk, asked["in_reply_to"])
        to, cc = _recipients(desk, answers, asked, is_draft=is_draft)
        letter = letters.Letter(
            sender=check_address(asked["sender"]),
            to=to,
            cc=cc,
            bcc=check_people(asked["bcc"]),
            subject=asked["subject"],
            words=words,
            is_html=bool(asked["is_html"]),
            template=asked["template"],
            attachments=attachments,
            parent=_parent(desk, asked["parent"]),
            answers=answers,
            with_quote=asked["with_quote"] is not False,
            at=at,
            is_draft=is_draft,
        )
        return post.write(desk.db, letter, author_of(desk), now=desk.now(), token=desk.new_token())


def _answered(desk: Desk, email_id: int | None) -> ReadEmail | None:
    if email_id is None:
        return None
    found = emails_read.get(desk.db, desk.actor, email_id)
    if found.status in ("draft", "cancelled"):
        raise BadInput(f"email {email_id} is {found.status}: nobody has got it", "answer a mail that came or went")
    return found


def _recipients(
    desk: Desk, answers: ReadEmail | None, asked: dict[str, Any], *, is_draft: bool
) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    """To and Cc as told; those of the answered mail where no --to is."""
    to, cc = check_people(asked["to"]), check_people(asked["cc"])
    if to or answers is None:
        if not to and not is_draft:
            raise UsageError("to whom?", "name somebody with --to")
        return to, cc
    to, others = recipients.of_answer(desk.db, answers)
    if not to and not is_draft:
        raise BadInput(f"nobody but us is in email {answers.id}", "name somebody with --to")
    return to, cc or others


def _parent(desk: Desk, text: str | None) -> Thing | None:
    if text is None:
        return None
    found = thing_of(desk, text)
    if found.type == "email":
        raise BadInput("an email can't hang on an email", "answer it with --in-reply-to; or name a case or record")
    return found
