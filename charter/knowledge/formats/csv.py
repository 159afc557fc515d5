"""Tables as text: values between commas, semicolons, tabs or bars, the first row being the header."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from itertools import islice

from charter.knowledge.formats.content import Body, Content, Unreadable, decoded
from charter.knowledge.formats.tables import parts

_DELIMITERS = ",;\t|"
_SAID = re.compile(r"sep=(.)\n")
_MOST_COLUMNS = 2000


def read(content: bytes) -> Content:
    """Return the rows as one table in parts, each with the header.

    Raises:
        Unreadable: it is no text or has no rows; a quotation in it does not end; it has too many columns.
    """
    text = decoded(content).lstrip("\n")
    said = _SAID.match(text)
    text = text[said.end() :] if said else text
    try:
        rows = [(number, row) for number, row in _rows(text, said[1] if said else _delimiter(text)) if any(row)]
    except csv.Error as fault:
        raise Unreadable(f"it is no table of values ({fault})") from fault
    if not rows:
        raise Unreadable("it has no text")
    if max(len(row) for _, row in rows) > _MOST_COLUMNS:
        raise Unreadable(f"it has more than {_MOST_COLUMNS:,} columns; divide it")
    body = Body()
    for part in parts([row for _, row in rows]):
        first, last = rows[min(max(part.first, 1), part.last)][0], rows[part.last][0]
        body.add(part.text, f"Row {first}" if first == last else f"Rows {first}–{last}")
    return body.content()


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with their numbers, counted as a spreadsheet would: a quoted line break begins no row."""
    for number, row in enumerate(csv.reader(StringIO(text), delimiter=delimiter, strict=True), start=1):
        yield number, [cell.strip() for cell in row]


def _delimiter(text: str) -> str:
    """Return the delimiter that cuts the first rows into more than one column, most of them into equally many."""
    return max(_DELIMITERS, key=lambda delimiter: _evenness(text, delimiter))


def _evenness(text: str, delimiter: str) -> tuple[int, int]:
    try:
        widths = Counter(len(row) for _, row in islice(_rows(text, delimiter), 50) if any(row))
    except csv.Error:
        return 0, 0
    width, rows = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    return (rows, width) if width > 1 else (0, 0)
