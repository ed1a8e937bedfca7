"""The system's own sender: the group account, or the SMTP server, that notices and system mail leave from."""

from __future__ import annotations

from dataclasses import replace

from espomail.model import Account, Settings
from espomail.store import accounts
from espomail.store.db import Connection


def system_account(db: Connection, settings: Settings) -> Account | None:
    """Through which account system mail leaves, with the SMTP server to use; None when there is none or it can't send.

    `outbound_server` (the JSON of a model.Server) is used instead of the account's own server; with it no account is needed.
    """
    address = settings.outbound_address
    found = (
        next((a for a in accounts.list_by_address(db, address) if a.kind == "group" and a.is_active), None) if address else None
    )
    server = accounts.server_of(settings.outbound_server) if settings.outbound_server else None
    if server is not None:
        base = found or Account(id=0, kind="group", name="system", address=address or "")
        return replace(base, smtp=server, from_name=settings.outbound_from_name or base.from_name)
    if found is None or found.smtp is None:
        return None
    return replace(found, from_name=settings.outbound_from_name or found.from_name)
