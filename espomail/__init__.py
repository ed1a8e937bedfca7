"""espomail: shared and personal mailboxes into customer records, cases and inboxes, over one SQLite file."""

__version__ = "0.1.0"
