"""The frozen values that cross a room's door. Pure.

A type that only one room uses lives in that room. All datetimes are aware UTC. Addresses are
normalised (`mail.addresses.normalise`): lower case, IDNA domain in Unicode lower case, no comments.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple

# ---------------------------------------------------------------- mail


class Address(NamedTuple):
    """A mailbox: display name ("" when none) and normalised address ("" when it could not be read)."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attached part: its place in the walk of the parts (`position`, from 0) finds its bytes again."""

    position: int
    name: str
    content_type: str
    size_bytes: int
    sha256: str
    is_inline: bool
    content_id: str | None


@dataclass(frozen=True, slots=True)
class BouncedRecipient:
    """One recipient of a delivery report (RFC 3464): status `5.1.1`, `is_hard` when it is permanent."""

    address: str
    status: str
    reason: str
    is_hard: bool


@dataclass(frozen=True, slots=True)
class Bounce:
    """A delivery failure report: who did not get which of our mails.

    `original_message_id` is the Message-ID quoted from the returned mail, None when it quotes none.
    `empty_return_path` tells whether the envelope sender was `<>`, as RFC 3464 section 2 asks.
    """

    recipients: tuple[BouncedRecipient, ...]
    original_message_id: str | None
    empty_return_path: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the header of a mail says, read without its body.

    `headers` are (lower-case name, decoded value) pairs in order, capped. `automatic` is the reason why no
    machine may answer ("Auto-Submitted: auto-replied"), None for a person's mail; `is_auto_reply` is true for
    vacation responders and kin (RFC 3834). `delivered_to` are the addresses of To, Cc, Delivered-To and
    X-Original-To, in this order. `sender_auth` is the verdict of a trusted Authentication-Results header.
    """

    subject: str = ""
    sender: Address | None = None
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    sent_at: datetime | None = None
    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    delivered_to: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    automatic: str | None = None
    is_auto_reply: bool = False
    sender_auth: Literal["pass", "fail", "none"] = "none"
    is_partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail(Head):
    """A parsed mail: its head and what its body holds. Parsing never fails; `is_partial` says something was lost.

    `message_id` is never empty here: a mail without a usable one has an id derived from its content.
    `references` are oldest first, as in the header. `text` is the plain text, or made from `html`.
    """

    message_id: str
    content_key: str
    text: str = ""
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    bounce: Bounce | None = None
    flags: tuple[str, ...] = ()
    size_bytes: int = 0


# ---------------------------------------------------------------- accounts

Security = Literal["tls", "starttls", "none"]
AccountKind = Literal["group", "personal"]


@dataclass(frozen=True, slots=True)
class Secret:
    """A reference to a password, never the password: kind `env`, `file`, `command`, `credential`, `stored` or `oauth`."""

    kind: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How to reach one IMAP or SMTP server. `login` None means no log-in (SMTP only).

    `allow_private` is true where an admin named the host; for others the setting `allow_private_hosts` says, at each connection.
    """

    host: str
    port: int
    security: Security
    login: str | None
    secret: Secret | None
    tls_ca_file: str | None = None
    allow_plaintext: bool = False
    allow_private: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A group or personal mail account. Names of users, teams, folders are ids here; the command line turns them into names."""

    id: int
    kind: AccountKind
    name: str
    address: str
    is_active: bool = True
    user_id: int | None = None
    from_name: str = ""
    # reading
    imap: Server | None = None
    folders: tuple[str, ...] = ("INBOX",)
    fetch_since: date | None = None
    after_import: str = "keep-unread"
    # whom it concerns
    team_ids: tuple[int, ...] = ()
    for_all_team_users: bool = False
    assigned_user_id: int | None = None
    group_folder_id: int | None = None
    folder_map: tuple[tuple[str, str], ...] = ()
    default_folder: str | None = None
    # cases
    create_case: bool = False
    distribution: str = "none"
    target_team_id: int | None = None
    target_position: str | None = None
    assign_to_user_id: int | None = None
    followup_closed: Literal["reopen", "note", "new"] = "reopen"
    reopen_days: int | None = None
    auto_submitted: Literal["store", "case", "skip"] = "store"
    strangers: Literal["attach", "new-case"] = "attach"
    # answering
    auto_reply: bool = False
    reply_template: str | None = None
    reply_from: str | None = None
    reply_from_name: str | None = None
    reply_to: str | None = None
    plus_address: bool = False
    exclude_from_reply: bool = False
    # sending
    smtp: Server | None = None
    shared: bool = False
    store_sent: str | None = None


# ---------------------------------------------------------------- things and decisions


class Thing(NamedTuple):
    """A reference to an email, a case or a CRM record; a case's id is its number. Written `case:7`."""

    type: str
    id: int

    def __str__(self) -> str:
        return f"{self.type}:{self.id}"


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded decision about one mail: which step, what came out, why, and the facts it looked at (JSON values)."""

    step: Literal["parse", "known", "filter", "link", "case", "distribute", "notify", "auto-reply"]
    outcome: str
    reason: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Agent:
    """A member of a team as distribution sees them; `last_turn` grows with each case served, 0 for never."""

    user_id: int
    name: str
    is_active: bool
    is_absent: bool
    position: str | None
    open_cases: int
    last_turn: int


# ---------------------------------------------------------------- who acts, and what decides about mail


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is acting: a user, or the system (`user_id` None), to whom everything is allowed.

    `is_borrowed` says that the program runs with another person's file rights (under sudo), so no path and no
    command of the actor's may be used. `levels` are the merged cells of the actor's roles ("email.read": "team").
    """

    user_id: int | None = None
    name: str = "system"
    is_admin: bool = True
    is_borrowed: bool = False
    team_ids: frozenset[int] = frozenset()
    levels: tuple[tuple[str, str], ...] = ()

    @property
    def is_system(self) -> bool:
        return self.user_id is None

    def level(self, cell: str) -> str:
        """The level of a cell such as `email.read`: `all` or `yes` for admins and the system; `no` where no role sets it."""
        if self.is_admin:
            return "all"
        return dict(self.levels).get(cell, "no")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What decides about mail, kept in the database (`espomail settings`); one field per key, with its default."""

    baseline_role: str | None = None
    b2c_mode: bool = False
    link_to_open_opportunity: bool = False
    reopen_days: int | None = None
    trash_days: int = 30
    skipped_keep_days: int = 30
    personal_accounts_max: int = 2
    auto_reply_limit: int = 5
    auto_reply_period: timedelta = timedelta(hours=2)
    auto_reply_per_case: int = 1
    auto_reply_hourly_cap: int = 100
    mail_size_max: int = 50 * 1024 * 1024
    notify_max_age: timedelta = timedelta(days=2)
    auto_reply_max_age: timedelta = timedelta(hours=24)
    allow_private_hosts: bool = False
    trusted_authserv_id: str | None = None
    outbound_address: str | None = None
    outbound_from_name: str | None = None
    outbound_shared: bool = False
    outbound_server: str | None = None
