import pytest

from charter.errors import NotFound
from tests.knowledge.conftest import Shelf

TRAVEL = """# Travel

Umlauts (ä, ö, ü), a 🚆 and "quotes" stand before it.

## Hotels

A night in Köln may cost 140 EUR. 🏨 Breakfast is included.

## Trains

First class is allowed for journeys of more than three hours."""


@pytest.mark.promise("knowledge.citations")
async def test_a_citation_names_exactly_the_characters_it_quotes(shelf: Shelf) -> None:
    shelf.write(
        "travel.md", TRAVEL, more="title: Travel policy\nurl: https://intranet.example/TRV\nintegrity: trusted\n"
    )
    await shelf.sync()

    found = (await shelf.ask("What may a hotel cost?"))[0]
    opened = await shelf.archive.open_passage(shelf.person(), found.document_id, found.passage_id)

    assert found.text == "A night in Köln may cost 140 EUR. 🏨 Breakfast is included."
    assert opened.document_text[found.start : found.end] == found.text == opened.text
    assert [opened.heading, opened.title, opened.url] == [
        "Travel › Hotels",
        "Travel policy",
        "https://intranet.example/TRV",
    ]
    assert found.url == f"/console/documents/{found.document_id}/passages/{found.passage_id}"
    assert opened.as_json()["start"] == found.start


@pytest.mark.promise("knowledge.citations")
async def test_a_passage_opens_only_for_those_who_may_read_it(shelf: Shelf) -> None:
    shelf.write("travel.md", TRAVEL, readers='["role:hr"]')
    await shelf.sync()
    dora = shelf.person("dora", "hr")
    found = (await shelf.ask("What may a hotel cost?", dora))[0]

    assert (await shelf.archive.open_passage(dora, found.document_id, found.passage_id)).text == found.text
    for who in (shelf.person(), shelf.person("carol", "operator")):
        with pytest.raises(NotFound):
            await shelf.archive.open_passage(who, found.document_id, found.passage_id)


@pytest.mark.promise("knowledge.citations")
@pytest.mark.parametrize("ids", [("doc_none", "psg_none"), ("", ""), ("doc_'; drop table documents; --", "psg_%")])
async def test_a_passage_that_does_not_exist_is_not_found(shelf: Shelf, ids: tuple[str, str]) -> None:
    with pytest.raises(NotFound):
        await shelf.archive.open_passage(shelf.person(), *ids)


@pytest.mark.promise("knowledge.citations")
async def test_a_passage_of_one_document_does_not_open_under_another(shelf: Shelf) -> None:
    shelf.write("travel.md", TRAVEL)
    shelf.write("leave.md", "# Leave\n\nEverybody has 30 days of annual leave.")
    await shelf.sync()
    hotel, leave = (await shelf.ask("What may a hotel cost?"))[0], (await shelf.ask("How many days of leave?"))[0]

    with pytest.raises(NotFound):
        await shelf.archive.open_passage(shelf.person(), leave.document_id, hotel.passage_id)


@pytest.mark.promise("knowledge.citations")
async def test_a_citation_outlives_an_edit_elsewhere_in_the_document(shelf: Shelf) -> None:
    shelf.write("travel.md", TRAVEL)
    await shelf.sync()
    before = (await shelf.ask("What may a hotel cost?"))[0]

    shelf.write("travel.md", TRAVEL.replace("# Travel\n", "# Travel\n\nA new sentence comes first.\n", 1))
    report = await shelf.sync()
    opened = await shelf.archive.open_passage(shelf.person(), before.document_id, before.passage_id)

    assert report.passages == 1  # only what was edited is embedded again
    assert opened.start > before.start
    assert opened.document_text[opened.start : opened.end] == opened.text == before.text
