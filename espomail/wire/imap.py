"""A mailbox over IMAP: `open_mailbox` logs in, `Mailbox` reads, marks, moves and waits. UIDs only, never sequence numbers.

Every failure is an Unreachable: LoginRefused, SessionLost (the connection is closed) or Declined (the server said NO and the
session goes on), or FolderMissing; each names host and port.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from espomail.answers import FolderInfo, FolderState, RawMail, RefusedMail, VanishedMail
from espomail.errors import BadInput, Declined, FolderMissing, SessionLost, Unreachable
from espomail.model import Account, Server
from espomail.wire import folder_names, imap_grammar, imap_read
from espomail.wire.connection import connect
from espomail.wire.imap_read import Facts, Unreadable
from espomail.wire.imap_session import Answer, ImapSession, Outcome, log_in

_HEADER_BYTES = 256 * 1024
_LOGOUT_S = 2.0
_NOOP_EVERY_S = 30.0
_IDLE_LONGEST_S = 28 * 60.0


@contextmanager
def open_mailbox(
    account: Account,
    *,
    password: str | None,
    deadline_s: float,
    connect_timeout_s: float = 15,
    read_timeout_s: float = 60,
    command_timeout_s: float = 120,
) -> Iterator[Mailbox]:
    """A session with the account's IMAP server, logged in; logged out and closed at the end.

    Seconds: `deadline_s` for all of it from now on, `connect_timeout_s` to connect, `read_timeout_s` of silence,
    `command_timeout_s` for one command. `password` is an access token when the account's secret is of kind `oauth`.
    """
    if account.imap is None:
        raise BadInput(f"account {account.name} has no IMAP server", "set one with --imap-host")
    mailbox = _opened(
        account.imap,
        password=password,
        deadline_s=deadline_s,
        connect_timeout_s=connect_timeout_s,
        read_timeout_s=read_timeout_s,
        command_timeout_s=command_timeout_s,
    )
    try:
        yield mailbox
        mailbox.log_out()
    finally:
        mailbox.close()


def test(server: Server, *, password: str | None, deadline_s: float = 30) -> tuple[bool, str, tuple[str, ...]]:
    """Whether we can log in to an IMAP server, in words, and what the server can do ("" and none on failure)."""
    try:
        mailbox = _opened(
            server,
            password=password,
            deadline_s=deadline_s,
            connect_timeout_s=15,
            read_timeout_s=deadline_s,
            command_timeout_s=deadline_s,
        )
    except Unreachable as error:
        return False, error.message, ()
    try:
        return True, f"logged in to {server.host}:{server.port} as {server.login}", mailbox.capabilities
    finally:
        mailbox.log_out()
        mailbox.close()


class Mailbox:
    """An open session. One command at a time; after a SessionLost nothing more can be asked."""

    def __init__(self, session: ImapSession) -> None:
        self._session = session
        self._where = session.connection.where
        self._facts: Facts = {}
        self._exists = 0
        self._has_news = False
        self._is_writable = False

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What the server can do, in upper case, as told after the log-in."""
        return self._session.capabilities

    def list_folders(self) -> list[FolderInfo]:
        """All folders, in the server's order."""
        return [
            FolderInfo(folder_names.decode(name), flags, not {"\\noselect", "\\nonexistent"} & {flag.lower() for flag in flags})
            for name, flags in self._listed()
        ]

    def select(self, folder: str, *, writable: bool = False) -> FolderState:
        """Open a folder, for reading only unless `writable`; raise FolderMissing or Declined."""
        word = b"SELECT" if writable else b"EXAMINE"
        self._facts, self._exists, self._has_news, self._is_writable = {}, 0, False, False
        outcome = self._session.command(word, imap_grammar.quoted(folder_names.encode(folder)))
        if not outcome.is_ok:
            outcome = self._select_as_listed(word, folder, outcome)
        state = _folder_state(outcome)
        self._exists, self._is_writable = state.exists, writable and outcome.code != "READ-ONLY"
        return state

    def uids_after(self, last_uid: int) -> list[int]:
        """UIDs above `last_uid`, ascending. (`n:*` always answers at least the newest, however old: it is dropped here.)"""
        self._has_news = False
        if last_uid >= imap_grammar.UID_MAX:
            return []
        return [uid for uid in self._search(b"UID %d:*" % (last_uid + 1)) if uid > last_uid]

    def uids_since(self, day: date) -> list[int]:
        """UIDs received on that day or later, and some of the day before: servers know days only in their own time zone."""
        self._has_news = False
        earlier = day - timedelta(days=1) if day > date.min else day
        return self._search(b"SINCE " + imap_grammar.day_argument(earlier))

    def all_uids(self) -> list[int]:
        """Every UID, ascending."""
        self._has_news = False
        return self._search(b"ALL")

    def find_message_id(self, message_id: str) -> list[int]:
        """UIDs of the mails whose Message-ID is this one, with or without its angle brackets; ascending."""
        bare = message_id.strip().removeprefix("<").removesuffix(">")
        return self._search(b"HEADER Message-ID " + imap_grammar.quoted(f"<{bare}>".encode()))

    def sizes(self, uids: Sequence[int]) -> dict[int, tuple[int, datetime]]:
        """RFC822.SIZE and INTERNALDATE (UTC) of each UID that the server has; one that is missing here is gone.

        A mail that is there and whose size the server does not tell has size 0; `read` tells what is wrong with it.
        """
        found = imap_read.sizes(self._session, uids)
        self._facts.update(found)
        untold = [uid for uid in uids if uid not in found]
        there = imap_read.still_there(self._session, untold) if untold else set()
        now = datetime.now(UTC)
        return found | {uid: (0, now) for uid in untold if uid in there}

    def read(self, uids: Sequence[int]) -> Iterator[RawMail | Unreadable]:
        """Every UID once, in the order asked: its mail, VanishedMail, or RefusedMail with the reason. Leaves no trace.

        Three refusals in a row raise SessionLost, as does every answer that is not what was asked for.
        """
        unknown = [uid for uid in uids if uid not in self._facts]
        if unknown:
            self.sizes(unknown)
        for found in imap_read.whole(self._session, uids, self._facts):
            self._facts.pop(found.uid, None)
            yield found

    def read_capped(self, uid: int, *, text_bytes: int) -> RawMail:
        """The beginning of a mail: header (up to 256 KB) and at least `text_bytes` more; `is_whole` is False.

        Raise Declined when the server does not give it.
        """
        if uid not in self._facts and uid not in self.sizes([uid]):
            raise Declined(f"{self._where} has no mail {uid}")
        if uid not in self._facts:
            raise Declined(f"{self._where} does not tell the size of mail {uid}")
        received_at = self._facts[uid][1]
        count = text_bytes + _HEADER_BYTES
        found = imap_read.beginning(self._session, uid, received_at=received_at, count=count)
        match found:
            case RawMail():
                return found
            case VanishedMail():
                raise Declined(f"{self._where} has no mail {uid}")
            case RefusedMail(message=reason):
                raise Declined(f"{self._where} does not give mail {uid}: {reason}")

    def mark_seen(self, uids: Sequence[int]) -> None:
        """Mark mails as read; the folder must be open for writing."""
        if uids:
            self._require_writable()
            self._do(b"UID STORE", imap_grammar.uid_set(uids), rb"+FLAGS.SILENT (\Seen)")

    def move(self, uids: Sequence[int], folder: str) -> None:
        """Move mails to another folder of the server; raise FolderMissing when there is none of that name.

        Without MOVE (RFC 6851) they are copied and deleted.
        """
        if not uids:
            return
        self._require_writable()
        word = b"UID MOVE" if "MOVE" in self.capabilities else b"UID COPY"
        target = imap_grammar.quoted(folder_names.encode(folder))
        outcome = self._session.command(word, imap_grammar.uid_set(uids), target)
        if not outcome.is_ok:
            raise self._no_such_folder(folder, outcome)
        if word == b"UID COPY":
            self.delete(uids)

    def delete(self, uids: Sequence[int]) -> None:
        r"""Delete mails. A server without UIDPLUS (RFC 4315) keeps them marked \Deleted: a bare EXPUNGE could hit others."""
        if not uids:
            return
        self._require_writable()
        self._do(b"UID STORE", imap_grammar.uid_set(uids), rb"+FLAGS.SILENT (\Deleted)")
        if "UIDPLUS" in self.capabilities:
            self._do(b"UID EXPUNGE", imap_grammar.uid_set(uids))

    def append(self, folder: str, content: bytes, *, flags: Sequence[str], at: datetime) -> None:
        r"""Put a mail into a folder with flags such as `\Seen` and `at` as its INTERNALDATE."""
        name = imap_grammar.quoted(folder_names.encode(folder))
        words = " ".join(flags)
        if not all(letter.isalnum() or letter in "\\$_- " for letter in words) or not words.isascii():
            raise BadInput(f"not IMAP flags: {words!r}")
        moment = imap_grammar.moment_argument(at)
        self._session.begin(b"APPEND", name, b"(%s)" % words.encode(), moment, b"{%d}" % len(content), carries=len(content))
        outcome = self._session.wait_for_go()
        if outcome is None:
            self._session.connection.send(content, b"\r\n")
            outcome = self._session.finish()
        if not outcome.is_ok:
            raise self._no_such_folder(folder, outcome)

    def idle(self, *, timeout_s: float) -> bool:
        """Wait until the open folder has new mail (True) or the time is up (False); without IDLE, ask every 30 s."""
        until = time.monotonic() + min(timeout_s, _IDLE_LONGEST_S)
        if not self._has_news:
            self._watch_by_idle(until) if "IDLE" in self.capabilities else self._watch_by_noop(until)
        news, self._has_news = self._has_news, False
        return news

    def log_out(self) -> None:
        """Say good-bye, if the server still listens."""
        try:
            self._session.begin(b"LOGOUT")
            self._session.connection.allow(_LOGOUT_S)
            self._session.finish()
        except SessionLost:
            return  # the server's BYE ends the session, as it should

    def close(self) -> None:
        self._session.connection.close()

    def _watch_by_idle(self, until: float) -> None:
        """IDLE (RFC 2177) until there is news or the time is up."""
        connection = self._session.connection
        self._session.begin(b"IDLE")
        declined = self._session.wait_for_go()
        if declined is not None:
            raise self._declined(declined)
        while not self._has_news and connection.wait_for_bytes(until - time.monotonic()):
            self._session.allow_command()
            self._hear([self._session.read_untagged()])
        self._session.allow_command()
        connection.send(b"DONE\r\n")
        self._hear(self._checked(self._session.finish()).answers)

    def _watch_by_noop(self, until: float) -> None:
        while True:
            self._hear(self._do(b"NOOP").answers)
            left = until - time.monotonic()
            if self._has_news or left <= 0:
                return
            time.sleep(min(left, _NOOP_EVERY_S))

    def _hear(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            if answer.kind == "EXPUNGE":
                self._exists = max(self._exists - 1, 0)
            if answer.kind == "EXISTS" and answer.number is not None:
                self._has_news = self._has_news or answer.number > self._exists
                self._exists = answer.number

    def _search(self, criteria: bytes) -> list[int]:
        outcome = self._do(b"UID SEARCH", criteria)
        try:
            found = {imap_grammar.number(uid) for answer in outcome.answers if answer.kind == "SEARCH" for uid in answer.values}
        except ValueError as error:
            raise self._session.connection.lost("answered a search with something else than numbers") from error
        return sorted(found - {0})

    def _do(self, *words: bytes) -> Outcome:
        outcome = self._checked(self._session.command(*words))
        self._hear(outcome.answers)
        return outcome

    def _checked(self, outcome: Outcome) -> Outcome:
        if not outcome.is_ok:
            raise self._declined(outcome)
        return outcome

    def _require_writable(self) -> None:
        """Some servers (Dovecot) say OK to changes in a folder that is open for reading only, and do nothing."""
        if not self._is_writable:
            raise Declined(f"{self._where} has the folder open for reading only", "the log-in may lack the right to change it")

    def _declined(self, outcome: Outcome) -> Declined:
        return Declined(f"{self._where} declined: {outcome.text or outcome.status}", "see what the mail server's log says")

    def _listed(self) -> list[tuple[bytes, tuple[str, ...]]]:
        """Names as the server spells them, with their flags."""
        special = {"SPECIAL-USE", "LIST-EXTENDED"} <= set(self.capabilities)
        outcome = self._do(b'LIST "" "*"' + (b" RETURN (SPECIAL-USE)" if special else b""))
        found = []
        for answer in outcome.answers:
            match answer.kind, answer.values:
                case "LIST", [list() as flags, _, (str() | bytes()) as name, *_]:
                    raw = name if isinstance(name, bytes) else name.encode("latin-1")
                    found.append((raw, tuple(flag for flag in flags if isinstance(flag, str))))
        return found

    def _select_as_listed(self, word: bytes, folder: str, refusal: Outcome) -> Outcome:
        """Try once more under the server's own spelling of the name (raw UTF-8, a bare `&`)."""
        for raw, _ in self._listed():
            spelled = b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
            if folder_names.decode(raw) == folder and raw != folder_names.encode(folder):
                outcome = self._session.command(word, spelled)
                if outcome.is_ok:
                    return outcome
        raise self._no_such_folder(folder, refusal)

    def _no_such_folder(self, folder: str, refusal: Outcome) -> FolderMissing | Declined:
        """FolderMissing with the nearest names when the server doesn't list the folder, else what the server said."""
        names = [info.name for info in self.list_folders() if info.is_selectable]
        if folder in names or folder.upper() == "INBOX":
            return self._declined(refusal)
        near = difflib.get_close_matches(folder, names, n=3, cutoff=0.5) or names[:5]
        return FolderMissing(self._where, folder, "the server has: " + ", ".join(near))


def _opened(
    server: Server,
    *,
    password: str | None,
    deadline_s: float,
    connect_timeout_s: float,
    read_timeout_s: float,
    command_timeout_s: float,
) -> Mailbox:
    connection = connect(server, deadline_s=deadline_s, connect_timeout_s=connect_timeout_s, read_timeout_s=read_timeout_s)
    try:
        return Mailbox(log_in(connection, server, password=password, timeout_s=command_timeout_s))
    except BaseException:  # a refused log-in, or an interrupt while it lasts: no connection stays open
        connection.close()
        raise


def _folder_state(outcome: Outcome) -> FolderState:
    """UIDVALIDITY, UIDNEXT and EXISTS out of the answers to SELECT."""
    told = {"UIDVALIDITY": 0, "UIDNEXT": 0, "EXISTS": 0}
    for answer in outcome.answers:
        if answer.kind == "EXISTS" and answer.number is not None:
            told["EXISTS"] = answer.number
        word, _, number = answer.code.partition(" ")
        if word in told and number.isascii() and number.isdigit() and len(number) <= 10:
            told[word] = int(number)
    return FolderState(told["UIDVALIDITY"], told["UIDNEXT"] or None, told["EXISTS"])
