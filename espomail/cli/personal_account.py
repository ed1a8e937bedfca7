"""`espomail personal-account`: the mailboxes of users; their own, or everybody's for admins."""

from espomail.cli.account_commands import account_group

personal_account = account_group("personal", help="The mailboxes of users: their own, or everybody's for admins.")
