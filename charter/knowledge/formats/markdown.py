"""Markdown, with YAML front matter or without."""

import re

from charter.knowledge.formats.content import Content, Unreadable, content_of, lines_of

_FRONT = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


def read(content: bytes) -> Content:
    """Return the text as it was written, and the front matter.

    Raises:
        Unreadable: it is not UTF-8, or begins with front matter that does not end.
    """
    try:
        text = lines_of(content.decode("utf-8-sig"))
    except UnicodeDecodeError as fault:
        raise Unreadable(f"it is not UTF-8 text (byte {fault.start})") from fault
    # Front matter that is overlooked would leave the document to the readers of its collection.
    text = text.lstrip()
    front = _FRONT.match(text)
    if not front and text.startswith("---"):
        raise Unreadable("its front matter does not end, so nobody may read it; write --- below its last field")
    return content_of(text[front.end() :] if front else text, front=front[1] if front else None)
