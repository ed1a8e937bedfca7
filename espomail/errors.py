"""Every failure we expect, with the words for a person and the exit code for a script.

EspomailError                 1  failed        something we did not foresee in a place we did
├── UsageError                2  usage         the command line can't mean anything
├── PartlyDone                3  partly        the rest is done; what failed was new in this run
├── BadInput                 65  bad-input     a file, YAML, CSV, address or value that can't be used
├── NotFound                 66  not-found     no such thing, or not visible to the actor: same words
│   └── FolderMissing        66  not-found     the server has no such folder
├── Unreachable              69  unreachable   server unreachable
│   ├── LoginRefused         69  login-refused server reached, credentials refused
│   ├── SessionLost          69  unreachable   the session broke: nothing more comes over this connection
│   └── Declined             69  unreachable   the server refused one command; the session goes on
├── Damaged                  74  damaged       the database is corrupt
├── TryAgain                 75  try-again     disk full, locked too long, read-only
├── NotPermitted             77  not-permitted no role allows it, or the actor is unknown or inactive
├── NotSetUp                 78  not-set-up    no database, bad configuration, newer database
└── Interrupted             130  interrupted   ended by Ctrl-C, as shells number it
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self


class EspomailError(Exception):
    """A failure with a message for a person, a hint that names the next command, and an exit code."""

    code = 1
    kind = "failed"
    is_list = False
    """Whether the message is several, one a line; in any other a line end is not ours."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @classmethod
    def listing(cls, problems: Iterable[str], hint: str | None = None) -> Self:
        """One failure for several problems, a line each."""
        made = cls("\n".join(each.replace("\n", "\\n") for each in problems), hint)
        made.is_list = True
        return made


class UsageError(EspomailError):
    code, kind = 2, "usage"


class PartlyDone(EspomailError):
    code, kind = 3, "partly"


class BadInput(EspomailError):
    code, kind = 65, "bad-input"


class NotFound(EspomailError):
    """No such thing, or the actor may not see it; the message never tells which."""

    code, kind = 66, "not-found"

    def __init__(self, kind: str, name: object, hint: str | None = None) -> None:
        super().__init__(f"no such {kind}: {name}", hint)


class FolderMissing(NotFound):
    """The server has no such folder; the hint names the nearest ones."""

    def __init__(self, where: str, folder: str, hint: str | None = None) -> None:
        super().__init__(f"folder on {where}", folder, hint)


class Unreachable(EspomailError):
    code, kind = 69, "unreachable"


class LoginRefused(Unreachable):
    kind = "login-refused"


class SessionLost(Unreachable):
    """A server broke off, came too late or spoke nonsense: the connection is closed, nothing more may be asked of it."""


class Declined(Unreachable):
    """A server said NO to one command; the session can be used further."""


class Damaged(EspomailError):
    code, kind = 74, "damaged"


class TryAgain(EspomailError):
    code, kind = 75, "try-again"


class NotPermitted(EspomailError):
    code, kind = 77, "not-permitted"


class NotSetUp(EspomailError):
    code, kind = 78, "not-set-up"


class Interrupted(EspomailError):
    code, kind = 130, "interrupted"
