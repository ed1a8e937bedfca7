"""Sending over SMTP (RFC 5321): `open_post` logs in, `Post.send` hands over one mail and tells exactly what became of it.

What a mail can meet on its way is a value (Delivery, Deferred, Rejected, LostBeforeData, LostInData), never an exception;
what keeps us from getting as far as that is an Unreachable.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from espomail.answers import Deferred, Delivery, LostBeforeData, LostInData, Rejected, Reply, SendOutcome
from espomail.errors import BadInput, LoginRefused, SessionLost, Unreachable
from espomail.model import Server
from espomail.wire import auth, tls
from espomail.wire.auth import Credentials
from espomail.wire.connection import Connection, connect
from espomail.wire.words import printable, without_secret

_LINE_MAX = 8 * 1024
_REPLY_LINES_MAX = 200
_LAST_WORD_S = 300.0
"""How long a server may think about a mail before it takes it over; RFC 5321 section 4.5.3.2.6 asks for patience here."""
_REPLY = re.compile(rb"([2-5]\d\d)([ -]?)(.*)", re.DOTALL)
_NOT_IN_ADDRESS = re.compile(r"[\x00-\x20\x7f-\x9f<>]")
_BARE_LINE_END = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"(?m)^\.")


@contextmanager
def open_post(
    server: Server,
    *,
    password: str | None,
    deadline_s: float,
    connect_timeout_s: float = 15,
    read_timeout_s: float = 300,
    command_timeout_s: float = 120,
) -> Iterator[Post]:
    """A session with an SMTP server, logged in when the server has a log-in; it can send many mails.

    Seconds as with `open_mailbox`; `password` is a token for a secret of kind `oauth`. Raise Unreachable or LoginRefused.
    """
    connection = connect(server, deadline_s=deadline_s, connect_timeout_s=connect_timeout_s, read_timeout_s=read_timeout_s)
    try:
        post = Post(connection, server, timeout_s=command_timeout_s)
        post.begin(password)
        yield post
        post.quit()
    finally:
        connection.close()


def test(server: Server, *, password: str | None, deadline_s: float = 30) -> tuple[bool, str]:
    """Whether we could send through a server, in words; nothing is sent."""
    try:
        with open_post(server, password=password, deadline_s=deadline_s, command_timeout_s=deadline_s):
            who = f" as {server.login}" if server.login else ""
            return (
                True,
                f"logged in to {server.host}:{server.port}{who}" if who else f"connected to {server.host}:{server.port}",
            )
    except Unreachable as error:
        return False, error.message


class Post:
    """An open SMTP session; `features` maps the EHLO keywords of the server (upper case) to their parameters."""

    def __init__(self, connection: Connection, server: Server, *, timeout_s: float) -> None:
        self.features: dict[str, str] = {}
        self._connection = connection
        self._server = server
        self._timeout_s = timeout_s

    def begin(self, password: str | None) -> None:
        """Greeting, EHLO, STARTTLS if the security says so, log-in."""
        where = self._connection.where
        self._connection.allow(self._timeout_s)
        greeting = self._read_reply()
        if greeting.code != 220:
            raise Unreachable(f"{where} does not serve us: {_words(greeting)}", "the next round tries again")
        self._greet()
        if self._server.security == "starttls":
            self._start_tls()
        if self._server.login is not None:
            self._log_in(password)

    def send(
        self, sender: str, recipients: Sequence[str], content: bytes, *, before_data: Callable[[], None] | None = None
    ) -> SendOutcome:
        """Hand over one mail to every recipient the server takes; `sender` "" is the empty envelope sender.

        `before_data` is called once, right before the first byte of the mail: until then nobody can have got it. What it
        raises passes through, with the connection closed before the mail was complete.
        """
        try:
            refusal, accepted, refused = self._envelope(sender, recipients, content)
            return refusal or self._data(content, accepted, refused, before_data)
        except SessionLost as error:
            return LostBeforeData(error.message)

    def quit(self) -> None:
        """Say good-bye, if the server still listens."""
        try:
            self._connection.allow(2)
            self._connection.send(b"QUIT\r\n")
            self._read_reply()
        except SessionLost:
            return  # the mails are settled; how the server hangs up is of no interest

    def _envelope(
        self, sender: str, recipients: Sequence[str], content: bytes
    ) -> tuple[SendOutcome | None, list[str], dict[str, Reply]]:
        """MAIL and RCPT: why nothing can be sent, or None; who is accepted; who is refused and how."""
        if not recipients:
            raise BadInput("a mail without recipients can't be sent")
        try:
            mail_from, wanted = self._mail_from(sender, recipients, content), {each: _path(each) for each in recipients}
        except BadInput as error:
            return Rejected(Reply(0, error.message)), [], {}
        reply = self._command(mail_from)
        if reply.code >= 400:
            self._reset()
            return _refusal(reply, {}), [], {}
        accepted: list[str] = []
        refused: dict[str, Reply] = {}
        for address, path in wanted.items():
            answer = self._command(b"RCPT TO:<" + path + b">")
            if answer.code < 400:
                accepted.append(address)
            else:
                refused[address] = answer
        if accepted:
            return None, accepted, refused
        self._reset()
        softest = min(refused.values(), key=lambda answer: answer.code)
        return _refusal(softest, refused), [], refused

    def _mail_from(self, sender: str, recipients: Sequence[str], content: bytes) -> bytes:
        """The MAIL command with the parameters this mail needs; raise BadInput for what the server can't take."""
        words = [b"MAIL FROM:<" + (_path(sender) if sender else b"") + b">"]
        size_max = self.features.get("SIZE", "")
        if "SIZE" in self.features:
            if size_max.isdigit() and 0 < int(size_max) < len(content):
                raise BadInput(f"the mail has {len(content)} bytes, {self._connection.where} takes at most {size_max}")
            words.append(b"SIZE=%d" % len(content))
        if not all(_path(each).isascii() for each in (*recipients, *([sender] if sender else []))):
            if "SMTPUTF8" not in self.features:
                raise BadInput(f"{self._connection.where} takes no addresses with letters outside of ASCII before the @")
            words.append(b"SMTPUTF8")
        if not content.isascii() and "8BITMIME" in self.features:
            words.append(b"BODY=8BITMIME")
        return b" ".join(words)

    def _data(
        self, content: bytes, accepted: list[str], refused: dict[str, Reply], before_data: Callable[[], None] | None
    ) -> SendOutcome:
        reply = self._command(b"DATA")
        if reply.code != 354:
            self._reset()
            return _refusal(reply, refused)
        if before_data is not None:
            self._call(before_data)
        wire_form = on_the_wire(content)
        self._connection.allow(self._timeout_s, carries=len(wire_form))
        self._connection.send(wire_form)
        try:
            self._connection.allow_beyond(_LAST_WORD_S)
            self._connection.send(b".\r\n")
            reply = self._read_reply()
        except SessionLost as error:
            return LostInData(error.message)
        if reply.code >= 300:
            return _refusal(reply, refused)
        return Delivery(tuple(accepted), refused, reply)

    def _call(self, before_data: Callable[[], None]) -> None:
        try:
            before_data()
        except BaseException:  # whatever it was, the server must not get the last line: without it the mail is dropped
            self._connection.close()
            raise

    def _reset(self) -> None:
        """Forget the envelope, so that the next mail starts afresh; this one's fate is settled whatever comes of it."""
        try:
            self._command(b"RSET")
        except SessionLost:
            return

    def _greet(self) -> None:
        """EHLO with our address as a literal (RFC 5321 section 4.1.3): a host name would need the name server."""
        address = self._connection.local_address.partition("%")[0]
        name = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
        reply = self._command(f"EHLO {name}".encode())
        self.features = {}
        if reply.code >= 500:
            reply = self._command(f"HELO {name}".encode())
        elif reply.code == 250:
            words = [line.partition(" ") for line in reply.text.split("\n")[1:]]
            self.features = {word.upper(): parameters for word, _, parameters in words}
        if reply.code != 250:
            raise Unreachable(f"{self._connection.where} does not serve us: {_words(reply)}", "the next round tries again")

    def _start_tls(self) -> None:
        """STARTTLS or nothing; what the server said before is forgotten."""
        context = tls.verified_context(self._server.tls_ca_file)
        reply = self._command(b"STARTTLS")
        if reply.code != 220:
            raise Unreachable(
                f"{self._connection.where} does not offer STARTTLS: {_words(reply)}",
                "check the security setting: tls (port 465) or starttls (port 587)",
            )
        self._connection.start_tls(context, self._server.host)
        self._greet()

    def _log_in(self, password: str | None) -> None:
        where, server = self._connection.where, self._server
        if password is None or server.login is None:
            raise LoginRefused(f"no password is set for {server.login} at {where}", "set one way to get the password")
        is_token = server.secret is not None and server.secret.kind == "oauth"
        offered = self.features.get("AUTH", "").split()
        method = auth.choose(offered, is_token=is_token, is_protected=self._connection.is_protected)
        if method is None:
            raise Unreachable(f"{where} offers no log-in method we can use", "check the security setting, or use OAuth 2.0")
        reply = self._authenticate(method, Credentials(server.login, password, server.host, server.port, is_token))
        if reply.code == 235:
            return
        text = without_secret(_words(reply), server.login, password)
        if reply.code < 500:
            raise Unreachable(f"{where} does not log anybody in now: {text}", "the next round tries again")
        raise LoginRefused(f"{where} refused the log-in of {server.login}: {text}", "check log-in name and password")

    def _authenticate(self, method: auth.Method, who: Credentials) -> Reply:
        """AUTH (RFC 4954): answer the challenges in turn; return the server's last word."""
        reply = self._command(f"AUTH {method.name}".encode())
        for turn in range(4):
            if reply.code != 334:
                break
            try:
                challenge = base64.b64decode(reply.text)
            except ValueError as error:
                raise self._connection.lost("sent a log-in challenge that is not base64") from error
            reply = self._command(base64.b64encode(method.respond(who, turn, challenge)))
        return reply

    def _command(self, line: bytes) -> Reply:
        self._connection.allow(self._timeout_s)
        self._connection.send(line, b"\r\n")
        return self._read_reply()

    def _read_reply(self) -> Reply:
        """One reply, its lines joined by newlines; after 421 the connection is closed, anything malformed loses the session."""
        lines: list[str] = []
        while True:
            found = _REPLY.fullmatch(self._connection.read_line(_LINE_MAX))
            if found is None or len(lines) == _REPLY_LINES_MAX:
                raise self._connection.lost("answered something that is not SMTP")
            lines.append(printable(found[3], most=2000))
            if found[2] != b"-":
                break
        reply = Reply(int(found[1]), "\n".join(lines))
        if reply.code == 421:
            self._connection.lost(f"ended the session: {_words(reply)}")
        return reply


def on_the_wire(content: bytes) -> bytes:
    """A mail as DATA wants it: every line end CRLF, leading dots doubled, a line end at the end; without the last dot."""
    lines = _BARE_LINE_END.sub(b"\r\n", content)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return _LEADING_DOT.sub(b"..", lines)


def _path(address: str) -> bytes:
    """An address as the envelope wants it, its domain in ASCII (IDNA); raise BadInput for what can't be one."""
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or _NOT_IN_ADDRESS.search(address):
        raise BadInput(f"not an address we can send to or from: {address!r}")
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
        return f"{local}@{ascii_domain}".encode()
    except UnicodeError as error:
        raise BadInput(f"not an address we can send to or from: {address!r}") from error


def _refusal(reply: Reply, refused: dict[str, Reply]) -> Deferred | Rejected:
    """4xx, and what makes no sense at this place, may be tried again; 5xx may not."""
    return Rejected(reply, refused) if reply.code >= 500 else Deferred(reply, refused)


def _words(reply: Reply) -> str:
    return f"{reply.code} {' '.join(reply.text.split())}".strip()
