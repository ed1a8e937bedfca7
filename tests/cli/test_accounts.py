"""Mail accounts on the command line: kept, changed, refused."""

import json
from typing import Any

import pytest

from espomail.store import mailboxes
from espomail.store.db import Connection
from espomail.store.invariant import breaches
from tests.conftest import NOW
from tests.shop import letter

SUPPORT = {
    "id": 1,
    "name": "support",
    "kind": "group",
    "user": None,
    "address": "support@team.example",
    "is_active": True,
    "imap": {
        "host": "mail.example",
        "port": 993,
        "security": "tls",
        "login": "support@team.example",
        "password": "env",
        "tls_ca_file": None,
        "allow_plaintext": False,
        "folders": ["INBOX"],
        "fetch_since": "2026-03-01",
        "after_import": "keep-unread",
    },
    "smtp": None,
    "teams": ["support"],
    "assigned_user": None,
    "group_folder": None,
    "target_team": "support",
    "assign_to": None,
    "map": {},
    "reopen_days": None,
    "default_folder": None,
    "for_all_team_users": False,
    "create_case": True,
    "distribution": "round-robin",
    "target_position": None,
    "auto_reply": False,
    "reply_template": None,
    "reply_to": None,
    "reply_from": None,
    "reply_from_name": None,
    "plus_address": False,
    "followup_closed": "reopen",
    "auto_submitted": "store",
    "strangers": "attach",
    "exclude_from_reply": False,
    "store_sent": None,
}


@pytest.fixture
def office(run: Any) -> Any:
    """A group account that distributes cases, and ann, who may have personal accounts."""
    for words in (
        "role add agent --set personal-accounts=yes",
        "team add support",
        "user add ann --email ann@team.example --team support --role agent",
        "user add ben --email ben@team.example",
        "folder add Later --user ann",
        "group-account add support --address Support@Team.EXAMPLE --imap-host mail.example --imap-password-env P"
        " --team support --create-case --distribution round-robin --target-team support",
    ):
        done = run(*words.split())
        assert done.exit_code == 0, done.stderr
    return run


def smtp_of(run: Any, words: str) -> Any:
    return run("group-account", "edit", "support", *words.split(), "--json").json["smtp"]


def test_an_account_is_shown_with_every_field(office: Any) -> None:
    since = office("group-account", "show", "support", "--json").json["imap"]["fetch_since"]
    shown = SUPPORT | {"imap": {**SUPPORT["imap"], "fetch_since": since}}  # type: ignore[dict-item]
    assert office("group-account", "show", "support", "--json").json == shown
    assert office("group-account", "list", "--json").json == [shown]


@pytest.mark.parametrize(
    ("options", "port"),
    [
        ("--imap-security tls", 993),
        ("--imap-security starttls", 143),
        ("--imap-security none --allow-plaintext", 143),
        ("--imap-port 1993", 1993),
    ],
)
def test_the_port_follows_the_security_unless_it_is_given(office: Any, options: str, port: int) -> None:
    assert office("group-account", "edit", "support", *options.split(), "--json").json["imap"]["port"] == port


def test_a_given_port_stays_when_the_security_changes(office: Any) -> None:
    office("group-account", "edit", "support", "--imap-port", "1993")
    assert office("group-account", "edit", "support", "--imap-security", "starttls", "--json").json["imap"]["port"] == 1993


def test_the_log_in_follows_the_address_unless_it_is_given(office: Any) -> None:
    def login(words: str) -> Any:
        return office("group-account", "edit", "support", *words.split(), "--json").json["imap"]["login"]

    assert login("--address help@team.example") == "help@team.example"
    assert login("--imap-login box1") == "box1"
    assert login("--address support@team.example") == "box1"


def test_smtp_without_password_logs_in_nowhere(office: Any) -> None:
    plain = {"password": None, "tls_ca_file": None, "allow_plaintext": False, "shared": False, "from_name": None}
    base = {"host": "mail.example", "port": 465, "security": "tls", **plain}
    assert smtp_of(office, "--smtp-host mail.example") == base | {"login": None}
    with_login = base | {"login": "support@team.example", "password": "env", "shared": True, "from_name": "Help"}
    assert smtp_of(office, "--smtp-password-env S --shared --from-name Help") == with_login
    assert smtp_of(office, "--clear smtp-host") is None


@pytest.mark.parametrize("way", ["env", "file", "command", "credential", "stdin"])
def test_a_password_is_forgotten_by_whichever_option_names_it(office: Any, way: str) -> None:
    smtp_of(office, "--smtp-host mail.example --smtp-password-env S")
    cleared = office("group-account", "edit", "support", "--clear", f"smtp-password-{way}", "--json").json
    assert (cleared["smtp"]["login"], cleared["smtp"]["password"]) == (None, None)
    assert cleared["imap"]["password"] == "env"


def test_a_password_given_while_the_old_one_is_cleared_is_the_one(office: Any) -> None:
    words = "--clear imap-password-env --imap-password-command printpass --json"
    assert office("group-account", "edit", "support", *words.split()).json["imap"]["password"] == "command"


def test_the_system_can_forget_the_password_of_its_own_server(office: Any) -> None:
    words = "settings outbound --address crm@team.example --server mail.example:465 --smtp-password-env CRM --json"
    assert office(*words.split()).json["server"]["password"] == "env"
    assert office("settings", "outbound", "--clear", "smtp-password-env", "--json").json["server"]["password"] is None


def test_a_personal_account_always_has_an_owner(office: Any) -> None:
    office("personal-account", "add", "mine", "--user", "ann", "--address", "ann@team.example")
    refused = office("personal-account", "edit", "mine", "--clear", "user", "--json")
    assert (refused.exit_code, refused.error["message"]) == (2, "--clear can't empty user")


def test_an_account_may_only_take_deliveries(office: Any) -> None:
    made = office("group-account", "add", "drop", "--address", "drop@team.example", "--json").json
    assert (made["imap"], made["smtp"], made["create_case"]) == (None, None, False)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        pytest.param("--imap-host mail.example --imap-security none", 65, "in plain text", id="plain text elsewhere"),
        pytest.param("--imap-port 993", 65, "options for IMAP without a server", id="port without host"),
        pytest.param("--smtp-password-env P", 65, "options for SMTP without a server", id="password without host"),
        pytest.param("--imap-host mail.example:993", 65, "not a host", id="port in host"),
        pytest.param("--imap-host m.example --imap-port 0", 65, "not a port", id="port"),
        pytest.param("--fetch-since 2026-02-30", 65, "not a time", id="date"),
        pytest.param("--after-import archive", 65, "--after-import can't be archive", id="after import"),
        pytest.param("--distribution round-robin", 65, "--target-team", id="round-robin without team"),
        pytest.param("--distribution direct-assignment", 65, "--assign-to", id="direct without user"),
        pytest.param("--auto-reply", 65, "--reply-template", id="auto-reply without words"),
        pytest.param("--reply-template ack", 66, "no such template: ack", id="unknown template"),
        pytest.param("--team nobody", 66, "no such team: nobody", id="unknown team"),
        pytest.param("--assign-to nobody", 66, "no such user: nobody", id="unknown user"),
        pytest.param("--group-folder nowhere", 66, "no such group folder: nowhere", id="unknown group folder"),
        pytest.param("--reply-to nobody", 65, "not an e-mail address", id="reply-to"),
        pytest.param("--reopen-days soon", 65, "not a whole number", id="reopen days"),
        pytest.param(
            "--imap-host m.example --imap-password-env A --imap-password-file b",
            2,
            "two ways to get the IMAP password",
            id="twice",
        ),
    ],
)
def test_an_account_that_can_t_work_is_refused_at_once(office: Any, options: str, code: int, message: str) -> None:
    refused = office("group-account", "add", "bad", "--address", "bad@team.example", *options.split())
    assert (refused.exit_code, message in refused.stderr) == (code, True), refused.stderr
    assert office("group-account", "show", "bad").exit_code == 66


def test_a_name_is_one_account_s_whatever_its_kind(office: Any) -> None:
    refused = office("personal-account", "add", "support", "--user", "ann", "--address", "ann@team.example")
    assert (refused.exit_code, "already a group account named support" in refused.stderr) == (65, True)


def test_less_busy_is_another_word_for_least_busy(office: Any) -> None:
    assert (
        office("group-account", "edit", "support", "--distribution", "less-busy", "--json").json["distribution"] == "least-busy"
    )


def test_disabled_and_enabled_again(office: Any) -> None:
    assert office("group-account", "disable", "support", "--json").json["is_active"] is False
    assert office("group-account", "enable", "support", "--json").json["is_active"] is True


def test_reset_reads_again_from_a_day(office: Any) -> None:
    words = "group-account reset support --since 2026-01-15 --json"
    assert office(*words.split()).json["imap"]["fetch_since"] == "2026-01-15"


def test_an_earlier_first_day_is_told_to_need_a_reset_once_a_folder_was_read(office: Any, db: Connection) -> None:
    edit = ("group-account", "edit", "support", "--fetch-since")
    assert "reset" not in office(*edit, "2026-01-20").stderr
    account = db.execute("select id from accounts where name = 'support'").fetchone()[0]
    mailboxes.start_epoch(db, account, "INBOX", uidvalidity=1, window_end_uid=9, since=None, is_sent=False, now=NOW)
    assert "reset" not in office(*edit, "2026-01-21").stderr
    assert "espomail group-account reset support --since 2026-01-02" in office(*edit, "2026-01-02").stderr


def test_a_password_from_stdin_is_kept_encrypted(office: Any, db: Connection) -> None:
    done = office("group-account", "secret", "support", "--imap-password-stdin", "--json", input="pá55 word\n")
    assert (done.exit_code, done.json["imap"]["password"]) == (0, "stored")
    kept = json.loads(db.execute("select imap from accounts").fetchone()[0])["secret"]
    assert (kept["kind"], "55" in kept["value"] and "word" in kept["value"]) == ("stored", False)


@pytest.mark.parametrize("typed", ["", "\n", "a\nb\n"])
def test_stdin_must_hold_one_password_a_line(office: Any, typed: str) -> None:
    refused = office("group-account", "secret", "support", "--imap-password-stdin", input=typed)
    assert (refused.exit_code, "no password on stdin" in refused.stderr) == (65, True)


@pytest.mark.parametrize(
    "words",
    [
        "group-account secret support --imap-password-stdin",
        "oauth login support --provider google --client-id x --client-secret-stdin",
    ],
)
def test_a_password_that_is_no_utf_8_is_bad_input_and_not_shown(office: Any, words: str) -> None:
    refused = office(*words.split(), "--json", input=b"p\xffss\n")
    assert (refused.exit_code, refused.error["message"]) == (65, "what stdin gives is no text in UTF-8")


@pytest.mark.parametrize("command", ["fetch", "watch", "reconcile"])
def test_an_account_without_a_mailbox_can_not_be_read_and_does_not_count_as_failing(office: Any, command: str) -> None:
    office("group-account", "add", "door", "--address", "door@team.example")
    refused = office(command, "door", "--json")
    assert (refused.exit_code, refused.error["message"]) == (65, "door reads no mailbox")
    told = next(each for each in office("status", "--json").json["accounts"] if each["account"] == "door")
    assert (told["failures"], told["last_error"]) == (0, None)


def test_a_personal_account_maps_folders_of_its_owner(office: Any) -> None:
    words = "personal-account add ann --user ann --address ann@team.example --map Sent=Later --default-folder Later --json"
    made = office(*words.split()).json
    assert (made["user"], made["map"], made["default_folder"]) == ("ann", {"Sent": "Later"}, "Later")
    office("folder", "edit", "ann/Later", "--name", "Someday")
    after = office("personal-account", "show", "ann", "--json").json
    assert (after["map"], after["default_folder"]) == ({"Sent": "Someday"}, "Someday")
    assert office("folder", "remove", "ann/Someday", "--yes").exit_code == 65


def test_an_address_that_is_not_the_owner_s_is_warned_about(office: Any) -> None:
    warned = office("personal-account", "add", "ann", "--user", "ann", "--address", "other@team.example")
    assert (warned.exit_code, "not an address of ann" in warned.stderr) == (0, True)


def test_a_user_keeps_their_own_accounts_up_to_the_limit(office: Any) -> None:
    for name in ("one", "two"):
        assert office("personal-account", "add", name, "--address", "ann@team.example", "--as", "ann").exit_code == 0
    assert office("personal-account", "add", "three", "--address", "ann@team.example", "--as", "ann").exit_code == 77
    assert [row["name"] for row in office("personal-account", "list", "--json", "--as", "ann").json] == ["two", "one"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param("group-account list", 77, id="group accounts"),
        pytest.param("group-account disable support", 77, id="disable"),
        pytest.param("personal-account show ben", 66, id="another's"),
        pytest.param("personal-account add x --user ben --address ben@team.example", 77, id="for another"),
        pytest.param(
            "personal-account add x --address a@b.example --imap-host m.example --imap-password-env HOME", 77, id="variable"
        ),
        pytest.param(
            "personal-account add x --address a@b.example --imap-host m.example --imap-password-command id", 77, id="command"
        ),
        pytest.param(
            "personal-account add x --address a@b.example --imap-host m.example --imap-password-file x", 77, id="file"
        ),
    ],
)
def test_a_user_may_keep_nothing_else(office: Any, words: str, code: int) -> None:
    office("personal-account", "add", "ben", "--user", "ben", "--address", "ben@team.example")
    assert office(*words.split(), "--as", "ann").exit_code == code


def test_without_the_scope_a_user_has_no_accounts(office: Any) -> None:
    assert office("personal-account", "list", "--as", "ben").exit_code == 77


def test_a_user_can_t_steer_a_password_to_another_server(office: Any) -> None:
    words = "personal-account add ann --user ann --address ann@team.example --imap-host mail.example --imap-password-env P"
    office(*words.split())
    refused = office("personal-account", "edit", "ann", "--imap-host", "evil.example", "--as", "ann")
    assert (refused.exit_code, "not sent to another server" in refused.stderr) == (65, True)
    assert office("personal-account", "edit", "ann", "--folder", "Work", "--as", "ann").exit_code == 0
    assert office("personal-account", "show", "ann", "--json").json["imap"]["host"] == "mail.example"


def test_the_system_needs_to_be_told_whose_account_it_is(office: Any) -> None:
    assert office("personal-account", "add", "x", "--address", "ann@team.example").exit_code == 2


@pytest.mark.parametrize(
    "words", ["disable support", "remove support --yes", "edit support --clear smtp-host", "edit support --address x@y.example"]
)
def test_the_account_that_system_mail_leaves_from_stays_as_it_is(office: Any, db: Connection, words: str) -> None:
    office("group-account", "edit", "support", "--smtp-host", "mail.example")
    db.execute("insert into settings (key, value) values ('outbound_address', '\"support@team.example\"')")
    refused = office("group-account", *words.split())
    assert (refused.exit_code, "system mail leaves from support@team.example" in refused.stderr) == (65, True)


@pytest.mark.parametrize(
    ("options", "fetched"),
    [
        ("", {"support", "mine"}),
        ("--group", {"support"}),
        ("--personal", {"mine"}),
        ("--group --personal", {"support", "mine"}),
        ("--personal --no-personal --group", {"support"}),
    ],
)
def test_a_fetch_is_of_the_kinds_that_are_asked_for(office: Any, options: str, fetched: set[str]) -> None:
    address = ("--address", "ann@team.example", "--imap-host", "127.0.0.1", "--imap-port", "1", "--imap-security", "none")
    office("group-account", "edit", "support", *address[2:])
    office("personal-account", "add", "mine", "--user", "ann", *address)
    assert {each["account"] for each in office("fetch", "--now", *options.split(), "--json").json["accounts"]} == fetched


@pytest.mark.parametrize("words", ["fetch", "fetch support", "cron"])
def test_a_round_says_which_accounts_it_passes_over_as_disabled(office: Any, words: str) -> None:
    office("group-account", "disable", "support")
    done = office(*words.split(), "--json")
    fetched = done.json["fetch"] if words == "cron" else done.json
    assert [(each["account"], each["ok"], each["skipped"]) for each in fetched["accounts"]] == [("support", True, "disabled")]
    assert (done.exit_code, done.stderr) == (0, "")


# ---------------------------------------------------------------- removals, and mail that is in no final state

WAYS_TO_LOSE_THE_ACCOUNT = (
    "personal-account remove anns --yes",
    "user remove ann --yes",
    "apply - --prune --yes",
    "apply - --prune --dry-run",
)


@pytest.fixture
def anns(office: Any, db: Connection) -> Any:
    """ann's own account, which can send, and a mail that it brought; the system sends by a server of its own."""
    for words in (
        "personal-account add anns --user ann --address ann@team.example --imap-host mail.example --imap-password-env P"
        " --smtp-host mail.example",
        "role edit agent --add-set email.create=yes",
        "settings outbound --address system@team.example --server mail.example:25 --smtp-security starttls",
    ):
        done = office(*words.split())
        assert done.exit_code == 0, done.stderr
    assert office("deliver", "anns", "--json", input=letter("m@client.example")).json["outcome"] == "imported"
    read_into_mailbox(db)
    return office


def read_into_mailbox(db: Connection) -> None:
    """Let the mail be one that was read from a server, whose receipt goes with the account's place in the mailbox."""
    db.execute(
        "insert into mailboxes (account_id, folder, uidvalidity, epoch, last_uid, started_at)"
        " select id, 'INBOX', 1, 1, 1, '' from accounts where name = 'anns'"
    )
    db.execute("update receipts set source = 'imap', uid = 1, mailbox_id = (select id from mailboxes)")


@pytest.mark.parametrize("words", WAYS_TO_LOSE_THE_ACCOUNT)
@pytest.mark.parametrize(
    ("state", "told", "step"),
    [
        ("new", "1 to be processed", "espomail fetch"),
        ("quarantined", "1 in quarantine", "espomail quarantine list --account anns, then retry, or export and discard it"),
        ("parked", "1 in quarantine", "espomail quarantine list --account anns, then retry, or export and discard it"),
    ],
)
def test_an_account_stays_while_mail_of_it_has_come_to_no_end(
    anns: Any, db: Connection, words: str, state: str, told: str, step: str
) -> None:
    db.execute("update receipts set state = ?, email_id = null", (state,))
    refused = anns(*words.split(), input="state: {users: [], personal_accounts: []}")
    assert refused.exit_code == 65
    assert f"the account anns still has mail: {told}" in refused.stderr
    assert f"first: {step}" in refused.stderr
    assert db.execute("select count(*) from receipts join raw_mails on raw_mails.id = raw_id").fetchone()[0] == 1
    assert anns("user", "show", "ann").exit_code == anns("personal-account", "show", "anns").exit_code == 0


@pytest.mark.parametrize("words", WAYS_TO_LOSE_THE_ACCOUNT)
@pytest.mark.parametrize("later", [(), ("--at", "2h")])
def test_an_account_stays_while_mail_is_to_leave_through_it(
    anns: Any, db: Connection, words: str, later: tuple[str, ...]
) -> None:
    mail = ("--from", "ann@team.example", "--to", "bob@client.example", "--subject", "Lamp", "--body", "Here.")
    assert anns("email", "send", *mail, *later, "--as", "ann").exit_code == 0
    nothing = "state: {users: [], personal_accounts: []}"
    refused = anns(*words.split(), input=nothing)
    assert (refused.exit_code, "the account anns still has mail: 1 in the outbox" in refused.stderr) == (65, True)
    assert "first: espomail outbox list, then espomail send, or outbox cancel 1" in refused.stderr
    assert [row[0] for row in db.execute("select account_id from outbox")] == [2]
    assert anns("outbox", "cancel", "1").exit_code == 0
    assert anns(*words.split(), input=nothing).exit_code == 0


def test_all_that_keeps_an_account_is_said_at_once(anns: Any, db: Connection) -> None:
    for n in range(2):
        anns("deliver", "anns", input=letter(f"{n}@client.example"))
    db.execute("update receipts set email_id = null, state = iif(id = 1, 'new', 'parked')")
    error = anns("personal-account", "remove", "anns", "--yes", "--json", "--as", "ann").error
    assert error["message"] == "the account anns still has mail: 1 to be processed, 2 in quarantine"
    assert error["hint"].count("espomail ") == 2


@pytest.mark.parametrize("way", ["fetch", "quarantine discard"])
def test_an_account_goes_once_its_mail_has_come_to_an_end(anns: Any, db: Connection, way: str) -> None:
    anns("group-account", "remove", "support", "--yes")
    anns("personal-account", "disable", "anns")
    anns("deliver", "anns", input=letter("late@client.example"))
    state = "new" if way == "fetch" else "parked"
    db.execute("update receipts set email_id = null, state = ? where id = 2", (state,))
    db.execute("delete from emails where id = 2")
    db.execute("delete from email_texts where rowid = 2")
    db.execute("delete from decisions where receipt_id = 2")
    assert anns("personal-account", "remove", "anns", "--yes").exit_code == 65
    assert anns(*(["fetch"] if way == "fetch" else ["quarantine", "discard", "2", "--yes"])).exit_code == 0
    assert anns("personal-account", "remove", "anns", "--yes").exit_code == 0
    assert breaches(db) == []
    explained = anns("email", "explain", "1", "--json").json
    assert explained["steps"][0]["step"] == "parse"


def test_the_question_before_a_removal_tells_what_goes_with_the_account(anns: Any, db: Connection) -> None:
    anns("filter", "add", "news", "--personal-account", "anns", "--subject", "News", "--action", "skip")
    db.execute("update receipts set state = 'filtered', filter = 'news'")
    asked = anns("personal-account", "remove", "anns")
    assert asked.exit_code == 2
    assert (
        "remove the personal account anns with its place in the mailbox, 1 filter, 1 mail that a filter skipped and reprocess"
        " could still bring? Its emails and cases stay."
    ) in asked.stderr
