"""Which mails stand in which files, with their names, bytes and times."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from espomail.errors import BadInput
from espomail.rounds import mail_files

SEPARATOR = b"From b@client.example Sun Mar  1 09:00:00 2026\n"


def put(folder: Path, *names: str, content: bytes = b"") -> None:
    """Files whose content is their name, or all the same."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content or b"Subject: " + file.name.encode() + b"\n\nhello\n")


def found(folder: Path, *paths: Path, format_: str = "auto") -> list[str]:
    """The names of the mails found, as seen from the folder; all can be read, and each holds what its file held."""
    mails = list(mail_files.find([str(path) for path in paths or (folder,)], format_=format_, stdin=io.BytesIO()))
    assert all(mail.content and not mail.problem for mail in mails)
    return [mail.path.removeprefix(f"{folder}/") for mail in mails]


def maildir(folder: Path) -> None:
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True)


def test_a_maildir_gives_read_and_new_mail_by_name_and_its_folders_after_it(tmp_path: Path) -> None:
    maildir(tmp_path)
    maildir(tmp_path / ".Sent")
    put(
        tmp_path,
        "cur/2.host:2,S",
        "cur/4.host:2,RS",
        "new/1.host",
        "new/3.host",
        "tmp/5.host",
        "cur/.nfs0001",
        ".Sent/cur/6.host:2,S",
    )
    put(tmp_path, "dovecot-uidlist", "subscriptions")
    expected = ["new/1.host", "cur/2.host:2,S", "new/3.host", "cur/4.host:2,RS", ".Sent/cur/6.host:2,S"]
    assert found(tmp_path) == found(tmp_path, format_="maildir") == expected
    assert found(tmp_path, format_="eml") == found(tmp_path, format_="mbox") == []


def test_of_a_maildir_asked_for_only_maildirs_below_it_are_searched(tmp_path: Path) -> None:
    maildir(tmp_path)
    put(tmp_path, "new/1.host", "loose.eml", "old/loose.eml")
    maildir(tmp_path / "old" / "box")
    put(tmp_path, "old/box/new/2.host")
    assert found(tmp_path, format_="maildir") == ["new/1.host", "old/box/new/2.host"]
    assert found(tmp_path) == ["new/1.host", "loose.eml", "old/box/new/2.host", "old/loose.eml"]


@pytest.mark.parametrize("part", ["cur", "new"])
def test_a_folder_with_half_the_parts_is_no_maildir(tmp_path: Path, part: str) -> None:
    put(tmp_path, f"{part}/one.eml", f"{part}/2.host")
    assert found(tmp_path) == [f"{part}/one.eml"]
    for path in (tmp_path, tmp_path / part / "one.eml"):
        with pytest.raises(BadInput, match="is no Maildir"):
            found(tmp_path, path, format_="maildir")


def test_a_folder_is_searched_by_ending_and_a_file_without_one_by_its_first_line(tmp_path: Path) -> None:
    put(tmp_path, "a.eml", "b.txt", "c", "inner/d.eml")
    put(tmp_path, "e.mbox", "f", "g.txt", "inner/h.eml", content=SEPARATOR + b"Subject: x\n\nhello\n")
    assert found(tmp_path) == ["a.eml", "e.mbox#1", "f#1", "inner/d.eml", "inner/h.eml"]
    assert found(tmp_path, format_="eml") == ["a.eml", "inner/d.eml", "inner/h.eml"]
    assert found(tmp_path, format_="mbox") == ["e.mbox#1", "f#1"]


def test_a_file_that_is_named_is_read_whatever_its_ending(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", "b")
    put(tmp_path, "c.txt", "d.eml", content=SEPARATOR + b"Subject: x\n\nhello\n")
    named = [tmp_path / name for name in ("a.txt", "b", "c.txt", "d.eml")]
    assert found(tmp_path, *named) == ["a.txt", "b", "c.txt#1", "d.eml"]
    assert found(tmp_path, *named, format_="eml") == ["a.txt", "b", "c.txt", "d.eml"]


def test_an_mbox_gives_each_mail_as_it_was_and_the_time_of_the_file(tmp_path: Path) -> None:
    first = b"Subject: one\n\n>From here on\n>>From there on\n"
    last = b"Subject: two\n\nits last line"
    file = tmp_path / "box"
    file.write_bytes(SEPARATOR + first + b"\n" + SEPARATOR + last)
    os.utime(file, (1_700_000_000, 1_700_000_000))
    mails = list(mail_files.find([str(file)], format_="auto", stdin=io.BytesIO()))
    assert [mail.content for mail in mails] == [b"Subject: one\n\nFrom here on\n>From there on\n", last]
    assert {mail.at for mail in mails} == {datetime.fromtimestamp(1_700_000_000, UTC)}


def test_an_empty_mbox_holds_no_mail(tmp_path: Path) -> None:
    (tmp_path / "box.mbox").touch()
    assert found(tmp_path) == found(tmp_path, tmp_path / "box.mbox", format_="mbox") == []


@pytest.mark.parametrize("format_", ["auto", "mbox"])
def test_a_named_mbox_that_is_none_is_refused(tmp_path: Path, format_: str) -> None:
    put(tmp_path, "a.mbox")
    with pytest.raises(BadInput, match="is no mbox"):
        found(tmp_path, tmp_path / "a.mbox", format_=format_)
