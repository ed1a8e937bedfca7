"""The house rules: who may import whom. A room that needs more changes the rules here, and says so in docs/decisions."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "espomail"
ANYONE = {"errors", "levels", "times", "model", "__init__"}
MAY_IMPORT = {
    "cli": {
        "rounds", "life", "reading", "writing", "answering", "gather", "store", "wire", "config", "yamlfile", "rules", "desk", "cli",
    },
    "rounds": {"answers", "notices_mail", "life", "reading", "gather", "answering", "store", "rules", "desk", "rounds"},
    "life": {"mail", "store", "gather", "answering", "steps"},
    "steps": {"mail", "rules", "store", "gather", "answering", "steps"},
    "gather": {"mail", "rules", "store", "gather"},
    "answering": {"mail", "rules", "store", "gather"},
    "notices_mail": {"mail", "store"},
    "reading": {"mail", "rules", "store"},
    "writing": {"mail", "rules", "store", "gather", "answering", "reading", "writing"},
    "rules": {"mail", "rules"},
    "mail": {"mail"},
    "store": {"store"},
    "wire": {"answers", "wire"},
    "desk": {"answers"},
    "answers": set(),
    "config": {"yamlfile"},
    "yamlfile": set(),
    "model": set(),
    "errors": set(),
    "levels": set(),
    "times": set(),
    "__main__": {"cli"},
    "__init__": set(),
}  # fmt: skip
IMPURE = set("sqlite3 sqlite_utils pysqlite3 imapclient imaplib smtplib socket click rich os pathlib time random uuid".split())


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> list[tuple[int, str]]:
    """Every imported module of a file with its line, and every name that is taken from one; those for type checkers left out."""
    tree = ast.parse(path.read_text())
    hidden = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for statement in block.body
        for node in ast.walk(statement)
    }
    found = []
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "espomail":
            found += [(node.lineno, f"espomail.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append((node.lineno, node.module))
            found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_room_imports_only_what_it_may(path: Path) -> None:
    room = room_of(path)
    rooms = [(line, name.split(".")[1]) for line, name in imports_of(path) if name.startswith("espomail.")]
    allowed = MAY_IMPORT[room] | ANYONE | ({"__version__"} if room == "cli" else set())
    assert [(line, other) for line, other in rooms if other not in allowed] == []


def test_no_modules_need_each_other_in_a_circle() -> None:
    """Also by imports inside of functions. The one exception: an older schema is backed up before it is brought up to date."""
    named = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
    needs = {name: {other for _, other in imports_of(path) if other in named} - {name} for name, path in named.items()}
    needs["espomail.store.db"].remove("espomail.store.backups")
    TopologicalSorter(needs).prepare()


@pytest.mark.parametrize(
    "path", [p for p in FILES if room_of(p) in ("mail", "rules")], ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_pure_rooms_touch_nothing_of_the_outside_world(path: Path) -> None:
    assert [(line, name) for line, name in imports_of(path) if name.split(".")[0] in IMPURE] == []


def test_only_one_place_chooses_the_sqlite_library() -> None:
    choosing = {str(p.relative_to(PACKAGE)) for p in FILES if any(n in ("sqlite3", "pysqlite3") for _, n in imports_of(p))}
    assert choosing == {"store/db.py"}


ANSWERS_TO_PEOPLE = {"BadInput", "UsageError", "NotPermitted", "NotSetUp"}
TOLD_OF_A_MAIL = ("imap", "smtp")
"""The start of the files of wire/ whose refusals stand beside a mail or an account, not below a command."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_refusal_names_the_next_step(path: Path) -> None:
    if path.parent.name == "wire" and path.name.startswith(TOLD_OF_A_MAIL):
        return
    raised = [node.exc for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Raise)]
    calls = [call for call in raised if isinstance(call, ast.Call) and ast.unparse(call.func) in ANSWERS_TO_PEOPLE]
    assert [ast.unparse(call) for call in calls if len(call.args) + len(call.keywords) < 2] == []
