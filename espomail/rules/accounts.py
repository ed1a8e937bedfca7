"""What a mail account needs to make sense: defaults, and what is refused before it is kept. Pure."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping

from espomail.errors import BadInput
from espomail.model import Account, Server, Settings
from espomail.rules import distribution
from espomail.rules.names import check_display_name

SECURITIES = ("tls", "starttls", "none")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "distribution": tuple(distribution.RULES),
    "followup_closed": ("reopen", "note", "new"),
    "auto_submitted": ("store", "case", "skip"),
    "strangers": ("attach", "new-case"),
}
"""What a group account may be told to do with cases, by field; the first is the default."""
DEFAULT_PORTS: Mapping[tuple[str, str], int] = {
    ("imap", "tls"): 993,
    ("imap", "starttls"): 143,
    ("imap", "none"): 143,
    ("smtp", "tls"): 465,
    ("smtp", "starttls"): 587,
    ("smtp", "none"): 25,
}
_HOST = re.compile(r"[^\s/@:\[\]]+|[0-9a-fA-F:.]+(%\w+)?", re.ASCII)


def own_addresses(accounts: Iterable[Account], settings: Settings) -> frozenset[str]:
    """The addresses that are ours but no user's: of mail accounts, those that their answers are led to, the system's."""
    of_accounts = (address for each in accounts for address in (each.address, each.reply_to, each.reply_from))
    return frozenset(address for address in (*of_accounts, settings.outbound_address) if address)


def is_loopback_host(host: str) -> bool:
    """Whether a host name or address is this machine by what is written: nothing is looked up."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def check_host(text: str) -> str:
    """Given a host name or address as typed, return it bare; raise BadInput for what can't be one."""
    host = text.strip().removeprefix("[").removesuffix("]")
    if not _HOST.fullmatch(host) or len(host) > 253:
        raise BadInput(f"not a host: {text!r}", "write a name or address alone, the port apart: mail.example.com")
    return host


def check_port(text: str) -> int:
    """Given a port as typed, return it; raise BadInput unless it is from 1 to 65535."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise BadInput(f"not a port: {text!r}", "write a number from 1 to 65535")
    return int(text)


def check_folder(text: str) -> str:
    """Given the name of a folder on a server, return it; raise BadInput for control characters, which could carry commands."""
    if not text or any(unicodedata.category(character) == "Cc" for character in text):
        raise BadInput(f"not a folder name: {text!r}", "see the names with: espomail group-account folders NAME")
    return text


def check_after_import(text: str) -> str:
    """Given what to do on the server with imported mail, return it in one spelling; raise BadInput on anything else."""
    word, colon, folder = text.partition(":")
    match word.strip().lower():
        case "keep-unread" | "seen" | "delete" as plain if not colon:
            return plain
        case "move" if folder:
            return f"move:{check_folder(folder)}"
    raise BadInput(f"--after-import can't be {text}", "one of: keep-unread, seen, move:FOLDER, delete")


def check(account: Account) -> None:
    """Raise BadInput for the first thing that keeps an account from working as it is told to."""
    for refuse in CHECKS:
        refuse(account)


def _refuse_plain_text(account: Account) -> None:
    for half, server in (("imap", account.imap), ("smtp", account.smtp)):
        if server and server.security == "none" and not server.allow_plaintext and not is_loopback_host(server.host):
            raise BadInput(
                f"passwords and mail would go to {server.host} in plain text",
                f"use --{half}-security tls or starttls, or say --allow-plaintext",
            )


def _refuse_log_in_by_plain_password(account: Account) -> None:
    for half, server in (("imap", account.imap), ("smtp", account.smtp)):
        if server and server.login and any(unicodedata.category(character) == "Cc" for character in server.login):
            raise BadInput("a log-in with a control character", f"check --{half}-login")


def _refuse_distribution_without_target(account: Account) -> None:
    if account.distribution == "direct-assignment" and account.assign_to_user_id is None:
        raise BadInput("direct assignment needs to know whom to assign to", "add --assign-to USER")
    if account.distribution in ("round-robin", "least-busy") and account.target_team_id is None:
        raise BadInput(f"{account.distribution} needs to know among whom", "add --target-team TEAM")
    if account.target_position is not None and account.target_team_id is None:
        raise BadInput("a target position without a target team", "add --target-team TEAM")


def _refuse_answer_without_words(account: Account) -> None:
    if account.auto_reply and account.reply_template is None:
        raise BadInput(
            "an auto-reply needs a template",
            "make one with: espomail template add NAME --subject … --body …, then add --reply-template NAME",
        )


def _refuse_names_that_no_header_holds(account: Account) -> None:
    check_display_name("the name in From", account.from_name)
    check_display_name("the name in From of the auto-reply", account.reply_from_name or "")


def _refuse_double_folders(account: Account) -> None:
    sources = [source for source, _ in account.folder_map]
    if len(set(sources)) < len(sources):
        raise BadInput("one folder of the server is mapped twice", "give each --map IMAPFOLDER=FOLDER once")
    if account.imap and account.after_import.removeprefix("move:") in account.folders:
        raise BadInput(
            f"imported mail would be moved to {account.after_import.removeprefix('move:')}, which is read itself",
            "move it to a folder that isn't monitored",
        )


CHECKS: tuple[Callable[[Account], None], ...] = (
    _refuse_plain_text,
    _refuse_log_in_by_plain_password,
    _refuse_distribution_without_target,
    _refuse_answer_without_words,
    _refuse_names_that_no_header_holds,
    _refuse_double_folders,
)


def server_json(server: Server) -> dict[str, object]:
    """A server as it is shown: never its password, only where that comes from."""
    return {
        "host": server.host,
        "port": server.port,
        "security": server.security,
        "login": server.login,
        "password": server.secret.kind if server.secret else None,
        "tls_ca_file": server.tls_ca_file,
        "allow_plaintext": server.allow_plaintext,
    }
