"""Who this database is: its name in message ids and the key that signs them."""

from __future__ import annotations

from espomail.store.db import Connection, one


def signing_key(db: Connection) -> bytes:
    """32 random bytes made with the database; a restored copy still knows the ids it signed."""
    return bytes(one(db, "select signing_key from instance"))


def uuid(db: Connection) -> str:
    return str(one(db, "select uuid from instance"))
