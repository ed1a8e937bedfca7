"""A notifying round: notifications out by mail (at once or once a day, as each user wishes), by a command, by a webhook.

What a notification may say is judged now, by what its user may read now. Mail goes through the outbox, as a row with its cause; a
command or webhook gets one JSON object each, at most once: what was handed over and failed is not repeated. The mails of all
users are queued before the first hook is asked, so that a slow one holds up nobody's mail.
"""

from __future__ import annotations

import http.client
import json
import shlex
import subprocess
import threading
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from espomail import notices_mail, times
from espomail.desk import Desk
from espomail.model import Settings
from espomail.rounds import locks
from espomail.store import notifications, outbound, tellings, users
from espomail.store import settings as settings_store
from espomail.store.db import transaction
from espomail.store.notifications import Notification
from espomail.store.tellings import Telling

DIGEST_AFTER = timedelta(hours=24)
HOOK_S = 10
HOOKS_S = 300.0


@dataclass(frozen=True, slots=True)
class Hooks:
    """Where notifications go besides: a command line (no shell) and an https address; None where there is none."""

    command: str | None = None
    webhook: str | None = None


@dataclass(slots=True)
class Notified:
    """How many notifications went into mail and to the hooks, and what went wrong with a hook."""

    mailed: int = 0
    handed_over: int = 0
    troubles: list[str] = field(default_factory=list)


def notify(desk: Desk, hooks: Hooks, *, hooks_s: float = HOOKS_S) -> Notified:
    """Deliver what is undelivered; quietly nothing when another round is at it. The hooks get `hooks_s` seconds for all."""
    result = Notified()
    with locks.hold(desk.lock_dir / "notify.lock") as is_held:
        if not is_held:
            return result
        settings = settings_store.load(desk.db)
        now = desk.now()
        waiting = notifications.list_undelivered(desk.db)
        profiles = {user.id: user for user in users.list_(desk.db)}
        told: list[Telling] = []
        for user_id, own in groupby(waiting, key=lambda each: each.user_id):
            told += _deliver(desk, profiles[user_id], list(own), settings, now, result)
        if hooks.command is not None or hooks.webhook is not None:
            _hand_all_over(desk, told, hooks, hooks_s, result)
    return result


def _deliver(
    desk: Desk, user: users.User, own: Sequence[Notification], settings: Settings, now: datetime, result: Notified
) -> list[Telling]:
    """One user's notifications by mail; return what the hooks are to be told of them.

    Old and read ones are only crossed off; a digest waits for its day.
    """
    fresh = [n for n in own if not n.is_read and now - times.from_text(n.at) <= settings.notify_max_age]
    wish = user.profile.notify_mail
    oldest = min((times.from_text(n.at) for n in fresh), default=now)
    if wish == "digest" and fresh and now - oldest < min(DIGEST_AFTER, settings.notify_max_age / 2):
        return []
    told = tellings.tell(desk.db, fresh)
    sender = outbound.system_account(desk.db, settings)
    with transaction(desk.db):
        if wish != "off" and sender is not None and user.emails and told:
            result.mailed += notices_mail.queue(desk.db, user.emails[0], told, sender, as_digest=wish == "digest", now=now)
        notifications.set_delivered(desk.db, [n.id for n in own], now=now)
    return told


def _hand_all_over(desk: Desk, told: Sequence[Telling], hooks: Hooks, hooks_s: float, result: Notified) -> None:
    until = desk.monotonic() + hooks_s
    for count, telling in enumerate(told):
        if desk.monotonic() > until:
            result.troubles.append(f"{len(told) - count} notifications were not handed over: the time was up")
            return
        _hand_over(telling, hooks, result)


def _hand_over(telling: Telling, hooks: Hooks, result: Notified) -> None:
    document = json.dumps(as_json(telling)).encode()
    troubles = []
    if hooks.command is not None:
        troubles.append(_run(hooks.command, document))
    if hooks.webhook is not None:
        troubles.append(_post(hooks.webhook, document))
    result.handed_over += any(trouble is None for trouble in troubles)
    result.troubles += [trouble for trouble in troubles if trouble is not None]


def as_json(telling: Telling) -> dict[str, Any]:
    """A notification as CLI.md gives it."""
    return {
        "id": telling.id,
        "user": telling.user,
        "type": telling.type,
        "at": telling.at,
        "is_read": telling.is_read,
        "email": telling.email,
        "thing": str(telling.thing) if telling.thing else None,
        "text": telling.text,
    }


def _run(command: str, document: bytes) -> str | None:
    """Give the JSON to a command on its standard input; return what went wrong, None for nothing.

    Its arguments are not told: a token may be among them.
    """
    try:
        done = subprocess.run(shlex.split(command), input=document, capture_output=True, timeout=HOOK_S, check=False)
    except subprocess.TimeoutExpired:
        return f"the notify command took more than {HOOK_S} s"
    except (OSError, ValueError) as error:
        return f"the notify command failed: {error}"
    return f"the notify command ended with {done.returncode}" if done.returncode else None


def _post(url: str, document: bytes) -> str | None:
    """Post the JSON to a webhook; return what went wrong, None for nothing.

    In a thread, since its time-out is for each byte: a server that drips would hold up what cron has to send.
    """
    outcome: list[str | None] = []
    thread = threading.Thread(target=lambda: outcome.append(_posted(url, document)), daemon=True)
    thread.start()
    thread.join(HOOK_S)
    return outcome[0] if outcome else f"the webhook took more than {HOOK_S} s"


def _posted(url: str, document: bytes) -> str | None:
    """As `_post`, for as long as it takes; TLS is verified by the standard library."""
    request = urllib.request.Request(url, data=document, headers={"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=HOOK_S) as answer:
            return None if answer.status < 300 else f"the webhook answered {answer.status}"
    except http.client.HTTPException:  # its words would hold the answer, or the address with its token
        return "the webhook failed: what it speaks is no HTTP"
    except (OSError, ValueError) as error:
        return f"the webhook failed: {error}"
