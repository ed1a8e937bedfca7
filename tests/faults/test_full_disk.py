"""No room at many sizes and by three ways: no cursor passes unsaved mail, nothing counts against a mail, all comes later."""

from __future__ import annotations

import contextlib
import os
import resource
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from espomail.store import db as store
from tests.conftest import NOW
from tests.faults.test_commits import broken_laws
from tests.faults.traffic import Traffic, found, integrity

HERE = Path(__file__).parent
NARROW = f"{HERE / 'narrow'}:{HERE.parents[1]}"
MAILS = 12
PAGE_BYTES = 4096


def database(traffic: Traffic) -> Path:
    return traffic.shop.folder / "espomail.db"


def fetched(traffic: Traffic, limit: Callable[[], None] = lambda: None, **environment: str) -> int:
    """Fetch in a process that is limited so; its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "espomail", *shlex.split("fetch --now")],
        env=traffic.shop.environment | environment,
        capture_output=True,
        preexec_fn=limit,
        check=False,
        timeout=120,
    )
    assert done.returncode in (0, 75), done.stderr
    return done.returncode


def with_small_files(traffic: Traffic, room: int) -> int:
    """No file, the write-ahead log above all, may grow beyond `room` bytes."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    return fetched(traffic, limit)


def with_few_pages(traffic: Traffic, room: int) -> int:
    """The database may not grow by more than `room` bytes."""
    pages = (database(traffic).stat().st_size + room) // PAGE_BYTES
    return fetched(traffic, PYTHONPATH=NARROW, MAX_PAGES=str(pages))


def with_little_space(traffic: Traffic, room: int) -> int:
    """The file system has only `room` bytes left."""
    ballast = traffic.shop.folder / "ballast"
    state = os.statvfs(traffic.shop.folder)
    ballast.write_bytes(bytes(max(0, state.f_bavail * state.f_frsize - room)))
    try:
        return fetched(traffic)
    finally:
        ballast.unlink()


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of 24 MB in memory on `folder`; skip where none may be mounted."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no file system may be mounted here: " + mounted.stderr.decode().strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def shop_folder(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the shop lives: on a small disk of its own if space is what is short."""
    name = "disk" if request.node.callspec.params["run"] is with_little_space else "shop"
    with small_disk(tmp_path / name) if name == "disk" else contextlib.nullcontext():
        yield name


WAYS = {"RLIMIT_FSIZE": with_small_files, "max_page_count": with_few_pages, "tmpfs": with_little_space}


@pytest.mark.parametrize("run", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("sizes", [pytest.param(4, id="short"), pytest.param(30, id="full", marks=pytest.mark.long)])
def test_a_full_disk_loses_nothing_and_the_mail_comes_once_there_is_space(traffic, tell, shop_folder, run, sizes):
    busy = traffic(1, folder=shop_folder)
    hits = 0
    for step in range(sizes):
        busy.put(MAILS)
        hits += run(busy, 4097 + step * (120_000 // sizes)) == 75
        assert integrity(database(busy)) == "ok"
        assert broken_laws(busy) == []
        assert tried_in_vain(database(busy)) == 0
        assert set(found(database(busy)).emails.values()) <= {1}
    busy.shop.run("fetch --now")
    assert found(database(busy)) == busy.wanted()
    assert hits > 0
    way = next(name for name, each in WAYS.items() if each is run)
    tell(f"disk full: {hits} of {sizes} rounds had no room ({way}), {busy.made} mails")


def tried_in_vain(path: Path) -> int:
    """How many mails the full disk was counted against."""
    db = store.open_db(path, now=NOW)
    try:
        return int(store.one(db, "select count(*) from receipts where attempts > 0 or state in ('quarantined', 'parked')"))
    finally:
        db.close()
