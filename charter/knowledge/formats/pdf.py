"""The text of a PDF, page by page, with lines put together again to paragraphs."""

import re
from io import BytesIO

from charter.knowledge.formats.content import Body, Content, Unreadable, storable

_MOST_PAGES = 2000
_ENDS = tuple(".!?:;")


def read(content: bytes) -> Content:
    """Return the pages, each a stretch of its own.

    Raises:
        Unreadable: it is locked by a password, has too many pages or no text (a scan).
    """
    from pypdf import PdfReader

    reader = PdfReader(BytesIO(content))
    if reader.is_encrypted and not reader.decrypt(""):
        raise Unreadable("the PDF is locked by a password")
    if len(reader.pages) > _MOST_PAGES:
        raise Unreadable(f"the PDF has more than {_MOST_PAGES} pages; divide it")
    body = Body()
    for number, page in enumerate(reader.pages, start=1):
        body.add(paragraphs(page.extract_text()), f"Page {number}")
    found = body.content()
    if not found.pieces:
        raise Unreadable("the PDF has no text; it may be a scan")
    return found


def paragraphs(text: str) -> str:
    """Join the lines of a page: a short line ends a paragraph, a hyphen at a line's end joins a word."""
    lines = [" ".join(line.split()) for line in storable(text).splitlines()]
    widest = max(map(len, lines), default=0)
    out = "".join(line + _joint(line, widest) for line in lines)
    return re.sub(r"(?<=\w)-\x1f(?=[a-zäöüß])", "", out).replace("\x1f", " ").strip()


def _joint(line: str, widest: int) -> str:
    """Return what stands between a line and the next: a paragraph's end, or a mark for a broken line."""
    short = len(line) < (0.9 if line.endswith(_ENDS) else 0.6) * widest
    return "\n\n" if not line or short else "\x1f"
