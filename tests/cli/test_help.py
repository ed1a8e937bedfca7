"""Help topics, completion and the manual page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from espomail.cli.help import TOPICS
from espomail.errors import EspomailError
from tests.conftest import Runner


def test_help_lists_the_topics_and_prints_each(run: Runner) -> None:
    assert [row["topic"] for row in run("help", "--json").json] == list(TOPICS)
    for topic in TOPICS:
        text = run("help", topic).stdout
        assert len(text.splitlines()) > 3
        assert max(map(len, text.splitlines())) <= 128


def test_the_topic_of_exit_codes_names_every_code(run: Runner) -> None:
    text = run("help", "exit-codes").stdout
    codes = {each.code for each in _all(EspomailError)} | {0, 130}
    assert [code for code in sorted(codes) if f"\n  {code} " not in text] == []


def _all(kind: type[EspomailError]) -> list[type[EspomailError]]:
    return [kind, *(below for each in kind.__subclasses__() for below in _all(each))]


def test_help_of_a_command_is_its_help(run: Runner) -> None:
    assert run("help", "case", "assign").stdout == run("case", "assign", "-h").stdout
    unknown = run("help", "exit-cods", "--json")
    assert unknown.exit_code == 66
    assert unknown.error["hint"].startswith("did you mean: exit-codes")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(run: Runner, shell: str) -> None:
    script = run("completion", shell).stdout
    assert "_ESPOMAIL_COMPLETE" in script
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=script, text=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["te"], {"team", "template"}),
        (["team", "add-"], {"add-member"}),
        (["role", "add", "--s"], {"--set"}),
        (["case", "list", "--j"], {"--json"}),
        (["case", "--a"], {"--as"}),
    ],
)
def test_the_shell_is_offered_what_fits(typed: list[str], offered: set[str]) -> None:
    environment = {**os.environ, "_ESPOMAIL_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(["espomail", *typed])}
    done = subprocess.run(
        [sys.executable, "-c", "from espomail.cli.main import main; main()"],
        env={**environment, "COMP_CWORD": str(len(typed))},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} >= offered


def test_the_manual_page_is_roff_with_every_command(run: Runner) -> None:
    page = run("man").stdout
    assert page.startswith('.TH ESPOMAIL 1 "2026-03-02"')
    for words in ("espomail case assign", "espomail group\\-account add", "espomail apply"):
        assert words in page
    if shutil.which("man"):
        shown = subprocess.run(["man", "-l", "-"], input=page, capture_output=True, text=True, check=False)
        assert shown.returncode == 0
