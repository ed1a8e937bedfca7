"""What decides whether a mail opens a case, joins one, or does neither."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from espomail import times
from espomail.gather.arrangements import Arrangements
from espomail.model import Account, Mail, Thing
from espomail.rules.cases import CaseFacts, LinkedCase
from espomail.store import cases, emails
from espomail.store.db import Connection
from espomail.store.emails import Email
from espomail.store.receipts import Receipt


def case_facts(
    db: Connection, mail: Mail, email: Email, receipt: Receipt, parent: Thing | None, arranged: Arrangements, *, now: datetime
) -> CaseFacts:
    account = arranged.accounts.get(receipt.account_id or 0)
    variants = emails.list_variants(db, email)
    return CaseFacts(
        entitled=account is not None and account.kind == "group" and account.create_case,
        account=account.name if account else "the import",
        with_case=bool(email.with_case and receipt.with_case),
        own=_own(mail, [email, *variants], receipt, arranged),
        automatic=mail.automatic,
        auto_submitted=account.auto_submitted if account else "store",
        is_bounce=mail.bounce is not None,
        variant_decided=any(each.case_account_id is not None for each in variants),
        opened=cases.opened_by(db, email.id),
        decided_by=email.case_account_id,
        linked=_linked_case(db, parent, account, arranged, now),
    )


def _own(mail: Mail, copies: Sequence[Email], receipt: Receipt, arranged: Arrangements) -> str:
    """Why a mail is our own, "" when it isn't; `copies` are its email and the variants of it, one of which may be what we sent.

    A From that belongs to a user proves nothing: it can be forged.
    """
    if any(each.direction == "out" and each.status != "imported" for each in copies):
        return "our own mail, sent from here"
    if receipt.is_sent:
        return f"found in the folder of sent mail {receipt.folder}"
    group = arranged.group_addresses.get(mail.sender.address) if mail.sender else None
    if group is not None:
        return f"From is the address of the group account {group}"
    return ""


def _linked_case(
    db: Connection, parent: Thing | None, account: Account | None, arranged: Arrangements, now: datetime
) -> LinkedCase | None:
    case = cases.find(db, parent.id) if parent is not None and parent.type == "case" else None
    if case is None:
        return None
    policy = arranged.accounts.get(case.group_account_id or 0) or account
    closed_days = (now - times.from_text(case.closed_at)) / timedelta(days=1) if case.closed_at else None
    days = policy.reopen_days if policy and policy.reopen_days is not None else arranged.settings.reopen_days
    return LinkedCase(
        number=case.number,
        status=case.status,
        closed_days=closed_days,
        followup_closed=policy.followup_closed if policy and policy.kind == "group" else "reopen",
        reopen_days=days,
    )
