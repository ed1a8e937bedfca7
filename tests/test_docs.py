"""The docs tell of commands that exist, with options that they have."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from espomail.cli.main import cli
from espomail.errors import EspomailError

ROOT = Path(__file__).parents[1]
FILES = {
    "README": [ROOT / "README.md"],
    "crontab": [ROOT / "crontab.example"],
    "topics": sorted((ROOT / "espomail" / "cli" / "topics").glob("*.txt")),
    "systemd": sorted((ROOT / "docs" / "systemd").glob("*.service")),
}
COMMAND = re.compile(r"(?:^\s*(?:\w+=\S+ )*|`|\* +espomail +|&& |/bin/)espomail +((?:-|[a-z])[^`\n#·]*)", re.MULTILINE)


def commands_in(files: list[Path]) -> list[str]:
    """Every command line of espomail in the files: lines that begin so, crontab entries, and what stands in backticks."""
    found = []
    for file in files:
        text = re.sub(r"\\\n\s*", "", file.read_text(encoding="utf-8")).replace("\\%", "%")
        text = re.sub(r"\$\([^)]*\)|<[^>]*>", "x", text)
        found += [
            re.split(r" && | \| | < | > |\\n|   +", match[1])[0].strip().rstrip('.,;:"') for match in COMMAND.finditer(text)
        ]
    return found


def parse(words: list[str]) -> None:
    """Parse a command line to its last command without running it; raise what click raises."""
    command: click.Command = cli
    context = command.make_context("espomail", list(words))
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command, context = found, found.make_context(name, rest, parent=context)


@pytest.mark.parametrize("where", list(FILES))
def test_every_command_in_the_docs_can_be_typed(where: str) -> None:
    lines = commands_in(FILES[where])
    assert lines, where
    wrong = []
    for line in lines:
        try:
            parse(shlex.split(line))
        except click.MissingParameter as error:
            if len(line.split()) > 2:  # `espomail case show` alone only names the command
                wrong.append(f"{line}: {error}")
        except (click.ClickException, EspomailError) as error:
            wrong.append(f"{line}: {error}")
    assert wrong == []


def helps(command: click.Command, name: str, above: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """The words of each command and noun, with its help."""
    context = command.make_context(name, [], parent=above, resilient_parsing=True)
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from helps(found, name, context)


def test_the_help_of_every_command_and_noun_has_an_example_that_can_be_typed() -> None:
    without, wrong = [], []
    for name, text in helps(cli, "espomail"):
        lines = re.findall(r"^  espomail (.*)$", text.partition("\nExample:\n")[2], re.MULTILINE)
        if not lines:
            without.append(name)
        for line in lines:
            try:
                parse(shlex.split(re.split(r" < | ?> ?| \| ", line.replace("$(date +%F)", "x"))[0]))
            except (click.ClickException, EspomailError) as error:
                wrong.append(f"{line}: {error}")
    assert (without, wrong) == ([], [])
