"""An SMTP server for the tests of the sending round: it answers what a test wants, where a test wants it, and may break off or kill.

Each session has a thread. What it has taken counts from the moment the last dot was heard, whatever the client learns of it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Taken:
    """A mail that was heard to its last dot."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


@dataclass
class ScriptedSmtp:
    """`answers` maps a stage (greeting, EHLO, HELO, MAIL, RCPT, DATA, end) or an address to the reply; None hangs up there.

    `cut_sent` and `cut_heard` end a session after so many bytes of the server's and of the client's. `reached` is called at every
    stage, before the answer, with the stage's name and its argument.
    """

    port: int
    answers: dict[str, bytes | None] = field(default_factory=dict)
    cut_sent: int | None = None
    cut_heard: int | None = None
    reached: Callable[[str, str], None] = lambda stage, argument: None
    taken: list[Taken] = field(default_factory=list)
    sessions: int = 0
    sent: int = 0
    heard: int = 0

    def arrived(self) -> list[tuple[str, bytes]]:
        """Every recipient of every mail taken, with the bytes."""
        return [(address, mail.content) for mail in self.taken for address in mail.recipients]


class _Session:
    """One conversation."""

    def __init__(self, server: ScriptedSmtp, sock: socket.socket) -> None:
        self.server, self.sock, self.lines = server, sock, sock.makefile("rb")
        self.sender, self.recipients = "", list[str]()

    def talk(self) -> None:
        self.server.sent = self.server.heard = 0
        with self.sock, self.lines, contextlib.suppress(OSError):
            self.answer("greeting", "", b"220 ready")
            while True:
                self.command(self.hear().decode().strip())

    def command(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        argument = rest.partition("<")[2].partition(">")[0]
        if word == "DATA":
            self.data()
            return
        code = self.answer(word, argument, b"221 bye" if word == "QUIT" else b"250 ok")
        if word == "MAIL":
            self.sender, self.recipients = argument, []
        elif word == "RCPT" and code == b"2":
            self.recipients.append(argument)

    def data(self) -> None:
        if self.answer("DATA", "", b"354 go on") != b"3":
            return
        content = b"".join(iter(self.hear, b".\r\n"))
        if (self.server.answers.get("end", b"2") or b"")[:1] == b"2":
            self.server.taken.append(Taken(self.sender, tuple(self.recipients), content))
        self.answer("end", self.recipients[0], b"250 taken")

    def answer(self, stage: str, argument: str, usual: bytes) -> bytes:
        """Say what is scripted; return the first digit."""
        self.server.reached(stage, argument)
        is_known = stage == "RCPT" and argument in self.server.answers
        given = self.server.answers.get(argument if is_known else stage, usual)
        if given is None:
            raise ConnectionAbortedError
        words = given + b"\r\n"
        room = len(words) if self.server.cut_sent is None else self.server.cut_sent - self.server.sent
        self.sock.sendall(words[:room])
        self.server.sent += len(words[:room])
        if room < len(words):
            raise ConnectionAbortedError
        return given[:1]

    def hear(self) -> bytes:
        line = self.lines.readline()
        self.server.heard += len(line)
        if not line or (self.server.cut_heard is not None and self.server.heard > self.server.cut_heard):
            raise ConnectionAbortedError
        return line


@contextlib.contextmanager
def scripted_smtp() -> Iterator[ScriptedSmtp]:
    with socket.create_server((HOST, 0)) as listener:
        server = ScriptedSmtp(listener.getsockname()[1])

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    sock, _ = listener.accept()
                    server.sessions += 1
                    threading.Thread(target=_Session(server, sock).talk, daemon=True).start()

        thread: Any = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=10)
