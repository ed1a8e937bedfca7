"""A small shop for tests of the main job: the program run as a person runs it, and mail put on a real IMAP server."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

AGENT = " ".join(
    f"--set {cell}"
    for cell in (
        "email.create=yes email.read=all email.edit=all case.create=yes case.read=all case.edit=all case.stream=all "
        "account.read=all contact.read=all lead.read=all assignment=all"
    ).split()
)


@dataclass(slots=True)
class Shop:
    """The command line on one database; `server` is an IMAP server with users of the same name as the accounts."""

    folder: Path
    server: Any
    password: str = "secret"
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("ESPOMAIL_", "SUDO_"))}
        self.environment = {**ours, "ESPOMAIL_DB": str(self.folder / "espomail.db"), "MAIL_PASSWORD": self.password}
        self.folder.mkdir(parents=True, exist_ok=True)
        self.run("init --yes")

    def try_(
        self, line: str, *more: str, stdin: bytes = b"", under: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command, `under` another one if wanted, and return how it ended, whatever it was."""
        command = [*under, sys.executable, "-m", "espomail", *shlex.split(line), *more]
        return subprocess.run(command, env=self.environment, input=stdin, capture_output=True, check=False, timeout=300)

    def run(self, line: str, *more: str, code: int = 0, stdin: bytes = b"") -> str:
        """Run a command that must end with `code`; return its standard output."""
        done = self.try_(line, *more, stdin=stdin)
        assert done.returncode == code, (
            f"espomail {line} {more}: exit {done.returncode}\n{done.stderr.decode()}\n{done.stdout.decode()}"
        )
        return done.stdout.decode()

    def ask(self, line: str, *more: str, code: int = 0, stdin: bytes = b"") -> Any:
        return json.loads(self.run(line, "--json", *more, code=code, stdin=stdin))

    def add_agents(self, *names: str, team: str = "support") -> None:
        """A team of agents who may see and do everything about cases and emails."""
        if not any(role["name"] == "agent" for role in self.ask("role list")):
            self.run(f"role add agent {AGENT}")
        if not any(each["name"] == team for each in self.ask("team list")):
            self.run(f"team add {team}")
        for name in names:
            self.run(f"user add {name} --email {name}@team.example --role agent --team {team}:agent")

    def add_account(self, name: str, options: str = "", *, login: str | None = None) -> None:
        """A group account that reads the mailbox of the same name."""
        self.run(f"group-account add {name} --address {name}@team.example {self.imap(login or name)} {options}")

    def imap(self, login: str) -> str:
        return (
            f"--imap-host {self.server.host} --imap-port {self.server.port} --imap-security none --imap-login {login} "
            f"--imap-password-env MAIL_PASSWORD --fetch-since 2000-01-01"
        )

    def put(self, mailbox: str, *letters: bytes, folder: str = "INBOX") -> None:
        for letter in letters:
            self.server.put(mailbox, folder, letter)

    def cases(self) -> list[dict[str, Any]]:
        """All cases, by number."""
        return sorted(self.ask("case list --status all --limit 10000"), key=lambda case: case["number"])

    def emails(self) -> list[dict[str, Any]]:
        return sorted(self.ask("email list --limit 100000"), key=lambda email: email["id"])

    def step(self, email_id: int, name: str) -> dict[str, Any]:
        """The last recorded decision of one step about an email."""
        return [s for s in self.ask(f"email explain {email_id}")["steps"] if s["step"] == name][-1]


def letter(
    id: str,
    *,
    sender: str = "customer@client.example",
    to: str = "support@team.example",
    cc: str | None = None,
    subject: str = "A question",
    text: str = "Hello, how does this work?",
    answers: str | None = None,
    references: tuple[str, ...] = (),
    reply_to: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    at: datetime | None = None,
) -> bytes:
    """The bytes of a mail; `id`, `answers` and `references` are Message-IDs without angle brackets."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    if cc:
        message["Cc"] = cc
    message["Subject"] = subject
    message["Date"] = format_datetime(at or datetime.now(UTC))
    message["Message-ID"] = f"<{id}>"
    if answers:
        message["In-Reply-To"] = f"<{answers}>"
    if references:
        message["References"] = " ".join(f"<{r}>" for r in references)
    if reply_to:
        message["Reply-To"] = reply_to
    for name, value in headers:
        message[name] = value
    message.set_content(text)
    return message.as_bytes().replace(b"\n", b"\r\n")
