"""The front door: which noun lives in which module, and how a command line ends."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import click

from espomail.cli import failure
from espomail.cli.frame import LazyGroup
from espomail.cli.front import Front
from espomail.cli.output import complain, complain_about, note, silence_stdout
from espomail.errors import EspomailError, Interrupted, TryAgain

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Set up": {
        "init": ("espomail.cli.init:init", "create the database and its key file"),
        "demo": ("espomail.cli.demo.command:demo", "the main job on a throw-away database"),
        "settings": ("espomail.cli.settings:settings", "what decides about mail"),
        "apply": ("espomail.cli.state:apply", "make the database as a YAML file says"),
        "export": ("espomail.cli.state:export", "the state as YAML that apply takes back"),
    },
    "Mailboxes and what happens to their mail": {
        "group-account": ("espomail.cli.group_account:group_account", "shared mailboxes"),
        "personal-account": ("espomail.cli.personal_account:personal_account", "mailboxes of one user"),
        "filter": ("espomail.cli.filter:filter_", "skip, move or mark mail on its way in"),
        "folder": ("espomail.cli.folder:folder", "a user's own folders"),
        "group-folder": ("espomail.cli.group_folder:group_folder", "folders shared by teams"),
        "oauth": ("espomail.cli.oauth:oauth", "log in to Microsoft 365 and Google"),
        "template": ("espomail.cli.template:template", "texts of replies and auto-replies"),
    },
    "People and what they may do": {
        "user": ("espomail.cli.user:user", "who works here"),
        "team": ("espomail.cli.team:team", "who works together"),
        "role": ("espomail.cli.role:role", "what somebody may see and do"),
        "access": ("espomail.cli.access:access", "why somebody may see something, or not"),
        "can-send": ("espomail.cli.can_send:can_send", "whether a user may send from an address"),
    },
    "Take in mail": {
        "fetch": ("espomail.cli.fetch:fetch", "take in new mail and process it"),
        "deliver": ("espomail.cli.deliver:deliver", "take in one mail from an MTA, on stdin"),
        "import": ("espomail.cli.deliver:import_", "take in mail from files"),
        "explain": ("espomail.cli.explain:explain", "what would happen to a mail, and why"),
        "reprocess": ("espomail.cli.reprocess:reprocess", "what today's rules make of stored mail"),
    },
    "Work": {
        "case": ("espomail.cli.case:case", "cases"),
        "email": ("espomail.cli.email:email", "emails and inboxes"),
        "record": ("espomail.cli.record:record", "accounts, contacts, leads, opportunities"),
        "stream": ("espomail.cli.stream:stream", "what happened on a record"),
        "follow": ("espomail.cli.follow:follow", "be told of news on a record"),
        "unfollow": ("espomail.cli.follow:unfollow", "no longer be told"),
        "followers": ("espomail.cli.follow:followers", "who follows a record"),
        "notification": ("espomail.cli.notification:notification", "what a user should know"),
    },
    "Keep it running": {
        "status": ("espomail.cli.status:status", "accounts, backlog, outbox at a glance"),
        "doctor": ("espomail.cli.doctor:doctor", "everything that can be wrong, with the fix"),
        "reconcile": ("espomail.cli.reconcile:reconcile", "a server's mail against the database, gaps filled"),
        "watch": ("espomail.cli.watch:watch", "take in mail within a second of its arrival"),
        "metrics": ("espomail.cli.metrics:metrics", "numbers for Prometheus"),
        "report": ("espomail.cli.report:report", "volumes, response times, backlog, with charts"),
        "cron": ("espomail.cli.send:cron", "everything that is due, in one run for cron"),
        "send": ("espomail.cli.send:send", "send what is due"),
        "outbox": ("espomail.cli.outbox:outbox", "what leaves, what waits"),
        "notify": ("espomail.cli.send:notify", "notifications by mail, command and webhook"),
        "quarantine": ("espomail.cli.quarantine:quarantine", "mail that could not be processed"),
        "tidy": ("espomail.cli.tidy:tidy", "purge old trash and skipped mail"),
        "backup": ("espomail.cli.backup:backup", "an online copy, checked"),
        "restore": ("espomail.cli.backup:restore", "put a backup in place of the database"),
    },
    "Help": {
        "help": ("espomail.cli.help:help_", "a topic or a command explained"),
        "completion": ("espomail.cli.help:completion", "completion for bash, zsh or fish"),
        "man": ("espomail.cli.help:man", "the manual pages"),
    },
}


class FrontDoor(LazyGroup):
    """The whole program: runs a command line and ends the process with the exit code of CLI manners."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> NoReturn:
        _open_standard_streams()
        words = list(sys.argv[1:] if args is None else args)
        is_for_mta = next((word for word in words if word in self.targets), "") == "deliver"
        front = extra.pop("obj", None) or Front()
        name = prog_name or "espomail"
        self._main_shell_completion(extra, name, complete_var)
        try:
            code = self._run(words, front, name, extra)
            sys.stdout.flush()
        except BrokenPipeError:
            code = _leave_quietly()
        except (click.exceptions.Abort, KeyboardInterrupt):
            code = Interrupted.code
            _say_interrupted(front, words)
        except Exception as error:  # an MTA must hear "try again", whatever broke; anybody else gets the traceback
            bug = f"this is a bug in espomail: {type(error).__name__}: {error}"
            note(bug, level="error", front=front)
            if not is_for_mta:
                raise
            complain(f"espomail: {bug}")
            code = TryAgain.code
        if is_for_mta and code != 0:
            code = TryAgain.code
        sys.exit(code)

    def _run(self, words: list[str], front: Front, name: str, extra: dict[str, Any]) -> int:
        """The exit code of one command line; what nobody foresaw goes on to the caller."""
        try:
            with self.make_context(name, list(words), obj=front, **extra) as context:  # click empties the list
                self.invoke(context)
        except click.exceptions.Exit as end:
            return int(end.exit_code)
        except click.exceptions.NoArgsIsHelpError as error:
            complain(error.format_message())
            return 2
        except BrokenPipeError:
            raise
        except failure.expected() as error:
            return _told(error, front, words)
        for each in front.troubles:
            complain(each)
        return 0


def _told(error: BaseException, front: Front, words: Sequence[str]) -> int:
    """Print an expected failure and return its exit code; raise again what turns out to be a bug."""
    told = failure.as_expected(error, words)
    if told is None:
        raise error
    note(told.message + (f" — {told.hint}" if told.hint else ""), level="error", front=front)
    complain_about(told, as_json=_wants_json(front, words), troubles=front.troubles)
    return told.code


def _wants_json(front: Front, words: Sequence[str]) -> bool:
    return front.format in ("json", "jsonl") or (front.format is None and failure.wants_json(words))


def _open_standard_streams() -> None:
    """Who starts us with a stream closed gets an empty one: nothing that we open may take its number.

    What goes to a file or a pipe is UTF-8, as `apply` and `record import` read it, whatever the locale; a terminal gets
    escapes for what it can't show.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 (open as long as the process)
    if not isinstance(sys.stdout, io.TextIOWrapper):
        return
    if sys.stdout.isatty():
        sys.stdout.reconfigure(errors="backslashreplace")
    else:
        sys.stdout.reconfigure(encoding="utf-8")


def _leave_quietly() -> int:
    """The reader of our output is gone: nothing more can be said, and nothing went wrong."""
    silence_stdout()
    return 0


def _say_interrupted(front: Front, words: Sequence[str]) -> None:
    with contextlib.suppress(OSError):
        complain_about(Interrupted("interrupted"), as_json=_wants_json(front, words), troubles=front.troubles)


def tell_bug(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """The last word on an error that nobody foresaw: one line; its traceback only with -v. The exit code is 1."""
    if any(word == "--verbose" or (word.startswith("-v") and set(word[1:]) <= {"v", "q"}) for word in sys.argv[1:]):
        sys.__excepthook__(kind, error, traceback)
    text = f"{kind.__name__}: {error}".splitlines()[0]
    message = f"this is a bug in espomail: {text}"
    complain_about(
        EspomailError(message, "run the command again with -v and report what it prints"),
        as_json=failure.wants_json(sys.argv[1:]),
    )


@click.command(
    "espomail",
    cls=FrontDoor,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""Example: espomail init
    espomail demo
    espomail fetch --json""",
)
def cli() -> None:
    """Shared and personal mailboxes into customer records, cases and inboxes, over one SQLite file.

    `espomail help` lists the topics that are explained at length.
    """


def main() -> None:
    """The `espomail` command."""
    sys.excepthook = tell_bug
    cli.main(prog_name="espomail")
