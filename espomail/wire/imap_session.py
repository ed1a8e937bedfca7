"""One IMAP session: greeting, STARTTLS, log-in, and commands whose answers are read whole and checked.

An answer that is not IMAP, a tag that isn't ours, a BYE, a literal larger than was to be expected: each loses the session.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import NamedTuple

from espomail.errors import LoginRefused, SessionLost, Unreachable
from espomail.model import Server
from espomail.wire import auth, imap_grammar, tls
from espomail.wire.auth import Credentials
from espomail.wire.connection import Connection
from espomail.wire.imap_grammar import Value
from espomail.wire.words import printable, without_secret

LINE_MAX = 8 * 1024 * 1024
"""Bytes: the longest line there is good reason for is a SEARCH answer of a million UIDs."""
SMALL_LITERAL = 64 * 1024
_ANSWERS_MAX = 64 * 1024 * 1024

_LITERAL = re.compile(rb"~?\{(\d{1,12})\+?\}$")
_STATUS = re.compile(rb"(OK|NO|BAD|BYE|PREAUTH)(?: (.*))?", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(r"\[([^\]]*)\] ?(.*)", re.DOTALL)
_TEMPORARY = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "OVERQUOTA"})
"""Codes of RFC 5530 with which a refused log-in says nothing about the password."""


class Answer(NamedTuple):
    """One untagged answer: `kind` in upper case (FETCH, EXISTS, OK …), its number, its values, or a status and its text."""

    kind: str
    number: int | None
    values: list[Value]
    code: str
    text: str


class Outcome(NamedTuple):
    """The tagged end of a command: `status` OK, NO or BAD, its code (`TRYCREATE`), its text, and the answers before it."""

    status: str
    code: str
    text: str
    answers: list[Answer]

    @property
    def is_ok(self) -> bool:
        return self.status == "OK"


class ImapSession:
    """A logged-in session over a connection; made by `log_in`. `timeout_s` is the wall clock of one command."""

    def __init__(self, connection: Connection, *, timeout_s: float) -> None:
        self.connection = connection
        self.capabilities: tuple[str, ...] = ()
        self._timeout_s = timeout_s
        self._tags = 0
        self._tag = b""

    def command(self, *words: bytes, literal_max: int = SMALL_LITERAL, carries: int = 0, total_max: int = 0) -> Outcome:
        """Send one command and read its whole answer.

        No literal above `literal_max` and no answer above `total_max` (bytes, with a floor of 64 MB) is accepted;
        `carries` bytes earn the command more time (`Connection.allow`). Raise SessionLost for everything but a proper OK, NO or BAD.
        """
        self.begin(*words, carries=carries)
        return self.finish(literal_max=literal_max, total_max=total_max)

    def begin(self, *words: bytes, carries: int = 0) -> None:
        """Send a command line under the next tag; `finish` reads its answer."""
        self._tags += 1
        self._tag = b"A%d" % self._tags
        self.connection.allow(self._timeout_s, carries=carries)
        self.connection.send(self._tag, b" ", b" ".join(words), b"\r\n")

    def allow_command(self) -> None:
        """Start the wall clock of one command anew."""
        self.connection.allow(self._timeout_s)

    def finish(self, *, literal_max: int = SMALL_LITERAL, total_max: int = 0) -> Outcome:
        """Read untagged answers up to the tagged one."""
        answers: list[Answer] = []
        budget = total_max + _ANSWERS_MAX
        while True:
            line = self.connection.read_line(LINE_MAX)
            budget -= len(line)
            if line.startswith(b"* "):
                answer, size = self._untagged(line[2:], literal_max)
                answers.append(answer)
                budget -= size
            else:
                return self._tagged(line, answers)
            if budget < 0:
                raise self.connection.lost("sent far more than it was asked for")

    def wait_for_go(self) -> Outcome | None:
        """Read up to the server's continuation (None), or the tagged answer when it declines."""
        found = self.read_challenge()
        return found if isinstance(found, Outcome) else None

    def read_challenge(self) -> bytes | Outcome:
        """The text of a continuation request, or the tagged answer that came instead."""
        while True:
            line = self.connection.read_line(LINE_MAX)
            if line.startswith(b"+"):
                return line[1:].strip()
            if not line.startswith(b"* "):
                return self._tagged(line, [])
            self._untagged(line[2:], SMALL_LITERAL)

    def read_untagged(self) -> Answer:
        """The next untagged answer (while idling); anything else loses the session."""
        line = self.connection.read_line(LINE_MAX)
        if not line.startswith(b"* "):
            raise self._nonsense(line)
        return self._untagged(line[2:], SMALL_LITERAL)[0]

    def read_greeting(self) -> str:
        """OK or PREAUTH; the capabilities in it are not believed."""
        line = self.connection.read_line(LINE_MAX)
        if not line.startswith(b"* "):
            raise self._nonsense(line)
        answer = self._untagged(line[2:], 0)[0]
        if answer.kind not in ("OK", "PREAUTH"):
            raise self._nonsense(line)
        return answer.kind

    def ask_capabilities(self) -> None:
        """Ask for the capabilities and keep them."""
        outcome = self.command(b"CAPABILITY")
        names = [value for answer in outcome.answers if answer.kind == "CAPABILITY" for value in answer.values]
        if not outcome.is_ok or not names:
            raise self.connection.lost("does not tell its capabilities")
        self.capabilities = tuple(name.upper() for name in names if isinstance(name, str))

    def _untagged(self, rest: bytes, literal_max: int) -> tuple[Answer, int]:
        """One untagged answer and how many bytes its literals and further lines had."""
        status = _STATUS.fullmatch(rest)
        if status:
            kind, (code, text) = status[1].decode().upper(), _code_and_text(status[2])
            if kind == "BYE":
                raise self.connection.lost(f"ended the session: {text or 'no reason given'}")
            return Answer(kind, None, [], code, text), 0
        parts, size = [rest], 0
        while announced := _LITERAL.search(parts[-1]):
            count = int(announced[1])
            if count > literal_max:
                raise self.connection.lost(f"announced {count} bytes where at most {literal_max} were to be expected")
            parts[-1] = parts[-1][: announced.start()]
            parts.append(self.connection.read_exactly(count))
            parts.append(self.connection.read_line(LINE_MAX))
            size += count + len(parts[-1])
        return self._answer(parts), size

    def _answer(self, parts: Sequence[bytes]) -> Answer:
        first, _, rest = parts[0].partition(b" ")
        number = None
        if first.isdigit() and len(first) < 20:
            number = int(first)
            first, _, rest = rest.partition(b" ")
        kind = first.decode("latin-1").upper()
        if kind not in _READ_KINDS:
            return Answer(kind, number, [], "", "")
        try:
            return Answer(kind, number, imap_grammar.values([rest, *parts[1:]]), "", "")
        except ValueError as error:
            raise self.connection.lost(f"sent an answer that is not IMAP ({error})") from error

    def _tagged(self, line: bytes, answers: list[Answer]) -> Outcome:
        tag, _, rest = line.partition(b" ")
        status = _STATUS.fullmatch(rest)
        if tag != self._tag or status is None or status[1].upper() not in (b"OK", b"NO", b"BAD"):
            raise self._nonsense(line)
        code, text = _code_and_text(status[2])
        return Outcome(status[1].decode().upper(), code, text, answers)

    def _nonsense(self, line: bytes) -> SessionLost:
        return self.connection.lost(f"answered out of turn: {printable(line)!r}")


_READ_KINDS = frozenset({"FETCH", "SEARCH", "LIST", "CAPABILITY"})


def log_in(connection: Connection, server: Server, *, password: str | None, timeout_s: float) -> ImapSession:
    """Greet, STARTTLS where the server's security says so, and log in; return the session.

    Raise LoginRefused for refused credentials, Unreachable for everything else.
    """
    session = ImapSession(connection, timeout_s=timeout_s)
    connection.allow(timeout_s)
    greeting = session.read_greeting()
    if server.security == "starttls":
        _start_tls(session, server, greeting)
        greeting = "OK"
    session.ask_capabilities()
    if greeting == "OK":
        _authenticate(session, server, password)
        session.ask_capabilities()
    return session


def _start_tls(session: ImapSession, server: Server, greeting: str) -> None:
    """STARTTLS or nothing: a server that is past the log-in already, or declines, is left at once."""
    hint = "check the security setting: tls (port 993) or starttls (port 143)"
    if greeting == "PREAUTH":
        session.connection.close()
        raise Unreachable(f"{session.connection.where} offers a session without TLS where STARTTLS is required", hint)
    context = tls.verified_context(server.tls_ca_file)
    outcome = session.command(b"STARTTLS")
    if not outcome.is_ok:
        session.connection.close()
        raise Unreachable(f"{session.connection.where} does not offer STARTTLS: {outcome.text}", hint)
    session.connection.start_tls(context, server.host)


def _authenticate(session: ImapSession, server: Server, password: str | None) -> None:
    where = session.connection.where
    if server.login is None or password is None:
        session.connection.close()
        raise LoginRefused(f"no log-in or password is set for {where}", "set the log-in and one way to get the password")
    is_token = server.secret is not None and server.secret.kind == "oauth"
    who = Credentials(server.login, password, server.host, server.port, is_token)
    outcome = _try_log_in(session, who)
    if outcome is None:
        session.connection.close()
        raise Unreachable(f"{where} offers no log-in method we can use", "check the security setting, or use OAuth 2.0")
    if outcome.is_ok:
        return
    session.connection.close()
    text = without_secret(outcome.text, server.login, password)
    if outcome.status == "BAD" or outcome.code in _TEMPORARY:
        raise Unreachable(f"{where} does not log anybody in now: {text}", "the next round tries again")
    raise LoginRefused(f"{where} refused the log-in of {server.login}: {text}", "check log-in name and password")


def _try_log_in(session: ImapSession, who: Credentials) -> Outcome | None:
    """The server's word on the best method it offers; None when there is none."""
    offered = [name.removeprefix("AUTH=") for name in session.capabilities if name.startswith("AUTH=")]
    method = auth.choose(offered, is_token=who.is_token, is_protected=session.connection.is_protected)
    if method is not None:
        return _authenticate_by(session, method, who)
    if who.is_token or "LOGINDISABLED" in session.capabilities:
        return None
    return session.command(b"LOGIN", imap_grammar.quoted(who.login.encode()), imap_grammar.quoted(who.secret.encode()))


def _authenticate_by(session: ImapSession, method: auth.Method, who: Credentials) -> Outcome:
    """AUTHENTICATE (RFC 3501 section 6.2.2): answer the challenges in turn."""
    session.begin(b"AUTHENTICATE", method.name.encode())
    for turn in range(4):
        challenge = session.read_challenge()
        if isinstance(challenge, Outcome):
            return challenge
        try:
            decoded = base64.b64decode(challenge)
        except ValueError as error:
            raise session.connection.lost("sent a log-in challenge that is not base64") from error
        session.connection.send(base64.b64encode(method.respond(who, turn, decoded)), b"\r\n")
    return session.finish()


def _code_and_text(raw: bytes | None) -> tuple[str, str]:
    """`[CODE arguments] text` in two; the code in upper case with its arguments, "" when there is none."""
    text = printable(raw or b"")
    found = _CODE.fullmatch(text)
    return (found[1].upper(), found[2]) if found else ("", text)
