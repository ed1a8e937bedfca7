"""SQL: one file per entity with its queries and row types; `db.open_db`, `db.transaction`, migrations, the access predicate."""
