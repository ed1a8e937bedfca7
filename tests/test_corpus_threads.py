"""The real mails stand in the threads that their headers say, as another parser and another way of joining find them."""

from __future__ import annotations

import email
import os
import random
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from espomail.mail.parse import parse
from tests.shop import Shop

CORPUS = os.environ.get("ESPOMAIL_CORPUS")

pytestmark = pytest.mark.skipif(CORPUS is None, reason="ESPOMAIL_CORPUS names no folder with the corpus of real mails")

ID = re.compile(r"<([^<>\s]+@[^<>\s]+)>")
Group = frozenset[str]


def ids_in(content: bytes, *fields: str) -> list[str]:
    """The ids in the first of each of these fields, by the standard library's parser."""
    header = email.message_from_bytes(content)
    return [i for field in fields for i in ID.findall(str(header.get(field, "")))]


def joined(mails: dict[str, bytes]) -> set[Group]:
    """The threads by union-find: a mail is joined to each id that it cites, and to its own if any mail cites that."""
    above: dict[str, str] = {}

    def top(name: str) -> str:
        while above.setdefault(name, name) != name:
            name = above[name]
        return name

    cited = {key: ids_in(content, "In-Reply-To", "References") for key, content in mails.items()}
    every = {i for ids in cited.values() for i in ids}
    for key, content in mails.items():
        own = ids_in(content, "Message-ID")[:1]
        for i in [*cited[key], *(i for i in own if i in every)]:
            above[top(f"id {i}")] = top(f"mail {key}")
    return groups({key: top(f"mail {key}") for key in mails}.items())


def groups(named: Iterable[tuple[str, object]]) -> set[Group]:
    found: dict[object, set[str]] = defaultdict(set)
    for key, thread in named:
        found[thread].add(key)
    return {frozenset(keys) for keys in found.values()}


def stored_threads(shop: Shop, folder: str | Path) -> dict[str, int]:
    """Take the folder in; return the thread of each email by its content key."""
    shop.run("group-account add archive --address archive@team.example")
    shop.run(f"import {folder} --account archive --no-notify")
    db = sqlite3.connect(shop.folder / "espomail.db")
    found = dict(db.execute("select content_key, thread_id from emails").fetchall())
    db.close()
    return found


def test_the_threads_of_the_corpus_are_those_of_its_headers(tmp_path: Path) -> None:
    stored = stored_threads(Shop(tmp_path, None), CORPUS or "")
    files = sorted(Path(CORPUS or "").glob("*.eml"))
    mails = {parse(file.read_bytes()).content_key: file.read_bytes() for file in reversed(files)}
    names = {parse(file.read_bytes()).content_key: file.name for file in files}
    assert set(stored) == set(mails)
    expected = {frozenset(names[key] for key in group) for group in joined(mails)}
    assert {frozenset(names[key] for key in group) for group in groups(stored.items())} == expected
    assert any(len(group) > 1 for group in expected)


def answer(question: list[str], number: int, way: str) -> bytes:
    """An answer to the last of the ids as a program writes it: with all ids, with the first and the last, or with the last."""
    cited = {"all": question, "ends": list(dict.fromkeys([question[0], question[-1]])), "last": []}[way]
    fields = [f"In-Reply-To: <{question[-1]}>"] if way != "all" or number % 2 else []
    fields += ["References: " + "\n ".join(f"<{i}>" for i in cited)] if cited else []
    head = [f"From: a{number}@example.org", f"Message-ID: <answer{number}@example.org>", "Subject: Re: it", *fields]
    return "\n".join([*head, "", f"Answer {number}"]).encode()


@pytest.mark.parametrize(
    ("ways", "is_shuffled"), [(("all", "ends", "last"), False), (("all", "ends"), True)], ids=["in order", "in any"]
)
def test_answers_to_the_mails_of_the_corpus_join_them(tmp_path: Path, ways: tuple[str, ...], is_shuffled: bool) -> None:
    dice = random.Random(7)
    mails: list[bytes] = []
    for file in sorted(Path(CORPUS or "").glob("*.eml"))[::4]:
        own = ids_in(file.read_bytes(), "Message-ID")[:1]
        if own and not any(own[0].encode() in mail for mail in mails):
            mails.append(file.read_bytes())
            chains = [own]
            for _ in range(dice.randint(1, 4)):
                chain = dice.choice(chains)
                mails.append(answer(chain, len(mails), dice.choice(ways)))
                chains.append([*chain, f"answer{len(mails) - 1}@example.org"])
    order = list(range(len(mails)))
    if is_shuffled:
        dice.shuffle(order)
    folder = tmp_path / "mails"
    folder.mkdir()
    for place, number in enumerate(order):
        (folder / f"{place:05}.eml").write_bytes(mails[number])
    stored = stored_threads(Shop(tmp_path / "shop", None), folder)
    expected = joined({parse(mail).content_key: mail for mail in mails})
    assert groups(stored.items()) == expected
    assert sum(len(group) > 2 for group in expected) > 15
