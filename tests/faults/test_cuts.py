"""A connection cut at sampled bytes of a session, both ways: no row for half a mail, and the next round makes it whole."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from espomail.store import db as store
from espomail.store import raw_mails
from tests.conftest import NOW
from tests.faults.proxy import proxy
from tests.faults.traffic import Facts, Traffic, found
from tests.servers import Dovecot
from tests.shop import Shop, letter

MAILS = 5


def mails() -> dict[str, bytes]:
    return {
        f"Question {n}": letter(
            f"q{n}@c{n}.example", sender=f"c{n}@c{n}.example", subject=f"Question {n}", text="line\n" * 40 * n
        )
        for n in range(1, MAILS + 1)
    }


def whole_mails_only(path: Path, wanted: dict[str, bytes]) -> bool:
    """Whether every byte string that the database keeps is one of the mails, whole."""
    db = store.open_db(path, now=NOW)
    try:
        kept = [raw_mails.find(db, row[0]) for row in db.execute("select id from raw_mails").fetchall()]
    finally:
        db.close()
    return all(content in wanted.values() for content in kept)


@pytest.fixture
def session_bytes(tmp_path: Path, dovecot: Dovecot) -> tuple[dict[str, int], dict[str, bytes], str]:
    """A mailbox with five mails, and how many bytes go each way when they are fetched without any fault."""
    box, letters = next(dovecot.free), mails()
    for content in letters.values():
        dovecot.put(box, "INBOX", content)
    with proxy((dovecot.host, dovecot.port)) as through:
        shop_of(tmp_path / "whole", through, box).run("fetch")
        return through.passed, letters, box


def shop_of(folder: Path, server: object, box: str) -> Shop:
    shop = Shop(folder, server)
    traffic = Traffic(shop, (box,))
    traffic.set_up(auto_reply=False)
    return shop


def wanted(box: str) -> Facts:
    subjects = [f"Question {n}" for n in range(1, MAILS + 1)]
    return Facts(
        emails=dict.fromkeys(subjects, 1),
        cases=frozenset(frozenset((subject,)) for subject in subjects),
        numbers=(1, 2, 3, 4, 5),
        agents=("ann", "bob", "cho", "ann", "bob"),
        replies={},
        receipts={box: MAILS},
    )


@pytest.mark.parametrize("count", [pytest.param(15, id="short"), pytest.param(300, id="full", marks=pytest.mark.long)])
def test_a_connection_cut_at_any_byte_leaves_no_half_mail_and_the_next_round_makes_it_whole(
    tmp_path, dovecot, tell, session_bytes, count
):
    passed, letters, box = session_bytes
    places = [("server", n) for n in range(1, passed["server"])] + [("client", n) for n in range(1, passed["client"])]
    chosen = random.Random(3).sample(places, count)
    cuts = 0
    with proxy((dovecot.host, dovecot.port)) as through:
        shop = shop_of(tmp_path / "blank", through, box)
        for number, (side, after) in enumerate(chosen):
            path = shutil.copytree(tmp_path / "blank", tmp_path / f"cut{number}") / "espomail.db"
            shop.environment["ESPOMAIL_DB"] = str(path)
            through.cuts = 0
            through.from_server, through.from_client = (after, None) if side == "server" else (None, after)
            first = shop.try_("fetch --now")
            assert whole_mails_only(path, letters)
            cuts += through.cuts > 0
            assert first.returncode in ((0, 69, 75) if through.cuts else (0,)), first.stderr
            through.from_server = through.from_client = None
            shop.run("fetch --now")
            assert found(path) == wanted(box), (side, after)
    assert cuts >= count * 0.9
    tell(f"cuts: {cuts} of {count} sessions were cut ({sum(passed.values())} bytes long)")
