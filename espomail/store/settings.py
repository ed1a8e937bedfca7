"""The settings that decide about mail, one row per key that was set; a key without a row has its default."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import timedelta
from typing import Any

from espomail.model import Settings
from espomail.store.db import Connection

_SET = """
    insert into settings (key, value) values (:key, :value)
    on conflict (key) do update set value = :value
"""
_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Settings)}


def load(db: Connection) -> Settings:
    """All settings; a row whose key this program does not know is passed over."""
    rows = db.execute("select key, value from settings").fetchall()
    return Settings(**{row["key"]: _decoded(row["key"], row["value"]) for row in rows if row["key"] in _DEFAULTS})


def set_(db: Connection, key: str, value: object) -> None:
    """Keep a value of a field of Settings; its default needs no row."""
    if value == _DEFAULTS[key]:
        db.execute("delete from settings where key = ?", (key,))
        return
    plain = value.total_seconds() if isinstance(value, timedelta) else value
    db.execute(_SET, {"key": key, "value": json.dumps(plain, ensure_ascii=False)})


def _decoded(key: str, value: str) -> Any:
    plain = json.loads(value)
    return timedelta(seconds=plain) if isinstance(_DEFAULTS[key], timedelta) else plain
