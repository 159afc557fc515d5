"""Word, PowerPoint and Excel files, from the file to the citation that opens."""

from datetime import date
from typing import Any

import pytest
from openpyxl import Workbook

from charter.knowledge.formats.figures import shown
from charter.knowledge.index import OpenedPassage
from tests.knowledge.conftest import Shelf
from tests.knowledge.files import docx, grid, paragraph, pptx, slide_table, xlsx

pytestmark = pytest.mark.timeout(240)


async def opened(shelf: Shelf, question: str) -> OpenedPassage:
    """The best answer, opened as its citation would be."""
    found = (await shelf.ask(question))[0]
    passage = await shelf.archive.open_passage(shelf.person(), found.document_id, found.passage_id)
    assert passage.document_text[found.start : found.end] == found.text == passage.text
    return passage


def _cars() -> bytes:
    rows = [["Class", "Car", "Leasing rate"], *([f"C-{n}", f"estate car {n}", f"{300 + n} EUR"] for n in range(60))]
    return docx(
        paragraph("Company cars", style="berschrift1")
        + paragraph("Who gets one", style="berschrift2")
        + paragraph("A company car is given to whoever drives more than 20,000 kilometres a year", note=1)
        + paragraph("The safe opens with 4711.", hidden=True)
        + paragraph("Trains are preferred.", deleted=" Bicycles were paid until 2024.")
        + paragraph("Leasing rates", style="berschrift2")
        + grid(rows),
        notes=["Trips between home and work count only half."],
    )


@pytest.mark.promise("formats.office")
async def test_a_word_document_is_found_by_its_headings_notes_and_rows(shelf: Shelf) -> None:
    shelf.put("cars.docx", _cars())
    report = await shelf.sync()

    who, note = await opened(shelf, "Who gets a company car?"), await opened(shelf, "Do trips from home to work count?")
    row = await opened(shelf, "What is the leasing rate of class C-47?")

    assert report.faults == []
    assert [who.title, who.heading, who.integrity] == ["Company cars", "Who gets one", "untrusted"]
    assert "20,000 kilometres a year (note: Trips between home and work count only half.)" in note.text
    assert row.heading == "Leasing rates"
    assert row.text.startswith("| Class | Car | Leasing rate |\n| --- | --- | --- |\n")
    assert "| C-47 | estate car 47 | 347 EUR |" in row.text


@pytest.mark.promise("formats.unseen")
async def test_what_word_does_not_show_is_not_read(shelf: Shelf) -> None:
    shelf.put("cars.docx", _cars())
    await shelf.sync()

    whole = (await opened(shelf, "Who gets a company car?")).document_text

    assert "4711" not in whole
    assert "Bicycles" not in whole


def _slides(made: Any) -> None:
    made.slides[0].notes_slide.notes_text_frame.text = "Say that the canteen closes at half past two."
    slide_table(made.slides[1], [["City", "Limit"], ["Paris", "220 EUR per night"], ["Vienna", "160 EUR per night"]])
    made.slides[2].element.set("show", "0")


@pytest.mark.promise("formats.office")
async def test_a_presentation_is_found_by_its_slide_its_table_and_its_notes(shelf: Shelf) -> None:
    texts = [
        ("Lunch", "There is lunch from noon\nIt costs 6 EUR"),
        ("Hotels", "The limits"),
        ("Draft", "The merger is secret"),
    ]
    shelf.put("welcome.pptx", pptx(texts, finish=_slides))
    report = await shelf.sync()

    hotel, notes = (
        await opened(shelf, "What may a hotel in Vienna cost?"),
        await opened(shelf, "When does the canteen close?"),
    )
    lunch = await opened(shelf, "What does lunch cost?")

    assert report.faults == []
    assert [hotel.heading, notes.heading] == ["Slide 2 › Hotels", "Slide 1 › Lunch › Notes"]
    assert "| Vienna | 160 EUR per night |" in hotel.text
    assert lunch.text == "- There is lunch from noon\n- It costs 6 EUR"
    assert "merger" not in lunch.document_text
    assert lunch.document_text.rstrip().endswith("(1 hidden slide was left out.)")


def _prices(book: Workbook) -> None:
    sheet: Any = book.active
    sheet.title = "Prices"
    sheet.append(["Prices of monitors"])
    sheet.append([])
    sheet.append(["Article", "Price", "Valid from", "Discount", "Margin"])
    for n in range(90):
        sheet.append([f"MON-{n:03}", 300.5 + n, date(2026, 12, 1), 0.125, "secret margin"])
        sheet.cell(sheet.max_row, 2).number_format = '#,##0.00 "EUR"'
        sheet.cell(sheet.max_row, 4).number_format = "0.0%"
    sheet.column_dimensions["E"].hidden = True
    sheet.row_dimensions[5].hidden = True
    salaries: Any = book.create_sheet("Salaries")
    salaries.append(["Name", "Salary"])
    salaries.sheet_state = "hidden"
    delivery: Any = book.create_sheet("Delivery")
    delivery.append(["Monitors are delivered within four working days from the warehouse in Kiel."])


@pytest.mark.promise("formats.office")
async def test_a_workbook_is_found_by_its_sheet_and_rows_as_a_person_reads_them(shelf: Shelf) -> None:
    shelf.put("prices.xlsx", xlsx(_prices))
    report = await shelf.sync()

    price, delivery = (
        await opened(shelf, "What does MON-077 cost?"),
        await opened(shelf, "How fast are monitors delivered?"),
    )

    assert report.faults == []
    assert price.text.startswith("| Article | Price | Valid from | Discount |\n| --- |")
    assert "| MON-077 | 377.50 EUR | 2026-12-01 | 12.5% |" in price.text
    place, _, rows = price.heading.partition(", rows ")
    first, last = map(int, rows.split("–"))
    assert place == "Sheet Prices › Prices of monitors"
    assert [line.split()[1] for line in price.text.splitlines()[2:]] == [
        f"MON-{n - 4:03}" for n in range(first, last + 1)
    ]
    assert delivery.heading == "Sheet Delivery, row 1"


@pytest.mark.promise("formats.unseen")
async def test_hidden_sheets_columns_and_rows_are_left_out_and_this_is_said(shelf: Shelf) -> None:
    shelf.put("prices.xlsx", xlsx(_prices))
    await shelf.sync()

    whole = (await opened(shelf, "What does MON-077 cost?")).document_text

    assert all(word not in whole for word in ("Salary", "Salaries", "Margin", "secret", "MON-001"))
    assert whole.rstrip().endswith("(Hidden and left out: 1 sheet, 1 column, 1 row.)")


@pytest.mark.parametrize(
    ("value", "pattern", "seen"),
    [
        (1234.5, "#,##0.00", "1,234.50"),
        (1234.5, '#,##0.00 "EUR"', "1,234.50 EUR"),
        (-1234.5, "[$€-407] #,##0.00", "-€ 1,234.50"),
        (1234567, '0.0,,"M"', "1.2M"),
        (0.125, "0.0%", "12.5%"),
        (0.5, "0%", "50%"),
        (7, "00000", "00007"),
        (3, "0.0#", "3.0"),
        (3.257, "0.0#", "3.26"),
        (3, "General", "3"),
        (0.1 + 0.2, "General", "0.3"),
        (2.5, "# ?/?", "2.5"),
        (5, '[Red]0;[Blue]-0;"none"', "5"),
        (True, "General", "TRUE"),
        (None, "General", ""),
        (date(2026, 12, 24), "dd.mm.yyyy", "2026-12-24"),
        ("  two\nlines ", "@", "two lines"),
    ],
)
def test_a_value_is_shown_as_its_cell_shows_it(value: object, pattern: str, seen: str) -> None:
    assert shown(value, pattern) == seen
