"""Slides: title, texts and tables of each, and the speaker's notes."""

from collections.abc import Iterator
from typing import Any

from charter.knowledge.formats.content import Body, Content, Unreadable
from charter.knowledge.formats.package import checked
from charter.knowledge.formats.tables import table

_MOST_SLIDES = 2000


def read(content: bytes) -> Content:
    """Return the slides in their order; hidden slides and shapes are left out.

    Raises:
        Unreadable: it is no such package, has too many slides or no text.
    """
    from pptx import Presentation

    slides: list[Any] = list(Presentation(checked(content, ".pptx")).slides)
    if len(slides) > _MOST_SLIDES:
        raise Unreadable(f"it has more than {_MOST_SLIDES} slides; divide it")
    body, hidden = Body(), 0
    for number, slide in enumerate(slides, start=1):
        if slide.element.get("show") in ("0", "false"):
            hidden += 1
        else:
            _add(body, number, slide)
    found = body.content(title=_title(slides[0]) if slides else "")
    if not found.pieces:
        raise Unreadable("its slides have no text; they may be pictures")
    if hidden:
        body.say(f"({hidden} hidden {'slide was' if hidden == 1 else 'slides were'} left out.)")
    return body.content(title=found.title)


def _add(body: Body, number: int, slide: Any) -> None:
    title = _title(slide)
    place = f"Slide {number} › {title}" if title else f"Slide {number}"
    body.say(f"## {place}")
    said = "\n\n".join(_texts(slide.shapes, slide.shapes.title))
    # A slide with a title alone still says something.
    body.add(said or title, place)
    notes = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    if notes is not None and notes.text.strip():
        body.add(_lines(notes), f"{place} › Notes")


def _title(slide: Any) -> str:
    title = slide.shapes.title
    return " ".join(title.text_frame.text.split())[:200] if title is not None else ""


def _texts(shapes: Any, title: Any) -> Iterator[str]:
    """Yield the text of each shape but the title's; a group's shapes stand in its place."""
    for shape in shapes:
        if _is_hidden(shape) or (title is not None and shape.shape_id == title.shape_id):
            continue
        if hasattr(shape, "shapes"):
            yield from _texts(shape.shapes, title)
        elif getattr(shape, "has_table", False):
            yield table([[cell.text_frame.text for cell in row.cells] for row in shape.table.rows])
        elif shape.has_text_frame and (said := _lines(shape.text_frame)):
            yield said


def _is_hidden(shape: Any) -> bool:
    named = shape.element.xpath("./*/p:cNvPr[@hidden='1' or @hidden='true']")
    return bool(named)


def _lines(frame: Any) -> str:
    """Return the paragraphs of a text frame; more than one are points of a list."""
    said = [(paragraph.level, " ".join(paragraph.text.split())) for paragraph in frame.paragraphs]
    said = [(level, words) for level, words in said if words]
    if len(said) < 2:
        return "".join(words for _, words in said)
    return "\n".join(f"{'  ' * level}- {words}" for level, words in said)
