"""A real IMAP server (pymap) on loopback, in memory, for as long as the demo runs."""

from __future__ import annotations

import imaplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from espomail.errors import EspomailError

LOGIN = "demo"
START_S = 10


class DemoServer(NamedTuple):
    port: int
    password: str

    def put_all(self, mails: list[tuple[str, bytes, datetime]]) -> None:
        """APPEND mails to their folders in one session; folders are made as needed."""
        session = _session(self)
        for folder in dict.fromkeys(folder for folder, _, _ in mails):
            session.create(folder)
        for folder, content, at in mails:
            status, answer = session.append(folder, "", imaplib.Time2Internaldate(at), content)
            if status != "OK":
                raise EspomailError(f"the demo's IMAP server refused a mail: {answer!r}")
        session.logout()


@contextmanager
def running(password: str) -> Iterator[DemoServer]:
    """Start the server on a free port of loopback, wait until it answers, stop it at the end."""
    port = _free_port()
    command = [
        sys.executable,
        "-P",
        "-c",
        "from pymap.main import main; main()",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-tls",
    ]
    command += [
        "--no-service",
        "admin",
        "--no-service",
        "managesieve",
        "dict",
        "--demo-user",
        LOGIN,
        "--demo-password",
        password,
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server = DemoServer(port, password)
        _wait_for(server, process)
        yield server
    finally:
        process.terminate()
        process.wait()


def _session(server: DemoServer) -> imaplib.IMAP4:
    session = imaplib.IMAP4("127.0.0.1", server.port, timeout=START_S)
    session.login(LOGIN, server.password)
    return session


def _wait_for(server: DemoServer, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + START_S
    while time.monotonic() < give_up and process.poll() is None:
        try:
            _session(server).logout()
            return
        except OSError:
            time.sleep(0.05)
    raise EspomailError("the demo's IMAP server did not start", "is the package pymap installed?")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
