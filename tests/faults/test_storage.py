"""Storage that fails: read-only, damaged, newer. No cursor passes unsaved mail, and all comes later."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from espomail.store import db as store
from tests.conftest import NOW
from tests.faults.traffic import Traffic, found


def database(traffic: Traffic) -> Path:
    return traffic.shop.folder / "espomail.db"


def test_a_read_only_database_takes_nothing_in_and_moves_no_cursor(traffic):
    nobody = 65534 if os.getuid() == 0 else os.getuid()
    drop = ["setpriv", f"--reuid={nobody}", "--clear-groups"] if os.getuid() == 0 else []
    if subprocess.run([*drop, sys.executable, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip("no Python here that another Unix user may run")
    busy = traffic(1)
    busy.put(3)
    path = database(busy)
    before = path.read_bytes()
    owned = [path.parent, *path.parent.rglob("*")]
    for each in owned:
        os.chown(each, nobody, -1)
    for folder in path.parent.parents:
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    done = subprocess.run(
        [*drop, sys.executable, "-m", "espomail", "fetch", "--now"],
        env=busy.shop.environment,
        capture_output=True,
        check=False,
        timeout=60,
    )
    path.parent.chmod(0o700)
    path.chmod(0o600)
    for each in owned:
        os.chown(each, os.getuid(), -1)
    assert done.returncode == 75, done.stderr
    assert path.read_bytes() == before
    busy.shop.run("fetch --now")
    assert found(path) == busy.wanted()


@pytest.mark.parametrize("place", ["header", "pages"])
def test_a_damaged_database_is_left_as_it_is_and_says_how_to_restore(traffic, place):
    busy = traffic(1)
    busy.put(20)
    busy.shop.run("fetch --now")
    path = database(busy)
    copy = busy.shop.folder / "copy.db"
    busy.shop.run(f"backup {copy}")
    content = bytearray(path.read_bytes())
    start = 0 if place == "header" else 4096
    content[start : start + (100 if place == "header" else len(content))] = b"\xa5" * (
        100 if place == "header" else len(content) - 4096
    )
    path.write_bytes(content)
    for side in ("-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)
    busy.put(5)
    done = busy.shop.try_("fetch --now")
    assert (done.returncode, b"restore" in done.stderr) == (74, True), done.stderr
    assert path.read_bytes() == bytes(content)
    busy.shop.run(f"restore {copy} --yes")
    busy.shop.run("fetch --now")
    assert found(path).emails == busy.wanted().emails
    assert found(path).cases == busy.wanted().cases


def test_a_database_of_a_newer_program_is_refused_untouched(traffic):
    busy = traffic(1)
    busy.put(3)
    path = database(busy)
    db = store.open_db(path, now=NOW)
    db.execute(f"pragma user_version={store.SCHEMA_VERSION + 1}")
    db.close()
    before = path.read_bytes()
    for line in ("fetch --now", "case list", "backup x.db"):
        assert busy.shop.try_(line).returncode == 78
    assert path.read_bytes() == before
