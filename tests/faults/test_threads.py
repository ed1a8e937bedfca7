"""What a stranger can make up attaches nothing to anybody's case; what only the thread can know attaches."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from espomail.mail import tokens
from espomail.store import db as store
from espomail.store import instance
from tests.conftest import NOW
from tests.shop import Shop, letter

SUPPORT = "support@team.example"
OTHER_KEY = b"k" * 32


class NoServer:
    """For shops whose mail comes from files."""

    host, port = "127.0.0.1", 1


@dataclass(frozen=True)
class Thread:
    """A customer's case, and what only its mails know: the ids, the key, the domain of our own ids."""

    number: int
    key: bytes
    n: int

    @property
    def customer(self) -> str:
        return f"c{self.n}@client{self.n}.example"

    @property
    def signed(self) -> str:
        return tokens.sign_message_id(self.key, thing=f"case:{self.number}", nonce=f"n{self.n}", domain="team.example")

    @property
    def plus(self) -> str:
        return tokens.plus_address(self.key, address=SUPPORT, number=self.number)


def by_stranger(n: int, **more: object) -> bytes:
    return letter(f"s{n}@stranger{n}.example", sender=f"s{n}@stranger{n}.example", **{"subject": "Hello", **more})


def by_customer(t: Thread, **more: object) -> bytes:
    return letter(f"r{t.n}@client{t.n}.example", sender=t.customer, **{"subject": "Hello", **more})


def mangled(text: str, at: int) -> str:
    """One letter of a signature is another."""
    return text[:at] + ("b" if text[at] != "b" else "c") + text[at + 1 :]


def forged(t: Thread) -> str:
    """An id as ours, signed with another key."""
    return tokens.sign_message_id(OTHER_KEY, thing=f"case:{t.number}", nonce="n1", domain="team.example")


MADE_UP: dict[str, Callable[[Thread], bytes]] = {
    "an id nobody ever saw": lambda t: by_stranger(t.n, answers=f"x{t.n}@client{t.n}.example"),
    "references nobody ever saw": lambda t: by_stranger(t.n, references=tuple(f"x{i}.{t.n}@y.example" for i in range(30))),
    "a foreign number": lambda t: by_stranger(t.n, subject=f"Re: [#{t.number}] Question"),
    "a broken signature": lambda t: by_stranger(t.n, answers=mangled(t.signed, t.signed.index("@") - 3)),
    "another key": lambda t: by_stranger(t.n, references=(forged(t),)),
    "another case's signature": lambda t: by_stranger(
        t.n, answers=t.signed.replace(f"case.{t.number}.", f"case.{t.number % 7 + 1000}.")
    ),
    "another domain": lambda t: by_stranger(t.n, answers=t.signed.replace("@team.example", "@evil.example")),
    "a broken plus-address": lambda t: by_stranger(t.n, to=mangled(t.plus, t.plus.index("@") - 3)),
    "a plus-address without signature": lambda t: by_stranger(t.n, to=f"support+case{t.number}@team.example"),
}
GENUINE: dict[str, Callable[[Thread], bytes]] = {
    "an answer": lambda t: by_customer(t, answers=f"q{t.n}@client{t.n}.example"),
    "references alone": lambda t: by_customer(t, references=(f"lost{t.n}@x.example", f"q{t.n}@client{t.n}.example")),
    "an ancestor that both cite": lambda t: by_customer(t, references=(f"before{t.n}@client{t.n}.example",)),
    "a number, by who takes part": lambda t: by_customer(t, subject=f"Re: [#{t.number}] Question"),
    "our signed id": lambda t: by_customer(t, answers=t.signed),
    "our signed id in capitals": lambda t: by_customer(t, references=(t.signed.upper(),)),
    "our plus-address": lambda t: by_customer(t, to=t.plus),
}


@pytest.mark.parametrize("count", [pytest.param(45, id="short"), pytest.param(1000, id="full", marks=pytest.mark.long)])
def test_nothing_made_up_attaches_and_all_that_is_genuine_does(tmp_path: Path, tell, count):
    shop = Shop(tmp_path / "shop", NoServer())
    shop.run("team add support")
    shop.run(f"group-account add support --address {SUPPORT} --team support --create-case --plus-address")
    threads = opened(shop, tmp_path / "questions", count)
    dice = random.Random(4)
    wanted: dict[str, tuple[str, int | None]] = {}
    folder = tmp_path / "more"
    folder.mkdir()
    for t in threads:
        for kinds, name in ((MADE_UP, "s"), (GENUINE, "r")):
            kind = list(kinds)[t.n % len(kinds)]
            content = kinds[kind](t)
            (folder / f"{dice.random()}.eml").write_bytes(content)
            id = f"s{t.n}@stranger{t.n}.example" if name == "s" else f"r{t.n}@client{t.n}.example"
            wanted[id] = (kind, t.number if kinds is GENUINE else None)
    shop.run(f"import {folder} --account support")
    numbers = {t.number for t in threads}
    held = {each["message_id"]: each["case"] for each in shop.emails()}
    for id, (kind, number) in wanted.items():
        assert held[id] == number if number else held[id] not in numbers, kind
    tell(f"threads: 0 of {count} made up attached, {count} of {count} genuine did ({len(MADE_UP)} and {len(GENUINE)} kinds)")


def opened(shop: Shop, folder: Path, count: int) -> list[Thread]:
    """A case for each of so many customers."""
    folder.mkdir()
    for n in range(count):
        content = letter(
            f"q{n}@client{n}.example",
            sender=f"c{n}@client{n}.example",
            subject=f"Question {n}",
            references=(f"before{n}@client{n}.example",),
            at=datetime.now(UTC),
        )
        (folder / f"{n:05}.eml").write_bytes(content)
    shop.run(f"import {folder} --account support")
    db = store.open_db(shop.folder / "espomail.db", now=NOW)
    key = instance.signing_key(db)
    db.close()
    return [Thread(case["number"], key, int(case["name"].split()[-1])) for case in shop.cases()]
