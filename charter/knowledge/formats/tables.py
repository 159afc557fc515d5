"""Tables as Markdown. A long one is divided like a printed one: each part has the header again, and fits into a passage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_MOST = 900
_LONGEST_HEADER = _MOST // 3

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows ``first`` to ``last`` of a table, counted from 0 with the header, as Markdown."""

    text: str
    first: int
    last: int


def parts(rows: Sequence[Row]) -> Iterator[Part]:
    """Yield a table in parts; the first row is the header. A header that would fill the parts is not repeated."""
    width = max((len(row) for row in rows), default=0)
    if not width:
        return
    header = _line(rows[0], width) + "\n|" + " --- |" * width
    again = header if len(header) <= _LONGEST_HEADER else ""
    lines, first, size = [header], 0, len(header)
    for number, row in enumerate(rows[1:], start=1):
        line = _line(row, width)
        if again and number > 1 and size + len(line) >= _MOST:
            yield Part("\n".join(lines), first, number - 1)
            lines, first, size = [again], number, len(again)
        lines.append(line)
        size += len(line) + 1
    yield Part("\n".join(lines), first, len(rows) - 1)


def table(rows: Sequence[Row]) -> str:
    """Return all parts of a table, with nothing but space between."""
    return "\n\n".join(part.text for part in parts(rows))


def _line(row: Row, width: int) -> str:
    cells = [" ".join(cell.split()).replace("|", "\\|") for cell in row]
    return "| " + " | ".join([*cells, *[""] * (width - len(cells))]) + " |"
