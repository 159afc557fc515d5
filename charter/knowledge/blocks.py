"""The blocks of a Markdown text that want to stay whole: tables, lists, fenced code. Pure; offsets are exact."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

FENCE = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})")
_RULE = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?")
_ITEM = re.compile(r"([ \t]*)(?:[-*+]|\d{1,9}[.)])[ \t]+\S")


@dataclass(frozen=True, slots=True)
class Block:
    """``text[start:end]``; each of ``parts`` (rows, items, lines of code) begins at its offset, the first at ``start``.

    A table's first part is its header with the first row; ``header`` is the words of the header.
    """

    kind: Literal["table", "list", "code"]
    start: int
    end: int
    parts: tuple[int, ...]
    header: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    words: str


def blocks(text: str, start: int, end: int) -> Iterator[Block]:
    """Yield the blocks of one stretch of text in order; what lies between them is prose."""
    lines = list(_lines(text, start, end))
    at = 0
    while at < len(lines):
        found = _code(lines, at) or _table(lines, at) or _list(lines, at)
        if found:
            yield found[0]
        at = found[1] if found else at + 1


def _lines(text: str, start: int, end: int) -> Iterator[_Line]:
    for line in text[start:end].splitlines(keepends=True):
        words = line.rstrip()
        yield _Line(start, start + len(words), words)
        start += len(line)


def _code(lines: Sequence[_Line], at: int) -> tuple[Block, int] | None:
    """Return the fenced code that begins in this line, and the number of the line behind it."""
    fence = FENCE.match(lines[at].words)
    if not fence:
        return None
    behind = at + 1
    while behind < len(lines):
        mark = FENCE.match(lines[behind].words)
        behind += 1
        if mark and mark[1].startswith(fence[1]) and mark.end() == len(lines[behind - 1].words):
            break
    return _block("code", lines[at:behind], range(behind - at)), behind


def _table(lines: Sequence[_Line], at: int) -> tuple[Block, int] | None:
    if at + 1 == len(lines) or not all("|" in line.words for line in lines[at : at + 2]):
        return None
    if not _RULE.fullmatch(lines[at + 1].words.strip()):
        return None
    behind = at + 2
    while behind < len(lines) and "|" in lines[behind].words:
        behind += 1
    header = " | ".join(cell.strip() for cell in lines[at].words.strip().strip("|").split("|"))
    return _block("table", lines[at:behind], (0, *range(3, behind - at)), header), behind


def _list(lines: Sequence[_Line], at: int) -> tuple[Block, int] | None:
    first = _ITEM.match(lines[at].words)
    if not first or len(first[1]) > 3:
        return None
    behind, items = at + 1, [0]
    while behind < len(lines) and (following := _next_of_list(lines, behind)) is not None:
        item = _ITEM.match(lines[following].words)
        if item and len(item[1]) <= len(first[1]) + 1:
            items.append(following - at)
        behind = following + 1
    return _block("list", lines[at:behind], items), behind


def _next_of_list(lines: Sequence[_Line], at: int) -> int | None:
    """Return the next line that still belongs to a list: an item, an indented line, or one that goes on without a gap."""
    following = at
    while following < len(lines) and not lines[following].words:
        following += 1
    if following == len(lines) or FENCE.match(lines[following].words):
        return None
    words = lines[following].words
    belongs = following == at or bool(_ITEM.match(words)) or words[:2].isspace()
    return following if belongs else None


def _block(
    kind: Literal["table", "list", "code"], lines: Sequence[_Line], parts: Sequence[int], header: str = ""
) -> Block:
    return Block(kind, lines[0].start, lines[-1].end, tuple(lines[part].start for part in parts), header)
