"""Full-text search over the emails that the actor may see.

Text is quoted term by term for FTS5, and who may see what is asked outside of the match. Of very many hits the newest
CANDIDATES are ranked. What a hidden email holds changes neither the hits nor their snippets.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from espomail import times
from espomail.model import Actor, Thing
from espomail.store import emails_read, sight, visibility
from espomail.store.db import Connection
from espomail.store.emails_read import ReadEmail
from espomail.store.query import Query, Words, holds, read_query, words_of

CANDIDATES = 2000
_WEIGHTS = "8.0, 4.0, 1.0, 3.0"
_COLUMNS = {"": "", "subject": "subject : ", "from": "people : ", "to": "people : "}
_CAME_AT = "coalesce(t.received_at, t.sent_at, t.imported_at)"
_STATES = {
    "unread": "not h.is_read",
    "read": "h.is_read",
    "important": "h.is_important",
}
_HELD = """exists (select 1 from email_users h
                   where h.email_id = t.id and (:actor is null or h.user_id = :actor) and {state})"""
_OF_ACCOUNT = """
    (t.account_id in (select value from json_each(:{key}))
     or exists (select 1 from email_accounts k
                where k.email_id = t.id and k.account_id in (select value from json_each(:{key}_mail))))
"""
_RANKED = f"""
    select rowid from email_texts
    where email_texts match :match and rowid >= :lowest and +rowid in (select value from json_each(:ids))
    order by bm25(email_texts, {_WEIGHTS}), rowid desc limit :limit offset :offset
"""  # noqa: S608 (constants)
# The unary plus keeps FTS5 from starting its query anew for each id: 170 ms for a prefix and 50 emails.
_SNIPPETS = """
    select rowid, snippet(email_texts, -1, '', '', '…', 16) as snippet from email_texts
    where email_texts match :match and rowid between :lowest and :highest and +rowid in (select value from json_each(:ids))
"""


def search(
    db: Connection, actor: Actor, text: str, *, limit: int, offset: int = 0, now: datetime, candidates: int = CANDIDATES
) -> list[ReadEmail]:
    """The emails that fit a query, best first (a query without words: newest first), each with a snippet; never an error.

    Only the newest `candidates` that fit are looked at.
    """
    query = read_query(text, now=now)
    if query.is_empty:
        return []
    fitting = _fitting(db, actor, query, most=candidates)
    if not query.words:
        return emails_read.list_ids(db, actor, fitting[offset : offset + limit])
    match = _match(query.words)
    ids = _ranked(db, match, fitting, limit=limit, offset=offset)
    snippets = _snippets(db, match, ids)
    return [replace(email, snippet=snippets.get(email.id)) for email in emails_read.list_ids(db, actor, ids)]


def _fitting(db: Connection, actor: Actor, query: Query, *, most: int) -> list[int]:
    """The newest emails that fit, as the actor may see them."""
    conditions, parameters = _conditions(db, actor, query)
    people = [words for words in query.words if words.field in ("from", "to")]
    source = (
        "email_texts f cross join emails t on t.id = f.rowid where email_texts match :match"
        if query.words
        else "emails t where 1"
    )
    order = "f.rowid" if query.words else "t.id"
    rows = db.execute(
        f"select t.id, t.from_name, t.from_address from {source} and {' and '.join(conditions)} order by {order} desc",  # noqa: S608 (constants)
        {**parameters, "match": _match(query.words)},
    )
    found: list[int] = []
    for row in rows:
        if all(_person_fits(db, row["id"], f"{row['from_name']} {row['from_address']}", words) for words in people):
            found.append(row["id"])
        if len(found) >= most:
            break
    rows.close()
    return found


def _person_fits(db: Connection, email_id: int, sender: str, wanted: Words) -> bool:
    """The index knows the people of a mail together; here it is told who wrote and who was written to (To, Cc)."""
    if wanted.field == "from":
        return holds(sender, wanted)
    rows = db.execute("select name, address from email_addresses where email_id = ? and role in ('to', 'cc')", (email_id,))
    return any(holds(f"{row['name']} {row['address']}", wanted) for row in rows)


def _conditions(db: Connection, actor: Actor, query: Query) -> tuple[list[str], dict[str, object]]:
    access = visibility.visible(actor, "email")
    # The unary plus keeps access a filter: left to drive, it would start the full-text query anew for each visible email.
    conditions = [access.sql.replace("t.id in", "+t.id in", 1) if query.words else access.sql]
    parameters: dict[str, object] = {**access.parameters, "actor": actor.user_id}
    if query.has_attachment:
        conditions.append("t.has_attachment")
    if query.after is not None:
        conditions.append(f"{_CAME_AT} >= :after")
        parameters["after"] = times.to_text(query.after)
    if query.before is not None:
        conditions.append(f"{_CAME_AT} < :before")
        parameters["before"] = times.to_text(query.before)
    for state in query.states:
        conditions.append(_HELD.format(state=_STATES[state]))
    conditions += [_of_case(db, actor, number) for number in query.case_numbers]
    conditions += [_of_account(db, actor, name, parameters) for name in query.accounts]
    return conditions, parameters


def _of_case(db: Connection, actor: Actor, number: int) -> str:
    """The emails of a case, none when the actor may not see it; the number is a whole one by construction."""
    return f"t.parent_type = 'case' and t.parent_id = {number:d}" if visibility.may(db, actor, Thing("case", number)) else "0"


def _of_account(db: Connection, actor: Actor, name: str, parameters: dict[str, object]) -> str:
    """The emails that a mail account of that name brought, or that concern a company of that name which the actor may see."""
    wanted = words_of(name)
    rows = db.execute("select id, name from records where type = 'account'")
    companies = [row["id"] for row in rows if words_of(row["name"]) == wanted]
    brought = [row["id"] for row in db.execute("select id, name from accounts") if words_of(row["name"]) == wanted]
    key = f"account_{len(parameters)}"
    parameters[key] = json.dumps(sorted(sight.seen(db, actor, "account", companies)))
    parameters[f"{key}_mail"] = json.dumps(brought)
    return _OF_ACCOUNT.format(key=key)


def _match(words: Iterable[Words]) -> str:
    """The FTS5 query: each term a quoted string, so that nothing in it is syntax."""
    return " AND ".join(_term(each) for each in words)


def _term(words: Words) -> str:
    quoted = words.text.replace('"', '""')
    return f'{_COLUMNS[words.field]}"{quoted}"{" *" if words.is_prefix else ""}'


def _ranked(db: Connection, match: str, ids: list[int], *, limit: int, offset: int) -> list[int]:
    if not ids:
        return []
    row = {"match": match, "ids": json.dumps(ids), "lowest": min(ids), "limit": limit, "offset": offset}
    return [found[0] for found in db.execute(_RANKED, row)]


def _snippets(db: Connection, match: str, ids: list[int]) -> dict[int, str]:
    if not ids:
        return {}
    row = {"match": match, "ids": json.dumps(ids), "lowest": min(ids), "highest": max(ids)}
    rows = db.execute(_SNIPPETS, row)
    return {row["rowid"]: row["snippet"] for row in rows}
