"""Every level, relation, merge of up to three roles and command against the oracle: who sees and may do what.

u's roles come in three ways (their own, their team's, the baseline). Reading commands are tried for all 64 merges; acting
commands for every pair of levels. A refusal must leave every row of every table as it was, and say the same words as for
a thing that does not exist.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import pytest

from espomail.levels import merge
from espomail.store import db as store
from espomail.store.db import Connection, open_db
from tests import oracle
from tests.conftest import keep_count
from tests.office import RECORD_TYPES, Answer, Office, built_once
from tests.oracle import NOT_FOUND, OK, Item, Person

LEVELS = ("no", "own", "team", "all")
SCOPES = ("email", "case", *RECORD_TYPES)
MISSING = 99_999
MERGES = list(itertools.product(LEVELS, repeat=3))
PAIRS = list(itertools.product(LEVELS, repeat=2))


@pytest.fixture(scope="module", autouse=True)
def counted() -> Iterator[None]:
    """Keep count of how many commands were held against the oracle, and how they ended."""
    before = Office.answered.copy()
    yield
    ended = Office.answered - before
    keep_count(f"access: {ended.total()} commands, by exit code {dict(sorted(ended.items()))}")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return built_once(tmp_path_factory)


@pytest.fixture
def office(built: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    for name in ("ESPOMAIL_AS", "ESPOMAIL_DB", "ESPOMAIL_CONFIG", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    return built.copy(tmp_path / "copy")


def cells(read: str, **actions: str) -> dict[str, str]:
    """The same levels in every scope."""
    return {f"{scope}.{action}": level for scope in SCOPES for action, level in {"read": read, **actions}.items()}


def with_roles(office: Office, *roles: Mapping[str, str]) -> Person:
    """Give u these roles: as their own, their team's, the baseline."""
    for name, role in zip(("r1", "r2", "r3"), (*roles, {}, {}), strict=False):
        office.set_role(name, role)
    return Person("u", teams=frozenset({"ours"}), roles=roles)


# ---------------------------------------------------------------- reading


def email_readers(office: Office, item: Item) -> Iterator[tuple[str, ...]]:
    """Every command that reads one email."""
    for verb in ("show", "raw", "thread", "attachments", "explain"):
        yield ("email", verb, str(item.key))
    yield ("access", "explain", "u", f"email:{item.key}")
    yield ("followers", f"email:{item.key}")
    yield ("email", "list", "--parent", f"email:{item.key}")


def readers_of(office: Office, item: Item) -> Iterator[tuple[str, ...]]:
    """Every command that reads one thing."""
    match item.scope:
        case "email":
            yield from email_readers(office, item)
        case "case":
            yield ("case", "show", str(item.key))
            yield ("email", "list", "--case", str(item.key))
            yield ("access", "explain", "u", f"case:{item.key}")
            yield ("followers", f"case:{item.key}")
        case type_:
            yield ("record", "show", type_, str(item.key))
            yield ("email", "list", "--parent", f"{type_}:{item.key}")
            yield ("access", "explain", "u", f"{type_}:{item.key}")
            yield ("followers", f"{type_}:{item.key}")


def listers(office: Office) -> Iterator[tuple[str, Callable[[Answer], list[int]], tuple[str, ...]]]:
    """Every command that lists things of a scope, with how to read the keys out of its answer."""

    def ids(answer: Answer) -> list[int]:
        return sorted(row["id"] for row in answer.json)

    def numbers(answer: Answer) -> list[int]:
        return sorted(row["number"] for row in answer.json)

    yield "email", ids, ("email", "list", "--limit", "1000")
    yield "email", ids, ("email", "search", "everyone", "--limit", "1000")
    yield "email", ids, ("email", "search", "question everyone has:attachment after:2020-01-01", "--limit", "1000")
    yield "email", ids, ("email", "search", "has:attachment", "--limit", "1000")
    yield "email", ids, ("email", "list", "--since", "2020-01-01", "--limit", "1000")
    yield "case", numbers, ("case", "list", "--status", "all", "--limit", "1000")
    for type_ in RECORD_TYPES:
        yield type_, ids, ("record", "list", type_, "--limit", "1000")


def assert_hidden(office: Office, words: tuple[str, ...], item: Item, answer: Answer) -> None:
    """A thing that may not be read answers word for word as one that does not exist."""
    code, said = missing_answer(office, words, item)
    assert (answer.code, answer.stdout, renumbered(answer.stderr, item)) == (code, b"", said), words


def missing_answer(office: Office, words: tuple[str, ...], item: Item) -> tuple[int, str]:
    """What the command says of a thing that does not exist; asked once for each command and roles."""
    wanted = tuple(renumbered(word, item) for word in words)
    if wanted not in office.missing:
        answer = office.run("u", *wanted)
        office.missing[wanted] = (answer.code, answer.stderr)
    return office.missing[wanted]


def renumbered(text: str, item: Item) -> str:
    return re.sub(rf"\b{item.key}\b", str(MISSING), text)


@pytest.mark.parametrize("levels", MERGES, ids="+".join)
def test_lists_and_readers_show_what_the_oracle_says(office: Office, levels: tuple[str, ...]) -> None:
    person = with_roles(office, *(cells(level) for level in levels))
    for scope, keys, words in listers(office):
        answer = office.run("u", *words)
        assert answer.code == OK, (words, answer.everything)
        assert keys(answer) == office.world.readable(person, scope), words
    if sorted(levels, key=LEVELS.index) != list(levels):
        return  # the same roles in another order: the lists have shown that the order does not matter
    for item in office.items:
        for words in readers_of(office, item):
            expected = oracle.outcome(person, item, "read")
            answer = office.run("u", *words)
            assert answer.code == expected, (words, item, answer.everything)
            if expected == NOT_FOUND:
                assert_hidden(office, words, item, answer)


@pytest.mark.parametrize(("read", "stream"), PAIRS)
def test_a_stream_is_read_as_far_as_its_own_level_and_reading_go(office: Office, read: str, stream: str) -> None:
    person = with_roles(office, cells(read), cells("no", stream=stream))
    for item in office.items:
        answer = office.run("u", "stream", "show", f"{item.scope}:{item.key}")
        assert answer.code == oracle.outcome(person, item, "stream"), (item, answer.everything)


@pytest.mark.parametrize("scope", SCOPES)
def test_every_command_asks_the_same_of_a_hidden_thing_and_of_none(
    office: Office, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statements that a command executes are the same, so that not even their number or time tells them apart."""
    person = with_roles(office, cells("own", edit="own", delete="own", stream="own"))
    readable = office.world.readable(person, scope)
    hidden = next(item for item in office.items if item.scope == scope and item.key not in readable)
    missing = dataclasses.replace(hidden, key=MISSING)
    asked = {item: list(statements_of_all(office, item, monkeypatch)) for item in (hidden, missing)}
    assert asked[hidden] == asked[missing]
    assert all(statements for _, statements in asked[hidden])


def statements_of_all(
    office: Office, item: Item, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Each command about one thing, with the statements that it executes; numbers and moments are left out of both."""
    for words in (*readers_of(office, item), *(words for _, words in actions_on(item))):
        statements: list[str] = []
        with monkeypatch.context() as patch:
            patch.setattr(store, "open_db", lambda path, *, now, heard=statements: traced(path, now, heard))
            office.run("u", *words)
        yield tuple(plain(word) for word in words), [plain(each) for each in statements]


def traced(path: Path, now: datetime, heard: list[str]) -> Connection:
    db = open_db(path, now=now)
    db.set_trace_callback(heard.append)
    return db


def plain(text: str) -> str:
    return re.sub(r"\d+", "#", text)


# ---------------------------------------------------------------- acting


def actions_on(item: Item) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every command that changes a thing, with the action of the oracle that it needs."""
    key = str(item.key)
    match item.scope:
        case "email":
            for words in (("mark", key, "--read"), ("trash", key), ("untrash", key), ("archive", key)):
                yield "read", ("email", *words)
            yield "read", ("email", "move", key, "Later")
            yield "read", ("email", "move", key, "Shelf")
            yield "read", ("email", "share", key, "v")
            yield "edit", ("email", "link", key, "case:1")
            yield "edit", ("email", "unlink", key)
            yield "delete", ("email", "delete", key, "--yes")
        case "case":
            yield "edit", ("case", "edit", key, "--priority", "High")
            yield "edit", ("case", "close", key)
            yield "edit", ("case", "assign", key, "u")
            yield "read", ("follow", f"case:{key}")
        case type_:
            yield "edit", ("record", "edit", type_, key, "--name", "other")
            yield "delete", ("record", "remove", type_, key, "--yes")
            yield "read", ("follow", f"{type_}:{key}")


@pytest.mark.parametrize(("read", "act"), PAIRS)
def test_acting_is_allowed_as_the_oracle_says_and_a_refusal_changes_nothing(
    office: Office, tmp_path: Path, read: str, act: str
) -> None:
    person = with_roles(office, cells(read), cells("no", edit=act, delete=act))
    before = office.dump()
    for number, item in enumerate(office.items):
        for action, words in actions_on(item):
            if "case:1" in words and not oracle.reads(
                person, next(i for i in office.items if i.scope == "case" and i.key == 1)
            ):
                continue
            assert_decided(office, tmp_path / str(number), person, item, action, words)
        assert office.dump() == before, item


def assert_decided(office: Office, spare: Path, person: Person, item: Item, action: str, words: tuple[str, ...]) -> None:
    """What is allowed is done to a copy, so that the office stays as it was."""
    expected = oracle.outcome(person, item, action)
    target = office if expected != OK else office.copy(spare)
    answer = target.run("u", *words)
    assert answer.code == expected, (words, item, answer.everything)
    if expected != OK:
        assert answer.stdout == b""
    if expected == NOT_FOUND:
        assert_hidden(office, words, item, answer)


@pytest.mark.parametrize("far_end", ["case:4", "account:5", "lead:5"])
def test_linking_asks_for_the_other_end_too(office: Office, far_end: str) -> None:
    with_roles(office, cells("own", edit="own"))
    before = office.dump()
    type_ = far_end.partition(":")[0]
    hidden = next(item for item in office.items if item.scope == type_ and item.creator is None and item.assignee is None)
    answer = office.run("u", "email", "link", str(office.ids["to"]), f"{type_}:{hidden.key}")
    missing = office.run("u", "email", "link", str(office.ids["to"]), f"{type_}:{MISSING}")
    assert answer.code == missing.code == NOT_FOUND
    assert renumbered(answer.stderr, hidden) == missing.stderr
    assert office.dump() == before


@pytest.mark.parametrize(
    ("words", "like"),
    [
        (("email", "move", "{to}", "Attic"), ("email", "move", "{to}", "Nowhere")),
        (("email", "share", "{to}", "w"), ("email", "share", "{to}", "nobody")),
        (("email", "list", "--user", "w"), ("email", "list", "--user", "nobody")),
        (("email", "list", "--folder", "Attic"), ("email", "list", "--folder", "Nowhere")),
        (("quarantine", "list", "--account", "theirs-box"), ("quarantine", "list", "--account", "no-box")),
        (("oauth", "status", "theirs-box"), ("oauth", "status", "no-box")),
    ],
    ids=["group folder", "user", "user's list", "list of a group folder", "quarantine of an account", "token of an account"],
)
def test_a_folder_user_or_account_out_of_reach_is_as_one_that_does_not_exist(
    office: Office, words: tuple[str, ...], like: tuple[str, ...]
) -> None:
    with_roles(office, cells("own"), {"personal-accounts": "yes"})
    before = office.dump()
    hidden, missing = (office.run("u", *(word.format(to=office.ids["to"]) for word in each)) for each in (words, like))
    assert (hidden.code, missing.code) == (NOT_FOUND, NOT_FOUND)
    assert hidden.stderr.replace(words[-1], "?") == missing.stderr.replace(like[-1], "?")
    assert office.dump() == before


# ---------------------------------------------------------------- who acts at all


def test_somebody_without_a_role_sees_nothing_and_is_not_refused(office: Office) -> None:
    with_roles(office)
    for who in ("u", "v", "w"):
        for _, keys, words in listers(office):
            answer = office.run(who, *words)
            assert (answer.code, keys(answer)) == (OK, []), (who, words)


def test_an_inactive_user_may_do_nothing(office: Office) -> None:
    with_roles(office, cells("all", edit="all", delete="all"))
    before = office.dump()
    for item in office.items:
        for _, words in (*actions_on(item), *(("", words) for words in readers_of(office, item))):
            assert office.run("idle", *words).code == oracle.NOT_PERMITTED, words
    assert office.dump() == before


def test_admins_and_the_system_see_everything(office: Office) -> None:
    everything = Person("root", is_admin=True)
    for who in ("", "root"):
        for scope, keys, words in listers(office):
            assert keys(office.run(who, *words)) == office.world.readable(everything, scope), (who, words)
        for item in office.items:
            for words in readers_of(office, item):
                assert office.run(who, *words).code == OK, (who, words)


# ---------------------------------------------------------------- merging


def test_every_merge_of_up_to_three_roles_is_what_the_oracle_says() -> None:
    """All 64 roles of levels of read, edit and delete, alone, in pairs and in threes: 47,904 merges."""
    kinds = [dict(zip(("email.read", "email.edit", "email.delete"), levels, strict=True)) for levels in MERGES]
    count = 0
    for size in (1, 2, 3):
        for roles in itertools.combinations_with_replacement(kinds, size):
            assert merged_levels(roles) == oracle_levels(roles)
            count += 1
    assert count == 47_904


def merged_levels(roles: Iterable[Mapping[str, str]]) -> dict[str, str]:
    merged = merge(*roles)
    return {cell: merged[cell] for cell in ("email.read", "email.edit", "email.delete")}


def oracle_levels(roles: Iterable[Mapping[str, str]]) -> dict[str, str]:
    person = Person("u", roles=tuple(roles))
    return {f"email.{action}": oracle.level(person, "email", action) for action in ("read", "edit", "delete")}


def test_user_access_prints_the_merged_table(office: Office) -> None:
    for levels in MERGES:
        person = with_roles(office, *({"email.read": level, "email.edit": "all"} for level in levels))
        table = office.do("", "user", "access", "u")["cells"]
        assert {cell: table[cell]["level"] for cell in ("email.read", "email.edit")} == {
            f"email.{action}": oracle.level(person, "email", action) for action in ("read", "edit")
        }
