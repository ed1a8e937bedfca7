"""`apply` of the example with anything in it put wrong: it is refused and changes nothing, or made, and then stays so."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from espomail import yamlfile
from espomail.store import db as store
from tests.cli.test_state import EXAMPLE, apply, dump
from tests.conftest import NOW, Runner

STATE: dict[str, Any] = yamlfile.read(EXAMPLE.read_bytes(), name="example").value["state"]
TYPED = """
    ann ben nobody support yes global user skip move-to-folder move-to-group-folder none News Invoices 2026-01-01 2026-13-01
    a:b a/b * tls starttls all ann@team.example delete move:INBOX move:Done least-busy direct-assignment ::1 5M
"""
WORDS = st.sampled_from(TYPED.split()) | st.sampled_from(["", " ", "\x00", "no\nline", "é" * 300, "{{ case.number"])
KEYS = WORDS | st.sampled_from(["env", "stored", "host"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 10**17) | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything inside of a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in inner for place in [(*path, key), *places(item, (*path, key))]]


PLACES = places(STATE)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """The state of the example with up to three places given another value, taken out, or said twice."""
    state = copy.deepcopy(STATE)
    for place in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3, unique=True)):
        around: Any = state
        try:
            for key in place[:-1]:
                around = around[key]
            around[place[-1]]
        except (KeyError, IndexError, TypeError):
            continue
        match draw(st.integers(0, 5)):
            case 0 if isinstance(around, dict | list):
                del around[place[-1]]
            case 1 if isinstance(around, list):
                around.append(copy.deepcopy(around[place[-1]]))
            case _ if isinstance(around, dict | list):
                around[place[-1]] = draw(VALUES)
    return state


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutated(), st.booleans())
def test_anything_wrong_is_refused_whole_and_what_is_made_is_made_once(
    run: Runner, state: dict[str, Any], is_new: bool
) -> None:
    text = yamlfile.write({"state": state}, is_ascii=True)
    with tempfile.TemporaryDirectory(dir=run.folder) as folder:
        fresh = Runner(Path(folder))
        fresh("init", "--yes")
        if not is_new:
            assert apply(fresh, EXAMPLE.read_text()).exit_code == 0
        opened = store.open_db(fresh.db_path, now=NOW)
        before = dump(opened)
        done = apply(fresh, text, "--prune", "--yes")
        if done.exit_code == 65:
            assert dump(opened) == before
        else:
            assert done.exit_code == 0, done.stderr
            assert apply(fresh, text, "--prune", "--yes").json == {"plan": [], "applied": True}
            exported = fresh("export").stdout
            assert apply(fresh, exported, "--prune", "--yes").json == {"plan": [], "applied": True}
        opened.close()
