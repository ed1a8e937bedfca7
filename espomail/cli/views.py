"""Emails to the JSON of the command line, and what a table shows of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from espomail.model import Address
from espomail.store.emails_read import Holder, ReadAttachment, ReadEmail, Ref

EMAIL_COLUMNS = ("id", "received_at", "from", "subject", "parent", "has_attachment")
EMAIL_FIELDS = (
    "id", "message_id", "direction", "status", "subject", "from", "to", "cc", "bcc", "reply_to", "sent_at",
    "received_at", "imported_at", "in_reply_to", "references", "thread_id", "parent", "case", "account", "users",
    "teams", "assigned_user", "group_accounts", "personal_accounts", "group_folder", "is_auto_reply", "is_automatic",
    "is_bounce", "is_partial", "flags", "size_bytes", "has_attachment",
)  # fmt: skip
ATTACHMENT_FIELDS = ("id", "name", "content_type", "size_bytes", "sha256", "is_inline")


def email_json(email: ReadEmail) -> dict[str, Any]:
    """An email as a list gives it."""
    is_of_case = email.parent is not None and email.parent.type == "case"
    return {
        "id": email.id,
        "message_id": email.message_id,
        "direction": email.direction,
        "status": email.status,
        "subject": email.subject,
        "from": _address(email.sender) if any(email.sender) else None,
        "to": _addresses(email.to),
        "cc": _addresses(email.cc),
        "bcc": _addresses(email.bcc),
        "reply_to": _addresses(email.reply_to),
        "sent_at": email.sent_at,
        "received_at": email.received_at,
        "imported_at": email.imported_at,
        "in_reply_to": email.in_reply_to,
        "references": list(email.references),
        "thread_id": email.thread_id,
        "parent": _ref(email.parent),
        "case": email.parent.id if email.parent is not None and is_of_case else None,
        "account": _ref(email.account),
        "users": [_holder(each) for each in email.holders],
        "teams": list(email.teams),
        "assigned_user": email.assigned_user,
        "group_accounts": list(email.group_accounts),
        "personal_accounts": list(email.personal_accounts),
        "group_folder": email.group_folder,
        "is_auto_reply": email.is_auto_reply,
        "is_automatic": email.is_automatic,
        "is_bounce": email.is_bounce,
        "is_partial": email.is_partial,
        "flags": list(email.flags),
        "size_bytes": email.size_bytes,
        "has_attachment": email.has_attachment,
    }


def found_json(email: ReadEmail) -> dict[str, Any]:
    """An email as a search gives it: with the words around what was found, null for a query without words."""
    return {**email_json(email), "snippet": email.snippet}


def attachment_json(each: ReadAttachment) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.name,
        "content_type": each.content_type,
        "size_bytes": each.size_bytes,
        "sha256": each.sha256,
        "is_inline": each.is_inline,
    }


def _ref(ref: Ref | None) -> dict[str, Any] | None:
    return None if ref is None else {"type": ref.type, "id": ref.id, "name": ref.name}


def _address(address: Address) -> dict[str, str]:
    return {"name": address.name, "address": address.address}


def _addresses(addresses: Sequence[Address]) -> list[dict[str, str]]:
    return [_address(each) for each in addresses]


def _holder(each: Holder) -> dict[str, Any]:
    return {
        "user": each.user,
        "folder": each.folder,
        "is_read": each.is_read,
        "is_important": each.is_important,
        "in_trash": each.in_trash,
        "in_archive": each.in_archive,
    }
