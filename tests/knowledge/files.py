"""Real files of every format, made by their makers' libraries; Word's from its own XML."""

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook
from pptx import Presentation
from pptx.util import Inches

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = """<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/word/document.xml"
 ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"""
_STYLES = f"""<?xml version="1.0"?><w:styles {_W}>
<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="berschrift2"><w:name w:val="heading 2"/></w:style></w:styles>"""


def paragraph(words: str, *, style: str = "", hidden: bool = False, note: int = 0, deleted: str = "") -> str:
    """A paragraph of Word's, with its style, its hidden or deleted words and its footnote."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    vanish = "<w:rPr><w:vanish/></w:rPr>" if hidden else ""
    more = f'<w:r><w:footnoteReference w:id="{note}"/></w:r>' if note else ""
    gone = f'<w:del w:id="9"><w:r><w:delText>{deleted}</w:delText></w:r></w:del>' if deleted else ""
    return f'<w:p>{properties}<w:r>{vanish}<w:t xml:space="preserve">{words}</w:t></w:r>{more}{gone}</w:p>'


def grid(rows: Sequence[Sequence[str]]) -> str:
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def docx(body: str, *, notes: Sequence[str] = (), parts: Mapping[str, str] | None = None, links: str = "") -> bytes:
    """A Word document of this body; ``parts`` replaces or adds parts of the package."""
    footnotes = "".join(f'<w:footnote w:id="{n}">{paragraph(note)}</w:footnote>' for n, note in enumerate(notes, 1))
    written = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _links(f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>'),
        "word/document.xml": f'<?xml version="1.0"?><w:document {_W}><w:body>{body}</w:body></w:document>',
        "word/styles.xml": _STYLES,
        "word/footnotes.xml": f'<?xml version="1.0"?><w:footnotes {_W}>{footnotes}</w:footnotes>',
        "word/_rels/document.xml.rels": _links(
            f'<Relationship Id="r2" Type="{_OFFICE}/styles" Target="styles.xml"/>'
            f'<Relationship Id="r3" Type="{_OFFICE}/footnotes" Target="footnotes.xml"/>{links}'
        ),
    }
    return zipped({**written, **(parts or {})})


def _links(inner: str) -> str:
    return (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f"{inner}</Relationships>"
    )


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as package:
        for name, part in parts.items():
            package.writestr(name, part)
    return out.getvalue()


def rezipped(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """A package with its parts changed."""
    with ZipFile(BytesIO(content)) as package:
        return zipped({name: change(name, package.read(name)) for name in package.namelist()})


def xlsx(fill: Callable[[Workbook], None]) -> bytes:
    book, out = Workbook(), BytesIO()
    fill(book)
    book.save(out)
    return out.getvalue()


def pptx(slides: Sequence[tuple[str, str]], *, finish: Callable[[Any], None] | None = None) -> bytes:
    """A presentation of slides with title and text."""
    made: Any = Presentation()
    for title, text in slides:
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text
    if finish:
        finish(made)
    out = BytesIO()
    made.save(out)
    return out.getvalue()


def slide_table(slide: Any, rows: Sequence[Sequence[str]]) -> None:
    shape = slide.shapes.add_table(len(rows), len(rows[0]), Inches(1), Inches(1), Inches(6), Inches(3))
    for r, row in enumerate(rows):
        for c, words in enumerate(row):
            shape.table.cell(r, c).text = words
