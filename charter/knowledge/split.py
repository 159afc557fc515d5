"""Cut a text into passages along its headings, paragraphs and sentences. Pure; offsets are exact.

A passage is small enough to be quoted whole and to fit the embedder's window, and never crosses a heading.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*?)[ \t]*#*[ \t]*")
_FENCE = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})")
# Where a text may be cut, the best first: between paragraphs, lines, sentences, words.
_SEAMS = (re.compile(r"\n[ \t]*\n\s*"), re.compile(r"\n"), re.compile(r"(?<=[.!?…:;])[\"”’)]*\s+"), re.compile(r"\s+"))


@dataclass(frozen=True, slots=True)
class Piece:
    """``text[start:end]`` in characters, without outer white space; ``heading`` is the path of headings above it."""

    start: int
    end: int
    heading: str = ""


def split(text: str, *, most: int = 900) -> list[Piece]:
    """Return the passages of a Markdown (or plain) text in order, none longer than ``most`` characters.

    The heading lines themselves belong to no passage; a heading without text of its own gives none.
    """
    return [piece for start, end, heading in _sections(text) for piece in cut(text, start, end, heading, most=most)]


def cut(text: str, start: int, end: int, heading: str = "", *, most: int = 900) -> list[Piece]:
    """Return the passages of one stretch of text: as few, and of as equal length, as whole paragraphs allow."""
    start, end = _trimmed(text, start, end)
    if start >= end:
        return []
    if end - start <= most:
        return [Piece(start, end, heading)]
    seam = _seam(text, start, end, most)
    return [*cut(text, start, seam, heading, most=most), *cut(text, seam, end, heading, most=most)]


def _seam(text: str, start: int, end: int, most: int) -> int:
    """Return where to cut: the best kind of seam that lies in the middle half, the nearest to the middle."""
    middle = (start + end) // 2
    low, high = start + (end - start) // 4, end - (end - start) // 4
    for pattern in _SEAMS:
        seams = [found.end() for found in pattern.finditer(text, low, high) if low < found.end() < high]
        if seams:
            return min(seams, key=lambda seam: abs(seam - middle))
    return min(middle, start + most)


def _sections(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the stretches between headings with the path of headings above each."""
    path: dict[int, str] = {}
    start = 0
    for line_start, line_end, level, words in _headings(text):
        yield start, line_start, " › ".join(path.values())
        path = {depth: heading for depth, heading in path.items() if depth < level} | {level: words}
        start = line_end
    yield start, len(text), " › ".join(path.values())


def _headings(text: str) -> Iterator[tuple[int, int, int, str]]:
    """Yield start, end, level and words of each heading line outside fenced blocks."""
    fence, at = "", 0
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if mark and (not fence or (mark[1].startswith(fence) and not line[mark.end() :].strip())):
            fence = "" if fence else mark[1]
        elif not fence and (heading := _HEADING.fullmatch(line.rstrip("\n"))):
            yield at, at + len(line), len(heading[1]), heading[2]
        at += len(line)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the stretch without outer white space; an end not behind its start means that nothing is left."""
    stretch = text[start:end]
    return end - len(stretch.lstrip()), start + len(stretch.rstrip())
