"""How fast `espomail fetch` takes in and processes a mailbox, beside mbsync on the same mailbox in the same run.

    python benchmarks/fetch.py [--mails 10000] [--kb 30] [--runs 1]

Needs Dovecot; mbsync is compared when it is installed. Prints mails/s, MB/s and peak memory of both, and the ratio.
mbsync only downloads; espomail also parses, decides, opens cases and indexes.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests import servers

WORDS = "order delivery invoice broken screen refund password account payment thanks regards question urgent help".split()


def letter(number: int, size: int) -> bytes:
    """One mail of about `size` bytes: a short text, HTML, and an attachment that fills it up."""
    rng = random.Random(number)
    text = " ".join(rng.choice(WORDS) for _ in range(150))
    filler = rng.randbytes(max(100, int((size - 3500) * 0.73)))
    import base64

    body = base64.encodebytes(filler).decode().replace("\n", "\r\n")
    return (
        f"Return-Path: <c{number % 500}@customers.example>\r\n"
        f"Received: from mx.example by mail.example; Mon, 2 Mar 2026 09:00:00 +0000\r\n"
        f"From: Customer {number % 500} <c{number % 500}@customers.example>\r\nTo: support@team.example\r\n"
        f"Subject: {rng.choice(WORDS)} {rng.choice(WORDS)} {number}\r\nDate: Mon, 2 Mar 2026 09:00:00 +0000\r\n"
        f"Message-ID: <bench.{number}@customers.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="=_out"\r\n\r\n'
        '--=_out\r\nContent-Type: multipart/alternative; boundary="=_in"\r\n\r\n'
        f"--=_in\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        f"--=_in\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>{text}</p></body></html>\r\n--=_in--\r\n"
        '--=_out\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="a.pdf"\r\n\r\n{body}--=_out--\r\n'
    ).encode()


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, float, int]:
    """(wall seconds, CPU seconds, peak KiB of the largest process) of a command; raise when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    if status:
        raise SystemExit(f"{command[0]} failed: {output.decode(errors='replace')[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, usage.ru_maxrss


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mails", type=int, default=10_000)
    options.add_argument("--kb", type=float, default=30)
    options.add_argument("--runs", type=int, default=1)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, servers.dovecot(users={"support": "secret"}) as server:
        total = fill(server, given.mails, int(given.kb * 1024))
        print(f"{given.mails} mails, {total / 1e6:.0f} MB, Dovecot on loopback, plain text, {os.cpu_count()} cores")
        for run in range(given.runs):
            ours = fetch(Path(folder) / f"run{run}", server)
            report("espomail fetch", ours, given.mails, total)
            if shutil.which("mbsync"):
                peer = mbsync(Path(folder) / f"peer{run}", server)
                report("mbsync", peer, given.mails, total)
                print(f"espomail / mbsync, mails per second: {peer[0] / ours[0]:.2f}")


def fill(server: servers.Dovecot, mails: int, size: int) -> int:
    """Put the mails into the mailbox on disk; return their bytes."""
    total = 0
    for number in range(1, mails + 1):
        content = letter(number, size)
        total += len(content)
        server.put("support", "INBOX", content)
    return total


def fetch(folder: Path, server: servers.Dovecot) -> tuple[float, float, int]:
    folder.mkdir()
    environment = {**os.environ, "ESPOMAIL_DB": str(folder / "espomail.db"), "PASSWORD": "secret"}
    program = [sys.executable, "-m", "espomail"]
    for words in (
        "init --yes",
        "team add support",
        f"group-account add support --address support@team.example --imap-host {server.host} --imap-port {server.port} "
        "--imap-security none --imap-login support --imap-password-env PASSWORD --fetch-since 2000-01-01 --create-case "
        "--team support",
    ):
        subprocess.run([*program, *words.split()], env=environment, check=True, capture_output=True)
    return timed([*program, "fetch", "--json"], environment)


def mbsync(folder: Path, server: servers.Dovecot) -> tuple[float, float, int]:
    folder.mkdir()
    (folder / "mail").mkdir()
    (folder / "mbsyncrc").write_text(
        f"IMAPStore far\nHost {server.host}\nPort {server.port}\nUser support\nPass secret\nSSLType None\nAuthMechs LOGIN\n\n"
        f"MaildirStore near\nPath {folder}/mail/\nInbox {folder}/mail/INBOX\n\n"
        f"Channel all\nFar :far:INBOX\nNear :near:INBOX\nSync Pull\nCreate Near\nSyncState *\n"
    )
    return timed(["mbsync", "-q", "-c", str(folder / "mbsyncrc"), "all"], dict(os.environ))


def report(name: str, figures: tuple[float, float, int], mails: int, total: int) -> None:
    wall, cpu, peak = figures
    print(
        f"{name:16} {mails / wall:8.0f} mails/s {total / wall / 1e6:8.1f} MB/s   {wall:6.1f} s wall, {cpu:6.1f} s CPU, "
        f"peak {peak / 1024:5.0f} MiB"
    )


if __name__ == "__main__":
    main()
