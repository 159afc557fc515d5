"""Citations point at the marks in the text and at the passage."""

from charter.channels.responses.citations import annotations

FIRST = {
    "n": 1,
    "document_id": "doc 1",
    "passage_id": "p1",
    "title": "Travel",
    "url": "/console/d/1",
    "start": 0,
    "end": 9,
}
SECOND = {**FIRST, "n": 12, "title": "", "url": "https://intranet.contoso.example/x"}


def test_each_mark_has_its_annotation_and_its_place() -> None:
    text = "Days ☀ [1], nights [12], days again [1]; nothing [3]."
    found = annotations(text, [FIRST, SECOND], "http://localhost:3978")

    assert [text[note["start_index"] : note["end_index"]] for note in found] == ["[1]", "[12]", "[1]"]
    assert [note["url"] for note in found] == [
        "http://localhost:3978/console/d/1", "https://intranet.contoso.example/x", "http://localhost:3978/console/d/1",
    ]  # fmt: skip
    assert [note["title"] for note in found] == ["Travel", "Untitled", "Travel"]


def test_a_document_without_an_address_is_named_by_its_passage() -> None:
    [note] = annotations("[1]", [{**FIRST, "url": None}], "http://localhost")
    assert note["url"] == "urn:charter:passage:doc%201:p1"
