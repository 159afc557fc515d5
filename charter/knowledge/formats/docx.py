"""Word documents: headings, lists, tables and notes, by way of HTML."""

from io import BytesIO
from typing import Any
from xml.etree.ElementTree import fromstring, tostring
from zipfile import ZipFile

from charter.knowledge.formats.content import Content
from charter.knowledge.formats.html import page
from charter.knowledge.formats.package import checked

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SHOWN = ("word/document", "word/footnotes", "word/endnotes")
_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='title'] => h1:fresh"


def read(content: bytes) -> Content:
    """Return the document's text; what is deleted, hidden or a comment is left out, and so are pictures.

    Raises:
        Unreadable: it is no such package.
    """
    import mammoth  # pyright: ignore[reportMissingTypeStubs]

    convert: Any = mammoth.convert_to_html  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    # The document's own style map would let its author rename what is hidden; a picture may be a link to anywhere.
    told = convert(
        _seen(checked(content, ".docx")), style_map=_STYLES, include_embedded_style_map=False,
        external_file_access=False, convert_image=_no_picture,
    )  # fmt: skip
    return page(_with_notes(told.value))


def _no_picture(_: object) -> list[object]:
    return []


def _seen(package: BytesIO) -> BytesIO:
    """Return the package without its pictures and the text that Word does not show."""
    out = BytesIO()
    with ZipFile(package) as source, ZipFile(out, "w") as target:
        for name in (name for name in source.namelist() if not name.startswith("word/media/")):
            part = source.read(name)
            target.writestr(name, _without_hidden(part) if name.startswith(_SHOWN) and name.endswith(".xml") else part)
    out.seek(0)
    return out


def _without_hidden(part: bytes) -> bytes:
    if b"vanish" not in part:
        return part
    tree = fromstring(part)  # noqa: S314 - what declares entities was refused before
    for parent in tree.iter():
        for run in parent.findall(f"{_WORD}r"):
            mark = run.find(f"{_WORD}rPr/{_WORD}vanish")
            if mark is not None and mark.get(f"{_WORD}val") not in ("0", "false", "off"):
                parent.remove(run)
    return tostring(tree)


def _with_notes(html: str) -> str:
    """Put each footnote where it is referred to: a bare ``[1]`` would be taken for a citation of ours."""
    from bs4 import BeautifulSoup

    soup: Any = BeautifulSoup(html, "lxml")
    notes = soup.select("li[id^=footnote-], li[id^=endnote-]")
    for note in notes:
        for back in note.select("a[href^='#footnote-ref-'], a[href^='#endnote-ref-']"):
            back.extract()
        words = " ".join(note.get_text(" ").split())
        reference = soup.find(id=note["id"].replace("note-", "note-ref-", 1))
        if reference:
            (reference.find_parent("sup") or reference).replace_with(f" (note: {words})")
        note.extract()
    return str(soup)
