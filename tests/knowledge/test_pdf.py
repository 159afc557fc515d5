from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate

from charter.knowledge.formats.pdf import paragraphs
from charter.knowledge.formats.suffixes import read
from tests.knowledge.conftest import COLLECTION, Shelf

PAGES = (
    "Employees may park at the sites in Munich and Hamburg free of charge, as far as there is room at the gate.",
    "A company car is given to employees who drive more than 20,000 kilometres a year for the company.",
)


def pdf(pages: Sequence[str] = PAGES) -> bytes:
    out = BytesIO()
    style = getSampleStyleSheet()["BodyText"]
    story = [part for page in pages for part in (Paragraph(page, style), PageBreak())]
    SimpleDocTemplate(out, pagesize=A4).build(story)
    return out.getvalue()


def put(shelf: Shelf, content: bytes, sidecar: str | None) -> Path:
    path = shelf.folder / COLLECTION / "parking.pdf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if sidecar is not None:
        path.with_name("parking.pdf.yaml").write_text(sidecar)
    return path


@pytest.mark.promise("knowledge.pdf")
async def test_the_text_of_a_pdf_is_found_with_its_page(shelf: Shelf) -> None:
    put(shelf, pdf(), "title: Parking\nreaders: [tenant]\nintegrity: trusted\n")
    report = await shelf.sync()

    found = (await shelf.ask("Who gets a company car?"))[0]
    opened = await shelf.archive.open_passage(shelf.person(), found.document_id, found.passage_id)

    assert report.faults == []
    assert [found.title, opened.heading, found.integrity] == ["Parking", "Page 2", "trusted"]
    assert "more than 20,000 kilometres a year" in found.text
    assert opened.document_text[found.start : found.end] == found.text


@pytest.mark.promise("knowledge.pdf")
async def test_new_readers_in_the_sidecar_alone_count(shelf: Shelf) -> None:
    put(shelf, pdf(), "readers: [tenant]\n")
    await shelf.sync()
    put(shelf, pdf(), "readers: ['role:hr']\n")

    report = await shelf.sync()

    assert [report.written, report.passages] == [1, 0]
    assert await shelf.ask("Who gets a company car?") == []


@pytest.mark.promise("knowledge.pdf")
async def test_a_pdf_whose_sidecar_is_gone_is_withdrawn(shelf: Shelf) -> None:
    path = put(shelf, pdf(), "readers: [tenant]\n")
    await shelf.sync()
    path.with_name("parking.pdf.yaml").unlink()

    report = await shelf.sync()

    assert "no sidecar" in report.faults[0].reason
    assert await shelf.ask("Who gets a company car?") == []


def _locked() -> bytes:
    writer, out = PdfWriter(clone_from=PdfReader(BytesIO(pdf()))), BytesIO()
    writer.encrypt("secret")
    writer.write(out)
    return out.getvalue()


@pytest.mark.promise("knowledge.bad_file")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"%PDF-1.7\nnothing", "damaged"),
        (pdf()[:700], "damaged"),
        (_locked(), "password"),
        (pdf([" "]), "no text"),
    ],
)
def test_a_pdf_that_cannot_be_read_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(".pdf", content)


def test_broken_lines_become_paragraphs_again() -> None:
    text = (
        "Who may park\n"
        "Employees may park at the sites in Munich and Hamburg as far as there is\n"
        "room. Others take the train, which the company pays for if the em-\n"
        "ployee asks.\n"
        "Visitors\n"
        "Visitors use the spaces beside the main entrance of the building, and no\n"
        "others."
    )

    assert paragraphs(text).split("\n\n") == [
        "Who may park",
        "Employees may park at the sites in Munich and Hamburg as far as there is room. Others take the train, which the "
        "company pays for if the employee asks.",
        "Visitors",
        "Visitors use the spaces beside the main entrance of the building, and no others.",
    ]
