"""`espomail help`, `completion` and `man`: topics at length, shell completion, manual pages made from the commands."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

import click

from espomail.cli.frame import asked, command, emit, nearest, write
from espomail.errors import NotFound

TOPICS = {
    "first-mailbox": "from nothing to the first case in five commands",
    "access": "who sees what, roles and levels, sharing one file through sudo",
    "filters": "what a filter looks at and does, and in which order",
    "cron": "running by itself: cron, systemd, an MTA pipe",
    "exit-codes": "what each exit code says",
    "passwords": "where a password may be kept",
    "output": "tables, JSON, JSON lines, CSV",
    "search": "the words of email search",
}


@command(
    "help",
    help="A topic or a command explained; without one, the list of topics.",
    epilog="""Example: espomail help exit-codes
    espomail help case assign""",
)
@click.argument("topic", nargs=-1)
@click.pass_context
def help_(context: click.Context, topic: tuple[str, ...]) -> None:
    name = " ".join(topic)
    if not name:
        emit([{"topic": each, "about": words} for each, words in TOPICS.items()], columns=("topic", "about"))
    elif name in TOPICS:
        write(resources.files("espomail.cli").joinpath("topics", f"{name}.txt").read_text(encoding="utf-8"))
    else:
        write(_help_of(context.find_root(), topic) + "\n")


def _help_of(context: click.Context, words: tuple[str, ...]) -> str:
    """The help of the command that the words name; raise NotFound when they name none."""
    for word in words:
        group = context.command
        found = group.get_command(context, word) if isinstance(group, click.Group) else None
        if found is None:
            known = group.list_commands(context) if isinstance(group, click.Group) else []
            raise NotFound("topic or command", " ".join(words), nearest(word, [*TOPICS, *known], "espomail"))
        context = click.Context(found, info_name=word, parent=context)
    return context.get_help()


@command(
    "completion",
    help="Print the script that completes espomail's commands and options in your shell.",
    epilog="""Example: espomail completion bash > /etc/bash_completion.d/espomail
    espomail completion zsh > ~/.zfunc/_espomail
    espomail completion fish > ~/.config/fish/completions/espomail.fish""",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None
    write(made(context.find_root().command, {}, "espomail", "_ESPOMAIL_COMPLETE").source() + "\n")


@command(
    "man",
    help="Print the manual page of espomail (roff), every command with its options; or a table of them.",
    epilog="""Example: espomail man | man -l -
    espomail man --table""",
)
@click.option("--table", is_flag=True, help="a Markdown table of all commands instead")
@click.pass_context
def man(context: click.Context, table: bool) -> None:
    root = context.find_root()
    write(markdown(root) if table else roff(root, today=f"{asked().now():%Y-%m-%d}"))


def markdown(root: click.Context) -> str:
    """Every command with its arguments and the first sentence of its help."""
    rows = [
        f"| `{_usage(path, each)}` | {_cell(each.command.get_short_help_str(200))} |"
        for path, each in commands_below(root)
        if not isinstance(each.command, click.Group)
    ]
    return "\n".join(["| command | what it does |", "|---|---|", *rows]) + "\n"


def _usage(path: str, context: click.Context) -> str:
    return " ".join([path, *context.command.collect_usage_pieces(context)[1:]])


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def roff(root: click.Context, *, today: str) -> str:
    """The manual page, dated `today`."""
    lines = [
        f'.TH ESPOMAIL 1 "{today}" "espomail" "User commands"',
        ".SH NAME",
        r"espomail \- mailboxes into customer records, cases and inboxes",
    ]
    for path, each in commands_below(root):
        lines += [f".SH {_roff(path)}" if path.count(" ") < 2 else f".SS {_roff(path)}", ".nf", _roff(each.get_help()), ".fi"]
    return "\n".join(lines) + "\n"


def commands_below(context: click.Context) -> Iterator[tuple[str, click.Context]]:
    """Every command of a group, at any depth, in order: its words (`espomail case list`) and a context for its help."""
    yield context.command_path, context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            found = context.command.get_command(context, name)
            if found is not None:
                yield from commands_below(click.Context(found, info_name=name, parent=context))


def _roff(text: str) -> str:
    """Text that roff prints as it is: backslashes and hyphens escaped, no line taken for a request."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return "\n".join(rf"\&{line}" if line.startswith((".", "'")) else line for line in escaped.splitlines())
