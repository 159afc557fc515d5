"""Cut a text into passages along its headings, blocks, paragraphs and sentences. Pure; offsets are exact.

A passage is small enough to be quoted whole and to fit the embedder's window, and never crosses a heading. A table, a
list or fenced code that fits stays whole; a longer one is cut between rows, items or lines.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from charter.knowledge.blocks import FENCE, Block, blocks

_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
# Where else a text may be cut, the best first: between sentences, lines, words.
_SEAMS = (re.compile(r"(?<=[.!?…:;])[\"”’)]*\s+"), re.compile(r"\n"), re.compile(r"\s+"))
_WINDOW = 16
_LONGEST_HEADER = 200
_LONGEST_HEADING = 300
"""Each passage below a heading holds its words: long ones would cost their length times as many passages."""


@dataclass(frozen=True, slots=True)
class Piece:
    """``text[start:end]`` in characters, without outer white space.

    ``heading`` is what stands above it: the path of headings, and below them the header of a table that it goes on
    with. It is embedded with the piece, and is no part of what is quoted.
    """

    start: int
    end: int
    heading: str = ""


def split(text: str, *, most: int = 900) -> list[Piece]:
    """Return the passages of a Markdown (or plain) text in order, none longer than ``most`` characters.

    The heading lines themselves belong to no passage; a heading without text of its own gives none.
    """
    return [piece for start, end, heading in _sections(text) for piece in cut(text, start, end, heading, most=most)]


def cut(text: str, start: int, end: int, heading: str = "", *, most: int = 900) -> list[Piece]:
    """Return the passages of one stretch of text: as few, and of as equal length, as whole paragraphs and blocks allow.

    A table is never cut within a row, unless the row alone is longer than a passage.
    """
    start, end = _trimmed(text, start, end)
    if start >= end:
        return []
    if end - start <= most:
        return [Piece(start, end, heading)]
    found = list(blocks(text, start, end))
    places = _Places(text, found, most)
    pieces, rest = list[Piece](), [(start, end)]
    while rest:
        low, high = rest.pop()
        if high - low > most:
            seam = places.seam(low, high)
            rest += [_trimmed(text, seam, high), _trimmed(text, low, seam)]
        else:
            pieces.append(Piece(low, high, _under(heading, places.header(low))))
    return pieces


class _Places:
    """Where a text may be cut: outside of what fits into a passage and belongs together."""

    def __init__(self, text: str, found: Sequence[Block], most: int) -> None:
        self._text = text
        self._blocks = found
        self._most = most
        held = [span for block in found for span in _held(block, most)]
        self._starts = [start for start, _ in held]
        self._ends = [end for _, end in held]
        self._edges = sorted({at for block in found for at in (*block.parts, block.end)})

    def seam(self, start: int, end: int) -> int:
        """Return where to cut: the best kind of seam in the middle half, the nearest to the middle; else anywhere."""
        middle, most = (start + end) // 2, self._most
        low, high = start + (end - start) // 4, end - (end - start) // 4
        # A long text is cut near its middle all the same, and looking through all of it each time would be slow.
        near = max(low, middle - _WINDOW * most), min(high, middle + _WINDOW * most)
        for between in (near, (start, end)):
            for seams in self._kinds(*between):
                free = [at for at in seams if between[0] < at < between[1] and not self._within(at)]
                if free:
                    return min(free, key=lambda at: abs(at - middle))
        return middle if end - start > 2 * most else min(middle, start + most)

    def header(self, start: int) -> str:
        """Return the header of the table that a piece goes on with; of nothing else."""
        at = bisect_left(self._blocks, start, key=lambda block: block.start) - 1
        return self._blocks[at].header if at >= 0 and start < self._blocks[at].end else ""

    def _kinds(self, low: int, high: int) -> Iterator[Iterator[int]]:
        """Yield the seams of each kind, the best kind first."""
        edges = self._edges[bisect_left(self._edges, low) : bisect_left(self._edges, high)]
        paragraphs = (found.end() for found in _PARAGRAPH.finditer(self._text, low, high))
        yield paragraphs
        yield iter(edges)
        for pattern in _SEAMS:
            yield (found.end() for found in pattern.finditer(self._text, low, high))

    def _within(self, at: int) -> bool:
        """Tell whether a place lies inside something that stays whole."""
        last = bisect_left(self._starts, at) - 1
        return last >= 0 and at < self._ends[last]


def _held(block: Block, most: int) -> Iterator[tuple[int, int]]:
    """Yield what of a block stays whole: all of it where it fits, else each row or item that does."""
    parts = (block.start,) if block.end - block.start <= most else block.parts
    for start, end in zip(parts, (*parts[1:], block.end), strict=True):
        if end - start <= most + 1:  # with the line's end
            yield start, end


def _under(heading: str, header: str) -> str:
    return " › ".join(part for part in (heading, header[:_LONGEST_HEADER].rstrip()) if part)


def _sections(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the stretches between headings with the path of headings above each."""
    path: dict[int, str] = {}
    start = 0
    for line_start, line_end, level, words in headings(text):
        yield start, line_start, " › ".join(path.values())
        path = {depth: heading for depth, heading in path.items() if depth < level}
        path[level] = words[:_LONGEST_HEADING].rstrip()
        start = line_end
    yield start, len(text), " › ".join(path.values())


def headings(text: str) -> Iterator[tuple[int, int, int, str]]:
    """Yield start, end, level and words of each heading line outside fenced blocks."""
    fence, at = "", 0
    for line in text.splitlines(keepends=True):
        mark = FENCE.match(line)
        if mark and (not fence or (mark[1].startswith(fence) and not line[mark.end() :].strip())):
            fence = "" if fence else mark[1]
        elif not fence and (heading := _HEADING.fullmatch(line.rstrip())):
            yield at, at + len(line), len(heading[1]), _open(heading[2])
        at += len(line)


def _open(words: str) -> str:
    """Return a heading's words without the hashes that may close it; those of C# stay."""
    bare = words.rstrip("#")
    return bare.rstrip() if bare[-1:].isspace() else words


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the stretch without outer white space; an end not behind its start means that nothing is left."""
    stretch = text[start:end]
    return end - len(stretch.lstrip()), start + len(stretch.rstrip())
