"""The text of a PDF's pages, with lines put together again to paragraphs."""

import re
from io import BytesIO

from pypdf import PdfReader

_MOST_PAGES = 2000
_ENDS = tuple(".!?:;")


def pages_of(content: bytes) -> list[str]:
    """Return the text of each page.

    Raises:
        ValueError: it is no PDF, is locked by a password, has too many pages or no text (a scan).
    """
    try:
        reader = PdfReader(BytesIO(content))
        if reader.is_encrypted:
            raise ValueError("the PDF is locked by a password")
        if len(reader.pages) > _MOST_PAGES:
            raise ValueError(f"the PDF has more than {_MOST_PAGES} pages; divide it")
        pages = [paragraphs(page.extract_text()) for page in reader.pages]
    except ValueError:
        raise
    except Exception as fault:
        # A damaged file breaks the library in many ways; to its author they are one.
        raise ValueError(f"the PDF is damaged ({type(fault).__name__})") from fault
    if not any(pages):
        raise ValueError("the PDF has no text; it may be a scan")
    return pages


def paragraphs(text: str) -> str:
    """Join the lines of a page: a short line ends a paragraph, a hyphen at a line's end joins a word."""
    lines = [" ".join(line.split()) for line in _storable(text).splitlines()]
    widest = max(map(len, lines), default=0)
    out = ""
    for line in lines:
        out += line + _joint(line, widest)
    return re.sub(r"(?<=\w)-\x1f(?=[a-zäöüß])", "", out).replace("\x1f", " ").strip()


def _joint(line: str, widest: int) -> str:
    """Return what stands between a line and the next: a paragraph's end, or a mark for a broken line."""
    short = len(line) < (0.9 if line.endswith(_ENDS) else 0.6) * widest
    return "\n\n" if not line or short else "\x1f"


def _storable(text: str) -> str:
    # Odd fonts give lone surrogates and zero bytes, which no UTF-8 store takes.
    return text.replace("\0", "").encode("utf-8", "replace").decode()
