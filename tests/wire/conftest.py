"""One Dovecot for all tests of the wire that need one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import servers


@pytest.fixture(scope="session")
def users() -> dict[str, str]:
    return {f"box{n}": servers.PASSWORD for n in range(60)} | {"umlaut": "pässwörd €", "ann": servers.PASSWORD}


@pytest.fixture(scope="session")
def dovecot(users: dict[str, str]) -> Iterator[servers.Dovecot]:
    with servers.dovecot(users=users) as server:
        yield server


@pytest.fixture(scope="session")
def free_boxes(users: dict[str, str]) -> Iterator[str]:
    return iter([name for name in users if name.startswith("box")])


@pytest.fixture
def box(free_boxes: Iterator[str]) -> str:
    """The log-in of a mailbox that no other test uses."""
    return next(free_boxes)
