"""The folders of an account are read whatever their names, and one that is missing holds up none of the others."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.shop import Shop, letter

NAMES = ("INBOX", "Größe", "日本語/受信", "A&B", "Sub/Deep/Er", "Two Words", 'quote"s', "back\\slash", "Entwürfe/ÄÖ")


@pytest.fixture(scope="module")
def dovecot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Dovecot]:
    with servers.dovecot(tmp_path_factory.mktemp("dovecot"), users={"many": "secret", "gap": "secret"}) as server:
        yield server


def test_a_folder_is_read_whatever_its_name(tmp_path: Path, dovecot: servers.Dovecot) -> None:
    shop = Shop(tmp_path, dovecot)
    for number, name in enumerate(NAMES):
        shop.put("many", letter(f"{number}@client.example", subject=name), folder=name)
    shop.add_account("many", " ".join(f"--folder {shlex.quote(name)}" for name in NAMES))
    first, second = shop.ask("fetch"), shop.ask("fetch")
    assert {each["folder"]: each["imported"] for each in first["accounts"][0]["folders"]} == dict.fromkeys(NAMES, 1)
    assert (second["imported"], second["duplicates"]) == (0, 0)
    assert {each["subject"] for each in shop.emails()} == set(NAMES)
    assert {each["name"] for each in shop.ask("group-account folders many")} >= set(NAMES)


def test_a_missing_folder_is_told_and_the_others_are_read_every_round(tmp_path: Path, dovecot: servers.Dovecot) -> None:
    shop = Shop(tmp_path, dovecot)
    shop.run("user add root --email root@team.example --admin")
    shop.add_account("gap", "--folder Gone --folder INBOX --after-import delete")
    for number in range(5):
        shop.put("gap", letter(f"gap{number}@client.example"))
        done = json.loads(shop.try_("fetch --json").stdout)
        assert (done["imported"], done["accounts"][0]["ok"]) == (1, False)
        assert done["accounts"][0]["error"].endswith(": Gone")
    assert dovecot.count("gap", "INBOX") == 0
    (state,) = shop.ask("status")["accounts"]
    assert (state["failures"], state["next_try_at"]) == (5, None)
    assert "account-failing" in {each["type"] for each in shop.ask("notification list --as root")}
    dovecot.make_folder("gap", "Gone")
    assert shop.ask("fetch")["accounts"][0]["ok"] is True
    (state,) = shop.ask("status")["accounts"]
    assert (state["failures"], state["last_error"]) == (0, None)
