"""One real IMAP server for all tests of a module, with mailboxes that no two tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.faults.traffic import Traffic
from tests.shop import Shop

Made = Callable[..., Traffic]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[servers.Dovecot]:
    with servers.dovecot(users={f"box{n}": servers.PASSWORD for n in range(2000)}) as server:
        server.free = iter(server.users)  # type: ignore[attr-defined]
        yield server


@pytest.fixture
def traffic(tmp_path: Path, dovecot: servers.Dovecot) -> Made:
    """Make a shop with so many accounts, each reading a fresh mailbox of the same name, and traffic for them."""

    def make(accounts: int, *, folder: str = "shop", **options: object) -> Traffic:
        names = tuple(next(dovecot.free) for _ in range(accounts))  # type: ignore[attr-defined]
        made = Traffic(Shop(tmp_path / folder, dovecot), names, **options)
        made.set_up()
        return made

    return make
