"""What `doctor` judges, gathered: database, files, accounts, filters, queues. Nothing is written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from espomail import times
from espomail.desk import Desk
from espomail.gather.turns import situation
from espomail.model import Account, Settings
from espomail.rules import distribution, trial
from espomail.rules import settings as setting_rules
from espomail.rules.health_accounts import SENDER_ID
from espomail.rules.health_facts import AccountState, Facts, FileState, FilterState
from espomail.store import (
    accounts,
    filters,
    health,
    invariant,
    notifications,
    raw_mails,
    roles,
    templates,
)
from espomail.store import settings as settings_store
from espomail.store.accounts import Round
from espomail.store.db import Connection, SqliteError, has_wal_fix
from espomail.store.filters import FilterRow

MAILS_TRIED = 200
TRIED_BYTES_MAX = 256 * 1024
OVERDUE = timedelta(minutes=15)
FRESH = timedelta(days=7)
STUCK_AT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What is to say of an account's secrets and certificates; see AccountState."""

    token_saved_at: datetime | None = None
    token_trouble: str = ""
    ca_trouble: str = ""
    secret_trouble: str = ""
    secret_hint: str = ""
    is_secret_kept_here: bool = True


def facts(
    desk: Desk,
    *,
    credentials: Callable[[Account], Credentials],
    connections: Sequence[tuple[Account, str]] = (),
    fetch_patience: timedelta,
    log_trouble: str = "",
) -> Facts:
    """All facts of an installation; of a damaged database whose rows can't be read, what is wrong with it alone."""
    damage = tuple(health.integrity_problems(desk.db))
    try:
        found = _all_facts(desk, damage, credentials, tuple(connections), fetch_patience)
        return dataclasses.replace(found, log_trouble=log_trouble)
    except SqliteError as error:
        if not damage:
            raise
        return Facts(now=desk.now(), settings=Settings(), integrity=(*damage, f"rows can't be read: {error}"))


def _all_facts(
    desk: Desk,
    damage: tuple[str, ...],
    credentials: Callable[[Account], Credentials],
    connections: tuple[tuple[Account, str], ...],
    fetch_patience: timedelta,
) -> Facts:
    db, now = desk.db, desk.now()
    queues = health.queues(db, overdue_before=now - OVERDUE, ended_since=now - FRESH, stuck_at=STUCK_AT)
    disk = health.disk(desk.db_path)
    sender = system_sender(db)
    return Facts(
        now=now,
        settings=settings_store.load(db),
        accounts=tuple(_account_states(db, credentials, now)),
        sender=_account_state(db, sender, Round(account_id=sender.id), now, credentials(sender), now) if sender else None,
        filters=tuple(_filter_states(db)),
        has_admin=bool(notifications.admins(db)),
        unknown_settings=tuple(health.unknown_settings(db, (*setting_rules.KEYS, *setting_rules.OUTBOUND_KEYS))),
        role_names=frozenset(role.name for role in roles.list_(db)),
        template_names=frozenset(template.name for template in templates.list_(db)),
        empty_teams=tuple(health.empty_teams(db)),
        other_owners=tuple(health.other_owners(db)),
        fetch_patience=fetch_patience,
        files=tuple(
            FileState(what=f.what, path=f.path, mode=f.mode, is_ours=f.is_ours)
            for f in health.files(desk.db_path, desk.key_path)
        ),
        key_path=str(desk.key_path),
        key_exists=desk.key_path.exists(),
        free_bytes=disk.free_bytes,
        database_bytes=disk.database_bytes,
        sqlite_version=health.sqlite_version(db),
        has_wal_fix=has_wal_fix(),
        journal_mode=health.journal_mode(db),
        outbox_failed=queues.failed,
        outbox_unknown=queues.unknown,
        outbox_overdue=queues.overdue,
        outbox_stuck=queues.stuck,
        outbox_stuck_reply=queues.stuck_reply,
        parked=queues.parked,
        retrying=queues.retrying,
        oldest_waiting_at=queues.oldest_waiting_at,
        dead_batches=queues.dead_batches,
        integrity=damage,
        breaches=tuple((b.law, b.count, b.examples) for b in invariant.breaches(db)),
        connections=connections,
    )


# ---------------------------------------------------------------- accounts


def system_sender(db: Connection) -> Account | None:
    """The system's own sender as an account, None where it has no server of its own."""
    settings = settings_store.load(db)
    server = accounts.server_of(settings.outbound_server)
    if server is None:
        return None
    return Account(id=SENDER_ID, kind="group", name="the system's sender", address=settings.outbound_address or "", smtp=server)


def _account_states(db: Connection, credentials: Callable[[Account], Credentials], now: datetime) -> list[AccountState]:
    rounds, added = accounts.rounds(db), health.accounts_added_at(db)
    return [
        _account_state(db, each, rounds.get(each.id) or Round(account_id=each.id), added[each.id], credentials(each), now)
        for each in reversed(accounts.list_(db))
    ]


def _account_state(
    db: Connection, account: Account, round_: Round, added_at: datetime, credentials: Credentials, now: datetime
) -> AccountState:
    return AccountState(
        account=account,
        added_at=added_at,
        last_success_at=round_.last_success_at,
        failures=round_.failures,
        next_try_at=round_.next_try_at,
        last_error=round_.last_error,
        breaker_until=round_.breaker_until,
        distribution_trouble=_distribution_trouble(db, account, now),
        token_saved_at=credentials.token_saved_at,
        token_trouble=credentials.token_trouble,
        ca_trouble=credentials.ca_trouble,
        secret_trouble=credentials.secret_trouble,
        secret_hint=credentials.secret_hint,
        is_secret_kept_here=credentials.is_secret_kept_here,
    )


def _distribution_trouble(db: Connection, account: Account, now: datetime) -> str:
    """Why a case that came now would get nobody, "" when somebody would have it or nobody is meant to."""
    if account.distribution == "none":
        return ""
    choice = distribution.choose(account.distribution, situation(db, account, now=now))
    return choice.reason if isinstance(choice, distribution.Nobody) else ""


# ---------------------------------------------------------------- filters


def _filter_states(db: Connection) -> list[FilterState]:
    """Every active filter; one without a recorded hit is tried on the newest mails that it could have met."""
    names, recorded = filters.names(db), health.hits_of_filters(db)
    active = [each for each in reversed(filters.list_(db)) if each.is_active]
    doubtful = [each for each in active if (each.user_id, each.name) not in recorded]
    tried = _tried(db, doubtful)
    return [_filter_state(each, owner=names[each.id][0], tried=tried.get(each.id)) for each in active]


def _tried(db: Connection, doubtful: Sequence[FilterRow]) -> dict[int, int]:
    """On how many of the newest mails each filter was tried that hits none of them, by its id."""
    trusted = settings_store.load(db).trusted_authserv_id
    tried: dict[int, int] = {}
    for (account_id, user_id), group in _by_scope(doubtful).items():
        mails = health.newest_mails(db, account_id=account_id, user_id=user_id, limit=MAILS_TRIED, size_max=TRIED_BYTES_MAX)
        tried |= {each.id: len(mails) for each in _missing(db, group, mails, trusted)}
    return tried


def _by_scope(rows: Sequence[FilterRow]) -> dict[tuple[int | None, int | None], list[FilterRow]]:
    """Filters by the account or the user whose mail they look at."""
    groups: dict[tuple[int | None, int | None], list[FilterRow]] = {}
    for each in rows:
        groups.setdefault((each.account_id, each.user_id), []).append(each)
    return groups


def _missing(db: Connection, group: list[FilterRow], mails: Sequence[int], trusted: str | None) -> list[FilterRow]:
    """Those filters that none of the mails hits."""
    left = group
    for raw_id in mails:
        raw = raw_mails.find(db, raw_id)
        if raw is not None:
            left = [each for each in left if trial.obstacle(each.criteria, raw, trusted_authserv_id=trusted)]
        if not left:
            break
    return left


def _filter_state(each: FilterRow, *, owner: str | None, tried: int | None) -> FilterState:
    """A filter as one types it: a user's own with its owner. `tried` is None where it has been hit."""
    lost = (each.action == "move-to-folder" and each.folder_id is None) or (
        each.action == "move-to-group-folder" and each.group_folder_id is None
    )
    return FilterState(
        name=f"{owner}/{each.name}" if each.kind == "user" else each.name,
        created_at=times.from_text(each.created_at),
        is_hit=tried is None,
        mails_tried=tried or 0,
        lost_target=lost,
    )
