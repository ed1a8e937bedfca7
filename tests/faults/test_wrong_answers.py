"""Wrong answers of a server in whole rounds: the right row or none, and the other accounts are read as if nothing were."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from espomail.store import db as store
from espomail.store import invariant, raw_mails
from tests.conftest import NOW
from tests.scripted_imap import Twist, honest, scripted_imap
from tests.servers import Dovecot
from tests.shop import Shop, letter
from tests.wrong_answers import FATAL, HARMLESS, LETTERS, refuse

REFUSED = {f"{status.decode()} to one mail": refuse(status, 9) for status in (b"NO", b"BAD")}
PARTLY = 3
FAULTS: dict[str, tuple[Twist, int]] = {
    **{name: (twist, PARTLY) for name, twist in {**FATAL, **REFUSED}.items()},
    **{name: (twist, 0) for name, twist in HARMLESS.items()},
}
"""Each wrong answer, and with which code the round ends."""
SHORT = (
    "a literal too short",
    "another uid",
    "no closing parenthesis",
    "BYE in the middle",
    "NO to one mail",
    "unsolicited flags",
)
WELL = [letter(f"w{n}@c.example", subject=f"Well {n}") for n in (1, 2)]


def kept(path: Path) -> tuple[Counter[bytes], tuple[str, ...]]:
    """The mails that the database holds as emails, byte for byte, and the broken laws of the invariant."""
    db = store.open_db(path, now=NOW)
    try:
        rows = db.execute("select raw_id from emails").fetchall()
        return Counter(raw_mails.find(db, raw_id) for (raw_id,) in rows), tuple(b.law for b in invariant.breaches(db))
    finally:
        db.close()


@pytest.fixture
def blank(tmp_path: Path, dovecot: Dovecot) -> Shop:
    """A shop that reads one mailbox of an honest server; a silent one is given up after a second."""
    box = next(dovecot.free)
    for each in WELL:
        dovecot.put(box, "INBOX", each)
    shop = Shop(tmp_path / "blank", dovecot)
    shop.add_account("well", login=box)
    settings = tmp_path / "config.yaml"
    settings.write_text("budgets: {read_seconds: 1}\n")
    shop.environment["ESPOMAIL_CONFIG"] = str(settings)
    return shop


@pytest.mark.parametrize(
    "names", [pytest.param(SHORT, id="short"), pytest.param(tuple(FAULTS), id="full", marks=pytest.mark.long)]
)
def test_a_wrong_answer_costs_its_own_account_a_round_and_no_mail(tmp_path, blank, tell, names):
    with scripted_imap(LETTERS) as server:
        reach = f"--imap-host 127.0.0.1 --imap-port {server.port} --imap-security none --imap-password-env MAIL_PASSWORD"
        blank.run(f"group-account add ill --address ill@team.example {reach} --fetch-since 2000-01-01")
        hits = 0
        for number, name in enumerate(names):
            path = shutil.copytree(tmp_path / "blank", tmp_path / f"fault{number}") / "espomail.db"
            blank.environment["ESPOMAIL_DB"] = str(path)
            (server.twist, code), server.hits = FAULTS[name], 0
            done = blank.try_("fetch --now --json")
            hits += server.hits > 0
            assert done.returncode == code, (name, done.stderr)
            ill, well = sorted(json.loads(done.stdout)["accounts"], key=lambda each: each["account"])
            assert (well["ok"], well["folders"][0]["imported"]) == (True, len(WELL)), name
            assert ill["ok"] is (name not in FATAL) and bool(ill["error"]) is (name in FATAL), (name, ill)
            mails, broken = kept(path)
            assert (mails - Counter([*LETTERS.values(), *WELL]), broken) == (Counter(), ()), name
            server.twist = honest
            blank.run("fetch --now --retry-failed")
            assert kept(path) == (Counter([*LETTERS.values(), *WELL]), ()), name
    assert hits == len(names)
    tell(f"wrong answers: {hits} of {len(names)} were given in a round of two accounts")
