"""What authors say about documents: front matter, sidecars, and once for a whole collection."""

from pathlib import Path
from time import process_time

import pytest

from charter.knowledge.fields import fields_of
from charter.knowledge.formats.content import Unreadable
from tests.knowledge.conftest import COLLECTION, Shelf
from tests.knowledge.files import docx, paragraph

pytestmark = pytest.mark.timeout(240)

WHO = "Who waters the plants?"
PLANTS = "The caretaker waters the plants on Mondays."


def _defaults(shelf: Shelf, text: str) -> Path:
    path = shelf.folder / COLLECTION / "_collection.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.mark.promise("formats.fields")
async def test_a_collection_says_once_who_may_read_its_documents(shelf: Shelf) -> None:
    _defaults(shelf, "readers: ['role:hr']\nintegrity: trusted\n")
    shelf.put("plants.docx", docx(paragraph(PLANTS)), sidecar=None)
    shelf.put("deep/down/bikes.md", b"# Bikes\n\nBicycles are kept in the cellar.", sidecar=None)

    report = await shelf.sync()
    dora = shelf.person("dora", "hr")

    assert [report.written, report.faults] == [2, []]
    assert [(passage.integrity, passage.readers) for passage in await shelf.ask(WHO, dora)] == [
        ("trusted", ("role:hr",))
    ]
    assert await shelf.ask("Where are bicycles kept?", dora)
    assert await shelf.ask(WHO) == []


@pytest.mark.promise("formats.fields")
async def test_a_documents_own_fields_win_each_for_itself(shelf: Shelf) -> None:
    _defaults(shelf, "readers: ['role:hr']\nintegrity: trusted\nurl: /plants\n")
    shelf.put("plants.md", f"---\nreaders: [tenant]\nurl: /front\n---\n{PLANTS}".encode(), sidecar="url: /sidecar\n")

    await shelf.sync()
    found = (await shelf.ask(WHO))[0]
    opened = await shelf.archive.open_passage(shelf.person(), found.document_id, found.passage_id)

    assert [found.readers, found.integrity, opened.url] == [("tenant",), "trusted", "/sidecar"]


@pytest.mark.promise("formats.fields")
async def test_changed_defaults_count_at_the_next_sync_and_cost_no_embedding(shelf: Shelf) -> None:
    _defaults(shelf, "readers: [tenant]\n")
    shelf.put("plants.txt", PLANTS.encode(), sidecar=None)
    await shelf.sync()
    _defaults(shelf, "readers: ['role:hr']\n")

    report = await shelf.sync()

    assert [report.written, report.passages] == [1, 0]
    assert await shelf.ask(WHO) == []


@pytest.mark.promise("formats.fields")
@pytest.mark.promise("knowledge.closed")
async def test_a_document_whose_collection_says_nothing_any_more_is_withdrawn(shelf: Shelf) -> None:
    path = _defaults(shelf, "readers: [tenant]\n")
    shelf.put("plants.txt", PLANTS.encode(), sidecar=None)
    await shelf.sync()
    path.unlink()

    report = await shelf.sync()

    assert "write plants.txt.yaml beside it, or _collection.yaml in its collection" in report.faults[0].reason
    assert await shelf.ask(WHO) == []


@pytest.mark.promise("formats.fields")
@pytest.mark.promise("knowledge.closed")
@pytest.mark.parametrize(
    ("front", "sidecar", "reason"),
    [
        ("---\nreaders: []\n---\n", None, "names no readers"),
        ("---\nreaders:\n---\n", None, "names no readers"),
        ("---\nReaders: ['role:hr']\n---\n", None, "write readers, not Readers"),
        ("", "reader: ['role:hr']\n", "write readers, not reader"),
        ("", "readers: hr\n", "must be a list"),
        ("\n\n---\nreaders: ['role:hr']\n", None, "does not end"),
        ("", "- a\n", "must be lines"),
        ("", "a: [b\n", "not YAML"),
        ("", "\ufeffreaders: ['hr']\n", "is not tenant"),
        ("---\nreaders: ['role:hr']\nreaders: [tenant]\n---\n", None, "line 2 of them): readers stands there twice"),
        ("---\nall: &all [tenant]\nreaders: *all\n---\n", None, "line 2 of them): write the value out"),
    ],
)
async def test_what_an_author_got_wrong_never_leaves_the_document_to_the_readers_of_its_collection(
    shelf: Shelf, front: str, sidecar: str | None, reason: str
) -> None:
    _defaults(shelf, "readers: [tenant]\n")
    shelf.put("plants.md", f"{front}{PLANTS}".encode(), sidecar)

    report = await shelf.sync()

    assert [reason in fault.reason for fault in report.faults] == [True], report.faults
    assert await shelf.ask(WHO) == []


@pytest.mark.promise("formats.hostile")
@pytest.mark.parametrize(
    "fields",
    [
        "a0: &a0 [x, x]\n"
        + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 24))
        + "readers: [*a23]\n",
        "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 22)),
        "x: [" + "a," * 200_000 + "]\nreaders: [tenant]\n",
        f"readers: [{'x' * 15_000}]\n",
        f"readers: [tenant]\nintegrity: {'x' * 15_000}\n",
    ],
    ids=["lists of lists", "merged again and again", "long", "a long reader", "a long word for trust"],
)
async def test_fields_that_would_fill_the_memory_end_with_a_short_reason(shelf: Shelf, fields: str) -> None:
    shelf.put("plants.md", f"---\n{fields}---\n{PLANTS}".encode(), sidecar=None)
    begun = process_time()

    report = await shelf.sync()

    assert [len(fault.reason) < 300 for fault in report.faults] == [True]
    assert process_time() - begun < 1


@pytest.mark.promise("formats.fields")
async def test_front_matter_behind_empty_lines_is_still_the_documents_own(shelf: Shelf) -> None:
    _defaults(shelf, "readers: [tenant]\n")
    shelf.put("plants.md", f"\n\n---\nreaders: ['role:hr']\n---\n{PLANTS}".encode(), sidecar=None)

    await shelf.sync()

    assert await shelf.ask(WHO) == []
    assert await shelf.ask(WHO, shelf.person("dora", "hr"))


@pytest.mark.promise("knowledge.bad_file")
async def test_bad_defaults_are_named_and_others_than_a_collections_own_are_not_taken(shelf: Shelf) -> None:
    _defaults(shelf, "readers: [tenant\n")
    shelf.put("plants.txt", PLANTS.encode(), sidecar=None)
    shelf.put("below/_collection.yaml", b"readers: [tenant]\n", sidecar=None)

    reasons = {Path(fault.path).name: fault.reason for fault in (await shelf.sync()).faults}

    assert reasons["plants.txt"].startswith("in _collection.yaml: its fields are not YAML (line 2 of them)")
    assert reasons["_collection.yaml"] == "it counts in a collection's own folder only"


@pytest.mark.promise("knowledge.closed")
@pytest.mark.parametrize("name", ["plants.pdf", "plants.html", "plants.csv", "plants.txt", "plants.xlsx"])
async def test_without_fields_a_file_of_no_format_is_read(shelf: Shelf, name: str) -> None:
    shelf.put(name, PLANTS.encode(), sidecar=None)

    report = await shelf.sync()

    assert [f"write {name}.yaml beside it" in fault.reason for fault in report.faults] == [True]


def test_fields_are_read_alike_wherever_they_stand() -> None:
    assert fields_of("a: 1\nb: 1", b"\xef\xbb\xbfb: 2\r\nc: 2", b"c: 3\nd: 3") == {"a": 1, "b": 2, "c": 2, "d": 3}
    assert fields_of("", b"", b"") == {}
    with pytest.raises(Unreadable, match="its sidecar is not UTF-8"):
        fields_of(None, b"\xff", None)
