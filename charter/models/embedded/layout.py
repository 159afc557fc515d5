"""How a document is laid out, so that another can be given the same: headings, lists, how it begins and how it ends."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_HEADING = re.compile(r"(?P<mark>#{1,6}) +\S|\*\*(?P<bold>[^*]+)\*\*$")
_ITEM = re.compile(r"[ \t]*(?P<mark>[-*•]|\d{1,2}[.)])[ \t]+")
_GREETING = re.compile(
    r"(?:dear|hello|hi|good (?:morning|day)|liebe[rs]?|guten tag|hallo)\b[^.!?\n]{0,60}[,!]?$", re.IGNORECASE
)
_PARTING = re.compile(
    r"(?:(?:kind|best|warm) regards|regards|yours|thank you|many thanks|viele grüße|mit freundlichen grüßen|danke)\b.{0,60}$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Layout:
    """``title`` and ``section`` frame a heading (``("# ", "")``; ``None``: there is none), ``item`` begins a line of a list
    (empty: sentences stand in paragraphs), ``paragraph`` is how many sentences one has. ``greeting`` and ``parting`` are
    the document's own lines.
    """

    title: tuple[str, str] | None = ("# ", "")
    section: tuple[str, str] | None = ("## ", "")
    item: str = ""
    paragraph: int = 4
    capitals: bool = False
    greeting: str = ""
    parting: tuple[str, ...] = ()

    def headed(self, words: str, frame: tuple[str, str] | None) -> str:
        """Return a heading of this layout; nothing where the document has none."""
        if frame is None or not words:
            return ""
        return f"{frame[0]}{words.upper() if self.capitals else words}{frame[1]}"


PLAIN = Layout()


def layout_of(document: str) -> Layout:
    """Return the layout of a document; of an empty one the plain one."""
    lines = [line.rstrip() for line in document.splitlines()]
    filled = [line.strip() for line in lines if line.strip()]
    if not filled:
        return PLAIN
    frames = [frame for line in filled if (frame := _frame(line))]
    items = [found["mark"] for line in lines if (found := _ITEM.match(line))]
    prose = [line for line in filled if line.endswith((".", "!", "?")) and not _frame(line) and not _ITEM.match(line)]
    return Layout(
        title=frames[0] if frames and _frame(filled[0]) else None,
        section=frames[1] if len(frames) > 1 else None,
        item=_mark(items) if len(items) > len(prose) else "",
        paragraph=_paragraph(prose),
        capitals=bool(frames) and filled[0].isupper(),
        greeting=next((line for line in filled[:3] if _GREETING.match(line)), ""),
        parting=_parting(filled),
    )


def _mark(items: Sequence[str]) -> str:
    return "- " if items[0][0].isdigit() else f"{items[0]} "


def _frame(line: str) -> tuple[str, str] | None:
    found = _HEADING.match(line)
    if found:
        return ("**", "**") if found["bold"] else (f"{found['mark']} ", "")
    return ("", "") if line.isupper() and len(line.split()) <= 10 else None


def _paragraph(prose: Sequence[str]) -> int:
    counts = sorted(len(re.findall(r"[.!?](?:\s|$)", line)) for line in prose)
    return max(counts[len(counts) // 2], 1) if counts else PLAIN.paragraph


def _parting(filled: Sequence[str]) -> tuple[str, ...]:
    at = next((n for n, line in enumerate(filled) if n >= len(filled) - 3 and _PARTING.match(line)), None)
    return tuple(filled[at:]) if at else ()
