"""The formats that are read, by the suffix of the file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from charter.knowledge.formats import csv, docx, html, markdown, pdf, pptx, text, xlsx
from charter.knowledge.formats.content import Content, Unreadable


@dataclass(frozen=True, slots=True)
class Format:
    """How files of one suffix are read.

    ``apart``: in a process of its own, since the reader is a large library. ``fronted``: the file itself may say who may
    read it.
    """

    name: str
    read: Callable[[bytes], Content]
    apart: bool = False
    begins: bytes = b""
    fronted: bool = False


_MARKDOWN = Format("text", markdown.read, fronted=True)
_HTML = Format("page", html.read, apart=True)
_CSV = Format("table", csv.read)
FORMATS: Mapping[str, Format] = {
    ".md": _MARKDOWN,
    ".markdown": _MARKDOWN,
    ".txt": Format("text", text.read),
    ".html": _HTML,
    ".htm": _HTML,
    ".pdf": Format("PDF", pdf.read, apart=True, begins=b"%PDF-"),
    ".docx": Format("Word document", docx.read, apart=True),
    ".pptx": Format("presentation", pptx.read, apart=True),
    ".xlsx": Format("workbook", xlsx.read, apart=True),
    ".csv": _CSV,
    ".tsv": _CSV,
}
_OLDER = {
    ".doc": ".docx",
    ".ppt": ".pptx",
    ".xls": ".xlsx",
    ".rtf": ".docx",
    ".odt": ".docx",
    ".ods": ".xlsx",
    ".odp": ".pptx",
}
# What files begin with that are often given a wrong suffix.
_MAGIC = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a zip file or an Office document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}


def suffix_of(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def refusal(name: str) -> str:
    """Say why files of this name are not read; nothing where they are."""
    suffix = suffix_of(name)
    if suffix in FORMATS:
        return ""
    if suffix in _OLDER:
        return f"{suffix} files are not read; save it as {_OLDER[suffix]}"
    return f"only {', '.join(FORMATS)} are read"


def read(suffix: str, content: bytes) -> Content:
    """Return what a file says.

    Raises:
        Unreadable: it cannot be read, for a reason that its author can do something about.
    """
    form = FORMATS[suffix]
    if form.apart and not content:
        raise Unreadable("it is empty")
    _expect(form, suffix, content)
    try:
        return form.read(content)
    except Unreadable:
        raise
    except MemoryError as fault:
        raise Unreadable("reading it needs too much memory; divide it") from fault
    except RecursionError as fault:
        raise Unreadable(f"the {form.name} is nested too deeply") from fault
    except Exception as fault:
        # A damaged file breaks a library in many ways; to its author they are one.
        raise Unreadable(f"the {form.name} is damaged ({type(fault).__name__})") from fault


def _expect(form: Format, suffix: str, content: bytes) -> None:
    """Tell a file that is another than its suffix says."""
    start = content[:1024].lstrip() if form.begins else content
    if form.begins and form.begins not in start:
        raise Unreadable(f"the {form.name} is damaged: it does not begin as one{_looks(content)}")
    if not form.begins and suffix not in (".docx", ".pptx", ".xlsx") and (looks := _looks(content)):
        raise Unreadable(f"it is no {suffix} file{looks}")


def _looks(content: bytes) -> str:
    found = next((name for magic, name in _MAGIC.items() if content.startswith(magic)), "")
    return f"; it looks like {found}" if found else ""
