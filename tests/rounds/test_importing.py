"""Mails from standard input and from files: one mail, or a whole mbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Runner

LETTER = b"From: b@client.example\r\nSubject: %s\r\nMessage-ID: <%s@client.example>\r\n\r\nhello\r\n"


def letter(name: bytes) -> bytes:
    return LETTER % (name, name)


def mbox(*letters: bytes) -> bytes:
    return b"".join(b"From b@client.example Sun Mar  1 09:00:00 2026\n" + each + b"\n" for each in letters)


@pytest.fixture
def desk(run: Runner) -> Runner:
    assert run("group-account", "add", "desk", "--address", "desk@team.example").exit_code == 0
    return run


@pytest.mark.parametrize(
    ("content", "paths"),
    [(letter(b"one"), ["-"]), (mbox(letter(b"one"), letter(b"two")), ["-#1", "-#2"])],
    ids=["a mail", "an mbox"],
)
def test_mail_on_standard_input_is_imported(desk: Runner, content: bytes, paths: list[str]) -> None:
    done = desk("import", "-", "--account", "desk", "--json", input=content)
    assert [(each["path"], each["outcome"]) for each in done.json["files"]] == [(path, "imported") for path in paths]
    assert done.json["imported"] == len(paths)
    again = desk("import", "-", "--account", "desk", "--json", input=content)
    assert again.json["duplicates"] == len(paths)


@pytest.mark.parametrize(("content", "words"), [(b"", "no mail"), (b"Subject: x\r\n\r\n", "is no mbox")])
def test_what_is_no_mail_on_standard_input_is_bad_input(desk: Runner, content: bytes, words: str) -> None:
    refused = desk("import", "-", "--account", "desk", "--format", "mbox", "--json", input=content)
    assert (refused.exit_code, words in refused.error["message"]) == (65, True), refused.stderr


FIRST = b"From b@client.example Sun Mar  1 09:00:00 2026\n"


@pytest.mark.parametrize(
    "line", [b"From Monday on we are closed\n", b"From 10:00 to 12:00\n", b">From a@x.example Sun Mar  1 09:00:00 2026\n"]
)
def test_a_text_line_that_begins_with_from_separates_no_mails(desk: Runner, line: bytes) -> None:
    body = b"hello\n\n" + line + b"bye\n"
    done = desk(
        "import", "-", "--account", "desk", "--json", input=FIRST + b"Subject: one\n\n" + body + b"\n" + mbox(letter(b"two"))
    )
    assert [each["path"] for each in done.json["files"]] == ["-#1", "-#2"]
    assert "bye" in desk("email", "show", "1", "--json").json["text"]


@pytest.mark.parametrize(
    "separator",
    [
        b"From - Sun Mar 01 09:00:00 2026\n",
        b"From ???@??? Sun Mar 01 09:00:00 2026\r\n",
        b"From 17@xxx Sun Mar 01 09:00:00 +0000 2026\n",
        b"From b@client.example Sun, 1 Mar 2026 09:00 -0800\n",
    ],
)
def test_the_separators_of_many_programs_are_known(desk: Runner, separator: bytes) -> None:
    content = b"".join(separator + letter(name) + b"\n" for name in (b"one", b"two", b"three"))
    assert desk("import", "-", "--account", "desk", "--json", input=content).json["imported"] == 3


def test_files_are_known_by_their_endings_in_any_case(desk: Runner) -> None:
    folder = desk.folder / "mails"
    folder.mkdir()
    (folder / "one.EML").write_bytes(letter(b"one"))
    (folder / "two.Mbox").write_bytes(mbox(letter(b"two"), letter(b"three")))
    assert desk("import", str(folder), "--account", "desk", "--json").json["imported"] == 3


def test_a_folder_is_searched_once_however_many_links_lead_to_it(desk: Runner, tmp_path: Path) -> None:
    (tmp_path / "box" / "inner").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for place in ("box", "box/inner", "elsewhere"):
        (tmp_path / place / "one.eml").write_bytes(letter(place.encode()))
    for name, target in {"circle": "box", "second-way": "box/inner", "linked": "elsewhere"}.items():
        (tmp_path / "box" / name).symlink_to(tmp_path / target)
    done = desk("import", str(tmp_path / "box"), "--account", "desk", "--json")
    assert (done.json["imported"], done.json["duplicates"]) == (3, 0)


def test_what_can_not_be_read_below_a_folder_holds_up_none_of_the_others(desk: Runner, tmp_path: Path) -> None:
    """A file that opens and then fails to be read, as on a broken disk; one that is no mbox; and good ones on both sides."""
    box = tmp_path / "box"
    (box / "inner").mkdir(parents=True)
    (box / "a.mbox").write_bytes(mbox(letter(b"one"), letter(b"two")))
    (box / "b.mbox").symlink_to("/proc/self/mem")
    (box / "inner" / "c.eml").symlink_to("/proc/self/mem")
    (box / "inner" / "d.mbox").write_bytes(letter(b"three"))
    (box / "z.eml").write_bytes(letter(b"four"))
    done = desk("import", str(box), "--account", "desk", "--json")
    outcomes = {each["path"].removeprefix(f"{box}/"): each["outcome"] for each in done.json["files"]}
    assert outcomes == {
        "a.mbox#1": "imported",
        "a.mbox#2": "imported",
        "b.mbox": "failed",
        "inner/c.eml": "failed",
        "inner/d.mbox": "failed",
        "z.eml": "imported",
    }
    assert (done.exit_code, done.json["imported"], done.json["failed"]) == (3, 3, 3)
    assert done.stderr.count("can't be read: Input/output error") == 2
    assert "d.mbox: is no mbox" in done.stderr


@pytest.mark.parametrize("wrong", ["missing.eml", "none.mbox"])
def test_a_named_path_that_is_wrong_is_refused_before_anything_is_taken_in(desk: Runner, tmp_path: Path, wrong: str) -> None:
    (tmp_path / "good.eml").write_bytes(letter(b"one"))
    (tmp_path / "none.mbox").write_bytes(letter(b"two"))
    refused = desk("import", str(tmp_path / "good.eml"), str(tmp_path / wrong), "--account", "desk", "--json")
    assert (refused.exit_code, wrong in refused.error["message"]) == (65, True), refused.stderr
    assert desk("email", "list", "--json").json == []
