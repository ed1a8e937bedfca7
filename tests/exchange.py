"""A real mail exchange for the tests: OpenSMTPD on loopback, which delivers into the mailboxes of a Dovecot of tests/servers.py."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import smtplib
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import HOST, Dovecot, free_ports, wait_until_open

_EXCHANGE = """
table homes {{ {homes} }}
table boxes {{ {boxes} }}
table gone {{ "@gone.example" = "{anybody}" }}
listen on 127.0.0.1 port {port} hostname localhost
action "box" maildir "{imap}/mail/%{{user.username}}" userbase <homes> virtual <boxes>
action "none" mda "echo 550 5.1.1 nobody of that name >&2; exit 67" userbase <homes> virtual <gone>
match from any for domain {{ {domains} }} action "box"
match from any for domain "gone.example" action "none"
"""
# Its queue and its control socket have places of their own on the machine: each server sees folders of its own there.
_APART = "mount --bind {folder}/spool /var/spool && mount --bind {folder}/run /run && exec {smtpd} -d -f {folder}/smtpd.conf"


@dataclass(frozen=True)
class Exchange:
    """A running OpenSMTPD that delivers into a Dovecot's mailboxes; what goes to `gone.example` it takes and returns later.

    In plain text only: Debian's 6.8 can't sign with the keys that today's clients ask for. TLS and log-ins are aiosmtpd's part.
    """

    port: int
    host: str = HOST

    def send(self, content: bytes, *recipients: str, sender: str) -> None:
        """Hand in a mail as a customer's program does: by the standard library's client; the server has taken it afterwards."""
        with smtplib.SMTP(HOST, self.port, timeout=20) as session:
            session.sendmail(sender, recipients, content)


@contextlib.contextmanager
def opensmtpd(imap: Dovecot, boxes: Mapping[str, str]) -> Iterator[Exchange]:
    """An OpenSMTPD for the domains of `boxes` (address to log-in of the Dovecot); it refuses every other recipient."""
    binary = _opensmtpd_or_skip()
    home = Path(tempfile.mkdtemp(prefix="smtpd"))
    try:
        server = _prepare_exchange(home, imap, boxes)
        with (home / "log").open("wb") as log:
            words = _APART.format(folder=home, smtpd=binary)
            process = subprocess.Popen(["unshare", "--mount", "sh", "-c", words], stdout=log, stderr=log)
        try:
            wait_until_open([server.port], process, home / "log")
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _opensmtpd_or_skip() -> str:
    """The server's program; skipped without it, or where no process may have mounts of its own, as Dovecot is."""
    found = shutil.which("smtpd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    try_mount = ["unshare", "--mount", "true"] if shutil.which("unshare") else ["false"]
    may_mount = subprocess.run(try_mount, capture_output=True, check=False).returncode == 0
    if not (found and may_mount) and os.environ.get("ESPOMAIL_SERVERS") != "required":
        pytest.skip("OpenSMTPD is not installed (package opensmtpd)" if found is None else "OpenSMTPD needs root here")
    return found or "smtpd"


def _prepare_exchange(home: Path, imap: Dovecot, boxes: Mapping[str, str]) -> Exchange:
    """Write the configuration and make the mailboxes; the server isn't running yet."""
    home.chmod(0o755)
    for name in ("spool", "run"):
        (home / name).mkdir(mode=0o755)
    (port,) = free_ports(1)
    for login in boxes.values():
        imap.make_folder(login, "INBOX")
    text = _EXCHANGE.format(
        imap=imap.folder,
        port=port,
        anybody=next(iter(boxes.values())),
        homes=", ".join(f'"{login}" = "{imap.uid}:{imap.gid}:{imap.folder}"' for login in set(boxes.values())),
        boxes=", ".join(f'"{address}" = "{login}"' for address, login in boxes.items()),
        domains=", ".join(f'"{domain}"' for domain in {address.rpartition("@")[2] for address in boxes}),
    )
    (home / "smtpd.conf").write_text(text)
    (home / "smtpd.conf").chmod(0o600)
    return Exchange(port)
