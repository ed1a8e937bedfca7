"""Emails on the command line: shown, moved about in one's own view, linked, shared, deleted, explained."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from espomail.cli.attachment_files import clean_name, save_all
from espomail.errors import BadInput
from tests.cli.test_output import run_on_a_terminal
from tests.office import Office, built_once, letter

EVERYTHING = {
    f"{scope}.{action}": "all" for scope in ("email", "case", "contact") for action in ("read", "edit", "delete", "stream")
}
FIELDS = """id message_id direction status subject from to cc bcc reply_to sent_at received_at imported_at in_reply_to
    references thread_id parent case account users teams assigned_user group_accounts personal_accounts group_folder
    is_auto_reply is_automatic is_bounce is_partial flags size_bytes has_attachment""".split()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = built_once(tmp_path_factory).copy(tmp_path_factory.mktemp("office"))
    office.set_role("r3", EVERYTHING)
    return office


@pytest.fixture
def office(built: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    for name in ("ESPOMAIL_AS", "ESPOMAIL_DB", "ESPOMAIL_CONFIG", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    return built.copy(tmp_path / "copy")


def listed(office: Office, *words: str, who: str = "") -> list[int]:
    return [row["id"] for row in office.do(who, "email", "list", "--limit", "100", *words)]


def view(office: Office, email: int, user: str) -> dict[str, object]:
    """What a user's own view says of an email."""
    return next(each for each in office.do("", "email", "show", str(email))["users"] if each["user"] == user)


# ---------------------------------------------------------------- reading


def test_an_email_is_shown_whole(office: Office) -> None:
    key = office.ids["all users"]
    shown = office.do("", "email", "show", str(key))
    token = office.tokens[key]
    for moment in ("received_at", "imported_at"):
        assert shown.pop(moment) >= "2026-03-01T08:00:00Z"
    attached = shown["attachments"][0]
    assert len(attached.pop("sha256")) == 64
    assert shown.pop("size_bytes") > 500
    assert shown == {
        "id": key,
        "message_id": f"{token}@client.example",
        "direction": "in",
        "status": "imported",
        "subject": f"question {token}",
        "from": {"name": f"Client {token}", "address": "cust@client.example"},
        "to": [{"name": "", "address": "desk@office.example"}],
        "cc": [],
        "bcc": [],
        "reply_to": [],
        "sent_at": "2026-03-01T08:00:00Z",
        "in_reply_to": None,
        "references": [],
        "thread_id": key,
        "parent": None,
        "case": None,
        "account": None,
        "users": [
            {"user": name, "folder": None, "is_read": False, "is_important": False, "in_trash": False, "in_archive": False}
            for name in ("u", "v")
        ],
        "teams": ["ours"],
        "assigned_user": None,
        "group_accounts": ["all-box"],
        "personal_accounts": [],
        "group_folder": None,
        "is_auto_reply": False,
        "is_automatic": False,
        "is_bounce": False,
        "is_partial": False,
        "flags": [],
        "has_attachment": True,
        "text": f"everyone asks about {token}\n",
        "text_new": f"everyone asks about {token}",
        "html": f"<p>everyone asks about <b>{token}</b></p>\n",
        "attachments": [
            {
                "id": attached["id"],
                "name": f"{token}.bin",
                "content_type": "application/octet-stream",
                "size_bytes": len(token),
                "is_inline": False,
            }
        ],
    }


def test_lists_and_searches_carry_every_field_that_show_does_not_add(office: Office) -> None:
    for words in (("email", "list"), ("email", "thread", "1"), ("email", "search", "everyone")):
        for row in office.do("", *words):
            assert [name for name in FIELDS if name not in row] == []
            assert set(row) - set(FIELDS) <= {"snippet"}


def test_the_raw_mail_comes_back_byte_for_byte(office: Office) -> None:
    key = office.ids["none"]
    assert office.run("", "email", "raw", str(key)).stdout == letter(office.tokens[key])


def test_a_thread_is_told_oldest_first(office: Office) -> None:
    first = office.tokens[office.ids["none"]]
    answer = letter("answer", In_Reply_To=f"<{first}@client.example>", Date="Sun, 1 Mar 2026 07:00:00 +0000")
    key = office.do("", "deliver", "plain", stdin=answer)["email"]
    assert [row["id"] for row in office.do("", "email", "thread", str(key))] == [key, office.ids["none"]]


def test_newest_come_first_and_pages_follow(office: Office) -> None:
    everything = listed(office)
    assert everything == sorted(everything, reverse=True)
    assert listed(office, "--limit", "5", "--offset", "2") == everything[2:7]


def test_personal_views_of_the_system_ask_for_a_user(office: Office) -> None:
    for words in (("email", "list", "--folder", "inbox"), ("email", "list", "--unread"), ("email", "trash", "1")):
        assert office.run("", *words).code == 2, words


# ---------------------------------------------------------------- one's own view


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (("mark", "{id}", "--read", "--important"), {"is_read": True, "is_important": True}),
        (("trash", "{id}"), {"in_trash": True}),
        (("archive", "{id}"), {"in_archive": True}),
        (("move", "{id}", "Later"), {"folder": "Later"}),
        (("move", "{id}", "trash"), {"in_trash": True}),
        (("move", "{id}", "archive"), {"in_archive": True}),
        (("move", "{id}", "inbox"), {}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_view_changes_for_its_user_alone(office: Office, words: tuple[str, ...], state: dict[str, object]) -> None:
    key = office.ids["all users"]
    before, others = view(office, key, "u"), view(office, key, "v")
    office.do("u", "email", *(word.format(id=key) for word in words))
    assert view(office, key, "u") == before | state
    assert view(office, key, "v") == others


def test_trash_and_folders_are_views_of_the_same_mail(office: Office) -> None:
    to, cc, shared = (office.ids[name] for name in ("to", "cc", "shared"))
    inbox = listed(office, "--folder", "inbox", who="u")
    assert {to, cc, shared} <= set(inbox)
    office.do("u", "email", "trash", str(to))
    office.do("u", "email", "move", str(cc), "Later")
    office.do("u", "email", "archive", str(shared))
    assert set(inbox) - set(listed(office, "--folder", "inbox", who="u")) == {to, cc, shared}
    for folder, key in (("trash", to), ("Later", cc), ("archive", shared)):
        assert listed(office, "--folder", folder, who="u") == [key]
    assert to in listed(office, who="u")
    assert to not in listed(office, "--user", "u")
    office.do("u", "email", "untrash", str(to))
    assert to in listed(office, "--folder", "inbox", who="u")


def test_what_one_has_written_is_in_sent_and_not_in_the_inbox(office: Office) -> None:
    key = office.ids["from"]
    assert key in listed(office, "--folder", "sent", who="u")
    assert key not in listed(office, "--folder", "inbox", who="u")


def test_unread_is_what_one_has_not_read(office: Office) -> None:
    key = office.ids["to"]
    assert key in listed(office, "--unread", who="u")
    office.do("u", "email", "mark", str(key), "--read")
    assert key not in listed(office, "--unread", who="u")


def test_marking_what_is_not_among_ones_mail_changes_nothing(office: Office) -> None:
    before = office.dump()
    assert office.run("u", "email", "trash", str(office.ids["none"])).code == 0
    assert office.dump() == before


def test_moving_what_is_not_among_ones_mail_says_so(office: Office) -> None:
    key = str(office.ids["none"])
    told = run_on_a_terminal(office.folder, "email", "move", key, "Later", "--as", "u", ESPOMAIL_DB=str(office.path))
    assert told == f"email {key}: not among your mail, so nothing to do\r\n"


@pytest.mark.parametrize("words", [("email", "show"), ("email", "explain"), ("reprocess",)], ids=" ".join)
def test_an_email_that_is_none_is_told_with_where_to_look(office: Office, words: tuple[str, ...]) -> None:
    refused = office.run("", *words, "99999").error
    assert (refused["code"], refused["hint"]) == (66, "see: espomail email list")


def test_of_several_mails_all_are_changed_or_none(office: Office) -> None:
    before = office.dump()
    assert office.run("u", "email", "trash", str(office.ids["to"]), "99999").code == 66
    assert office.dump() == before


def test_a_group_folder_gives_the_mail_to_its_teams_and_their_users(office: Office) -> None:
    key = office.ids["none"]
    moved = office.do("u", "email", "move", str(key), "Shelf")
    assert (moved["group_folder"], moved["teams"]) == ("Shelf", ["ours"])
    assert [each["user"] for each in moved["users"]] == ["u", "v"]
    assert set(listed(office, "--folder", "Shelf")) == {key, office.ids["group folder"]}


def test_nobody_moves_mail_into_the_folder_of_another_team(office: Office) -> None:
    assert office.run("u", "email", "move", str(office.ids["to"]), "Attic").code == 66


def test_sharing_puts_a_mail_into_a_colleagues_inbox(office: Office) -> None:
    office.set_role("r3", {"email.read": "own"})
    key = office.ids["to"]
    assert office.run("v", "email", "show", str(key)).code == 66
    office.do("u", "email", "share", str(key), "v")
    assert office.run("v", "email", "show", str(key)).code == 0


# ---------------------------------------------------------------- linking


def notes_of(office: Office, thing: str) -> list[tuple[str, int | None]]:
    return [(entry["type"], entry["email"]) for entry in office.do("", "stream", "show", thing)["stream"]]


def test_an_email_linked_to_a_case_stands_in_its_stream_once_and_its_replies_follow(office: Office) -> None:
    first = office.ids["none"]
    answer = letter("reply", In_Reply_To=f"<{office.tokens[first]}@client.example>")
    reply = office.do("", "deliver", "plain", stdin=answer)["email"]
    for _ in range(2):
        linked = office.do("u", "email", "link", str(first), "case:3")
        assert (linked["case"], linked["teams"]) == (3, ["ours"])
    assert notes_of(office, "case:3") == [("create", None), ("email-received", first), ("email-received", reply)]
    assert office.do("", "email", "show", str(reply))["case"] == 3


def test_an_unlinked_email_leaves_the_stream(office: Office) -> None:
    key = office.ids["none"]
    office.do("u", "email", "link", str(key), "contact:2")
    assert ("email-received", key) in notes_of(office, "contact:2")
    unlinked = office.do("u", "email", "unlink", str(key))
    assert (unlinked["parent"], unlinked["account"]) == (None, None)
    assert ("email-received", key) not in notes_of(office, "contact:2")


def test_an_email_that_was_taken_off_the_case_it_opened_opens_no_other(office: Office) -> None:
    office.do("", "group-account", "edit", "plain", "--create-case")
    opened = office.do("", "deliver", "plain", stdin=letter("zqopenerqz"))
    office.do("", "email", "unlink", str(opened["email"]))
    assert office.do("", "reprocess", str(opened["email"]), "--yes") == []
    assert office.do("", "email", "show", str(opened["email"]))["case"] is None
    assert office.do("", "email", "explain", str(opened["email"]))["steps"][-2]["reason"] == "it has opened case 7 before"


def test_an_email_hangs_on_no_email(office: Office) -> None:
    assert office.run("u", "email", "link", "1", "email:2").code == 65


# ---------------------------------------------------------------- deleting


def test_a_deleted_mail_is_gone_for_everybody_and_does_not_come_back(office: Office) -> None:
    key = office.ids["all users"]
    token = office.tokens[key]
    office.do("", "email", "link", str(key), "case:1")
    office.do("u", "email", "delete", str(key), "--yes")
    assert office.run("v", "email", "show", str(key)).code == 66
    assert office.do("", "email", "search", token) == []
    assert ("email-received", key) not in notes_of(office, "case:1")
    assert [cell for cell in cells_of(office) if token in str(cell)] == []
    again = office.do("", "deliver", "all-box", stdin=letter(token))
    assert (again["outcome"], again["email"]) == ("duplicate", None)


def cells_of(office: Office) -> list[object]:
    """All that the database holds, but the tombstones."""
    return [cell for name, rows in office.dump().items() if name != "tombstones" for row in rows for cell in row]


def test_no_free_page_keeps_the_words_of_a_deleted_mail_for_a_backup(office: Office, tmp_path: Path) -> None:
    words = "\r\n".join(f"Rather Private Words {number}" for number in range(3000))
    head = "From: cust@client.example\r\nTo: desk@office.example\r\nSubject: long\r\nMessage-ID: <long@client.example>\r\n\r\n"
    key = office.do("", "deliver", "all-box", stdin=(head + words).encode())["email"]
    assert b"Rather Private Words" in office.path.read_bytes()
    office.do("", "email", "delete", str(key), "--yes")
    office.do("", "backup", str(tmp_path / "copy.db"))
    for path in (office.path, tmp_path / "copy.db"):
        assert path.read_bytes().count(b"Rather Private Words") == 0, path


def test_an_answer_to_a_deleted_mail_still_finds_its_case(office: Office) -> None:
    key = office.ids["none"]
    office.do("", "email", "link", str(key), "case:1")
    office.do("", "email", "delete", str(key), "--yes")
    answer = letter("late", In_Reply_To=f"<{office.tokens[key]}@client.example>")
    email = office.do("", "deliver", "plain", stdin=answer)["email"]
    assert office.do("", "email", "show", str(email))["case"] == 1


def test_deleting_asks_first(office: Office) -> None:
    assert office.run("u", "email", "delete", "1").code == 2
    assert 1 in listed(office)


def test_tidy_purges_what_everybody_has_trashed_long_ago(office: Office) -> None:
    key = office.ids["all users"]
    office.do("u", "email", "trash", str(key))
    office.do("", "settings", "set", "trash_days", "0")
    assert office.do("", "tidy")["purged"] == 0
    office.do("v", "email", "trash", str(key))
    office.do("", "settings", "set", "trash_days", "30")
    assert office.do("", "tidy")["purged"] == 0
    office.do("", "settings", "set", "trash_days", "0")
    assert office.do("", "tidy")["purged"] == 1
    assert key not in listed(office)


def test_tidy_forgets_the_bytes_of_skipped_mail_and_keeps_the_receipt(office: Office) -> None:
    office.do("", "filter", "add", "spam", "--global", "--subject", "*spam*", "--action", "skip")
    assert office.do("", "deliver", "plain", stdin=letter("spam"))["outcome"] == "filtered"
    assert office.do("", "tidy") == {"purged": 0, "skipped": 0, "orphans": 0}
    office.do("", "settings", "set", "skipped_keep_days", "0")
    assert office.do("", "tidy") == {"purged": 0, "skipped": 1, "orphans": 0}
    db = office.open()
    assert [tuple(row) for row in db.execute("select raw_id, filter from receipts where state = 'filtered'")] == [
        (None, "spam")
    ]
    db.close()


def test_only_admins_tidy(office: Office) -> None:
    assert office.run("u", "tidy").code == 77


# ---------------------------------------------------------------- attachments on disk


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("plan.pdf", "plan.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\evil.exe", "evil.exe"),
        (".bashrc", "bashrc"),
        ("-rf", "rf"),
        ("..", "attachment-7"),
        ("-.-", "attachment-7"),
        ("", "attachment-7"),
        ("a\x00b\x1b[31m.txt", "ab[31m.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("  spaced   out.txt ", "spaced out.txt"),
        ("é" * 300 + ".pdf", "é" * 98 + ".pdf"),
    ],
)
def test_the_name_of_a_file_is_cleaned(name: str, clean: str) -> None:
    assert clean_name(name, 7) == clean
    assert len(clean.encode()) <= 200


def test_attachments_are_saved_0600_and_never_over_a_file_or_through_a_link(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (target / "a.txt").symlink_to(victim)
    (target / "b.txt").write_text("mine")
    paths = save_all(target, [("a.txt", b"one"), ("b.txt", b"two"), ("b.txt", b"three"), ("../c.txt", b"four")])
    assert [path.name for path in paths] == ["a (2).txt", "b (2).txt", "b (3).txt", "c.txt"]
    assert [path.read_bytes() for path in paths] == [b"one", b"two", b"three", b"four"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert (victim.read_text(), (target / "b.txt").read_text()) == ("untouched", "mine")


def test_attachments_are_not_saved_into_a_linked_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(BadInput):
        save_all(tmp_path / "link", [("a.txt", b"one")])
    assert list((tmp_path / "real").iterdir()) == []


def test_saving_tells_where_the_files_are(office: Office, tmp_path: Path) -> None:
    key = office.ids["none"]
    (row,) = office.do("u", "email", "attachments", str(key), "--save", str(tmp_path / "files"))
    assert Path(row["path"]).read_bytes() == office.tokens[key].encode()


# ---------------------------------------------------------------- explaining


def test_a_user_is_told_what_is_about_themselves(office: Office) -> None:
    office.set_role("r3", {"email.read": "team"})
    key = office.ids["all users"]
    whole = {step["step"]: step for step in office.do("", "email", "explain", str(key))["steps"]}
    told = {step["step"]: step for step in office.do("u", "email", "explain", str(key))["steps"]}
    assert {"parse", "known", "filter", "notify"} <= set(told)
    assert "v" in str(whole["notify"])
    assert told["notify"]["details"] == {"user": "u"}
    assert "'v'" not in str(told)


def test_a_mail_in_a_file_is_explained_with_the_names_of_users(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "letter.eml"
    file.write_bytes(letter("zqfileqz", To="u@office.example"))
    steps = {step["step"]: step for step in office.do("", "explain", str(file), "--account", "plain")["steps"]}
    told = steps["notify"]["details"]
    assert [each["user"] for key in ("told", "not_told") for each in told[key]] == ["u"]


@pytest.mark.parametrize(
    ("relation", "level", "allowed", "reason"),
    [
        ("to", "own", True, "email.read is own (baseline role r3); an address of theirs is in From, To or Cc"),
        ("shared", "own", True, "email.read is own (baseline role r3); it was shared with them"),
        ("same team", "team", True, "email.read is team (baseline role r3); shares the team ours"),
        (
            "same team",
            "own",
            False,
            "email.read is own (baseline role r3); u shares the team ours with it, but it is not their own",
        ),
        ("none", "team", False, "email.read is team (baseline role r3); it is not u's own and shares no team with them"),
        ("none", "all", True, "email.read is all (baseline role r3)"),
        ("none", "no", False, "no role of u gives email.read"),
    ],
)
def test_access_explain_says_yes_or_no_and_why(office: Office, relation: str, level: str, allowed: bool, reason: str) -> None:
    office.set_role("r3", {"email.read": level})
    answer = office.do("", "access", "explain", "u", f"email:{office.ids[relation]}")
    assert (answer["allowed"], answer["reason"]) == (allowed, reason)
    assert (answer["fix"] is None) is allowed


def test_others_access_is_for_admins_and_the_permission_user(office: Office) -> None:
    for words in (("user", "access", "v"), ("access", "explain", "v", "email:1"), ("can-send", "v", "v@office.example")):
        assert office.run("u", *words).code == 77
        assert office.run("u", *(word.replace("v", "u", 1) if word == "v" else word for word in words)).code in (0, 77)
    assert office.run("u", "user", "access", "w").code == 66
    office.set_role("r3", EVERYTHING | {"user": "yes"})
    assert office.do("u", "user", "access", "w")["user"] == "w"
