"""`espomail case reply`: answer whom a case is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from espomail.cli.case_fields import get_case, shown
from espomail.cli.frame import changed, command, pass_desk
from espomail.cli.letter_options import author_of, choose_sender, read_attachments, read_words, refuse_double_stdin
from espomail.cli.numbers import number_argument
from espomail.errors import BadInput, UsageError
from espomail.rules.names import check_address
from espomail.store import accounts, cases
from espomail.store.db import transaction
from espomail.writing import letters, post, recipients

if TYPE_CHECKING:
    from espomail.desk import Desk
    from espomail.model import Address
    from espomail.store.cases import Case
    from espomail.store.emails_read import ReadEmail


@command(
    "reply",
    help="Answer the newest mail of a case, to everybody in it but us; a case without mail: its contact. It goes from the "
    "case's group account if you may send from it, else from an address of yours; answers return to the group either way.",
    epilog="""Example: espomail case reply 7 --body 'The lamp is on its way.' --close
    espomail case reply 7 --template received --from ann@team.example""",
)
@number_argument
@click.option("--body", metavar="TEXT", help="the words, - for stdin")
@click.option("--body-file", metavar="FILE", help="read the words from a file, - for stdin")
@click.option("--html/--no-html", "is_html", default=False, help="the words are HTML")
@click.option("--from", "sender", metavar="ADDRESS", help="an address that you may send from (see: can-send)")
@click.option("--attach", multiple=True, metavar="FILE|NAME=-", help="add a file, or stdin under a name")
@click.option("--template", metavar="TEMPLATE", help="the words of a template")
@click.option("--quote/--no-quote", "with_quote", default=True, help="quote the mail it answers; so by default")
@click.option("--close/--no-close", "closes", default=False, help="close the case too")
@pass_desk
def reply(desk: Desk, /, number: int, closes: bool, **asked: Any) -> None:
    if all(asked[name] in (None, ()) for name in ("body", "body_file", "template", "attach")):
        raise UsageError("there is nothing to say", "give --body, --body-file, --template or --attach")
    refuse_double_stdin(asked["body"], asked["body_file"], asked["attach"])
    words = read_words(desk, asked["body"], asked["body_file"], asked["template"])
    if not (words.strip() or asked["template"] or asked["attach"]):
        raise BadInput("there is nothing to say", "give some words, a template or a file")
    attachments = read_attachments(desk, asked["attach"])
    with transaction(desk.db):
        case = get_case(desk, number, "edit" if closes else "read")
        author = author_of(desk)
        answers = recipients.mail_to_answer(desk.db, desk.actor, number)
        to, cc = _recipients(desk, case, answers)
        letter = letters.Letter(
            sender=_sender(desk, case, author, asked["sender"]),
            to=to,
            cc=cc,
            words=words,
            is_html=asked["is_html"],
            template=asked["template"],
            attachments=attachments,
            parent=case.thing,
            answers=answers,
            with_quote=asked["with_quote"],
        )
        done = post.write(desk.db, letter, author, now=desk.now(), token=desk.new_token())
        if closes:
            cases.set_status(desk.db, number, "Closed", by_user_id=desk.actor.user_id, now=desk.now())
    ending = " and closed" if closes else ""
    changed(
        f"case {number} answered{ending}: email {done.email_id} queued; next: espomail send",
        {**shown(desk, number), "email": done.email_id, "outbox": done.outbox_id},
    )


def _recipients(desk: Desk, case: Case, answers: ReadEmail | None) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    to, cc = recipients.of_reply(desk.db, desk.actor, case, answers)
    if not to:
        hint = f"write to somebody: espomail email send --from ADDRESS --to ADDRESS --parent case:{case.number}"
        raise BadInput(f"nobody in case {case.number} can be answered", hint)
    return to, cc


def _sender(desk: Desk, case: Case, author: letters.Author, wanted: str | None) -> str:
    """What --from says; else the group's address, else the author's own, whichever they may send from."""
    if wanted is not None:
        return check_address(wanted)
    account = accounts.find(desk.db, case.group_account_id) if case.group_account_id is not None else None
    own = sorted(author.writer.addresses, key=lambda address: (address != author.address, address)) if author.writer else []
    return choose_sender(desk, author, [*((account.address,) if account else ()), *own])
