"""Real mail servers on loopback for the tests: Dovecot (IMAP) and aiosmtpd (SMTP), with an authority of our own.

Each is a context manager. Dovecot runs as root (mail then belongs to
`nobody`) and as an ordinary user alike, each in a short folder of its own: socket paths are limited to 108 bytes.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from espomail.model import Account, Secret, Server
from espomail.wire import folder_names

HOST = "127.0.0.1"
PASSWORD = "secret"


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on just now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind((HOST, 0))
        return [sock.getsockname()[1] for sock in sockets]


def certificates(folder: Path) -> tuple[Path, Path, Path]:
    """A fresh authority's certificate, and key and certificate of `localhost` and 127.0.0.1 signed by it."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", HOST)
    paths = (folder / "ca.pem", folder / "key.pem", folder / "cert.pem")
    authority.cert_pem.write_to_path(str(paths[0]))
    issued.private_key_pem.write_to_path(str(paths[1]))
    issued.cert_chain_pems[0].write_to_path(str(paths[2]))
    return paths


# ---------------------------------------------------------------- Dovecot

_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5
auth_failure_delay = 0
auth_verbose = no
mail_location = maildir:{folder}/mail/%u
mail_max_userip_connections = 200
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
{more}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  client_limit = 400
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 400
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
}}
"""


@dataclass
class Dovecot:
    """A running server; `port` speaks plain text and STARTTLS, `tls_port` TLS. `users` maps log-ins to passwords."""

    folder: Path
    port: int
    tls_port: int
    users: dict[str, str]
    uid: int
    gid: int
    host: str = HOST
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def ca_file(self) -> str:
        return str(self.folder / "ca.pem")

    def put(self, user: str, folder: str, content: bytes, *, at: datetime | None = None, seen: bool = False) -> None:
        """Deliver a mail as an MTA would, received `at` (now); a folder that doesn't exist is made. UIDs follow the calls."""
        box = self.make_folder(user, folder)
        number = next(self.numbers)
        name = f"{1_700_000_000 + number}.M{number}.test" + (":2,S" if seen else "")
        path = box / "tmp" / name
        path.write_bytes(content)
        if at is not None:
            os.utime(path, (at.timestamp(), at.timestamp()))
        self._give(path)
        path.rename(box / ("cur" if seen else "new") / name)

    def make_folder(self, user: str, folder: str) -> Path:
        """The Maildir of a folder, made if need be; `/` separates levels."""
        root = self.folder / "mail" / user
        name = folder_names.encode(folder).decode().replace("/", ".")
        box = root if folder.upper() == "INBOX" else root / f".{name}"
        for path in dict.fromkeys((root, box, box / "tmp", box / "new", box / "cur")):
            if not path.exists():
                path.mkdir(mode=0o700)
                self._give(path)
        return box

    def count(self, user: str, folder: str) -> int:
        """How many mails lie in a folder."""
        box = self.make_folder(user, folder)
        return sum(len(list((box / part).iterdir())) for part in ("new", "cur"))

    def renew_uids(self, user: str, folder: str = "INBOX") -> None:
        """Give the folder a new UIDVALIDITY and its mails new UIDs, as after a restore of the server."""
        box = self.make_folder(user, folder)
        uidlist = box / "dovecot-uidlist"
        old = int(uidlist.read_text().split()[1][1:]) if uidlist.exists() else 1_000_000
        for stale in box.glob("dovecot*"):
            if stale.is_file():
                stale.unlink()
        uidlist.write_text(f"3 V{old + 1} N1\n")
        self._give(uidlist)

    def server(self, login: str, *, security: str = "none", **changes: Any) -> Server:
        """How to reach this server, for an account."""
        given: dict[str, Any] = {
            "host": "localhost" if security != "none" else HOST,
            "port": self.tls_port if security == "tls" else self.port,
            "security": security,
            "login": login,
            "secret": Secret("env", "MAIL_PASSWORD"),
            "tls_ca_file": self.ca_file if security != "none" else None,
        }
        return Server(**{**given, **changes})

    def account(self, login: str, *, security: str = "none", **changes: Any) -> Account:
        """A group account that reads this server."""
        imap = self.server(login, security=security, **changes)
        return Account(id=1, kind="group", name=login, address=f"{login}@team.example", imap=imap)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def _give(self, path: Path) -> None:
        if os.getuid() == 0:
            os.chown(path, self.uid, self.gid)


@contextlib.contextmanager
def dovecot(folder: Path | None = None, *, users: Mapping[str, str] | None = None, more: str = "") -> Iterator[Dovecot]:
    """A Dovecot with these users (log-in to password; `ann` and `bob` by default) and `more` lines of configuration.

    `folder` is not used for its files: a test's own folder is often too deep for sockets and closed to other users.
    """
    binary = _dovecot_or_skip()
    home = Path(tempfile.mkdtemp(prefix="imap"))
    try:
        server = _prepare(home, dict(users or {"ann": PASSWORD, "bob": PASSWORD}), more)
        process = subprocess.Popen([binary, "-F", "-c", str(home / "dovecot.conf")], stdout=subprocess.DEVNULL)
        try:
            wait_until_open([server.port, server.tls_port], process, home / "log")
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _dovecot_or_skip() -> str:
    """The server's program; a test without it is skipped, unless ESPOMAIL_SERVERS says that it is required."""
    found = shutil.which("dovecot", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None and os.environ.get("ESPOMAIL_SERVERS") != "required":
        pytest.skip("Dovecot is not installed (package dovecot-imapd)")
    return found or "dovecot"


def _prepare(home: Path, users: dict[str, str], more: str) -> Dovecot:
    """Write configuration, users and certificates; the server isn't running yet."""
    home.chmod(0o755)
    (home / "mail").mkdir()
    owner = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    port, tls_port = free_ports(2)
    certificates(home)
    (home / "users").write_text("".join(f"{name}:{{PLAIN}}{password}\n" for name, password in users.items()))
    is_root = os.getuid() == 0
    group = subprocess.run(["id", "-gn"], capture_output=True, text=True, check=True).stdout.strip()
    text = _CONFIGURATION.format(
        folder=home,
        port=port,
        tls_port=tls_port,
        uid=owner.pw_uid,
        gid=owner.pw_gid,
        internal="dovecot" if is_root else owner.pw_name,
        internal_group="dovecot" if is_root else group,
        login="dovenull" if is_root else owner.pw_name,
        more=more,
    )
    (home / "dovecot.conf").write_text(text)
    for path in (home / "mail", home / "users", home / "key.pem"):
        if is_root:
            shutil.chown(path, "nobody" if path.name == "mail" else "dovecot")
        path.chmod(0o700 if path.name == "mail" else 0o600)
    return Dovecot(home, port, tls_port, users, owner.pw_uid, owner.pw_gid)


def wait_until_open(ports: Sequence[int], process: subprocess.Popen[bytes], log: Path) -> None:
    """Until every port accepts; an IMAP server that dies first is an error with its log."""
    until = time.monotonic() + 20
    for port in ports:
        while True:
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the server did not start: " + (log.read_text() if log.exists() else "no log"))
            time.sleep(0.05)


# ---------------------------------------------------------------- SMTP


@dataclass(frozen=True)
class Sent:
    """One mail that the SMTP server took."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    options: tuple[str, ...] = ()
    is_tls: bool = False
    login: str | None = None


@dataclass
class SmtpServer:
    """A running SMTP server and what it took. `answers` maps a recipient to the reply it gets instead of 250."""

    port: int
    ca_file: str
    security: str
    mails: list[Sent] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    data_answer: str = "250 taken as 1234"
    host: str = HOST

    def server(self, *, login: str | None = "ann", **changes: Any) -> Server:
        given: dict[str, Any] = {
            "host": "localhost" if self.security != "none" else HOST,
            "port": self.port,
            "security": self.security,
            "login": login,
            "secret": Secret("env", "MAIL_PASSWORD") if login else None,
            "tls_ca_file": self.ca_file if self.security != "none" else None,
        }
        return Server(**{**given, **changes})


class _Taker:
    """aiosmtpd's handler: says what the test wants and keeps what it takes."""

    def __init__(self, server: SmtpServer) -> None:
        self.server = server

    async def handle_RCPT(self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        answer = self.server.answers.get(address, "250 ok")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, smtp: SMTP, session: Session, envelope: Envelope) -> str:
        if self.server.data_answer.startswith("2"):
            content = envelope.original_content or b""
            login = session.auth_data.decode() if isinstance(session.auth_data, bytes) else None
            self.server.mails.append(
                Sent(
                    "" if envelope.mail_from == "<>" else envelope.mail_from or "",
                    tuple(envelope.rcpt_tos),
                    content,
                    tuple(envelope.mail_options),
                    self.server.security == "tls" or session.ssl is not None,
                    login,
                )
            )
        return self.server.data_answer


@contextlib.contextmanager
def smtp(*, security: str = "none", users: Mapping[str, str] | None = None, size_max: int = 10**8) -> Iterator[SmtpServer]:
    """An SMTP server (aiosmtpd) under `security`; with `users`, only who logs in may send."""
    home = Path(tempfile.mkdtemp(prefix="smtp"))
    ca_file, key, cert = certificates(home)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        known = (users or {}).get(data.login.decode()) == data.password.decode()
        return AuthResult(success=known, handled=False, auth_data=data.login)

    (port,) = free_ports(1)
    server = SmtpServer(port, str(ca_file), security)
    controller = Controller(
        _Taker(server),
        hostname=HOST,
        port=port,
        ssl_context=context if security == "tls" else None,
        tls_context=context if security == "starttls" else None,
        require_starttls=security == "starttls",
        auth_required=users is not None,
        auth_require_tls=security == "starttls",
        authenticator=authenticate,
        data_size_limit=size_max,
        enable_SMTPUTF8=True,
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
        shutil.rmtree(home, ignore_errors=True)
