"""Passwords of mail accounts as the command line gives them: by reference, or on stdin to be kept encrypted."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from espomail.errors import BadInput, NotPermitted, UsageError
from espomail.model import Secret

if TYPE_CHECKING:
    from espomail.desk import Desk

REFERENCES = ("env", "file", "command", "credential")


@dataclass(frozen=True, slots=True)
class Passwords:
    """The secrets that were given, by half of the account (`imap`, `smtp`), and the halves whose secret is to be forgotten."""

    given: Mapping[str, Secret]
    forgotten: frozenset[str] = frozenset()

    def secret(self, half: str, *, before: Secret | None = None) -> Secret | None:
        """The secret that a half has from now on: the one given, else the one before unless it is forgotten."""
        return self.given.get(half, None if half in self.forgotten else before)

    def is_given(self, half: str) -> bool:
        return half in self.given


def read_passwords(desk: Desk, given: Mapping[str, Any]) -> Passwords:
    """Given the options of a command, return the secrets in them, reading stdin where asked to.

    With both halves from stdin the first line is for IMAP and the second for SMTP; a single line serves both. Raise
    UsageError for two ways at once, NotPermitted for a user who is not admin and names anything but stdin.
    """
    found = {half: secret for half in ("imap", "smtp") if (secret := _reference(desk, half, given))}
    asked = [half for half in ("imap", "smtp") if given.get(f"{half}_password_stdin")]
    for half in asked:
        if half in found:
            raise UsageError(f"two ways to get the {half.upper()} password", "give one")
    return Passwords(found | _from_stdin(desk, asked), _forgotten(given.get("clear", ())))


def _forgotten(cleared: Iterable[str]) -> frozenset[str]:
    """The halves one of whose ways to a password is named, as `--clear` takes it."""
    names = [name.lstrip("-").replace("-", "_") for name in cleared]
    return frozenset(half for half in ("imap", "smtp") if any(name.startswith(f"{half}_password_") for name in names))


def _reference(desk: Desk, half: str, given: Mapping[str, Any]) -> Secret | None:
    named = [Secret(kind, text) for kind in REFERENCES if (text := given.get(f"{half}_password_{kind}"))]
    if not named:
        return None
    if len(named) > 1:
        raise UsageError(f"two ways to get the {half.upper()} password", "give one")
    if not desk.actor.is_admin:
        raise NotPermitted(
            "only an admin may take a password from a variable, file, command or credential: that needs the owner's rights",
            f"use --{half}-password-stdin",
        )
    secret = named[0]
    return Secret("file", str(Path(secret.value).absolute())) if secret.kind == "file" else secret


def _from_stdin(desk: Desk, halves: list[str]) -> dict[str, Secret]:
    if not halves:
        return {}
    lines = _ask(halves) if sys.stdin.isatty() else secret_text(sys.stdin.buffer.read()).splitlines()
    if not lines or len(lines) > len(halves) or not all(lines):
        raise BadInput("no password on stdin, one a line", "for example: printf '%s\\n' \"$PASSWORD\" | espomail …")
    from espomail.wire import secrets

    return {
        half: Secret("stored", secrets.encrypt(lines[min(position, len(lines) - 1)], desk.key_path))
        for position, half in enumerate(halves)
    }


def secret_text(typed: bytes) -> str:
    """What stdin gave, as text in UTF-8 whatever the locale; raise BadInput, without a word of it, for anything else."""
    try:
        return typed.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput("what stdin gives is no text in UTF-8", "save the password as UTF-8") from None


def _ask(halves: list[str]) -> list[str]:
    return [getpass.getpass(f"{half.upper()} password: ", stream=sys.stderr) for half in halves]
