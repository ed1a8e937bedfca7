"""How long a round takes when there is nothing new: 20 accounts, beside the bare log-ins on the same server.

    python benchmarks/idle.py [--accounts 20] [--runs 5]

Needs Dovecot. The floor is imaplib in one thread per 8 accounts: connect, log in, SELECT, SEARCH, log out, nothing else.
"""

from __future__ import annotations

import argparse
import imaplib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests import servers

JOBS = 8


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--accounts", type=int, default=20)
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    names = [f"box{number}" for number in range(given.accounts)]
    with tempfile.TemporaryDirectory() as folder, servers.dovecot(users=dict.fromkeys(names, "secret")) as server:
        environment = {**os.environ, "ESPOMAIL_DB": str(Path(folder) / "espomail.db"), "PASSWORD": "secret"}
        set_up(names, server, environment)
        ours = min(timed(lambda: run("fetch", environment)) for _ in range(given.runs))
        floor = min(timed(lambda: bare(names, server)) for _ in range(given.runs))
    print(f"{given.accounts} accounts with nothing new, best of {given.runs}, {os.cpu_count()} cores")
    print(f"espomail fetch   {ours:6.2f} s")
    print(f"bare log-ins     {floor:6.2f} s")
    print(f"espomail / bare log-ins: {ours / floor:.1f}")


def set_up(names: list[str], server: servers.Dovecot, environment: dict[str, str]) -> None:
    run("init --yes", environment)
    for name in names:
        run(
            f"group-account add {name} --address {name}@team.example --imap-host {server.host} --imap-port {server.port} "
            f"--imap-security none --imap-login {name} --imap-password-env PASSWORD",
            environment,
        )
    run("fetch", environment)


def run(words: str, environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "espomail", *words.split()], env=environment, check=True, capture_output=True)


def bare(names: list[str], server: servers.Dovecot) -> None:
    with ThreadPoolExecutor(JOBS) as threads:
        list(threads.map(lambda name: look(name, server), names))


def look(name: str, server: servers.Dovecot) -> None:
    with imaplib.IMAP4(server.host, server.port) as box:
        box.login(name, "secret")
        box.select("INBOX", readonly=True)
        box.uid("SEARCH", "UID", "1:*")


def timed(action: Callable[[], None]) -> float:
    start = time.monotonic()
    action()
    return time.monotonic() - start


if __name__ == "__main__":
    main()
