"""Templates: subject and body with placeholders, for auto-replies and replies."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from espomail.errors import BadInput, NotFound
from espomail.store.db import Connection, Row

_SELECT = "select id, name, subject, body, is_html from templates "


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template; `body` is text, or HTML where `is_html`. The id is 0 before it is kept."""

    id: int = 0
    name: str
    subject: str
    body: str = ""
    is_html: bool = False


def find(db: Connection, name: str) -> Template | None:
    return _template(db.execute(_SELECT + "where name = ?", (name,)).fetchone())


def get(db: Connection, name: str) -> Template:
    template = find(db, name)
    if template is None:
        raise NotFound("template", name, "see: espomail template list")
    return template


def list_(db: Connection) -> list[Template]:
    """All templates, newest first."""
    return [template for row in db.execute(_SELECT + "order by id desc") if (template := _template(row))]


def add(db: Connection, template: Template) -> int:
    """Keep a new template and return its id; raise BadInput when the name is taken."""
    _refuse_taken(db, template.name)
    cursor = db.execute(
        "insert into templates (name, subject, body, is_html) values (:name, :subject, :body, :is_html)", asdict(template)
    )
    return int(cursor.lastrowid or 0)


def set_(db: Connection, before: Template, after: Template) -> None:
    """Replace a template; accounts that answer with it follow a new name."""
    if after.name != before.name:
        _refuse_taken(db, after.name)
        db.execute("update accounts set reply_template = ? where reply_template = ?", (after.name, before.name))
    db.execute(
        "update templates set name = :name, subject = :subject, body = :body, is_html = :is_html where id = :id", asdict(after)
    )


def remove(db: Connection, template: Template) -> None:
    """Remove a template; raise BadInput while an account answers with it."""
    row = db.execute("select name from accounts where reply_template = ? order by id", (template.name,)).fetchone()
    if row:
        raise BadInput(
            f"the group account {row['name']} answers with the template {template.name}",
            f"first: espomail group-account edit {row['name']} --no-auto-reply --clear reply-template",
        )
    db.execute("delete from templates where id = ?", (template.id,))


def _refuse_taken(db: Connection, name: str) -> None:
    if find(db, name):
        raise BadInput(f"there is already a template named {name}", f"see: espomail template show {name}")


def _template(row: Row | None) -> Template | None:
    if row is None:
        return None
    return Template(id=row["id"], name=row["name"], subject=row["subject"], body=row["body"], is_html=bool(row["is_html"]))
