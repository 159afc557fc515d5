"""Workbooks: sheet by sheet, each table with its header in every part, values as a person sees them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from charter.knowledge.formats.content import LONGEST, Body, Content, Unreadable
from charter.knowledge.formats.figures import shown
from charter.knowledge.formats.package import checked
from charter.knowledge.formats.tables import parts

_MOST_SHEETS = 500


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    cells: dict[int, str]
    words: bool
    """Whether every cell is text, as those of a header are."""


@dataclass(slots=True)
class _Unseen:
    """What a sheet hides."""

    columns: set[int]
    rows: set[int]


def read(content: bytes) -> Content:
    """Return the sheets in their order, with the results of formulas as they were last saved.

    Hidden sheets, columns and rows are left out, and a remark at the end says so.

    Raises:
        Unreadable: it is no such package, has too many sheets or nothing in them.
    """
    from openpyxl import load_workbook

    book: Any = load_workbook(checked(content, ".xlsx"), read_only=True, data_only=True, keep_links=False)
    if len(book.worksheets) > _MOST_SHEETS:
        raise Unreadable(f"it has more than {_MOST_SHEETS} sheets; divide it")
    body, left_out = Body(), {"sheet": 0, "column": 0, "row": 0}
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            left_out["sheet"] += 1
            continue
        unseen = _unseen(sheet)
        left_out["column"] += len(unseen.columns)
        left_out["row"] += len(unseen.rows)
        body.say(f"## {sheet.title}")
        for rows in _tables(sheet, unseen):
            _add(body, sheet.title, rows)
    if not body.content().pieces:
        raise Unreadable("its sheets are empty")
    if any(left_out.values()):
        said = ", ".join(f"{n} {name}{'' if n == 1 else 's'}" for name, n in left_out.items() if n)
        body.say(f"(Hidden and left out: {said}.)")
    return body.content()


def _unseen(sheet: Any) -> _Unseen:
    """Return what a sheet hides; the library does not tell where it reads cell by cell."""
    unseen = _Unseen(set(), set())

    def begin(name: str, said: dict[str, str]) -> None:
        if said.get("hidden") not in ("1", "true"):
            return
        if name.endswith(" col"):
            unseen.columns.update(range(int(said["min"]), min(int(said["max"]), 16384) + 1))
        elif name.endswith(" row") and "r" in said:
            unseen.rows.add(int(said["r"]))

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = begin
    with sheet._get_source() as source:
        parser.ParseFile(source)
    return unseen


def _tables(sheet: Any, unseen: _Unseen) -> Iterator[list[_Row]]:
    """Yield the stretches of rows that have no empty row between."""
    # The size that a file states may be wrong, and would be filled with empty cells.
    sheet.reset_dimensions()
    rows, length = list[_Row](), 0
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        if number in unseen.rows:
            continue
        row = _row(number, cells, unseen)
        if row.cells:
            rows.append(row)
            length += sum(map(len, row.cells.values()))
            if length > LONGEST:
                raise Unreadable(f"it is longer than {LONGEST:,} characters; divide it")
        elif rows:
            yield rows
            rows = []
    if rows:
        yield rows


def _row(number: int, cells: Sequence[Any], unseen: _Unseen) -> _Row:
    filled = [
        (at, cell) for at, cell in enumerate(cells, start=1) if cell.value is not None and at not in unseen.columns
    ]
    said = {at: words for at, cell in filled if (words := shown(cell.value, cell.number_format))}
    return _Row(number, said, all(isinstance(cell.value, str) for _, cell in filled))


def _add(body: Body, name: str, rows: list[_Row]) -> None:
    """Add one table; single cells above it are its captions."""
    columns = sorted({at for row in rows for at in row.cells})
    while rows and len(columns) > 1 and len(rows[0].cells) == 1:
        body.add(*_line(name, rows.pop(0)))
    if len(columns) == 1:
        for row in rows:
            body.add(*_line(name, row))
        return
    if rows:
        _add_table(body, name, rows, columns)


def _add_table(body: Body, name: str, rows: list[_Row], columns: list[int]) -> None:
    from openpyxl.utils import get_column_letter

    headed = rows[0].words
    letters = [get_column_letter(at) for at in columns]
    header = [rows[0].cells.get(at, "") for at in columns] if headed else letters
    below = rows[1:] if headed else rows
    for part in parts([header, *([row.cells.get(at, "") for at in columns] for row in below)]):
        if not below:
            body.add(part.text, f"Sheet {name}, row {rows[0].number}")
            return
        first, last = below[max(part.first, 1) - 1].number, below[part.last - 1].number
        body.add(part.text, f"Sheet {name}, {_span(first, last)}")


def _line(name: str, row: _Row) -> tuple[str, str]:
    return " ".join(row.cells.values()), f"Sheet {name}, row {row.number}"


def _span(first: int, last: int) -> str:
    return f"row {first}" if first == last else f"rows {first}–{last}"
