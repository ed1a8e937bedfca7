"""OAuth tokens of mail accounts, encrypted before they come here; one per account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from espomail import times
from espomail.store.db import Connection


@dataclass(frozen=True, slots=True)
class SealedToken:
    """An encrypted token and when the provider last gave it."""

    account_id: int
    sealed: str
    saved_at: datetime


def find(db: Connection, account_id: int) -> SealedToken | None:
    row = db.execute("select sealed, saved_at from oauth_tokens where account_id = ?", (account_id,)).fetchone()
    return None if row is None else SealedToken(account_id, row["sealed"], times.from_text(row["saved_at"]))


def set_(db: Connection, account_id: int, sealed: str, *, now: datetime) -> None:
    db.execute(
        """insert into oauth_tokens (account_id, sealed, saved_at) values (:id, :sealed, :now)
           on conflict (account_id) do update set sealed = :sealed, saved_at = :now""",
        {"id": account_id, "sealed": sealed, "now": times.to_text(now)},
    )


def remove(db: Connection, account_id: int) -> bool:
    """Forget an account's token; tell whether there was one."""
    return db.execute("delete from oauth_tokens where account_id = ?", (account_id,)).rowcount > 0
