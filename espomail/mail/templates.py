"""Placeholders in templates: Jinja2 in its sandbox, cut down to what can't take long or grow large. Pure.

A template may print, compare, choose with `if` and call the filters named here. Loops, calls, macros and multiplication are
refused before anything runs: `{{ 'a' * 10**9 }}` takes half a minute in the plain sandbox.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from espomail.errors import BadInput

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.nodes import Node
    from jinja2.sandbox import SandboxedEnvironment

TEMPLATE_CHARS_MAX: Final = 200_000
OUTPUT_CHARS_MAX: Final = 1_000_000
VARIABLES: Final = ("case", "email", "person", "user", "account", "today", "now")
FILTERS: Final = (
    "abs", "capitalize", "d", "date", "default", "e", "escape", "first", "int", "last", "length", "lower", "title", "trim",
    "truncate", "upper",
)  # fmt: skip
_NODES: Final = frozenset(
    (
        "Template", "Output", "TemplateData", "Name", "Const", "Getattr", "Getitem", "Filter", "Test", "Compare", "Operand",
        "And", "Or", "Not", "If", "CondExpr", "Concat", "Add", "Keyword",
    )
)  # fmt: skip
_DEPTH_MAX = 40
_HINT = "templates may use {{ … }}, {% if %} and filters"
_DATE_CODE = re.compile("%(.)", re.DOTALL)


def render(template: str, variables: Mapping[str, object], *, html: bool) -> str:
    """Given a template and its variables, return the filled text, values escaped when it is HTML.

    A missing attribute prints as nothing; a missing variable, a construct that is not allowed, a failing filter or more than
    a million characters raise BadInput with the line.
    """
    compiled = _compiled(template, html=html, known=frozenset(variables))
    pieces: list[str] = []
    size = 0
    for piece in _pieces(compiled, variables):
        size += len(piece)
        if size > OUTPUT_CHARS_MAX:
            raise BadInput(f"the template gives more than {OUTPUT_CHARS_MAX} characters", _HINT)
        pieces.append(piece)
    return "".join(pieces)


def render_check(template: str) -> None:
    """Given a template, raise BadInput naming the line when it can't be read, is not allowed, or uses an unknown variable."""
    _compiled(template, html=False, known=frozenset(VARIABLES))


def _compiled(template: str, *, html: bool, known: frozenset[str]) -> Template:
    from jinja2 import TemplateError

    if len(template) > TEMPLATE_CHARS_MAX:
        raise BadInput(f"the template is too long: {len(template)} characters, {TEMPLATE_CHARS_MAX} at most", "shorten it")
    environment = _environment(html)
    try:
        tree = environment.parse(template)
        _refuse_unknown(tree, known)
        return environment.from_string(tree)
    except TemplateError as error:
        line = getattr(error, "lineno", None) or 1
        raise BadInput(f"template, line {line}: {error.message or 'not readable'}", _HINT) from error
    except (RecursionError, SyntaxError, MemoryError, ValueError, OverflowError) as error:
        raise BadInput("template: nested too deeply or a number too large", _HINT) from error


def _refuse_unknown(tree: Node, known: frozenset[str]) -> None:
    """Walk the tree without recursion: every node must be one we allow, every name one that is given."""
    waiting: list[tuple[Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        kind = type(node).__name__
        where = f"template, line {node.lineno}"
        if kind not in _NODES:
            raise BadInput(f"{where}: {kind.lower()} is not allowed here", _HINT)
        if depth > _DEPTH_MAX:
            raise BadInput(f"{where}: nested too deeply", _HINT)
        fields = dict(node.iter_fields())
        if kind == "Name" and fields["name"] not in known:
            raise BadInput(f"{where}: unknown placeholder {fields['name']!r}", f"known are {', '.join(sorted(known))}")
        if kind == "Filter" and fields["name"] not in FILTERS:
            raise BadInput(f"{where}: unknown filter {fields['name']!r}", f"known are {', '.join(FILTERS)}")
        waiting.extend((child, depth + 1) for child in node.iter_child_nodes())


def _pieces(compiled: Template, variables: Mapping[str, object]) -> list[str]:
    from jinja2 import TemplateError

    try:
        return list(compiled.generate(dict(variables)))
    except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
        raise BadInput(f"template: {_message(error)}", _HINT) from error


def _message(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__


@cache
def _environment(html: bool) -> SandboxedEnvironment:
    from jinja2 import ChainableUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class ValuesOnly(ImmutableSandboxedEnvironment):
        """A method is no value: nothing can call it, and printed it would show a place in memory."""

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            return not callable(value) and super().is_safe_attribute(obj, attr, value)

    environment = ValuesOnly(autoescape=html, undefined=ChainableUndefined, keep_trailing_newline=True)
    environment.globals = {}
    environment.filters = {name: entry for name, entry in environment.filters.items() if name in FILTERS}
    environment.filters["date"] = _format_date
    environment.finalize = _shown
    return environment


def _shown(value: Any) -> Any:
    """None prints as nothing, an aware moment as `2026-03-01 09:00`."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return _format_date(value, "%Y-%m-%d %H:%M")
    return value


def _format_date(value: object, pattern: str = "%Y-%m-%d") -> str:
    """The filter `date`: %Y %m %d %H %M %S of a date or moment; anything else prints as nothing."""
    if not isinstance(value, date):
        return ""
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    codes = {
        "Y": f"{moment.year:04}",
        "m": f"{moment.month:02}",
        "d": f"{moment.day:02}",
        "H": f"{moment.hour:02}",
        "M": f"{moment.minute:02}",
        "S": f"{moment.second:02}",
        "%": "%",
    }
    return _DATE_CODE.sub(lambda match: codes.get(match[1], match[0]), str(pattern))
