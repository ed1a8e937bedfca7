"""Mail accounts, group and personal, in one name space; and how their last rounds went."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any

from espomail import times
from espomail.errors import BadInput, NotFound
from espomail.model import Account, Secret, Server
from espomail.store import account_mail
from espomail.store.db import Connection, Row, one

_PLAIN = tuple(f.name for f in fields(Account) if f.name not in ("id", "team_ids"))
_FLAGS = frozenset(
    ("is_active", "for_all_team_users", "create_case", "auto_reply", "plus_address", "exclude_from_reply", "shared")
)
_SELECT = (
    f"select id, {', '.join(_PLAIN)}, "  # noqa: S608 (field names)
    "(select json_group_array(team_id) from account_teams where account_id = accounts.id) as team_ids from accounts "
)
_ADD = (
    f"insert into accounts ({', '.join(_PLAIN)}, created_by_id, created_at) "  # noqa: S608 (field names)
    f"values ({', '.join(':' + name for name in _PLAIN)}, :created_by_id, :now)"
)
_SET = f"update accounts set {', '.join(f'{name} = :{name}' for name in _PLAIN)} where id = :id"  # noqa: S608 (field names)


def find(db: Connection, account_id: int) -> Account | None:
    return _account(db.execute(_SELECT + "where id = ?", (account_id,)).fetchone())


def find_by_name(db: Connection, name: str) -> Account | None:
    return _account(db.execute(_SELECT + "where name = ?", (name,)).fetchone())


def get_by_name(db: Connection, name: str, *, kind: str | None = None) -> Account:
    """The account of that name (and kind); raise NotFound."""
    account = find_by_name(db, name)
    if account is None or kind not in (None, account.kind):
        noun = f"{kind} account" if kind else "mail account"
        raise NotFound(noun, name, f"see: espomail {kind or 'group'}-account list")
    return account


def list_(db: Connection, *, kind: str | None = None, user_id: int | None = None) -> list[Account]:
    """All accounts, or those of a kind, or of an owner; newest first."""
    rows = db.execute(
        _SELECT + "where (:kind is null or kind = :kind) and (:user is null or user_id = :user) order by id desc",
        {"kind": kind, "user": user_id},
    )
    return [account for row in rows if (account := _account(row))]


def list_by_address(db: Connection, address: str) -> list[Account]:
    """The accounts with exactly that normalised address, oldest first."""
    rows = db.execute(_SELECT + "where address = ? order by id", (address,))
    return [account for row in rows if (account := _account(row))]


def add(db: Connection, account: Account, *, created_by_id: int | None, now: datetime) -> int:
    """Keep a new account (its `id` is ignored) and return the id; raise BadInput when the name is taken."""
    _refuse_taken(db, account)
    row = {**_row(account), "created_by_id": created_by_id, "now": times.to_text(now)}
    account_id = int(db.execute(_ADD, row).lastrowid or 0)
    _set_teams(db, account_id, account.team_ids)
    return account_id


def set_(db: Connection, account: Account) -> None:
    """Replace everything kept about an account; raise BadInput when its new name is taken."""
    _refuse_taken(db, account)
    db.execute(_SET, {**_row(account), "id": account.id})
    _set_teams(db, account.id, account.team_ids)


def set_active(db: Connection, account_id: int, *, is_active: bool) -> None:
    db.execute("update accounts set is_active = ? where id = ?", (int(is_active), account_id))


def remove(db: Connection, account: Account) -> None:
    """Remove an account with its cursors and filters; mail and cases that came through it stay.

    Raise BadInput while mail of it waits to be processed, for a person, or to be sent.
    """
    account_mail.refuse_losing_mail(db, account)
    db.execute("delete from accounts where id = ?", (account.id,))


# ---------------------------------------------------------------- rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """How the rounds of an account go; `failures` counts those in a row, `next_try_at` ends its back-off."""

    account_id: int
    last_attempt_at: datetime | None = None
    last_success_at: datetime | None = None
    last_reconciled_at: datetime | None = None
    failures: int = 0
    login_refusals: int = 0
    next_try_at: datetime | None = None
    last_error: str | None = None
    backlog: int = 0
    breaker_until: datetime | None = None


_ROUND = f"select {', '.join(f.name for f in fields(Round))} from account_rounds "  # noqa: S608 (field names)
_ROUND_MOMENTS = ("last_attempt_at", "last_success_at", "last_reconciled_at", "next_try_at", "breaker_until")


def round_of(db: Connection, account_id: int) -> Round:
    """The rounds of an account; one that never had any has neither attempt nor success."""
    row = db.execute(_ROUND + "where account_id = ?", (account_id,)).fetchone()
    return Round(account_id=account_id) if row is None else _round(row)


def rounds(db: Connection) -> dict[int, Round]:
    """The rounds of every account that had any, by the account's id."""
    return {row["account_id"]: _round(row) for row in db.execute(_ROUND)}


def note_attempt(db: Connection, account_id: int, *, now: datetime) -> None:
    """A round begins: kept before it can fail, so that accounts are taken by oldest attempt."""
    db.execute(
        """insert into account_rounds (account_id, last_attempt_at) select id, :now from accounts where id = :id
           on conflict (account_id) do update set last_attempt_at = :now""",
        {"id": account_id, "now": times.to_text(now)},
    )


def note_success(db: Connection, account_id: int, *, now: datetime, backlog: int = 0) -> None:
    """A round went well: back-off and error are over. `backlog` counts the mails left on the server for the next one."""
    db.execute(
        """insert into account_rounds (account_id, last_attempt_at, last_success_at, backlog)
           values (:id, :now, :now, :backlog)
           on conflict (account_id) do update set last_attempt_at = :now, last_success_at = :now, backlog = :backlog,
               failures = 0, login_refusals = 0, next_try_at = null, last_error = null""",
        {"id": account_id, "now": times.to_text(now), "backlog": backlog},
    )


def note_error(db: Connection, account_id: int, error: str) -> None:
    """Something went wrong that no back-off helps against; the next success forgets it."""
    db.execute("update account_rounds set last_error = ? where account_id = ?", (error, account_id))


def note_failure(
    db: Connection, account_id: int, *, now: datetime, error: str, next_try_at: datetime | None, is_login_refused: bool = False
) -> Round:
    """A round failed: one failure more, tried again from `next_try_at`; return the rounds with it counted."""
    db.execute(
        """insert into account_rounds (account_id, last_attempt_at, failures, login_refusals, next_try_at, last_error)
           values (:id, :now, 1, :refused, :next, :error)
           on conflict (account_id) do update set last_attempt_at = :now, failures = failures + 1,
               login_refusals = case when :refused then login_refusals + 1 else 0 end,
               next_try_at = :next, last_error = :error""",
        {
            "id": account_id,
            "now": times.to_text(now),
            "refused": int(is_login_refused),
            "next": times.to_text_or_none(next_try_at),
            "error": error[:500],
        },
    )
    return round_of(db, account_id)


def clear_backoff(db: Connection, account_id: int) -> None:
    """Let the next round try at once: after somebody changed or enabled the account."""
    db.execute(
        "update account_rounds set failures = 0, login_refusals = 0, next_try_at = null where account_id = ?", (account_id,)
    )


def note_reconciled(db: Connection, account_id: int, *, now: datetime) -> None:
    """The account's folders were held against their receipts."""
    db.execute(
        """insert into account_rounds (account_id, last_reconciled_at) values (:id, :now)
           on conflict (account_id) do update set last_reconciled_at = :now""",
        {"id": account_id, "now": times.to_text(now)},
    )


def set_breaker(db: Connection, account_id: int, until: datetime | None) -> None:
    """Hold back auto-replies of an account until a moment; None lets them go again."""
    db.execute(
        """insert into account_rounds (account_id, breaker_until) values (:id, :until)
           on conflict (account_id) do update set breaker_until = :until""",
        {"id": account_id, "until": times.to_text_or_none(until)},
    )


# ---------------------------------------------------------------- rows


def _refuse_taken(db: Connection, account: Account) -> None:
    taken = one(db, "select kind from accounts where name = ? and id <> ?", (account.name, account.id))
    if taken:
        raise BadInput(
            f"there is already a {taken} account named {account.name}", "group and personal accounts share their names"
        )


def _set_teams(db: Connection, account_id: int, team_ids: Iterable[int]) -> None:
    db.execute("delete from account_teams where account_id = ?", (account_id,))
    db.executemany(
        "insert or ignore into account_teams (account_id, team_id) values (?, ?)", [(account_id, team) for team in team_ids]
    )


def _row(account: Account) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(account, name) for name in _PLAIN}
    row["imap"] = server_json(account.imap)
    row["smtp"] = server_json(account.smtp)
    row["folders"] = json.dumps(account.folders, ensure_ascii=False)
    row["folder_map"] = json.dumps(account.folder_map, ensure_ascii=False)
    row["fetch_since"] = account.fetch_since.isoformat() if account.fetch_since else None
    return row


def server_json(server: Server | None) -> str | None:
    return None if server is None else json.dumps(asdict(server), ensure_ascii=False)


def server_of(text: str | None) -> Server | None:
    if text is None:
        return None
    server = json.loads(text)
    secret = server.pop("secret")
    return Server(**server, secret=Secret(**secret) if secret else None)


def _account(row: Row | None) -> Account | None:
    if row is None:
        return None
    values: dict[str, Any] = {name: bool(row[name]) if name in _FLAGS else row[name] for name in _PLAIN}
    values["imap"] = server_of(row["imap"])
    values["smtp"] = server_of(row["smtp"])
    values["folders"] = tuple(json.loads(row["folders"]))
    values["folder_map"] = tuple((source, target) for source, target in json.loads(row["folder_map"]))
    values["fetch_since"] = date.fromisoformat(row["fetch_since"]) if row["fetch_since"] else None
    return Account(id=row["id"], team_ids=tuple(sorted(json.loads(row["team_ids"]))), **values)


def _round(row: Row) -> Round:
    values = dict(row)
    for name in _ROUND_MOMENTS:
        values[name] = times.from_text(values[name]) if values[name] else None
    return Round(**values)
