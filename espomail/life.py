"""The life of ONE mail, from bytes to receipt: the only file that knows the order of the steps.

`take_in` keeps the bytes; nothing in them can make it fail. `process` walks them through
filter, parse, known?, people, link, case, distribute, notify, auto-reply, and writes all of it with the receipt's new state in
the caller's transaction. Each step gathers (gather.py), decides (rules/), applies (store/), and leaves a Step behind.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from espomail import answering, gather, times
from espomail.errors import EspomailError
from espomail.gather import Arrangements
from espomail.mail import identity
from espomail.mail.parse import parse, parse_head
from espomail.model import Account, Head, Mail, Step, Thing
from espomail.rules import cases as case_rules
from espomail.rules import distribution, filters, linking, notices
from espomail.store import cases, decisions, emails, folders, notes, notifications, people, raw_mails, receipts, turns
from espomail.store.db import Connection
from espomail.store.emails import Email
from espomail.store.raw_mails import Packed
from espomail.store.receipts import NewReceipt, Receipt


def take_in(db: Connection, packed: Packed, receipt: NewReceipt, *, now: datetime) -> int:
    """Keep the bytes and their receipt (state new); return the receipt's id. Nothing reads the content here."""
    raw_id = raw_mails.add(db, packed)
    return receipts.add(db, dataclasses.replace(receipt, raw_id=raw_id, size_bytes=packed.size_bytes), now=now)


@dataclass(slots=True)
class Passage:
    """One mail on its way: what came, what is arranged, and the steps decided so far."""

    db: Connection
    receipt: Receipt
    account: Account | None
    arranged: Arrangements
    now: datetime
    is_whole: bool = True
    steps: list[Step] = field(default_factory=list)

    def note(self, step: Step) -> None:
        self.steps.append(step)


def process(db: Connection, receipt: Receipt, arranged: Arrangements, *, now: datetime) -> None:
    """Decide and write everything about one mail that was taken in; the caller holds the transaction."""
    raw = raw_mails.find(db, receipt.raw_id)
    if raw is None:
        raise EspomailError(f"the bytes of receipt {receipt.id} are gone", "run: espomail doctor")
    is_whole = raw_mails.is_whole(db, receipt.raw_id)
    p = Passage(db, receipt, arranged.accounts.get(receipt.account_id or 0), arranged, now, is_whole)
    trusted = arranged.settings.trusted_authserv_id
    head = parse_head(raw, trusted_authserv_id=trusted)
    whole = cache(lambda: parse(raw, head=head, trusted_authserv_id=trusted))

    screening = _filter(p, head, whole)
    if screening.skipped:
        _finish(p, "filtered", None, filter_name=screening.filter_name)
        return
    mail = whole()
    recognition = _recognise(p, mail)
    p.note(screening.step)
    if recognition.is_over:
        _finish(p, "duplicate", recognition.email_id)
        return
    cited = gather.citations(db, mail, besides=recognition.email_id)
    email = _stored(p, mail, recognition, gather.thread(cited))
    newly_linked = _people(p, head, whole, email, screening.hit)
    clues = gather.clues(db, mail, cited, arranged)
    parent = _link(p, mail, email, clues)
    case = _case(p, mail, email, parent, gather.customer(clues))
    agent_id = _distribute(p, email, case)
    _pass_on(p, email, case, came_late=cited.late is not None)
    email = emails.get(db, email.id)
    _notify(p, mail, email, newly_linked, agent_id)
    p.note(answering.answer(db, mail, email, receipt, arranged, case_number=case.opened, now=now))
    taken = "done" if p.is_whole else "oversize"
    _finish(p, "duplicate" if recognition.email_id else taken, email.id)


def revisit(db: Connection, email: Email, receipt: Receipt, arranged: Arrangements, *, now: datetime) -> list[Step]:
    """Link a stored email and decide about its case by today's rules; nobody is notified and nothing is answered.

    An email that hangs on a case stays there, and none is taken away: a filter that would skip it now is only named.
    """
    raw = raw_mails.find(db, email.raw_id)
    if raw is None:
        return []
    p = Passage(db, receipt, arranged.accounts.get(receipt.account_id or 0), arranged, now)
    mail = parse(raw, trusted_authserv_id=arranged.settings.trusted_authserv_id)
    screening = _filter(p, mail, lambda: mail)
    p.steps[:] = [screening.step]
    clues = gather.clues(db, mail, gather.citations(db, mail, besides=email.id), arranged)
    undecided = dataclasses.replace(email, case_account_id=None)
    parent = _link(p, mail, undecided, clues)
    case = _case(p, mail, undecided, parent, gather.customer(clues))
    _distribute(p, undecided, case)
    decisions.add(db, p.steps, receipt_id=None, email_id=email.id, now=now)
    return p.steps


def _finish(p: Passage, state: str, email_id: int | None, *, filter_name: str | None = None) -> None:
    tell_server = state in ("done", "duplicate") and p.account is not None and p.account.after_import != "keep-unread"
    receipts.set_final(
        p.db,
        p.receipt.id,
        state,
        email_id=email_id,
        filter_name=filter_name,
        server_action=tell_server and p.receipt.mailbox_id is not None,
    )
    decisions.add(p.db, p.steps, receipt_id=p.receipt.id, email_id=email_id, now=p.now)
    if state == "duplicate":
        raw_mails.remove_unused(p.db, p.receipt.raw_id)


# ---------------------------------------------------------------- filter


@dataclass(frozen=True, slots=True)
class Screening:
    step: Step
    skipped: bool = False
    filter_name: str | None = None
    hit: filters.Filter | None = None


def _filter(p: Passage, head: Head, whole: Callable[[], Mail]) -> Screening:
    """The global filters, then those of the account; a skip means: not imported through this account."""
    tried: dict[str, str] = {}
    own = p.arranged.account_filters.get(p.receipt.account_id or 0, ())
    for rules in (p.arranged.global_filters, own):
        verdict = filters.first_hit(rules, head, whole)
        tried |= dict(verdict.tried)
        hit = verdict.hit
        if hit is not None and hit.action == "skip":
            step = Step("filter", "skipped", f"the {hit.kind} filter {hit.name} matches", {"tried": tried, "filter": hit.name})
            p.note(step)
            return Screening(step, skipped=True, filter_name=hit.name)
        if hit is not None and rules is own:
            reason = f"the {hit.kind} filter {hit.name} matches: {hit.action}"
            return Screening(Step("filter", "matched", reason, {"tried": tried, "filter": hit.name}), hit=hit)
    if p.account and p.account.auto_submitted == "skip" and head.automatic and whole().bounce is None:
        step = Step("filter", "skipped", f"automatic mail ({head.automatic}) and {p.account.name} skips it", {"tried": tried})
        p.note(step)
        return Screening(step, skipped=True, filter_name="auto-submitted")
    return Screening(Step("filter", "passed", "no filter matches" if tried else "no filters", {"tried": tried}))


# ---------------------------------------------------------------- known?


@dataclass(frozen=True, slots=True)
class Recognition:
    """What the mail is to us: `email_id` of the same mail we hold; `is_over` when nothing is left to do for it."""

    email_id: int | None = None
    is_over: bool = False
    variant_of: int | None = None
    flags: tuple[str, ...] = ()


def _recognise(p: Passage, mail: Mail) -> Recognition:
    parsed = Step("parse", "partial" if mail.is_partial else "read", _parse_reason(mail), {"flags": list(_flags(p, mail))})
    p.note(parsed)
    if emails.find_tombstone(p.db, mail.content_key):
        p.note(Step("known", "deleted", "this mail was deleted; it does not come back"))
        return Recognition(is_over=True)
    namesakes = emails.list_by_message_id(p.db, mail.message_id)
    same = next((e for e in namesakes if e.content_key == mail.content_key), None)
    if same is not None:
        return _same(p, same)
    variant = next((e for e in namesakes if _is_variant(p.db, mail, e)), None)
    if variant is not None:
        p.note(Step("known", "variant", f"email {variant.id} with more or less text around it", {"email": variant.id}))
        return Recognition(variant_of=variant.variant_of_id or variant.id, flags=("variant",))
    if namesakes:
        for email in namesakes:
            emails.add_flag(p.db, email.id, "reused-message-id")
        others = [email.id for email in namesakes]
        p.note(Step("known", "new", "another mail has used the same Message-ID; both are flagged", {"emails": others}))
        return Recognition(flags=("reused-message-id",))
    p.note(Step("known", "new", "never seen"))
    return Recognition()


def _same(p: Passage, same: Email) -> Recognition:
    details = {"email": same.id}
    if p.account is None or emails.has_account(p.db, same.id, p.account.id):
        p.note(Step("known", "duplicate", f"email {same.id}, which this account has already brought", details))
        return Recognition(email_id=same.id, is_over=True)
    p.note(Step("known", "known", f"email {same.id}, brought before by another account; what {p.account.name} adds is added", details))
    return Recognition(email_id=same.id)


def _is_variant(db: Connection, mail: Mail, held: Email) -> bool:
    same_frame = held.from_address == (mail.sender.address if mail.sender else "") and held.sent_at == times.to_text_or_none(
        mail.sent_at
    )
    return same_frame and identity.is_variant(mail.text, emails.text_of(db, held.id))


def _parse_reason(mail: Mail) -> str:
    return "something could not be read and was replaced" if mail.is_partial else f"{mail.size_bytes} bytes"


def _flags(p: Passage, mail: Mail) -> tuple[str, ...]:
    """What is unusual about a mail; `oversize` when only its head and the first of its text were read from the server."""
    return mail.flags if p.is_whole else (*mail.flags, "oversize")


def _stored(p: Passage, mail: Mail, recognition: Recognition, thread: gather.Thread) -> Email:
    """The email's row: the one we hold, or a new one in the thread it belongs to."""
    email_id = recognition.email_id
    if email_id is None:
        sender = mail.sender.address if mail.sender else ""
        new = emails.NewEmail(
            mail=mail,
            direction="out" if p.arranged.ours(sender) else "in",
            status="imported",
            received_at=_received_at(p.receipt, mail),
            raw_id=p.receipt.raw_id,
            thread_id=thread.thread_id,
            answers_email_id=thread.answers_email_id,
            variant_of_id=recognition.variant_of,
            with_case=bool(p.receipt.with_case),
            with_notices=bool(p.receipt.with_notices),
            flags=tuple(f for f in (*_flags(p, mail), *recognition.flags) if f not in mail.flags),
        )
        email_id = emails.add(p.db, new, now=p.now)
    if p.account is not None:
        emails.link_account(p.db, email_id, p.account.id)
    return emails.get(p.db, email_id)


def _received_at(receipt: Receipt, mail: Mail) -> datetime:
    """INTERNALDATE, or when the MTA delivered; a file's own time says little, so there the Date header counts if earlier."""
    received = times.from_text(receipt.received_at)
    return min(received, mail.sent_at) if receipt.source == "import" and mail.sent_at else received


# ---------------------------------------------------------------- people


def _people(
    p: Passage, head: Head, whole: Callable[[], Mail], email: Email, hit: filters.Filter | None
) -> Mapping[int, str]:
    """Link teams and users; return the users whom the mail newly reached, each with what silences its notice."""
    account = p.account
    if account is not None:
        emails.link_teams(p.db, email.id, account.team_ids)
        folder = hit.group_folder_id if hit and hit.action == "move-to-group-folder" else account.group_folder_id
        if folder is not None:
            emails.set_group_folder(p.db, email.id, folder)
        if account.assigned_user_id is not None and people.is_active(p.db, account.assigned_user_id):
            emails.set_assigned_user(p.db, email.id, account.assigned_user_id)
    if email.answers_email_id is not None:
        emails.link_teams(p.db, email.id, emails.teams_of(p.db, email.answers_email_id))
    sender_id = p.arranged.users.get(head.sender.address) if head.sender else None
    newly: dict[int, str] = {}
    for user_id, reason in _reasons(p, head):
        if emails.link_user(p.db, email.id, user_id, reason, is_read=user_id == sender_id):
            newly[user_id] = ""
    for user_id in newly:
        newly[user_id] = _put_away(p, head, whole, email, user_id, hit)
    if account is not None and account.user_id is not None and account.user_id not in newly:
        _put_in_mapped_folder(p, email, account.user_id)
    return newly


def _reasons(p: Passage, head: Head) -> list[tuple[int, str]]:
    """Which users the mail concerns and why: by address, by their own mailbox, by their team's mailbox."""
    addressed = [a.address for a in ((head.sender,) if head.sender else ()) + head.to + head.cc]
    found = [(p.arranged.users[a], "address") for a in dict.fromkeys(addressed) if a in p.arranged.users]
    account = p.account
    if account is None:
        return found
    if account.user_id is not None and people.is_active(p.db, account.user_id):
        found.append((account.user_id, "personal-account"))
    if account.for_all_team_users:
        found += [(user_id, "team-account") for user_id in people.active_members(p.db, account.team_ids)]
    if account.assigned_user_id is not None and people.is_active(p.db, account.assigned_user_id):
        found.append((account.assigned_user_id, "assigned"))
    return found


def _put_away(
    p: Passage, head: Head, whole: Callable[[], Mail], email: Email, user_id: int, account_hit: filters.Filter | None
) -> str:
    """Apply the user's own filters, then the folder map of their mailbox; return what silences the notice, "" for nothing."""
    hit = filters.first_hit(p.arranged.user_filters.get(user_id, ()), head, whole).hit
    flagging = [f for f in (hit, account_hit) if f is not None]
    folder_id = hit.folder_id if hit and hit.action == "move-to-folder" else _mapped_folder(p, user_id)
    emails.set_user_state(
        p.db,
        email.id,
        user_id,
        folder_id=folder_id,
        is_read=any(f.mark_read for f in flagging),
        is_important=any(f.important for f in flagging),
        in_trash=hit is not None and hit.action == "skip",
        at=p.now,
    )
    if silent := next((f for f in flagging if f.skip_notification), None):
        return f"the filter {silent.name} says so"
    folder = folders.find_by_id(p.db, folder_id) if folder_id else None
    return f"their folder {folder.name} skips notifications" if folder and folder.skip_notifications else ""


def _mapped_folder(p: Passage, user_id: int) -> int | None:
    account = p.account
    if account is None or account.user_id != user_id:
        return None
    name = dict(account.folder_map).get(p.receipt.folder) or account.default_folder
    folder = folders.find(p.db, user_id, name) if name else None
    return folder.id if folder else None


def _put_in_mapped_folder(p: Passage, email: Email, user_id: int) -> None:
    """The owner already had the mail by another account: their mailbox's folder map still says where it lies."""
    folder_id = _mapped_folder(p, user_id)
    if folder_id is not None:
        emails.set_folder_if_in_inbox(p.db, email.id, user_id, folder_id)


# ---------------------------------------------------------------- link


def _link(p: Passage, mail: Mail, email: Email, clues: linking.Clues) -> Thing | None:
    """Hang the email on what it belongs to; one that hangs on a case already stays there."""
    if mail.bounce is not None:
        return answering.note_bounce(p.db, mail, email, p.note, now=p.now)
    if email.parent is not None and email.parent.type == "case":
        p.note(Step("link", "linked", f"belongs to {email.parent} already", {"parent": str(email.parent), "step": "known"}))
        return email.parent
    found = linking.link(clues)
    parent = gather.stand_in(p.db, found.parent, p.arranged) if found.parent else None
    details = {"step": found.step, "parent": str(parent) if parent else None, "passed": dict(found.passed)}
    passed = "".join(f"; {why}" for step, why in found.passed.items() if step != "address")
    p.note(Step("link", "linked" if parent else "not linked", f"{found.step}: {found.reason}{passed}", details))
    if parent is not None and parent.type != "case":
        _hang(p, email, parent, company_id=gather.company_of(p.db, parent))
    return parent


def _hang(
    p: Passage, email: Email, parent: Thing, *, company_id: int | None, data: Mapping[str, object] | None = None
) -> None:
    """Make a thing the email's parent and note the mail in its stream, once per email."""
    emails.set_parent(p.db, email.id, parent, account_id=company_id)
    user_id = p.arranged.users.get(email.from_address)
    kind = "email-sent" if email.direction == "out" and user_id else "email-received"
    notes.move_or_add(
        p.db, parent, kind, at=p.now, user_id=user_id, email_id=email.id, text=email.subject, data=dict(data or {})
    )


# ---------------------------------------------------------------- case


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The case of the email after the step (`number`), and the one that it opened (`opened`)."""

    number: int | None = None
    opened: int | None = None


def _case(p: Passage, mail: Mail, email: Email, parent: Thing | None, who: linking.Person | None) -> CaseResult:
    facts = gather.case_facts(p.db, mail, email, p.receipt, parent, p.arranged, now=p.now)
    decision = case_rules.decide(facts)
    if facts.entitled and p.account is not None:
        emails.set_case_account(p.db, email.id, p.account.id)
    match decision:
        case case_rules.OpenCase(reason=reason, follows=follows):
            number = _open_case(p, mail, email, who, follows)
            p.note(Step("case", "opened", reason, {"case": number, "follows": follows}))
            return CaseResult(number, number)
        case case_rules.JoinCase(number=number, reason=reason, reopens=reopens):
            newcomer = _join_case(p, email, number, reopens=reopens)
            p.note(Step("case", "reopened" if reopens else "joined", reason, {"case": number, "new_to_it": newcomer}))
            return CaseResult(number)
        case case_rules.NoCase(reason=reason):
            p.note(Step("case", "none", reason))
            return CaseResult()


def _open_case(p: Passage, mail: Mail, email: Email, who: linking.Person | None, follows: int | None) -> int:
    assert p.account is not None
    team_ids = (p.account.target_team_id,) if p.account.target_team_id else p.account.team_ids
    number = cases.add(
        p.db,
        name=mail.subject or "(no subject)",
        description=mail.text[: cases.DESCRIPTION_MAX],
        account_id=who.company_id if who else None,
        contact_id=who.contact_id if who else None,
        lead_id=who.lead_id if who else None,
        group_account_id=p.account.id,
        opened_by_email_id=email.id,
        follows_case=follows,
        team_ids=team_ids,
        now=p.now,
    )
    _hang(p, email, Thing("case", number), company_id=who.company_id if who else None)
    emails.link_teams(p.db, email.id, team_ids)
    return number


def _join_case(p: Passage, email: Email, number: int, *, reopens: bool) -> str | None:
    """Put the email into the case's stream, its people into the email; return the sender's address if new to the case."""
    case = cases.get(p.db, number)
    is_known = p.arranged.ours(email.from_address) or people.takes_part(p.db, number, email.from_address)
    newcomer = None if is_known else email.from_address
    data = {"new_to_it": newcomer} if newcomer else {}
    _hang(p, email, Thing("case", number), company_id=case.account_id, data=data)
    emails.link_teams(p.db, email.id, cases.teams_of(p.db, number))
    if case.assigned_user_id is not None and people.is_active(p.db, case.assigned_user_id):
        emails.link_user(p.db, email.id, case.assigned_user_id, "assigned")
    if reopens:
        cases.reopen(p.db, number, by_user_id=None, now=p.now)
    return newcomer


def _pass_on(p: Passage, email: Email, case: CaseResult, *, came_late: bool) -> None:
    """What those that answer this email owe to it: its teams, and its case where they came first and found none."""
    if came_late:
        emails.adopt_answers(p.db, email.id, email.message_id)
        waiting = emails.list_waiting_replies(p.db, email.message_id) if case.number is not None else []
        for reply in waiting:
            if reply.id != email.id and case.number is not None:
                _join_case(p, reply, case.number, reopens=False)
    emails.spread_teams(p.db, email.id)


# ---------------------------------------------------------------- distribute


def _distribute(p: Passage, email: Email, case: CaseResult) -> int | None:
    """Choose an agent for a new case, in the transaction that opened it; return the user, None for nobody."""
    if case.opened is None or p.account is None:
        p.note(Step("distribute", "not needed", "no new case"))
        return None
    account, team = p.account, p.account.target_team_id
    day = p.now.date()
    choice = distribution.choose(
        account.distribution,
        agents=cases.agents(p.db, team, day=day, counting=account.distribution in distribution.COUNTING) if team else (),
        position=account.target_position,
        last_served=turns.last_served(p.db, team, account.target_position) if team else None,
        assign_to=cases.agent(p.db, account.assign_to_user_id, day=day) if account.assign_to_user_id else None,
    )
    match choice:
        case distribution.Assigned(user_id=user_id, rule=rule, reason=reason, details=details):
            turns.add(
                p.db,
                rule=rule,
                team_id=team or 0,
                position=account.target_position,
                user_id=user_id,
                case_number=case.opened,
                at=p.now,
            )
            may_read = p.arranged.may_read_scope(p.db, user_id, "case")
            cases.assign(p.db, case.opened, user_id, by_user_id=None, now=p.now, may_read=may_read)
            p.note(Step("distribute", "assigned", reason, {"user_id": user_id, "rule": rule, **details}))
            return user_id
        case distribution.Nobody(reason=reason, details=details):
            p.note(Step("distribute", "nobody", reason, dict(details)))
            if account.distribution != "none":
                _tell_admins(p, email, case.opened, reason)
            return None


def _tell_admins(p: Passage, email: Email, number: int, reason: str) -> None:
    for user_id in notifications.admins(p.db):
        notifications.add(
            p.db,
            user_id,
            "case-unassigned",
            f"unassigned:{number}",
            at=p.now,
            email_id=email.id,
            thing=Thing("case", number),
            text=f"Case {number} has nobody: {reason}",
        )


# ---------------------------------------------------------------- notify


def _notify(p: Passage, mail: Mail, email: Email, newly_linked: Mapping[int, str], agent_id: int | None) -> None:
    everybody = gather.readers(
        p.db,
        email,
        p.arranged,
        newly_linked=newly_linked,
        sender_id=p.arranged.users.get(email.from_address),
        assigned_id=agent_id,
    )
    chosen = notices.choose(everybody, unwanted=_unwanted(p, email))
    who = mail.sender.name or mail.sender.address if mail.sender else "somebody unknown"
    told = [n for n in chosen.told if _tell(p, n, email, f"New mail from {who}: {mail.subject}")]
    p.note(
        Step(
            "notify",
            "notified" if told else "nobody",
            f"{len(told)} told, {len(chosen.not_told)} not",
            {
                "told": [{"user_id": n.user_id, "why": n.why} for n in told],
                "not_told": [{"user_id": s.user_id, "why": s.why} for s in chosen.not_told],
            },
        )
    )


def _tell(p: Passage, notice: notices.Notice, email: Email, text: str) -> bool:
    return notifications.add(
        p.db, notice.user_id, notice.type, f"email:{email.id}", at=p.now, email_id=email.id, thing=email.parent, text=text
    )


def _unwanted(p: Passage, email: Email) -> str:
    """Why nobody is told of this mail at all, "" when they may be."""
    if not (email.with_notices and p.receipt.with_notices):
        return "imported without notices"
    received = times.from_text(email.received_at or p.receipt.received_at)
    if p.now - received > p.arranged.settings.notify_max_age:
        return "received too long ago"
    return ""
