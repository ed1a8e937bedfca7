"""Passwords from variables, files, commands, credentials and the database."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from espomail.errors import BadInput, NotSetUp
from espomail.model import Secret
from espomail.wire import secrets


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "espomail.key"
    secrets.new_key_file(path)
    return path


def private(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    path.chmod(0o600)
    return str(path)


def test_every_kind_of_reference_gives_its_password(tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "from env")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "mail").write_bytes(b"from systemd\n")
    references = [
        Secret("env", "MAIL_PASSWORD"),
        Secret("file", private(tmp_path / "pw", "  pässwörd \r\n".encode())),
        Secret("command", "printf 'from %s\\n' command | cat"),
        Secret("credential", "mail"),
        Secret("stored", secrets.encrypt("from the database", key_file)),
    ]
    found = [secrets.resolve_secret(reference, key_file=key_file) for reference in references]
    assert found == ["from env", "  pässwörd ", "from command", "from systemd", "from the database"]


def test_a_key_file_is_for_its_owner_alone_and_never_overwritten(key_file: Path) -> None:
    before = key_file.read_bytes()
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    with pytest.raises(NotSetUp):
        secrets.new_key_file(key_file)
    assert key_file.read_bytes() == before


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_stored_opens_again_and_never_looks_the_same(key_file: Path, text: str) -> None:
    stored = [secrets.encrypt(text, key_file) for _ in range(2)]
    assert stored[0] != stored[1]
    assert [secrets.decrypt(each, key_file) for each in stored] == [text, text]


def test_a_changed_secret_or_another_key_does_not_open(key_file: Path, tmp_path: Path) -> None:
    stored = secrets.encrypt("hunter2", key_file)
    other = tmp_path / "other.key"
    secrets.new_key_file(other)
    for text, key in (
        (stored, other),
        (stored[:-6] + "AAAA==", key_file),
        ("v1:", key_file),
        ("v1:ä", key_file),
        ("", key_file),
    ):
        with pytest.raises(NotSetUp) as caught:
            secrets.decrypt(text, key)
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o604, 0o606, 0o644, 0o666])
def test_a_file_that_everybody_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    name = private(tmp_path / "pw", b"hunter2\n")
    Path(name).chmod(mode)
    with pytest.raises(NotSetUp) as caught:
        secrets.resolve_secret(Secret("file", name), key_file=tmp_path)
    assert (name in caught.value.message, caught.value.hint) == (True, f"run: chmod 600 {name}")


MISSING = {
    "no variable": (Secret("env", "ESPOMAIL_NO_SUCH_VARIABLE"), "ESPOMAIL_NO_SUCH_VARIABLE"),
    "no file": (Secret("file", "/nowhere/password"), "/nowhere/password"),
    "a folder": (Secret("file", "/"), "/"),
    "a failing command": (Secret("command", "echo hunter2; echo hunter2 >&2; exit 7"), "exit code 7"),
    "a command that says nothing": (Secret("command", "true"), "'true' gives an empty password"),
    "a command that is none": (Secret("command", ""), "empty password"),
    "a command that prints no text": (Secret("command", "printf '\\377'"), "no UTF-8"),
    "no credential": (Secret("credential", "mail"), "'mail'"),
    "a credential elsewhere": (Secret("credential", "../mail"), "'../mail'"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSING)
def test_a_password_that_is_not_there_is_named_by_its_place(name: str, tmp_path: Path) -> None:
    reference, words = MISSING[name]
    with pytest.raises(NotSetUp) as caught:
        secrets.resolve_secret(reference, key_file=tmp_path / "none.key")
    assert words in caught.value.message
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


def test_an_unknown_kind_of_reference_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="oauth"):
        secrets.resolve_secret(Secret("oauth", ""), key_file=tmp_path)
