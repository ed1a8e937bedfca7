"""The options of mail accounts, declared once: what group and personal accounts take, and what each means."""

from __future__ import annotations

from espomail.cli.fields import Field
from espomail.rules import accounts as rules


def _server_fields(half: str, server: str) -> tuple[Field, ...]:
    """The options of one half of an account, `imap` or `smtp`."""
    return (
        Field(name=f"{half}-host", metavar="HOST", help=f"the {server} server"),
        Field(name=f"{half}-port", metavar="PORT", help="its port; default by security"),
        Field(name=f"{half}-security", choices=rules.SECURITIES, default="tls", help="how the connection is secured"),
        Field(name=f"{half}-login", metavar="LOGIN", help="the log-in"),
        *_password_fields(half),
    )


def _password_fields(half: str) -> tuple[Field, ...]:
    """The ways to give the one password of a half; `--clear` with any of them forgets it."""
    feeds = f"{half}_password"
    return (
        Field(
            name=f"{half}-password-env", metavar="VARIABLE", feeds=feeds, help="the password is in this environment variable"
        ),
        Field(name=f"{half}-password-file", metavar="FILE", feeds=feeds, help="the password is in this file (0600)"),
        Field(name=f"{half}-password-command", metavar="COMMAND", feeds=feeds, help="this command prints the password"),
        Field(name=f"{half}-password-credential", metavar="NAME", feeds=feeds, help="the password is this systemd credential"),
        Field(name=f"{half}-password-stdin", kind="flag", feeds=feeds, help="read the password from stdin, keep it encrypted"),
    )


ADDRESS = (Field(name="address", metavar="ADDRESS", required=True, help="the address of the mailbox"),)
OWNER = (Field(name="user", metavar="USER", clearable=False, help="whose mailbox it is; default: who acts"),)
IMAP = _server_fields("imap", "IMAP")
TLS = (
    Field(name="tls-ca-file", metavar="FILE", help="trust the certificates in this file for both servers"),
    Field(name="allow-plaintext", kind="flag", help="log in without TLS on another machine"),
)
READING = (
    Field(name="folder", kind="many", metavar="FOLDER", default=("INBOX",), help="a folder of the server to read"),
    Field(name="fetch-since", metavar="DATE", help="read what was received since; default: today"),
    Field(
        name="after-import",
        metavar="keep-unread|seen|move:FOLDER|delete",
        default="keep-unread",
        help="what becomes of imported mail on the server",
    ),
)
CASES = (
    Field(name="team", kind="many", metavar="TEAM", help="a team that sees its mail"),
    Field(name="for-all-team-users", kind="flag", help="its mail is in the inbox of every member"),
    Field(name="assigned-user", metavar="USER", help="who is assigned to its mail"),
    Field(name="group-folder", metavar="FOLDER", help="the group folder for its mail"),
    Field(name="create-case", kind="flag", help="new mail becomes a case"),
    Field(
        name="distribution",
        choices=rules.CHOICES["distribution"],
        default="none",
        help="who gets a new case",
    ),
    Field(name="target-team", metavar="TEAM", help="the team that gets the cases"),
    Field(name="target-position", metavar="POSITION", help="only members in this position"),
    Field(name="assign-to", metavar="USER", help="who gets every case with direct-assignment"),
)
ANSWERING = (
    Field(name="auto-reply", kind="flag", help="answer new mail by itself"),
    Field(name="reply-template", metavar="TEMPLATE", help="the words of the auto-reply"),
    Field(name="reply-to", metavar="ADDRESS", help="where answers should go; default: its address"),
    Field(name="reply-from", metavar="ADDRESS", help="From of the auto-reply; default: its address"),
    Field(name="reply-from-name", metavar="NAME", help="the name in From of the auto-reply"),
    Field(name="plus-address", kind="flag", help="Reply-To carries the case: support+case7.…@"),
    Field(
        name="followup-closed", choices=rules.CHOICES["followup_closed"], default="reopen", help="an answer to a closed case"
    ),
    Field(name="reopen-days", metavar="DAYS", help="a case closed for longer is not reopened: a new one"),
    Field(
        name="auto-submitted", choices=rules.CHOICES["auto_submitted"], default="store", help="what becomes of automatic mail"
    ),
    Field(name="strangers", choices=rules.CHOICES["strangers"], default="attach", help="somebody new who answers in a case"),
    Field(
        name="exclude-from-reply",
        kind="flag",
        help="keep its address out of replies to all; all of ours are",
    ),
)
MAPPING = (
    Field(
        name="map",
        kind="many",
        metavar="IMAPFOLDER=FOLDER",
        same=lambda text: text.partition("=")[0],
        help="mail of that folder of the server goes to this one",
    ),
    Field(name="default-folder", metavar="FOLDER", help="the folder for all other mail; default: the inbox"),
)
SMTP = _server_fields("smtp", "SMTP")
SENDING = (
    Field(name="from-name", metavar="NAME", default="", help="the name in From"),
    Field(name="store-sent", metavar="FOLDER", help="keep a copy of sent mail in this folder of the server"),
)
SHARED = (Field(name="shared", kind="flag", help="users may send from its address, as their role allows"),)

GROUP = (*ADDRESS, *IMAP, *TLS, *READING, *CASES, *ANSWERING, *SMTP, *SHARED, *SENDING)
PERSONAL = (*OWNER, *ADDRESS, *IMAP, *TLS, *READING, *MAPPING, *SMTP, *SENDING)
SECRETS = (*_password_fields("imap"), *_password_fields("smtp"))
