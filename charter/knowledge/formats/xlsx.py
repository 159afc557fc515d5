"""Workbooks: sheet by sheet, each table with its header in every part, values as a person sees them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from charter.knowledge.formats.content import LONGEST, Body, Content, Unreadable
from charter.knowledge.formats.figures import shown
from charter.knowledge.formats.package import checked
from charter.knowledge.formats.tables import parts

_MOST_SHEETS = 500
_LONGEST_CAPTION = 160
_LINES = 800


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
        _add_sheet(body, sheet.title, _stretches(sheet, unseen))
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


def _stretches(sheet: Any, unseen: _Unseen) -> Iterator[list[_Row]]:
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


def _add_sheet(body: Body, name: str, stretches: Iterable[list[_Row]]) -> None:
    """Add a sheet's tables; a few words above a table are its caption, others are text."""
    body.say(f"## {name}")
    alone = list[_Row]()
    for rows in stretches:
        columns = sorted({at for row in rows for at in row.cells})
        while rows and (len(columns) == 1 or len(rows[0].cells) == 1):
            alone.append(rows.pop(0))
        if rows:
            caption = "; ".join(_words(row) for row in alone)
            if len(caption) > _LONGEST_CAPTION:
                caption = _add_lines(body, name, alone)
            _add_table(body, f"Sheet {name}" + (f" › {caption}" if caption else ""), rows, columns)
            alone = []
    _add_lines(body, name, alone)


def _add_lines(body: Body, name: str, rows: Sequence[_Row]) -> str:
    """Add rows of a single cell, about as many at a time as make a passage; there is no caption then."""
    first = 0
    for at, _ in enumerate(rows, start=1):
        if at == len(rows) or sum(len(_words(row)) for row in rows[first : at + 1]) > _LINES:
            lines = "\n".join(_words(row) for row in rows[first:at])
            body.add(lines, f"Sheet {name}, {_span(rows[first].number, rows[at - 1].number)}")
            first = at
    return ""


def _add_table(body: Body, place: str, rows: list[_Row], columns: list[int]) -> None:
    """Add a table whose header is its first row, if that is words alone; else the columns' letters."""
    from openpyxl.utils import get_column_letter

    headed = rows[0].words
    header = [rows[0].cells.get(at, "") if headed else get_column_letter(at) for at in columns]
    below = rows[1:] if headed else rows
    if " › " in place:
        body.say(place.partition(" › ")[2])
    for part in parts([header, *([row.cells.get(at, "") for at in columns] for row in below)]):
        shown = below[max(part.first, 1) - 1 : part.last] or rows
        body.add(part.text, f"{place}, {_span(shown[0].number, shown[-1].number)}")


def _words(row: _Row) -> str:
    return " ".join(row.cells.values())


def _span(first: int, last: int) -> str:
    return f"row {first}" if first == last else f"rows {first}–{last}"
