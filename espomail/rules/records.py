"""Records as text: CSV lines read, and what a lead becomes. Pure."""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from espomail.errors import BadInput

TYPES = ("account", "contact", "lead", "opportunity")
WITH_ADDRESSES = ("account", "contact", "lead")
WITH_ACCOUNT = ("contact", "opportunity")
WITH_CONTACTS = ("opportunity",)
COLUMNS = ("name", "emails", "account", "contacts", "assigned_user", "teams")
_OTHER_SPELLINGS = {
    "email": "emails",
    "email_address": "emails",
    "contact": "contacts",
    "assigned": "assigned_user",
    "team": "teams",
}
_PASSED_OVER = ("id", "type", "invalid_emails", "followers")
_ITEM = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?=[,;\n]|\Z)|[^,;\n]+')
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a CSV file: where it ends in the file, and its cells by column of `COLUMNS`, those that the file has.

    Where its cells can't be told apart it has none, and `problem` says why.
    """

    number: int
    cells: Mapping[str, str]
    problem: BadInput | None = None

    def several(self, column: str) -> tuple[str, ...]:
        """The values of a cell that lists them with commas or semicolons; one in quotes may hold these itself."""
        found = _ITEM.finditer(self.cells.get(column, ""))
        values = (item[0].strip() if item[1] is None else item[1].replace('""', '"') for item in found)
        return tuple(value for value in values if value)


@dataclass(frozen=True, slots=True)
class Conversion:
    """What a lead becomes: the names of its company, contact and opportunity, None for none."""

    account: str | None
    contact: str
    opportunity: str | None


def conversion(lead: str, *, account: str | None, contact: str | None, opportunity: str | None, b2c: bool) -> Conversion:
    """Given the name of a lead and the names asked for, return what it becomes.

    A contact always, and a company unless customers are persons (`b2c`) and none is asked for; both are named like the
    lead where nothing is said. An opportunity only when it is asked for.
    """
    return Conversion(account or (None if b2c else lead), contact or lead, opportunity)


def read_csv(text: str) -> list[Line]:
    """Given a CSV file with a header line, return its records in order; raise BadInput naming the line that is no CSV at all.

    Columns: name, emails, account, contacts, assigned_user, teams; what `record export` adds is passed over. Semicolons
    separate where the header has no comma. The `'` that export puts before a formula is taken off.
    """
    text = text.removeprefix("\ufeff")
    header_line = text.partition("\n")[0]
    delimiter = ";" if ";" in header_line and "," not in header_line else ","
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    rows = _rows(reader)
    columns = _columns(next(rows, (1, []))[1])
    return [_line(number, cells, columns) for number, cells in rows if any(cell.strip() for cell in cells)]


def item(value: str) -> str:
    """The value as it stands in a cell that lists several: in quotes where it could be taken for more than one."""
    return '"' + value.replace('"', '""') + '"' if re.search(r'[,;\n"]', value) else value


def _rows(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    while True:
        before: int = getattr(reader, "line_num", 0)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadInput(f"line {before + 1}: not valid CSV: {error}", "check the quotes of that line") from error
        yield before + 1, cells


def _columns(header: list[str]) -> list[str | None]:
    names = [cell.strip().lower().replace(" ", "_").replace("-", "_") for cell in header]
    columns = [None if name in _PASSED_OVER else _OTHER_SPELLINGS.get(name, name) for name in names]
    for column in columns:
        if column is not None and column not in COLUMNS:
            near = difflib.get_close_matches(column, COLUMNS, n=1)
            raise BadInput(
                f"line 1: no column is called {column or '(nothing)'}",
                f"did you mean {near[0]}?" if near else f"columns: {', '.join(COLUMNS)}",
            )
    told = [column for column in columns if column]
    if len(set(told)) < len(told):
        raise BadInput("line 1: a column stands there twice", f"columns: {', '.join(COLUMNS)}")
    if "name" not in columns:
        raise BadInput("line 1: no column name", f"the first line names the columns: {', '.join(COLUMNS)}")
    return columns


def _line(number: int, cells: list[str], columns: list[str | None]) -> Line:
    if len(cells) != len(columns):
        problem = BadInput(f"{len(cells)} cells, the header has {len(columns)}", "check the commas of that line")
        return Line(number, {}, problem)
    if any("\0" in cell for cell in cells):
        return Line(number, {}, BadInput("a NUL character", "save the file as plain text"))
    pairs = zip(columns, cells, strict=True)
    return Line(number, {column: _without_guard(cell.strip()) for column, cell in pairs if column})


def _without_guard(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA_STARTS) else cell
