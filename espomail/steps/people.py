"""Whom an email concerns: its teams, its users and why, and where it lies for each of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from espomail.model import Head, Mail
from espomail.rules import filters
from espomail.steps.passage import Passage
from espomail.store import email_teams, email_users, emails, folders, people
from espomail.store.emails import Email


def link_people(
    p: Passage, head: Head, whole: Callable[[], Mail], email: Email, hit: filters.Filter | None
) -> Mapping[int, str]:
    """Link teams and users; return the users whom the mail newly reached, each with what silences its notice."""
    account = p.account
    shelved: list[int] = []
    if account is not None:
        email_teams.link(p.db, email.id, account.team_ids)
        folder = hit.group_folder_id if hit and hit.action == "move-to-group-folder" else account.group_folder_id
        if folder is not None:
            shelved = people.active_members(p.db, emails.set_group_folder(p.db, email.id, folder))
        if account.assigned_user_id in p.arranged.active_ids:
            emails.set_assigned_user(p.db, email.id, account.assigned_user_id)
    if email.answers_email_id is not None:
        email_teams.link(p.db, email.id, email_teams.list_(p.db, email.answers_email_id))
    sender_id = p.arranged.users.get(head.sender.address) if head.sender else None
    newly: dict[int, str] = {}
    reached = [*_reasons(p, head), *((user_id, "group-folder") for user_id in shelved)]
    for user_id, reason in reached:
        if email_users.link(p.db, email.id, user_id, reason, is_read=user_id == sender_id):
            newly[user_id] = ""
    for user_id in newly:
        newly[user_id] = _put_away(p, head, whole, email, user_id, hit)
    if hit is not None:
        for user_id in {user_id for user_id, _ in reached if user_id not in newly}:
            _flag(p, email, user_id, hit)
    if account is not None and account.user_id is not None and account.user_id not in newly:
        _put_in_mapped_folder(p, email, account.user_id)
    return newly


def put_away_for_agents(
    p: Passage, head: Head, whole: Callable[[], Mail], email: Email, hit: filters.Filter | None, *, had: Collection[int]
) -> Mapping[int, str]:
    """Apply the filters of those to whom the mail's case gave it; return them, each with what silences its notice.

    `had` are the users who had the mail before its case was decided.
    """
    got = [user_id for user_id in email_users.attention(p.db, email.id) if user_id not in had]
    return {user_id: _put_away(p, head, whole, email, user_id, hit) for user_id in got}


def silenced_before(
    p: Passage, head: Head, whole: Callable[[], Mail], email: Email, *, newly: Collection[int]
) -> Mapping[int, str]:
    """What silences a mail for the users who had it before this account brought it, where something does."""
    had = {user_id: lies_in for user_id, lies_in in email_users.folders(p.db, email.id).items() if user_id not in newly}
    reasons = {user_id: _silence(p, _verdict(p, head, whole, user_id).hit, lies_in) for user_id, lies_in in had.items()}
    return {user_id: reason for user_id, reason in reasons.items() if reason}


def _reasons(p: Passage, head: Head) -> list[tuple[int, str]]:
    """Which users the mail concerns and why: by address, by their own mailbox, by their team's mailbox."""
    addressed = [a.address for a in ((head.sender,) if head.sender else ()) + head.to + head.cc]
    found = [(p.arranged.users[a], "address") for a in dict.fromkeys(addressed) if a in p.arranged.users]
    account = p.account
    if account is None:
        return found
    if account.user_id in p.arranged.active_ids:
        found.append((account.user_id, "personal-account"))
    if account.for_all_team_users:
        found += [(user_id, "team-account") for user_id in people.active_members(p.db, account.team_ids)]
    if account.assigned_user_id in p.arranged.active_ids:
        found.append((account.assigned_user_id, "assigned"))
    return found


def _put_away(
    p: Passage, head: Head, whole: Callable[[], Mail], email: Email, user_id: int, account_hit: filters.Filter | None
) -> str:
    """Apply the user's own filters, then the folder map of their mailbox; return what silences the notice, "" for nothing."""
    verdict = _verdict(p, head, whole, user_id)
    if verdict.hit or verdict.tried:
        p.note_inbox(user_id, verdict)
    hit = verdict.hit
    flagging = [f for f in (hit, account_hit) if f is not None]
    folder_id = hit.folder_id if hit and hit.action == "move-to-folder" else _mapped_folder(p, user_id)
    email_users.set_state(
        p.db,
        email.id,
        user_id,
        folder_id=folder_id,
        is_read=any(f.mark_read for f in flagging),
        is_important=any(f.important for f in flagging),
        in_trash=hit is not None and hit.action == "skip",
        at=p.now,
    )
    return _silence(p, hit, folder_id)


def _flag(p: Passage, email: Email, user_id: int, account_hit: filters.Filter) -> None:
    """Whoever had the mail before gets the flags of this account's filter too, as if it had come by this account first."""
    read, important = account_hit.mark_read, account_hit.important
    email_users.set_state(
        p.db, email.id, user_id, folder_id=None, is_read=read, is_important=important, in_trash=False, at=p.now
    )


def _verdict(p: Passage, head: Head, whole: Callable[[], Mail], user_id: int) -> filters.Verdict:
    return filters.first_hit(p.arranged.user_filters.get(user_id, ()), head, whole)


def _silence(p: Passage, hit: filters.Filter | None, folder_id: int | None) -> str:
    """Why a user is not told of a mail that their own filter hit and that lies in a folder, "" for no reason."""
    if hit is not None and hit.skip_notification:
        return f"the filter {hit.name} says so"
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
        email_users.set_folder_if_in_inbox(p.db, email.id, user_id, folder_id)
