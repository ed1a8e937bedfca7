"""Passwords from where they are kept: a variable, a file, a command, a systemd credential, or encrypted in the database.

No secret is ever put into an error, a log line or an argument of a process.
"""

from __future__ import annotations

import base64
import os
import shlex
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

from espomail.errors import BadInput, NotSetUp
from espomail.model import Secret

_COMMAND_S = 30
_SECRET_BYTES_MAX = 64 * 1024
_KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = "v1:"


def resolve_secret(secret: Secret, *, key_file: Path) -> str:
    """The password that a reference stands for, without the line end at its end.

    Raise NotSetUp, naming the variable, file or command, when there is none, or when others may read it;
    raise BadInput for an unknown kind of reference.
    """
    source = SOURCES.get(secret.kind)
    if source is None:
        raise BadInput(f"no such way to keep a secret: {secret.kind!r}", "use one of: " + ", ".join(SOURCES))
    return source(secret.value, key_file)


def new_key_file(path: Path) -> None:
    """Make the file of the key for stored secrets, for its owner alone (0600); raise NotSetUp if there is one already."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(os.urandom(_KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise NotSetUp(f"the key file {path} can't be made: {error.strerror}", "check its folder and its owner") from error


def encrypt(secret: str, key_file: Path) -> str:
    """A secret as text for the database: AES-256-GCM under the key in `key_file`, a fresh nonce each time."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(_key(key_file)).encrypt(nonce, secret.encode(), _VERSION.encode())
    return _VERSION + base64.b64encode(nonce + sealed).decode("ascii")


def decrypt(stored: str, key_file: Path) -> str:
    """What `encrypt` was given; raise NotSetUp when the key is another one or the text was changed."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = _key(key_file)
    try:
        packed = base64.b64decode(stored.removeprefix(_VERSION), validate=True)
        return AESGCM(key).decrypt(packed[:_NONCE_BYTES], packed[_NONCE_BYTES:], _VERSION.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise NotSetUp(f"a stored secret does not open with the key in {key_file}", "give the password again") from error


def _from_variable(name: str, _key_file: Path) -> str:
    value = os.environ.get(name)
    if not value:
        raise NotSetUp(
            f"the environment variable {name} is not set", "set it where cron can see it, or use another kind of secret"
        )
    return value.rstrip("\r\n")


def _from_file(name: str, _key_file: Path) -> str:
    path = Path(name)
    content = _read_private(path)
    return _text(content, f"the password file {path}")


def _from_command(command: str, _key_file: Path) -> str:
    """What a shell command prints. Errors name its first word only: its arguments and its stderr could hold the secret."""
    source = f"the password command {(command.split() or [''])[0]!r}"
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, timeout=_COMMAND_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotSetUp(f"{source} took more than {_COMMAND_S} s", "run it by hand") from None
    except OSError as error:
        raise NotSetUp(f"{source} can't be run: {error.strerror}", "run it by hand") from None
    if done.returncode:
        raise NotSetUp(f"{source} failed with exit code {done.returncode}", "run it by hand as the user of the program")
    return _text(done.stdout, source)


def _from_credential(name: str, _key_file: Path) -> str:
    """A credential that systemd passed to the unit (LoadCredential=)."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder or "/" in name or name in ("", ".", ".."):
        raise NotSetUp(f"there is no systemd credential {name!r}", f"add LoadCredential={name}:… to the unit")
    try:
        content = Path(folder, name).read_bytes()
    except OSError as error:
        raise NotSetUp(
            f"the systemd credential {name!r} can't be read: {error.strerror}", "check the unit's LoadCredential="
        ) from error
    return _text(content, f"the systemd credential {name!r}")


def _from_database(stored: str, key_file: Path) -> str:
    return decrypt(stored, key_file)


SOURCES: dict[str, Callable[[str, Path], str]] = {
    "command": _from_command,
    "credential": _from_credential,
    "env": _from_variable,
    "file": _from_file,
    "stored": _from_database,
}


def _key(path: Path) -> bytes:
    try:
        key = base64.b64decode(_read_private(path), validate=False)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise NotSetUp(
            f"the key file {path} does not hold a key", "restore it, or give the passwords again after making a new one"
        )
    return key


def _read_private(path: Path) -> bytes:
    """The content of a file that nobody but its owner and group may read."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_IMODE(mode) & 0o007:
                raise NotSetUp(f"the file {path} is open to everybody", f"run: chmod 600 {shlex.quote(str(path))}")
            return file.read(_SECRET_BYTES_MAX)
    except OSError as error:
        raise NotSetUp(f"the file {path} can't be read: {error.strerror}", "check its name and its owner") from error


def _text(content: bytes, source: str) -> str:
    """A password out of bytes, its line end dropped; raise NotSetUp when nothing is left or it is no UTF-8."""
    try:
        text = content.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise NotSetUp(f"{source} gives no UTF-8 text", "save the password as UTF-8") from None
    if not text:
        raise NotSetUp(f"{source} gives an empty password", "put the password there, or use another kind of secret")
    return text
