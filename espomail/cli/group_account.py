"""`espomail group-account`: shared mailboxes; admins only."""

from espomail.cli.account_commands import account_group

group_account = account_group("group", help="Shared mailboxes: how they are read, what becomes of their mail, how they answer.")
