"""The connection under IMAP and SMTP: what may go over it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from espomail.errors import SessionLost, Unreachable
from espomail.model import Server
from espomail.wire import connection
from espomail.wire.connection import Connection, require_protection

CASES = [
    ("tls", False, False, True),
    ("starttls", False, False, True),
    ("none", True, False, True),
    ("none", False, True, True),
    ("none", False, False, False),
]


@pytest.mark.parametrize(("security", "is_loopback", "allow_plaintext", "allowed"), CASES)
def test_plain_text_stays_on_this_machine_unless_it_is_allowed(
    security: str, is_loopback: bool, allow_plaintext: bool, allowed: bool
) -> None:
    server = Server(
        host="mail.example",
        port=143,
        security=security,
        login="ann",
        secret=None,
        allow_plaintext=allow_plaintext,  # type: ignore[arg-type]
    )
    if allowed:
        require_protection(server, is_loopback=is_loopback)
        return
    with pytest.raises(Unreachable, match=r"mail\.example:143 .* plain text"):
        require_protection(server, is_loopback=is_loopback)


@contextlib.contextmanager
def fed(piece: bytes, *, times: int, every_s: float) -> Iterator[Connection]:
    """A connection to a server that sends a piece again and again; its session lasts half a second."""

    def serve() -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as sock:
            for _ in range(times):
                sock.sendall(piece)
                time.sleep(every_s)
            sock.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        sock = socket.create_connection(listener.getsockname())
        made = Connection(sock, "server", session_ends=time.monotonic() + 0.5, read_timeout_s=60)
        try:
            yield made
        finally:
            made.close()
            thread.join(timeout=10)


def test_what_flows_when_the_time_is_over_is_read_to_its_end_and_nothing_after_it() -> None:
    with fed(b"x" * 10_000, times=20, every_s=0.05) as line:
        line.allow(60, carries=200_000)
        assert len(line.read_exactly(200_000)) == 200_000
        line.allow(60, carries=200_000)
        with pytest.raises(SessionLost, match="did not answer in time"):
            line.read_exactly(1)


def test_a_server_that_drips_gets_no_more_time_however_much_it_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_FIRST_BYTES_S", 0.8)
    with fed(b"x", times=200, every_s=0.02) as line:
        began = time.monotonic()
        line.allow(60, carries=50_000_000)
        with pytest.raises(SessionLost, match="did not answer in time"):
            line.read_exactly(50_000_000)
        assert 0.5 < time.monotonic() - began < 3
