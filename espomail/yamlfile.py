"""YAML as people write it, read strictly: doubled keys are refused, every value keeps its line, problems are collected."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from espomail.errors import BadInput

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 50
_ODD_BREAKS = "\r\x85\u2028\u2029\ufeff"


@dataclass(frozen=True, slots=True)
class Document:
    """What a YAML file says, the line of every path in it (`state.users[2].name` -> 14), and the keys that can't stand."""

    value: Any
    lines: Mapping[str, int]
    found: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Problems:
    """All that is wrong with a file, each with its path and line, raised together."""

    file: str
    lines: Mapping[str, int]
    found: list[str] = field(default_factory=list)

    def add(self, path: str, words: str) -> None:
        line = self.line_of(path)
        self.found.append(f"{self.file}:{line}: {path}: {words}" if path else f"{self.file}:{line}: {words}")

    def line_of(self, path: str) -> int:
        """The line of a path, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 1)

    def raise_if_any(self) -> None:
        """Raise BadInput with one line for each problem."""
        if self.found:
            raise BadInput.listing(self.found, "nothing was changed; config.example.yaml explains every key")


def read(content: bytes, *, name: str) -> Document:
    """Given the bytes of a YAML file, return its value with lines.

    Only `true` and `false` are booleans (yes, no, on and off stay words), only plain decimals are numbers, dates stay text.
    Raise BadInput for what is no YAML, for aliases and too much of it; doubled keys are kept for the reader to tell with
    all else that is wrong (`Problems(…, document.found)`).
    """
    import yaml

    if len(content) > MAX_BYTES:
        raise BadInput(f"{name}: larger than {MAX_BYTES} bytes", None)
    loader = _loader()(content)
    try:
        _refuse_aliases(content, name)
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        raise BadInput(_words_of(error, name, content), "check the indentation and quotes of that line") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{name}: not UTF-8 text", "save it as UTF-8") from error
    lines: dict[str, int] = {}
    problems = Problems(name, lines)
    value = None if node is None else _value(node, "", loader, problems, depth=0)
    return Document(value, lines, problems.found)


def write(value: object, *, is_ascii: bool) -> str:
    """Given plain values, return YAML that `read` takes back as they were; `is_ascii` escapes all else, for a terminal.

    Lines of text stay lines. Text with line breaks that only Unicode knows is quoted: PyYAML would fold them away.
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        """As PyYAML writes, but for such text, and each thing written out wherever it is."""

        def ignore_aliases(self, data: object) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = '"' if any(each in value for each in _ODD_BREAKS) else "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return str(yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=not is_ascii, width=120))


def _refuse_aliases(content: bytes, name: str) -> None:
    """Aliases are refused: a small file of them can stand for a huge one, and no line of it for one place."""
    import yaml

    for event in yaml.parse(content, Loader=_loader()):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise BadInput(f"{name}:{line}: *{event.anchor}: aliases can't be used here", "write it out")


def _loader() -> Any:
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _value(node: yaml.Node, path: str, loader: Any, problems: Problems, *, depth: int) -> Any:
    import yaml

    lines = problems.lines
    assert isinstance(lines, dict)
    lines[path] = node.start_mark.line + 1
    if depth > MAX_DEPTH:
        problems.add(path, f"nested deeper than {MAX_DEPTH}")
        return None
    match node:
        case yaml.SequenceNode():
            return [_value(item, f"{path}[{n}]", loader, problems, depth=depth + 1) for n, item in enumerate(node.value)]
        case yaml.MappingNode():
            return _mapping(node, path, loader, problems, depth=depth)
        case _:
            assert isinstance(node, yaml.ScalarNode)
            return _scalar(node)


def _mapping(node: yaml.MappingNode, path: str, loader: Any, problems: Problems, *, depth: int) -> dict[Hashable, Any]:
    import yaml

    found: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
        where = f"{path}.{key}" if path else key
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or key == "<<":
            problems.found.append(f"{problems.file}:{line}: {where}: this can't be a key")
        elif key in found:
            problems.found.append(f"{problems.file}:{line}: {where}: this key is here twice")
        else:
            found[key] = _value(value_node, where, loader, problems, depth=depth + 1)
            assert isinstance(problems.lines, dict)
            problems.lines[where] = line
    return found


def _scalar(node: yaml.ScalarNode) -> Any:
    """A scalar: quoted it is text; plain it is null, true, false, a decimal number, or text as it stands."""
    text = str(node.value)
    if node.style not in (None, "") or not isinstance(text, str):
        return text
    match text:
        case "" | "~" | "null" | "Null" | "NULL":
            return None
        case "true" | "True":
            return True
        case "false" | "False":
            return False
        case _ if text.isascii() and text.isdigit() and (text == "0" or not text.startswith("0")) and len(text) < 19:
            return int(text)
        case _:
            return text


def _words_of(error: yaml.YAMLError, name: str, content: bytes) -> str:
    """One line; the parser tells a line of the file, or for a character that can't be there its place in the bytes."""
    mark, place = getattr(error, "problem_mark", None), getattr(error, "position", 0)
    line = mark.line + 1 if mark else content.count(b"\n", 0, place) + 1
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or error
    return f"{name}:{line}: no YAML: {reason}"
