"""An IMAP server that answers honestly until a test twists one answer: faults that no real server produces on demand."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from espomail.model import Account, Secret, Server

Piece = bytes | float | None
"""Bytes to send, seconds to wait, or None: hang up."""

Twist = Callable[[bytes, str, bytes], bytes | Iterable[Piece]]
"""Given the tag, the command line and the honest answer, what is sent instead."""


def honest(_tag: bytes, _line: str, answer: bytes) -> bytes:
    return answer


@dataclass
class ScriptedImap:
    """The server: `letters` maps UIDs to mails; `heard` are the command lines so far; `hits` counts twisted answers."""

    port: int
    letters: dict[int, bytes]
    greeting: bytes
    twist: Twist
    heard: list[str] = field(default_factory=list)
    hits: int = 0
    log_in_answers: list[bytes] = field(default_factory=lambda: [b"OK logged in"])
    """What a log-in's lines are answered by in turn; all but a challenge (`+`) get the tag of the command."""
    said: list[bytes] = field(default_factory=list)
    _last_tag: bytes = b""

    def account(self, **changes: object) -> Account:
        given: dict[str, object] = {
            "host": "127.0.0.1", "port": self.port, "security": "none", "login": "ann", "secret": Secret("env", "X"),
        }  # fmt: skip
        return Account(id=1, kind="group", name="ann", address="ann@team.example", imap=Server(**{**given, **changes}))

    def answer(self, tag: bytes, line: str) -> bytes:
        """What an honest server says to a command."""
        word = line.upper()
        done = tag + b" OK done\r\n"
        if word == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" + done
        if word.startswith("AUTHENTICATE"):
            return b"+ \r\n"
        if word.startswith(("EXAMINE", "SELECT")):
            return b"* %d EXISTS\r\n* OK [UIDVALIDITY 7] epoch\r\n" % len(self.letters) + done
        if word.startswith("UID SEARCH"):
            return b"* SEARCH" + b"".join(b" %d" % uid for uid in self._named(word)) + b"\r\n" + done
        if word.startswith("UID FETCH"):
            return b"".join(self._fetched(uid, word) for uid in self._named(word)) + done
        if word == "LOGOUT":
            return b"* BYE bye\r\n" + done
        return done

    def _named(self, word: str) -> list[int]:
        """The UIDs that a set in a command names, as far as there are such mails."""
        found = re.search(r" ([\d:,*]+)", word)
        chosen: set[int] = set()
        for part in found[1].split(",") if found else []:
            low, _, high = part.partition(":")
            top = max(self.letters) if high == "*" else int(high or low)
            chosen |= {uid for uid in self.letters if min(int(low), top) <= uid <= max(int(low), top)}
        return sorted(chosen)

    def _fetched(self, uid: int, word: str) -> bytes:
        content = self.letters[uid]
        number = sorted(self.letters).index(uid) + 1
        partial = re.search(r"BODY\.PEEK\[\]<(\d+)\.(\d+)>", word)
        if partial:
            start, count = int(partial[1]), int(partial[2])
            part = content[start : start + count]
            return b"* %d FETCH (UID %d BODY[]<%d> {%d}\r\n%b)\r\n" % (number, uid, start, len(part), part)
        if "BODY" in word:
            return b"* %d FETCH (UID %d BODY[] {%d}\r\n%b)\r\n" % (number, uid, len(content), content)
        moment = b"01-Mar-2026 09:00:00 +0100"
        return b'* %d FETCH (UID %d RFC822.SIZE %d INTERNALDATE "%b")\r\n' % (number, uid, len(content), moment)

    def talk(self, sock: socket.socket) -> None:
        """One session, until somebody hangs up."""
        with sock, sock.makefile("rb") as lines, contextlib.suppress(OSError):
            sock.sendall(self.greeting)
            for raw in lines:
                text = raw.decode("latin-1").strip()
                tag, _, line = text.partition(" ")
                if not tag.startswith("A") or not line:
                    self.said.append(raw.rstrip())
                    answer = self.log_in_answers[min(len(self.said), len(self.log_in_answers)) - 1]
                    sock.sendall((b"" if answer.startswith(b"+") else self._last_tag + b" ") + answer + b"\r\n")
                    continue
                self._last_tag = tag.encode()
                self.heard.append(line)
                answer = self.answer(tag.encode(), line)
                twisted = self.twist(tag.encode(), line, answer)
                self.hits += twisted != answer
                if not _send(sock, twisted):
                    return


def _send(sock: socket.socket, pieces: bytes | Iterable[Piece]) -> bool:
    for piece in [pieces] if isinstance(pieces, bytes) else pieces:
        if piece is None:
            return False
        if isinstance(piece, bytes):
            sock.sendall(piece)
        else:
            time.sleep(piece)
    return True


@contextlib.contextmanager
def scripted_imap(
    letters: dict[int, bytes], *, twist: Twist = honest, greeting: bytes = b"* OK ready\r\n"
) -> Iterator[ScriptedImap]:
    """A scripted server on loopback for any number of sessions, one after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ScriptedImap(listener.getsockname()[1], letters, greeting, twist)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    sock, _ = listener.accept()
                    server.talk(sock)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=10)
