"""What every command is made of: group and command with the global options at any depth, and the desk handed in.

A noun's file reads `from espomail.cli.frame import group, command, pass_desk, emit, changed, said, confirm`.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from espomail import __version__
from espomail.cli.front import Front, asked
from espomail.cli.output import changed, complain, emit, note, removed, safe, said, say, trouble, write, write_bytes
from espomail.errors import BadInput, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from espomail.desk import Desk

__all__ = [
    "argument", "asked", "changed", "command", "complain", "confirm", "emit", "group", "note", "option", "pass_desk",
    "read_path", "read_text", "removed", "said", "say", "trouble", "with_text_of_file", "write", "write_bytes",
]  # fmt: skip

T = TypeVar("T")
_FIRST_VERBS = ("add", "list", "show")
argument = click.argument
option = click.option


# ---------------------------------------------------------------- global options


def _keep(field: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value == "":  # an empty variable of a script would act as the system, or on the default database
            raise click.BadParameter("it is empty; leave the option out, or name something.", context, parameter)
        if value:
            setattr(context.find_root().ensure_object(Front), field, value)

    return keep


def _keep_json(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        context.find_root().ensure_object(Front).format = "json"


def _add_verbose(context: click.Context, parameter: click.Parameter, value: int) -> None:
    context.find_root().ensure_object(Front).verbose += value


def _print_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(f"espomail {__version__}")
        context.exit()


def global_options(*, hidden: bool) -> list[click.Option]:
    """The options that go before or after the command, at any depth; their names can't meet a command's own."""

    def make(*flags: str, **more: Any) -> click.Option:
        return click.Option([*flags, f"global_{flags[-1].lstrip('-')}"], expose_value=False, hidden=hidden, **more)

    return [
        make("--db", metavar="PATH", callback=_keep("db"), help="The database (ESPOMAIL_DB)."),
        make("--config", metavar="PATH", callback=_keep("config"), help="The configuration file (ESPOMAIL_CONFIG)."),
        make("--as", metavar="USER", callback=_keep("as_user"), help="Act as this user (ESPOMAIL_AS)."),
        make("--json", is_flag=True, callback=_keep_json, help="The same as --format json."),
        make(
            "--format",
            type=click.Choice(["table", "json", "jsonl", "csv"]),
            callback=_keep("format"),
            help="How to print data.",
        ),
        make("-q", "--quiet", is_flag=True, callback=_keep("quiet"), help="No words, only data and trouble."),
        make("-v", "--verbose", count=True, callback=_add_verbose, help="More words; repeat for more."),
        make(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            callback=_keep("color"),
            help="Colour the tables (NO_COLOR is honoured).",
        ),
        make("--version", is_flag=True, is_eager=True, callback=_print_version, help="Print the version."),
    ]


# ---------------------------------------------------------------- commands and groups


class Framed(click.Command):
    """A command that takes the global options too, and shows its examples as they are typed."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        own = super().get_params(ctx)
        taken = {flag for parameter in own for flag in (*parameter.opts, *parameter.secondary_opts)}
        added = global_options(hidden=ctx.parent is not None)
        return own + [each for each in added if not taken & set(each.opts)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does it; what its parser refuses also says by which command, so that the hint can name its help."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What the shell is offered: the global options too, which a command's help leaves to that of the front door."""
        from click.shell_completion import CompletionItem

        found = super().shell_complete(ctx, incomplete)
        if ctx.parent is None or not incomplete.startswith("-"):
            return found
        flags = [(flag, each.help) for each in global_options(hidden=True) for flag in each.opts]
        return found + [CompletionItem(flag, help=words) for flag, words in flags if flag.startswith(incomplete)]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, one a line, never wrapped; then where the global options are told."""
        if lines := self.examples(ctx):
            formatter.write("\nExample:\n" + "".join(f"  {line}\n" for line in lines))
        if ctx.parent is not None:
            formatter.write("\nGlobal options (--json, --as, --db, …) go before or after the command: see espomail -h\n")

    def examples(self, ctx: click.Context) -> list[str]:
        """The command lines that its help shows."""
        return _examples(self.epilog or "")


def _examples(epilog: str) -> list[str]:
    lines = inspect.cleandoc(epilog).replace("\b", "").splitlines()
    stripped = (line.strip().removeprefix("Examples:").removeprefix("Example:").strip() for line in lines)
    return [line for line in stripped if line]


class FramedCommand(Framed):
    """A command: a verb, or a noun without verbs. Every boolean option gets its `--no-…`, the last one given counts."""

    def invoke(self, ctx: click.Context) -> Any:
        asked().running = ctx.command_path.partition(" ")[2]
        return super().invoke(ctx)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        taken = {flag for parameter in self.params for flag in (*parameter.opts, *parameter.secondary_opts)}
        for each in self.params:
            if isinstance(each, click.Option) and each.is_bool_flag and not each.secondary_opts:
                opposites = (f"--no-{flag[2:]}" for flag in each.opts if flag.startswith("--") and not flag.startswith("--no-"))
                each.secondary_opts = [flag for flag in opposites if flag not in taken]


class FramedGroup(Framed, click.Group):
    """A noun with its verbs; a mistyped verb is answered with the nearest one.

    `later` maps verbs to module:attribute, imported when the verb is called: those that load more than the others need.
    """

    command_class = FramedCommand
    group_class = type

    def __init__(self, *args: Any, later: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self.later = later or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.later})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return imported(self.later[cmd_name]) if cmd_name in self.later else super().get_command(ctx, cmd_name)

    def examples(self, ctx: click.Context) -> list[str]:
        """Its own, else the first ones of three of its verbs."""
        names = sorted(self.list_commands(ctx), key=lambda name: name not in _FIRST_VERBS)[:3]
        verbs = [verb for name in names if isinstance(verb := self.get_command(ctx, name), Framed)]
        return super().examples(ctx) or [line for verb in verbs for line in verb.examples(ctx)[:1]]

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            hint = nearest(name, self.list_commands(ctx), ctx.command_path)
            raise UsageError(f"no such command: {ctx.command_path} {name}", hint)
        return super().resolve_command(ctx, args)


def nearest(word: str, known: list[str], path: str) -> str:
    """The hint for a mistyped command: the nearest known ones, or where to look."""
    import difflib

    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    return f"did you mean: {', '.join(close)}?" if close else f"see: {path} -h"


class LazyGroup(FramedGroup):
    """The front door: knows each noun's module and one line of help, and imports a module when its noun is called.

    `sections` maps a heading to {noun: (module:attribute, help)}.
    """

    def __init__(self, *args: Any, sections: Mapping[str, Mapping[str, tuple[str, str]]], **more: Any) -> None:
        super().__init__(*args, **more)
        self.sections = sections
        self.targets = {name: target for section in sections.values() for name, (target, _) in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.targets)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return imported(self.targets[cmd_name]) if cmd_name in self.targets else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, section in self.sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name, words) for name, (_, words) in section.items()], col_max=20)


def imported(target: str) -> click.Command:
    """The command that `module:attribute` names."""
    module, _, attribute = target.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    assert isinstance(found, click.Command)
    return found


def group(name: str | None = None, **attributes: Any) -> Callable[[Callable[..., Any]], FramedGroup]:
    """Make a noun: `@group(help=…)` over a function without a body."""
    return click.group(name, cls=FramedGroup, **attributes)


def command(name: str | None = None, **attributes: Any) -> Callable[[Callable[..., Any]], FramedCommand]:
    """Make a noun without verbs, such as `fetch`: `@command("fetch", epilog="Example: espomail fetch")`."""
    return click.command(name, cls=FramedCommand, **attributes)


# ---------------------------------------------------------------- what commands use


def pass_desk(function: Callable[..., T]) -> Callable[..., T]:
    """Hand the desk to a command as its first argument: configuration read, database open, actor known."""

    def with_desk(*args: Any, **kwargs: Any) -> T:
        from espomail.cli.opening import desk_of

        return function(desk_of(asked()), *args, **kwargs)

    return update_wrapper(with_desk, function)


def confirm(question: str, *, yes: bool) -> None:
    """Before something is destroyed: ask on a terminal; without one --yes must say it, else raise UsageError."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"not done without a terminal to ask on: {question}", "add --yes")
    if not click.confirm(safe(question), err=True):
        raise UsageError("not done", None)


def read_path(desk: Desk, path: str) -> bytes:
    """The bytes of a file that the command line names, `-` being stdin; raise BadInput where it can't be read."""
    from espomail.cli.actor import refuse_borrowed_path

    refuse_borrowed_path(desk.actor, path)
    if path == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"{path} can't be read: {error.strerror}", "check the path, or use - for stdin") from error


def read_text(desk: Desk, path: str) -> str:
    """The text of a file that the command line names, `-` being stdin; raise BadInput for what is not UTF-8."""
    try:
        return read_path(desk, path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{'stdin' if path == '-' else path} is no text in UTF-8", "write it in UTF-8") from error


def with_text_of_file(desk: Desk, given: Mapping[str, Any], key: str) -> dict[str, Any]:
    """What was typed, with the text of the file that `--KEY-file` names as KEY.

    Asked before a transaction: while stdin lets wait, nobody could write.
    """
    path = given[f"{key}_file"]
    return {**given, key: read_text(desk, path)} if path else dict(given)
