"""One account's part of a round: walk its folders, take in what is new, commit in small batches with the cursor.

Nothing here reads what the mails say. A lost connection ends the session at once; what was committed stays, and the
next round goes on at the cursor. Source of the order of commands: RFC 9051 and RFC 3501 sections 6.4, 7.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from espomail import life, times
from espomail.answers import RawMail, RefusedMail, VanishedMail
from espomail.desk import Mailbox
from espomail.errors import Declined, FolderMissing
from espomail.model import Account
from espomail.rounds import worker
from espomail.rounds.budget import Budget
from espomail.rounds.pace import Pace
from espomail.rules import schedule
from espomail.store import mailboxes, raw_mails, receipts
from espomail.store.db import Connection, rolled_back, transaction
from espomail.store.mailboxes import MailboxRow
from espomail.store.receipts import NewReceipt, Receipt

OVERSIZE_TEXT_BYTES = 256 * 1024
REFUSALS_AGAIN = 2


@dataclass(slots=True)
class FolderTaken:
    """What one folder gave: `listed` new UIDs, of which `taken` have a receipt now, from `first_receipt_id` to `last_receipt_id`."""

    folder: str
    mailbox_id: int | None = None
    first_receipt_id: int = 0
    last_receipt_id: int = 0
    listed: int = 0
    taken: int = 0
    last_uid: int = 0

    @property
    def pending(self) -> int:
        return self.listed - self.taken


@dataclass(slots=True)
class Session:
    """What a walk needs: the account, its open mailbox, a database connection of its own, limits, and whom to tell.

    `dry_run` looks and takes in nothing, for `reconcile --dry-run`.
    """

    account: Account
    box: Mailbox
    db: Connection
    budget: Budget
    size_max: int
    now: Callable[[], datetime]
    taken_in: Callable[[int], None]
    dry_run: bool = False
    folders: list[FolderTaken] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)

    def walk(self) -> FolderMissing | Declined | None:
        """Take in what is new in each monitored folder; raise SessionLost when the connection is lost.

        A folder that is missing or refused holds up none of the others; return the first such refusal, for the end.
        """
        sent = {f.name for f in self.box.list_folders() if "\\Sent" in f.flags}
        refusal: FolderMissing | Declined | None = None
        for folder in self.account.folders:
            if self.budget.is_over():
                break
            taken = FolderTaken(folder)
            self.folders.append(taken)
            try:
                self._walk_folder(folder, taken, is_sent=folder in sent)
            except (FolderMissing, Declined) as error:
                refusal = refusal or error
        return refusal

    def _walk_folder(self, folder: str, taken: FolderTaken, *, is_sent: bool) -> None:
        state = self.box.select(folder)
        mailbox = mailboxes.current(self.db, self.account.id, folder)
        if mailbox is None or mailbox.uidvalidity != state.uidvalidity or self._names_other_mails(mailbox):
            mailbox = self._start_epoch(folder, state.uidvalidity, state.uidnext, is_sent=is_sent)
        taken.mailbox_id, taken.last_uid = mailbox.id, mailbox.last_uid
        taken.first_receipt_id = receipts.next_id(self.db)
        uids = self._new_uids(mailbox)
        sizes = self.sizes(mailbox, uids)
        wanted = [u for u in uids if u not in sizes.outside]
        taken.listed = len(wanted)
        if self.dry_run:
            return
        if wanted:
            self.take_in(mailbox, taken, wanted, sizes.known)
        else:
            self._move_cursor(mailbox, taken, uids)
        self.read_refused_again(mailbox)

    def _start_epoch(self, folder: str, uidvalidity: int, uidnext: int | None, *, is_sent: bool) -> MailboxRow:
        """A folder never read, or whose UIDs start over: only mail received since fetch-since counts among what is there now."""
        end = uidnext - 1 if uidnext is not None else max(self.box.all_uids(), default=0)
        with rolled_back(self.db) if self.dry_run else transaction(self.db):
            return mailboxes.start_epoch(
                self.db,
                self.account.id,
                folder,
                uidvalidity=uidvalidity,
                window_end_uid=end,
                since=self.account.fetch_since,
                is_sent=is_sent,
                now=self.now(),
            )

    def _names_other_mails(self, mailbox: MailboxRow) -> bool:
        """Whether UIDs of a server without UIDVALIDITY, which can't say that they start over, name mails of other sizes or dates now."""
        if mailbox.uidvalidity:
            return False
        read = receipts.sizes_and_dates(self.db, mailbox.id)
        now = self.box.sizes([uid for uid in self.box.all_uids() if uid in read])
        return any(
            times.to_text(received) != read[uid][1] or (size != read[uid][0] and size <= self.size_max)
            for uid, (size, received) in now.items()
        )

    def _new_uids(self, mailbox: MailboxRow) -> list[int]:
        return self.of_window(mailbox, self.box.uids_after(mailbox.last_uid))

    def of_window(self, mailbox: MailboxRow, uids: Sequence[int]) -> list[int]:
        """Those of the UIDs that came after the window was set, or that the server calls recent enough (see `sizes`)."""
        if mailbox.since is None or all(u > mailbox.window_end_uid for u in uids):
            return list(uids)
        recent = set(self.box.uids_since(datetime.fromisoformat(mailbox.since).date()))
        return [u for u in uids if u > mailbox.window_end_uid or u in recent]

    def sizes(self, mailbox: MailboxRow, uids: Sequence[int]) -> Sizes:
        """Sizes and dates of the UIDs; inside the window, those received before fetch-since are left out (SEARCH knows only days)."""
        known = self.box.sizes(uids) if uids else {}
        if mailbox.since is None:
            return Sizes(known, frozenset())
        start = datetime.fromisoformat(mailbox.since).replace(tzinfo=UTC)
        old = {u for u, (_, received) in known.items() if u <= mailbox.window_end_uid and received < start}
        return Sizes(known, frozenset(old))

    def _move_cursor(self, mailbox: MailboxRow, taken: FolderTaken, uids: Sequence[int]) -> None:
        """Nothing to take in: everything up to the window's end, or up to what was looked at, lies behind the cursor."""
        last = max((mailbox.last_uid, mailbox.window_end_uid, *uids))
        if last > mailbox.last_uid:
            with transaction(self.db):
                mailboxes.set_cursor(self.db, mailbox.id, last)
            taken.last_uid = last

    def take_in(
        self, mailbox: MailboxRow, taken: FolderTaken, uids: Sequence[int], sizes: dict[int, tuple[int, datetime]]
    ) -> None:
        """Take in the UIDs, ascending, chunk by chunk for as long as the budget lasts."""
        for chunk in self.pace.chunks(uids, sizes):
            if self.budget.is_spent():
                return
            self._take_chunk(mailbox, taken, chunk[: self.budget.claim(len(chunk))], sizes)

    def _take_chunk(
        self, mailbox: MailboxRow, taken: FolderTaken, chunk: Sequence[int], sizes: dict[int, tuple[int, datetime]]
    ) -> None:
        """Read a chunk and commit it with the cursor; when the session is lost on the way, commit what came before it."""
        arrived: dict[int, RawMail | RefusedMail | VanishedMail] = {}
        began = self.budget.monotonic()
        try:
            for answer in self._answers(chunk, sizes):
                arrived[answer.uid] = answer
            self.pace.keep(self.budget.monotonic() - began)
        finally:
            done = list(_unbroken(chunk, arrived))
            if done:
                self._commit(mailbox, done, sizes)
                taken.taken += len(done)
                taken.last_receipt_id = receipts.next_id(self.db) - 1
                taken.last_uid = max(taken.last_uid, done[-1].uid)

    def _answers(
        self, uids: Sequence[int], sizes: dict[int, tuple[int, datetime]]
    ) -> Iterator[RawMail | RefusedMail | VanishedMail]:
        """Every UID once: its mail, of one that is too large the beginning, or why there is none."""
        yield from (VanishedMail(u) for u in uids if u not in sizes)
        yield from self.box.read([u for u in uids if u in sizes and sizes[u][0] <= self.size_max])
        yield from (self._beginning(u) for u in uids if u in sizes and sizes[u][0] > self.size_max)

    def _beginning(self, uid: int) -> RawMail | RefusedMail:
        """Header and text of a mail that is too large; a server that refuses it is asked again later."""
        try:
            return self.box.read_capped(uid, text_bytes=OVERSIZE_TEXT_BYTES)
        except Declined as error:
            return RefusedMail(uid, error.message)

    def _commit(
        self,
        mailbox: MailboxRow,
        answers: Sequence[RawMail | RefusedMail | VanishedMail],
        sizes: dict[int, tuple[int, datetime]],
    ) -> None:
        packed = [raw_mails.pack(a.content, is_whole=a.is_whole) if isinstance(a, RawMail) else None for a in answers]
        now = self.now()
        with transaction(self.db):
            for answer, content in zip(answers, packed, strict=True):
                receipt = NewReceipt(
                    source="imap",
                    account_id=self.account.id,
                    mailbox_id=mailbox.id,
                    uid=answer.uid,
                    received_at=sizes[answer.uid][1] if answer.uid in sizes else now,
                    raw_id=None,
                    size_bytes=sizes[answer.uid][0] if answer.uid in sizes else 0,
                    is_aged=mailbox.epoch > 1 and answer.uid <= mailbox.window_end_uid,
                )
                self._add(receipt, answer, content, now)
            mailboxes.set_cursor(self.db, mailbox.id, answers[-1].uid)
        self.taken_in(sum(isinstance(answer, RawMail) for answer in answers))

    def _add(
        self,
        receipt: NewReceipt,
        answer: RawMail | RefusedMail | VanishedMail,
        content: raw_mails.Packed | None,
        now: datetime,
    ) -> None:
        match answer:
            case RawMail() if content is not None:
                life.take_in(self.db, content, receipt, now=now)
            case RefusedMail(message=message):
                again = schedule.next_try(schedule.mail(1, now=now))
                receipts.add(self.db, receipts.refused(receipt, error=message, next_try_at=again), now=now)
            case _:
                receipts.add(self.db, receipts.vanished(receipt), now=now)

    def read_refused_again(self, mailbox: MailboxRow) -> int:
        """Ask once more for mails that the server refused to give and whose time has come; return how many it gave.

        One by one, and no further than a few refusals in a row: three in one command would cost the session.
        """
        due = receipts.list_unread_refusals(self.db, self.account.id, mailbox.folder, now=self.now())
        sizes = self.box.sizes([r.uid for r in due if r.uid is not None and r.mailbox_id == mailbox.id]) if due else {}
        given = refusals = 0
        for receipt in due:
            if refusals == REFUSALS_AGAIN or self.budget.is_over():
                break
            answer = self._asked_again(mailbox, receipt, sizes)
            self._keep_answer(receipt, answer, sizes)
            given += isinstance(answer, RawMail)
            refusals = refusals + 1 if isinstance(answer, RefusedMail) else 0
        return given

    def _asked_again(
        self, mailbox: MailboxRow, receipt: Receipt, sizes: dict[int, tuple[int, datetime]]
    ) -> RawMail | RefusedMail | VanishedMail:
        """What the server says now; where UIDs started over since, the mail has another one, unless it is too old for the window."""
        uid = receipt.uid or 0
        if receipt.mailbox_id == mailbox.id:
            (answer,) = self._answers([uid], sizes)
            return answer
        is_read_anew = mailbox.since is None or receipt.received_at[:10] >= mailbox.since
        return VanishedMail(uid) if is_read_anew else RefusedMail(uid, "the UIDs started over before the server gave this mail")

    def _keep_answer(
        self,
        receipt: Receipt,
        answer: RawMail | RefusedMail | VanishedMail,
        sizes: dict[int, tuple[int, datetime]],
    ) -> None:
        """Given what the server says of a mail that it refused before, take it in, or count one attempt more."""
        content = raw_mails.pack(answer.content, is_whole=answer.is_whole) if isinstance(answer, RawMail) else None
        with transaction(self.db):
            if content is not None:
                size = content.size_bytes if content.is_whole else sizes[answer.uid][0]
                receipts.set_taken_in(self.db, receipt.id, raw_id=raw_mails.add(self.db, content), size_bytes=size)
            elif isinstance(answer, RefusedMail):
                worker.quarantine(self.db, receipt, answer.message, now=self.now())
            else:
                receipts.set_final(self.db, receipt.id, "vanished", email_id=None)
        self.taken_in(int(isinstance(answer, RawMail)))


@dataclass(frozen=True, slots=True)
class Sizes:
    """RFC822.SIZE and INTERNALDATE by UID, and which UIDs are older than the window."""

    known: dict[int, tuple[int, datetime]]
    outside: frozenset[int]


def _unbroken(
    chunk: Sequence[int], arrived: dict[int, RawMail | RefusedMail | VanishedMail]
) -> Iterator[RawMail | RefusedMail | VanishedMail]:
    """The answers up to the first UID without one: the cursor may never pass a mail that did not arrive."""
    for uid in chunk:
        if uid not in arrived:
            return
        yield arrived[uid]
