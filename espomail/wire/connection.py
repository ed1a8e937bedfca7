"""One TCP connection under a wall clock: bounded lines, exact byte counts, verified TLS.

A socket's time-out is per `recv`, so a server that sends a byte a second never trips it. Here every wait is cut to
what is left of the command's and the session's time. Whatever goes wrong closes the socket and is a SessionLost:
nothing more can be asked of a connection that broke once.
"""

from __future__ import annotations

import socket
import ssl
import time

from espomail.errors import SessionLost, Unreachable
from espomail.model import Server
from espomail.wire import hosts, tls
from espomail.wire.hosts import Endpoint

_CHUNK = 256 * 1024
_SEND_CHUNK = 64 * 1024
_SLOWEST_BYTES_S = 20_000
_FIRST_BYTES_S = 5.0


class Connection:
    """A connected socket to `where` (host:port); `is_protected` when nobody on the way can listen (TLS or loopback)."""

    def __init__(self, sock: socket.socket, where: str, *, session_ends: float, read_timeout_s: float) -> None:
        self.where = where
        self.is_tls = False
        self.is_loopback = hosts.is_loopback(_ip_of(sock))
        self._sock = sock
        self._session_ends = session_ends
        self._command_ends = session_ends
        self._to_earn = 0
        self._read_timeout_s = read_timeout_s
        self._buffer = b""
        self._at = 0
        self._failure: str | None = None

    @property
    def is_protected(self) -> bool:
        return self.is_tls or self.is_loopback

    @property
    def local_address(self) -> str:
        return str(self._sock.getsockname()[0])

    @property
    def has_unread(self) -> bool:
        """Whether bytes were received that nobody has read yet."""
        return self._at < len(self._buffer)

    def allow(self, seconds: float, *, carries: int = 0) -> None:
        """Give what follows (one command) this much wall-clock time, never more than the session has left.

        A command that begins in time and `carries` many bytes earns more while they flow, beyond the session's end too, as
        long as 20 kB come in a second: cut off, all of them would have to be carried again. A server that drips earns nothing.
        """
        now = time.monotonic()
        self._command_ends = min(now + seconds, self._session_ends)
        self._to_earn = carries if now < self._session_ends else 0
        if self._to_earn:
            self._command_ends = max(self._command_ends, now + _FIRST_BYTES_S)

    def allow_beyond(self, seconds: float) -> None:
        """Give what follows this much wall-clock time even when the session's own is over: for an answer that decides something."""
        self._command_ends = time.monotonic() + seconds
        self._to_earn = 0

    def _earn(self, count: int) -> None:
        """So many bytes went over: those that the command was to carry give it time for the next."""
        earned = min(count, self._to_earn)
        self._to_earn -= earned
        self._command_ends += earned / _SLOWEST_BYTES_S

    def lost(self, reason: str) -> SessionLost:
        """Close the socket and return the error to raise: "host:port <reason>"."""
        if self._failure is None:
            self._failure = reason
        self.close()
        return SessionLost(f"{self.where} {self._failure}", "what was read is kept; the next round goes on from there")

    def close(self) -> None:
        """Close the socket; whatever is asked of the connection from now on is a SessionLost."""
        self._failure = self._failure or "is closed"
        self._sock.close()

    def send(self, *pieces: bytes) -> None:
        """Send all bytes, or raise SessionLost."""
        view = memoryview(b"".join(pieces))
        while view:
            self._set_timeout()
            try:
                sent = self._sock.send(view[:_SEND_CHUNK])
            except TimeoutError as error:
                raise self.lost("took too long to take what we sent") from error
            except OSError as error:
                raise self.lost(f"broke the connection: {_words(error)}") from error
            self._earn(sent)
            view = view[sent:]

    def read_line(self, limit: int) -> bytes:
        """The next line without its line end; a longer line than `limit` bytes loses the session."""
        end = self._buffer.find(b"\n", self._at)
        if end >= 0 and end - self._at <= limit:
            line = self._buffer[self._at : end]
            self._at = end + 1
            return line[:-1] if line.endswith(b"\r") else line
        return self._read_long_line(limit)

    def read_exactly(self, count: int) -> bytes:
        """The next `count` bytes; the caller bounds the count."""
        end = self._at + count
        if end <= len(self._buffer):
            taken = self._buffer[self._at : end]
            self._at = end
            return taken
        whole = bytearray(count)
        view = memoryview(whole)
        filled = len(self._buffer) - self._at
        view[:filled] = self._buffer[self._at :]
        self._buffer, self._at = b"", 0
        while filled < count:
            filled += self._receive_into(view[filled:])
        return bytes(whole)

    def wait_for_bytes(self, seconds: float) -> bool:
        """Whether something arrives within `seconds`; nothing is read of it. An expired wait is no failure."""
        if self.has_unread:
            return True
        try:
            self._sock.settimeout(max(seconds, 0.001))
            self._buffer, self._at = self._sock.recv(_CHUNK), 0
        except TimeoutError:
            return False
        except (OSError, ValueError) as error:
            raise self.lost(f"broke the connection: {_words(error)}") from error
        if not self._buffer:
            raise self.lost("closed the connection")
        return True

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Go on under verified TLS; raise Unreachable when the handshake or the certificate fails.

        Bytes that came before the handshake lose the session: an attacker could have put them there (CVE-2011-0411).
        """
        if self.has_unread:
            raise self.lost("sent more than its answer before TLS began")
        self._set_timeout()
        try:
            self._sock = context.wrap_socket(self._sock, server_hostname=host)
        except (OSError, ValueError) as error:
            self.close()
            raise tls.handshake_failed(self.where, error if isinstance(error, OSError) else OSError(str(error))) from error
        self.is_tls = True

    def _read_long_line(self, limit: int) -> bytes:
        pieces = [self._buffer[self._at :]]
        length = len(pieces[0])
        self._buffer, self._at = b"", 0
        while length <= limit:
            chunk = self._receive()
            end = chunk.find(b"\n")
            if end >= 0 and length + end <= limit:
                self._buffer, self._at = chunk, end + 1
                line = b"".join(pieces) + chunk[:end]
                return line[:-1] if line.endswith(b"\r") else line
            pieces.append(chunk)
            length += len(chunk)
        raise self.lost(f"sent a line of more than {limit} bytes")

    def _receive(self) -> bytes:
        self._set_timeout()
        try:
            chunk = self._sock.recv(_CHUNK)
        except OSError as error:
            raise self._receive_failed(error) from error
        if not chunk:
            raise self.lost("closed the connection")
        self._earn(len(chunk))
        return chunk

    def _receive_into(self, view: memoryview) -> int:
        self._set_timeout()
        try:
            received = self._sock.recv_into(view)
        except OSError as error:
            raise self._receive_failed(error) from error
        if not received:
            raise self.lost("closed the connection")
        self._earn(received)
        return received

    def _receive_failed(self, error: OSError) -> SessionLost:
        return self.lost(
            "did not answer in time" if isinstance(error, TimeoutError) else f"broke the connection: {_words(error)}"
        )

    def _set_timeout(self) -> None:
        if self._failure is not None:
            raise self.lost(self._failure)
        left = self._command_ends - time.monotonic()
        if left <= 0:
            raise self.lost("did not answer in time")
        self._sock.settimeout(min(left, self._read_timeout_s))


def connect(server: Server, *, deadline_s: float, connect_timeout_s: float, read_timeout_s: float) -> Connection:
    """Connect to a server, under TLS at once when its security is `tls`.

    The addresses that were judged are the ones connected to, so that no second look-up can lead elsewhere. Raise Unreachable
    (unknown host, refused, time-out, certificate, plain text to a foreign host) or NotPermitted (a private address).
    """
    session_ends = time.monotonic() + deadline_s
    endpoints = hosts.resolve(server.host, server.port)
    if not server.allow_private:
        hosts.require_public(server.host, endpoints)
    context = tls.verified_context(server.tls_ca_file) if server.security == "tls" else None
    where = f"{server.host}:{server.port}"
    sock = _first_that_answers(endpoints, where, min(time.monotonic() + connect_timeout_s, session_ends))
    connection = Connection(sock, where, session_ends=session_ends, read_timeout_s=read_timeout_s)
    try:
        require_protection(server, is_loopback=connection.is_loopback)
    except Unreachable:
        connection.close()
        raise
    if context is not None:
        connection.allow(connect_timeout_s)
        connection.start_tls(context, server.host)
    return connection


def require_protection(server: Server, *, is_loopback: bool) -> None:
    """Raise Unreachable if the server would be spoken to in plain text over a net, and nobody allowed that."""
    if server.security == "none" and not is_loopback and not server.allow_plaintext:
        raise Unreachable(
            f"{server.host}:{server.port} would be spoken to in plain text, which is for this machine only",
            "use security tls or starttls, or allow it with --allow-plaintext",
        )


def _first_that_answers(endpoints: list[Endpoint], where: str, until: float) -> socket.socket:
    """A socket connected to the first endpoint that accepts; raise Unreachable with the last reason."""
    reason: OSError = TimeoutError()
    for endpoint in endpoints:
        sock = socket.socket(endpoint.family, socket.SOCK_STREAM)
        sock.settimeout(max(until - time.monotonic(), 0.001))
        try:
            sock.connect(endpoint.sockaddr)
        except OSError as error:
            sock.close()
            reason = error
            continue
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    raise _not_connected(where, reason) from reason


def _not_connected(where: str, reason: OSError) -> Unreachable:
    if isinstance(reason, TimeoutError):
        return Unreachable(f"{where} did not answer in time", "check host, port and firewall")
    if isinstance(reason, ConnectionRefusedError):
        return Unreachable(f"{where} refused the connection", "check the port, and that the server runs")
    return Unreachable(f"{where} can't be reached: {_words(reason)}", "check host, port and network")


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()


def _ip_of(sock: socket.socket) -> hosts.IPAddress:
    name = sock.getpeername()
    return Endpoint(sock.family, name).ip
