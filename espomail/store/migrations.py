"""The story of the schema: numbered steps, oldest first; a released step is never edited.

Conventions: moments are TEXT `2026-03-01T09:00:00Z`, yes/no is 0/1, JSON is TEXT, addresses are normalised.
A thing (email, case or record) is referred to by `thing_type` and `thing_id`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils import Migrations

if TYPE_CHECKING:
    from sqlite_utils.db import Database

migrations = Migrations("espomail")


@migrations()
def m001_instance_and_settings(db: Database) -> None:
    """Who this database is: its name in message ids and the key that signs them (kept in every backup)."""
    _script(
        db,
        """
        create table instance (
            id integer primary key check (id = 1),
            uuid text not null,
            signing_key blob not null,
            created_at text not null
        ) strict;
        create table settings (key text primary key, value text not null) strict, without rowid;
        """,
    )


@migrations()
def m002_people_and_roles(db: Database) -> None:
    """Users with their addresses, teams with positions, roles with their cells."""
    _script(
        db,
        """
        create table users (
            id integer primary key autoincrement,
            name text not null unique,
            full_name text not null default '',
            is_admin integer not null default 0,
            is_active integer not null default 1,
            os_login text unique,
            signature text not null default '',
            notify_mail text not null default 'off' check (notify_mail in ('off', 'instant', 'digest')),
            absent_from text,
            absent_until text,
            created_at text not null
        ) strict;
        create table user_addresses (
            address text primary key,
            user_id integer not null references users (id) on delete cascade,
            position integer not null
        ) strict, without rowid;
        create index user_addresses_of on user_addresses (user_id, position);
        create table teams (
            id integer primary key autoincrement,
            name text not null unique
        ) strict;
        create table team_members (
            team_id integer not null references teams (id) on delete cascade,
            user_id integer not null references users (id) on delete cascade,
            position text,
            primary key (team_id, user_id)
        ) strict, without rowid;
        create index team_members_of on team_members (user_id, team_id);
        create table roles (
            id integer primary key autoincrement,
            name text not null unique
        ) strict;
        create table role_cells (
            role_id integer not null references roles (id) on delete cascade,
            cell text not null,
            level text not null,
            primary key (role_id, cell)
        ) strict, without rowid;
        create table user_roles (
            user_id integer not null references users (id) on delete cascade,
            role_id integer not null references roles (id) on delete cascade,
            primary key (user_id, role_id)
        ) strict, without rowid;
        create table team_roles (
            team_id integer not null references teams (id) on delete cascade,
            role_id integer not null references roles (id) on delete cascade,
            primary key (team_id, role_id)
        ) strict, without rowid;
        """,
    )


@migrations()
def m003_records(db: Database) -> None:
    """Accounts (companies), contacts, leads and opportunities in one table, so that a mail has one kind of link."""
    _script(
        db,
        """
        create table records (
            id integer primary key autoincrement,
            type text not null check (type in ('account', 'contact', 'lead', 'opportunity')),
            name text not null,
            account_id integer references records (id) on delete set null,
            assigned_user_id integer references users (id) on delete set null,
            created_by_id integer references users (id) on delete set null,
            is_closed integer not null default 0,
            converted_at text,
            converted_account_id integer references records (id) on delete set null,
            converted_contact_id integer references records (id) on delete set null,
            converted_opportunity_id integer references records (id) on delete set null,
            created_at text not null
        ) strict;
        create index records_by_name on records (type, name);
        create index records_by_account on records (account_id) where account_id is not null;
        create index records_by_assigned on records (assigned_user_id) where assigned_user_id is not null;
        create index records_by_creator on records (created_by_id) where created_by_id is not null;
        create table record_addresses (
            record_id integer not null references records (id) on delete cascade,
            address text not null,
            position integer not null,
            is_invalid integer not null default 0,
            primary key (record_id, address)
        ) strict, without rowid;
        create index record_addresses_by_address on record_addresses (address, record_id);
        create table record_contacts (
            record_id integer not null references records (id) on delete cascade,
            contact_id integer not null references records (id) on delete cascade,
            primary key (record_id, contact_id)
        ) strict, without rowid;
        create index record_contacts_of on record_contacts (contact_id, record_id);
        create table record_teams (
            record_id integer not null references records (id) on delete cascade,
            team_id integer not null references teams (id) on delete cascade,
            primary key (record_id, team_id)
        ) strict, without rowid;
        create index record_teams_of on record_teams (team_id, record_id);
        """,
    )


@migrations()
def m004_folders_templates_accounts_filters(db: Database) -> None:
    """Where mail is put, how it is answered, which mailboxes bring it and what is done to it on the way."""
    _script(
        db,
        """
        create table folders (
            id integer primary key autoincrement,
            user_id integer not null references users (id) on delete cascade,
            name text not null,
            skip_notifications integer not null default 0,
            unique (user_id, name)
        ) strict;
        create table group_folders (
            id integer primary key autoincrement,
            name text not null unique
        ) strict;
        create table group_folder_teams (
            group_folder_id integer not null references group_folders (id) on delete cascade,
            team_id integer not null references teams (id) on delete cascade,
            primary key (group_folder_id, team_id)
        ) strict, without rowid;
        create table templates (
            id integer primary key autoincrement,
            name text not null unique,
            subject text not null,
            body text not null,
            is_html integer not null default 0
        ) strict;
        create table accounts (
            id integer primary key autoincrement,
            kind text not null check (kind in ('group', 'personal')),
            name text not null unique,
            address text not null,
            is_active integer not null default 1,
            user_id integer references users (id) on delete cascade,
            from_name text not null default '',
            imap text,
            folders text not null default '["INBOX"]',
            fetch_since text,
            after_import text not null default 'keep-unread',
            for_all_team_users integer not null default 0,
            assigned_user_id integer references users (id) on delete set null,
            group_folder_id integer references group_folders (id) on delete set null,
            folder_map text not null default '[]',
            default_folder text,
            create_case integer not null default 0,
            distribution text not null default 'none',
            target_team_id integer references teams (id) on delete set null,
            target_position text,
            assign_to_user_id integer references users (id) on delete set null,
            followup_closed text not null default 'reopen' check (followup_closed in ('reopen', 'note', 'new')),
            reopen_days integer,
            auto_submitted text not null default 'store' check (auto_submitted in ('store', 'case', 'skip')),
            strangers text not null default 'attach' check (strangers in ('attach', 'new-case')),
            auto_reply integer not null default 0,
            reply_template text,
            reply_from text,
            reply_from_name text,
            reply_to text,
            plus_address integer not null default 0,
            exclude_from_reply integer not null default 0,
            smtp text,
            shared integer not null default 0,
            store_sent text,
            created_by_id integer references users (id) on delete set null,
            created_at text not null,
            check ((kind = 'personal') = (user_id is not null))
        ) strict;
        create index accounts_by_address on accounts (address);
        create table account_teams (
            account_id integer not null references accounts (id) on delete cascade,
            team_id integer not null references teams (id) on delete cascade,
            primary key (account_id, team_id)
        ) strict, without rowid;
        create table account_rounds (
            account_id integer primary key references accounts (id) on delete cascade,
            last_attempt_at text,
            last_success_at text,
            last_reconciled_at text,
            failures integer not null default 0,
            login_refusals integer not null default 0,
            next_try_at text,
            last_error text,
            backlog integer not null default 0,
            breaker_until text
        ) strict;
        create table oauth_tokens (
            account_id integer primary key references accounts (id) on delete cascade,
            sealed text not null,
            saved_at text not null
        ) strict;
        create table filters (
            id integer primary key autoincrement,
            name text not null,
            kind text not null check (kind in ('global', 'group-account', 'personal-account', 'user')),
            account_id integer references accounts (id) on delete cascade,
            user_id integer references users (id) on delete cascade,
            position integer,
            criteria text not null,
            action text not null check (action in ('skip', 'move-to-folder', 'move-to-group-folder', 'none')),
            folder_id integer references folders (id) on delete set null,
            group_folder_id integer references group_folders (id) on delete set null,
            mark_read integer not null default 0,
            important integer not null default 0,
            skip_notification integer not null default 0,
            is_active integer not null default 1,
            created_at text not null
        ) strict;
        create unique index filters_by_name on filters (name) where kind <> 'user';
        create unique index filters_by_owner on filters (user_id, name) where kind = 'user';
        """,
    )


@migrations()
def m005_intake(db: Database) -> None:
    """Bytes and receipts: per mailbox epoch, each UID at or below the cursor has exactly one receipt.

    A `mailbox` is one folder of one account in one UIDVALIDITY epoch. `batches` holds the marker that is committed
    before a batch of receipts is processed and deleted with its effects: one that is found means a crash.
    """
    _script(
        db,
        """
        create table mailboxes (
            id integer primary key autoincrement,
            account_id integer not null references accounts (id) on delete cascade,
            folder text not null,
            uidvalidity integer not null,
            epoch integer not null,
            last_uid integer not null default 0,
            window_end_uid integer not null default 0,
            since text,
            is_sent integer not null default 0,
            started_at text not null,
            unique (account_id, folder, epoch)
        ) strict;
        create table raw_mails (
            id integer primary key autoincrement,
            sha256 text not null,
            size_bytes integer not null,
            is_whole integer not null default 1,
            content blob not null
        ) strict;
        create index raw_mails_by_hash on raw_mails (sha256);
        create table receipts (
            id integer primary key autoincrement,
            source text not null check (source in ('imap', 'deliver', 'import')),
            account_id integer references accounts (id) on delete set null,
            mailbox_id integer references mailboxes (id) on delete cascade,
            uid integer,
            origin text not null default '',
            state text not null check (state in
                ('new', 'done', 'filtered', 'duplicate', 'quarantined', 'parked', 'vanished', 'oversize', 'discarded')),
            raw_id integer references raw_mails (id) on delete set null,
            email_id integer,
            size_bytes integer not null default 0,
            received_at text not null,
            taken_in_at text not null,
            is_aged integer not null default 0,
            with_case integer not null default 1,
            with_notices integer not null default 1,
            with_auto_reply integer not null default 1,
            filter text,
            is_suspect integer not null default 0,
            attempts integer not null default 0,
            next_try_at text,
            error text,
            server_action text check (server_action in ('due', 'done')),
            unique (mailbox_id, uid)
        ) strict;
        create index receipts_waiting on receipts (id) where state in ('new', 'quarantined', 'parked');
        create index receipts_by_email on receipts (email_id) where email_id is not null;
        create index receipts_by_raw on receipts (raw_id) where raw_id is not null;
        create index receipts_server_action on receipts (mailbox_id) where server_action = 'due';
        create table batches (
            id integer primary key autoincrement,
            first_receipt_id integer not null,
            last_receipt_id integer not null,
            started_at text not null
        ) strict;
        """,
    )


@migrations()
def m006_emails_and_cases(db: Database) -> None:
    """Emails once each, who is linked to them and why, cases, streams, followers, notifications, decisions.

    An email's text lives in the full-text table alone; its HTML and attachments are read from the raw mail.
    """
    _script(
        db,
        """
        create table cases (
            number integer primary key autoincrement,
            name text not null,
            description text not null default '',
            status text not null default 'New'
                check (status in ('New', 'Assigned', 'Pending', 'Closed', 'Rejected', 'Duplicate')),
            priority text not null default 'Normal' check (priority in ('Low', 'Normal', 'High', 'Urgent')),
            type text,
            account_id integer references records (id) on delete set null,
            contact_id integer references records (id) on delete set null,
            lead_id integer references records (id) on delete set null,
            group_account_id integer references accounts (id) on delete set null,
            assigned_user_id integer references users (id) on delete set null,
            created_by_id integer references users (id) on delete set null,
            opened_by_email_id integer unique,
            follows_case integer references cases (number) on delete set null,
            created_at text not null,
            closed_at text
        ) strict;
        create index cases_open_by_user on cases (assigned_user_id, status);
        create index cases_by_creator on cases (created_by_id) where created_by_id is not null;
        create index cases_by_contact on cases (contact_id) where contact_id is not null;
        create index cases_by_account on cases (account_id) where account_id is not null;
        create table case_teams (
            case_number integer not null references cases (number) on delete cascade,
            team_id integer not null references teams (id) on delete cascade,
            primary key (case_number, team_id)
        ) strict, without rowid;
        create index case_teams_of on case_teams (team_id, case_number);
        create table turns (
            id integer primary key autoincrement,
            rule text not null,
            team_id integer not null,
            position text not null default '',
            user_id integer not null,
            case_number integer not null unique,
            at text not null
        ) strict;
        create index turns_of_team on turns (team_id, position, id);
        create index turns_of_user on turns (user_id, id);

        create table emails (
            id integer primary key autoincrement,
            content_key text not null,
            message_id text not null,
            direction text not null check (direction in ('in', 'out')),
            status text not null check (status in
                ('imported', 'draft', 'scheduled', 'queued', 'sent', 'failed', 'unknown', 'cancelled')),
            subject text not null,
            from_name text not null,
            from_address text not null,
            sent_at text,
            received_at text,
            imported_at text not null,
            in_reply_to text,
            thread_id integer not null,
            answers_email_id integer,
            parent_type text,
            parent_id integer,
            account_id integer references records (id) on delete set null,
            assigned_user_id integer references users (id) on delete set null,
            created_by_id integer references users (id) on delete set null,
            group_folder_id integer references group_folders (id) on delete set null,
            is_automatic integer not null default 0,
            is_auto_reply integer not null default 0,
            is_bounce integer not null default 0,
            is_partial integer not null default 0,
            variant_of_id integer,
            flags text not null default '[]',
            with_case integer not null default 1,
            with_notices integer not null default 1,
            case_account_id integer,
            raw_id integer references raw_mails (id) on delete set null,
            size_bytes integer not null,
            has_attachment integer not null default 0,
            check ((parent_type is null) = (parent_id is null))
        ) strict;
        create unique index emails_by_key on emails (content_key) where status not in ('draft', 'cancelled');
        create index emails_by_message_id on emails (message_id);
        create index emails_by_thread on emails (thread_id);
        create index emails_by_parent on emails (parent_type, parent_id, id) where parent_type is not null;
        create index emails_by_answered on emails (answers_email_id) where answers_email_id is not null;
        create index emails_by_account on emails (account_id) where account_id is not null;
        create index emails_by_assigned on emails (assigned_user_id, id) where assigned_user_id is not null;
        create index emails_by_sender on emails (from_address, id);
        create index emails_by_group_folder on emails (group_folder_id, id) where group_folder_id is not null;
        create index emails_by_raw on emails (raw_id) where raw_id is not null;
        create table email_addresses (
            email_id integer not null references emails (id) on delete cascade,
            role text not null check (role in ('to', 'cc', 'bcc', 'reply-to')),
            position integer not null,
            name text not null,
            address text not null,
            primary key (email_id, role, position)
        ) strict, without rowid;
        create index email_addresses_by_address on email_addresses (address, email_id) where address <> '';
        create table email_references (
            email_id integer not null references emails (id) on delete cascade,
            position integer not null,
            message_id text not null,
            primary key (email_id, position)
        ) strict, without rowid;
        create index email_references_by_id on email_references (message_id, email_id);
        create table attachments (
            id integer primary key autoincrement,
            email_id integer not null references emails (id) on delete cascade,
            position integer not null,
            name text not null,
            content_type text not null,
            size_bytes integer not null,
            sha256 text not null,
            is_inline integer not null,
            content_id text,
            unique (email_id, position)
        ) strict;
        create virtual table email_texts using fts5 (
            subject, people, body, attachments,
            tokenize = 'unicode61 remove_diacritics 2'
        );

        create table email_users (
            email_id integer not null references emails (id) on delete cascade,
            user_id integer not null references users (id) on delete cascade,
            folder_id integer references folders (id) on delete set null,
            is_read integer not null default 0,
            is_important integer not null default 0,
            in_trash integer not null default 0,
            trashed_at text,
            in_archive integer not null default 0,
            primary key (email_id, user_id)
        ) strict, without rowid;
        create index email_users_of on email_users (user_id, email_id);
        create table email_user_reasons (
            email_id integer not null,
            user_id integer not null,
            reason text not null check (reason in
                ('address', 'assigned', 'personal-account', 'team-account', 'group-folder', 'shared', 'author')),
            primary key (email_id, user_id, reason),
            foreign key (email_id, user_id) references email_users (email_id, user_id) on delete cascade
        ) strict, without rowid;
        create table email_teams (
            email_id integer not null references emails (id) on delete cascade,
            team_id integer not null references teams (id) on delete cascade,
            primary key (email_id, team_id)
        ) strict, without rowid;
        create index email_teams_of on email_teams (team_id, email_id);
        create table email_accounts (
            email_id integer not null references emails (id) on delete cascade,
            account_id integer not null references accounts (id) on delete cascade,
            primary key (email_id, account_id)
        ) strict, without rowid;
        create index email_accounts_of on email_accounts (account_id, email_id);
        create table tombstones (
            content_key text primary key,
            message_id text not null,
            thread_id integer not null,
            parent_type text,
            parent_id integer,
            deleted_at text not null
        ) strict, without rowid;
        create index tombstones_by_message_id on tombstones (message_id);

        create table notes (
            id integer primary key autoincrement,
            thing_type text not null,
            thing_id integer not null,
            type text not null,
            at text not null,
            user_id integer references users (id) on delete set null,
            email_id integer,
            text text not null default '',
            data text not null default '{}'
        ) strict;
        create index notes_of on notes (thing_type, thing_id, id);
        create unique index notes_once_per_email on notes (email_id, type, thing_type, thing_id)
            where email_id is not null;
        create table followers (
            thing_type text not null,
            thing_id integer not null,
            user_id integer not null references users (id) on delete cascade,
            primary key (thing_type, thing_id, user_id)
        ) strict, without rowid;
        create table notifications (
            id integer primary key autoincrement,
            user_id integer not null references users (id) on delete cascade,
            type text not null,
            cause text not null,
            at text not null,
            is_read integer not null default 0,
            email_id integer,
            thing_type text,
            thing_id integer,
            text text not null,
            delivered_at text,
            unique (user_id, cause)
        ) strict;
        create index notifications_undelivered on notifications (user_id, id) where delivered_at is null;
        create table decisions (
            id integer primary key autoincrement,
            receipt_id integer,
            email_id integer,
            at text not null,
            steps text not null
        ) strict;
        create index decisions_by_email on decisions (email_id) where email_id is not null;
        create index decisions_by_receipt on decisions (receipt_id) where receipt_id is not null;
        """,
    )


@migrations()
def m007_outbox(db: Database) -> None:
    """Everything that leaves is a row written with its cause, its bytes frozen."""
    _script(
        db,
        """
        create table outbox (
            id integer primary key autoincrement,
            kind text not null check (kind in ('user', 'auto-reply', 'notice')),
            status text not null check (status in
                ('queued', 'sending', 'sent', 'deferred', 'failed', 'unknown', 'cancelled')),
            phase text check (phase in ('rcpt', 'data')),
            cause text not null unique,
            email_id integer,
            account_id integer references accounts (id) on delete set null,
            envelope_from text not null,
            subject text not null,
            message_id text not null,
            content blob not null,
            created_at text not null,
            created_by_id integer references users (id) on delete set null,
            attempts integer not null default 0,
            next_try_at text not null,
            last_reply text,
            finished_at text
        ) strict;
        create index outbox_due on outbox (next_try_at) where status in ('queued', 'deferred', 'sending');
        create index outbox_by_email on outbox (email_id) where email_id is not null;
        create index outbox_by_message_id on outbox (message_id);
        create table outbox_recipients (
            outbox_id integer not null references outbox (id) on delete cascade,
            address text not null,
            status text not null default 'queued' check (status in ('queued', 'sent', 'deferred', 'failed')),
            reply text,
            primary key (outbox_id, address)
        ) strict, without rowid;
        create index outbox_recipients_by_address on outbox_recipients (address, outbox_id);
        """,
    )


@migrations()
def m008_emails_taken_off(db: Database) -> None:
    """An email that a person took off what it hung on is not put back by the next account that brings it."""
    _script(db, "alter table emails add column is_taken_off integer not null default 0 check (is_taken_off in (0, 1))")


def _script(db: Database, sql: str) -> None:
    """Run each statement inside the transaction that holds the migration (executescript would commit it)."""
    for statement in sql.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)
