"""Reading mails whole, with every answer verified: the UID asked, the bytes announced, the closing words.

A mail is only given out after the OK of its command. What did not come is asked for again by itself, so that one mail
that the server can't give does not hold up the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from espomail.answers import RawMail, RefusedMail, VanishedMail
from espomail.errors import SessionLost
from espomail.wire import imap_grammar
from espomail.wire.imap_grammar import Value
from espomail.wire.imap_session import Answer, ImapSession, Outcome

BATCH_MAILS = 200
BATCH_BYTES = 8 * 1024 * 1024
SIZES_AT_ONCE = 500
_REFUSALS_IN_A_ROW = 3
_SLACK = 64 * 1024
_BEYOND = 1024

Unreadable = RefusedMail | VanishedMail

Facts = dict[int, tuple[int, datetime]]
"""UID to RFC822.SIZE and INTERNALDATE."""


def sizes(session: ImapSession, uids: Sequence[int]) -> Facts:
    """RFC822.SIZE and INTERNALDATE of each UID that the server gave both for."""
    found: Facts = {}
    for start in range(0, len(uids), SIZES_AT_ONCE):
        some = uids[start : start + SIZES_AT_ONCE]
        outcome = session.command(b"UID FETCH", imap_grammar.uid_set(some), b"(UID RFC822.SIZE INTERNALDATE)")
        asked = set(some)
        for uid, items in _fetched(session, outcome, "RFC822.SIZE"):
            if uid in asked and "INTERNALDATE" in items:
                found[uid] = (_size(session, items["RFC822.SIZE"]), _received(items["INTERNALDATE"]))
    return found


def still_there(session: ImapSession, uids: Sequence[int]) -> set[int]:
    """Which of the UIDs the server still has; all of them when it does not say."""
    found: set[int] = set()
    for start in range(0, len(uids), SIZES_AT_ONCE):
        some = set(uids[start : start + SIZES_AT_ONCE])
        outcome = session.command(b"UID SEARCH UID", imap_grammar.uid_set(some))
        told = {
            value for answer in outcome.answers if answer.kind == "SEARCH" for value in answer.values if isinstance(value, str)
        }
        found |= {uid for uid in some if str(uid) in told} if outcome.is_ok else some
    return found


def whole(session: ImapSession, uids: Sequence[int], facts: Facts) -> Iterator[RawMail | Unreadable]:
    """Every UID once, in the order asked: its mail, or why there is none. Three refusals in a row lose the session."""
    refusals = 0
    for batch in _batches(uids, facts):
        for found in _read_batch(session, batch, facts):
            yield found
            refusals = refusals + 1 if isinstance(found, RefusedMail) else 0
            if refusals == _REFUSALS_IN_A_ROW:
                raise session.connection.lost(f"refused {_REFUSALS_IN_A_ROW} mails in a row, last: {_reason(found)}")


def beginning(session: ImapSession, uid: int, *, received_at: datetime, count: int) -> RawMail | Unreadable:
    """The first `count` bytes of a mail: its header and the beginning of its text; `is_whole` False even if that was all."""
    found = _part(session, uid, 0, count)
    if found is None:
        return _why_not(session, uid, "the server does not give the beginning of this mail")
    return RawMail(uid, found, received_at, is_whole=False)


class _Bodies(NamedTuple):
    contents: dict[int, bytes]
    outcome: Outcome


def _batches(uids: Sequence[int], facts: Facts) -> Iterator[list[int]]:
    """The UIDs in order, in lots of at most BATCH_MAILS and BATCH_BYTES; a large mail or an unknown one is a lot of its own."""
    lot: list[int] = []
    size = 0
    for uid in uids:
        more = facts[uid][0] if uid in facts else BATCH_BYTES
        if lot and (size + more > BATCH_BYTES or len(lot) == BATCH_MAILS):
            yield lot
            lot, size = [], 0
        lot.append(uid)
        size += more
    if lot:
        yield lot


def _read_batch(session: ImapSession, batch: list[int], facts: Facts) -> Iterator[RawMail | Unreadable]:
    known = [uid for uid in batch if uid in facts]
    bodies = _fetch(session, known, facts) if known else None
    for uid in batch:
        if bodies is None or uid not in facts:
            yield _why_not(session, uid, "the server does not tell the size of this mail")
        elif uid in bodies.contents:
            yield _verified(session, uid, bodies.contents.pop(uid), facts)
        elif len(batch) > 1:
            yield from _read_batch(session, [uid], facts)
        elif bodies.outcome.is_ok:
            yield _why_not(session, uid, "the server did not send this mail")
        else:
            yield RefusedMail(uid, f"the server answered {bodies.outcome.status}: {bodies.outcome.text}")


def _fetch(session: ImapSession, uids: list[int], facts: Facts) -> _Bodies:
    """The bodies that came; one that nobody asked for, or that comes twice, loses the session."""
    announced = [facts[uid][0] for uid in uids]
    total = sum(announced)
    outcome = session.command(
        b"UID FETCH",
        imap_grammar.uid_set(uids),
        b"(UID BODY.PEEK[])",
        literal_max=_literal_max(max(announced)),
        total_max=_literal_max(total),
        carries=total,
    )
    asked, contents = set(uids), dict[int, bytes]()
    for uid, items in _fetched(session, outcome, "BODY[]"):
        if uid not in asked or uid in contents:
            raise session.connection.lost(f"sent mail {uid}, which was not asked for")
        content = items["BODY[]"]
        if isinstance(content, bytes):
            contents[uid] = content
    return _Bodies(contents, outcome)


def _verified(session: ImapSession, uid: int, content: bytes, facts: Facts) -> RawMail | Unreadable:
    """The mail if it is as long as announced, or the server confirms that nothing follows (Exchange estimates sizes)."""
    size, received_at = facts[uid]
    if len(content) != size and (not content or _part(session, uid, len(content), _BEYOND) != b""):
        return RefusedMail(uid, f"the server announced {size} bytes and sent {len(content)}")
    return RawMail(uid, content, received_at)


def _part(session: ImapSession, uid: int, start: int, count: int) -> bytes | None:
    """At most `count` bytes of a mail from byte `start` on; None when the server does not give them properly."""
    key = f"BODY[]<{start}>"
    outcome = session.command(
        b"UID FETCH",
        imap_grammar.uid_set([uid]),
        b"(UID BODY.PEEK[]<%d.%d>)" % (start, count),
        literal_max=count,
        carries=count,
    )
    found = [items[key] for answered, items in _fetched(session, outcome, key) if answered == uid]
    content = found[0] if len(found) == 1 and outcome.is_ok else None
    return content if isinstance(content, bytes) else None


def _why_not(session: ImapSession, uid: int, reason: str) -> Unreadable:
    """Whether a UID that did not come is gone, or is there and was withheld."""
    return RefusedMail(uid, reason) if uid in still_there(session, [uid]) else VanishedMail(uid)


def _fetched(session: ImapSession, outcome: Outcome, key: str) -> Iterator[tuple[int, dict[str, Value]]]:
    """UID and items of each FETCH answer that has `key`; others are news about flags that nobody asked for."""
    for answer in outcome.answers:
        if answer.kind != "FETCH":
            continue
        items = _items(session, answer)
        if key not in items:
            continue
        try:
            yield imap_grammar.number(items.get("UID")), items
        except ValueError as error:
            raise session.connection.lost("sent a mail without its UID") from error


def _items(session: ImapSession, answer: Answer) -> dict[str, Value]:
    try:
        if answer.number is None or len(answer.values) != 1:
            raise ValueError("not a FETCH answer")
        return imap_grammar.pairs(answer.values[0])
    except ValueError as error:
        raise _not_imap(session, error) from error


def _size(session: ImapSession, value: Value) -> int:
    try:
        return imap_grammar.number(value, most=2**63)
    except ValueError as error:
        raise _not_imap(session, error) from error


def _received(value: Value) -> datetime:
    """INTERNALDATE in UTC; one that can't be read counts as now, so that no date limit drops the mail."""
    try:
        return imap_grammar.moment(value)
    except ValueError:
        return datetime.now(UTC)


def _not_imap(session: ImapSession, error: ValueError) -> SessionLost:
    return session.connection.lost(f"sent an answer that is not IMAP ({error})")


def _literal_max(announced: int) -> int:
    return announced + announced // 4 + _SLACK


def _reason(found: RawMail | Unreadable) -> str:
    return found.message if isinstance(found, RefusedMail) else ""
