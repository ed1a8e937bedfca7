"""What the administrators arranged: settings, accounts, filters and users, read once per batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from espomail.mail.tokens import without_plus_tag
from espomail.model import Account, Settings
from espomail.rules import accounts as account_rules
from espomail.rules.filters import Filter
from espomail.store import accounts, instance, people, roles, settings
from espomail.store import filters as filter_rows
from espomail.store.db import Connection


@dataclass(slots=True)
class Arrangements:
    """What the administrators arranged, read once per batch inside its transaction; levels of users are read when asked."""

    settings: Settings
    accounts: Mapping[int, Account]
    group_addresses: Mapping[str, str]
    personal_addresses: frozenset[str]
    own_addresses: frozenset[str]
    account_filters: Mapping[int, Sequence[Filter]]
    global_filters: Sequence[Filter]
    user_filters: Mapping[int, Sequence[Filter]]
    users: Mapping[str, int]
    inactive: frozenset[str]
    active_ids: frozenset[int]
    signing_key: bytes
    _readers: dict[tuple[int, str], bool] = field(default_factory=dict)

    def may_read_scope(self, db: Connection, user_id: int, scope: str) -> bool:
        """Whether any role lets a user read anything of a scope; cached for the batch."""
        key = (user_id, scope)
        if key not in self._readers:
            levels = dict(roles.levels_of(db, user_id))
            self._readers[key] = people.is_admin(db, user_id) or levels.get(f"{scope}.read", "no") != "no"
        return self._readers[key]

    def ours(self, address: str) -> bool:
        people = address in self.users or address in self.inactive
        return people or address in self.group_addresses or address in self.personal_addresses

    def leads_to_us(self, address: str) -> bool:
        """Whether mail to an address comes back to us: also one that answers are led to, or the system's."""
        plain = without_plus_tag(address)
        return self.ours(plain) or plain in self.own_addresses


def arrangements(db: Connection) -> Arrangements:
    every_account = accounts.list_(db)
    limits = settings.load(db)
    every_filter = sorted((f for f in filter_rows.list_(db) if f.is_active), key=lambda f: f.id)
    return Arrangements(
        settings=limits,
        accounts={a.id: a for a in every_account},
        group_addresses={a.address: a.name for a in every_account if a.kind == "group"},
        personal_addresses=frozenset(a.address for a in every_account if a.kind == "personal"),
        own_addresses=account_rules.own_addresses(every_account, limits),
        account_filters=_grouped(
            (f.account_id, _rule(f)) for f in every_filter if f.kind in ("group-account", "personal-account")
        ),
        global_filters=[_rule(f) for f in every_filter if f.kind == "global"],
        user_filters=_grouped((f.user_id, _rule(f)) for f in every_filter if f.kind == "user"),
        users=people.users_by_address(db),
        inactive=frozenset(people.inactive_addresses(db)),
        active_ids=frozenset(people.active_ids(db)),
        signing_key=instance.signing_key(db),
    )


def _rule(row: filter_rows.FilterRow) -> Filter:
    return Filter(
        id=row.id,
        name=row.name,
        kind=row.kind,
        position=row.position,
        criteria=row.criteria,
        action=row.action,
        folder_id=row.folder_id,
        group_folder_id=row.group_folder_id,
        mark_read=row.mark_read,
        important=row.important,
        skip_notification=row.skip_notification,
        created_at=row.created_at,
    )


def _grouped(pairs: Iterable[tuple[int | None, Filter]]) -> dict[int, list[Filter]]:
    groups: dict[int, list[Filter]] = {}
    for owner, rule in pairs:
        if owner is not None:
            groups.setdefault(owner, []).append(rule)
    return groups
