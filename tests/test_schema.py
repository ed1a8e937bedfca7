"""The schema as it is, in docs/schema.sql, so that a review sees every change of it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from espomail.store import db as store
from espomail.store.db import Connection
from tests.conftest import NOW

KEPT = Path(__file__).parents[1] / "docs" / "schema.sql"


def dump(db: Connection) -> str:
    """All statements that make our tables and indices, by table; what the libraries make for themselves is left out."""
    rows = db.execute(
        """select sql from sqlite_schema where sql is not null and name not glob '*_sqlite_*'
           and name not glob 'email_texts_*' order by tbl_name, type desc, name"""
    )
    return "".join(_tidied(sql) for (sql,) in rows)


def _tidied(sql: str) -> str:
    """One statement, its columns indented by four."""
    first, *rest = (line.strip() for line in sql.splitlines())
    return "\n".join([first, *(line if line.startswith(")") else f"    {line}" for line in rest)]) + ";\n"


def test_the_schema_is_the_one_in_the_docs(db: Connection) -> None:
    assert dump(db) == KEPT.read_text(encoding="utf-8"), "run: .venv/bin/python -m tests.test_schema"


def test_every_table_is_strict(db: Connection) -> None:
    rows = db.execute("select name from pragma_table_list where schema = 'main' and type = 'table' and not strict")
    assert [name for (name,) in rows if "sqlite_" not in name] == []


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        KEPT.write_text(dump(store.create_db(Path(folder) / "espomail.db", now=NOW)), encoding="utf-8")
