"""One document that cannot be kept, or whose fields slip, costs no other one its place and opens nothing."""

import asyncio
import os
import random
from dataclasses import dataclass
from pathlib import PurePath

import pytest

from charter.knowledge.ingest import sync
from charter.knowledge.ledger import Ledger
from charter.knowledge.library import Library
from charter.knowledge.sources.folder import Root
from charter.knowledge.sources.source import Fetched, Item, Listing, Terms
from charter.settings import Knowledge
from charter.store.database import Database
from tests.knowledge.conftest import Shelf

pytestmark = pytest.mark.timeout(240)

WHO = "Who waters the plants?"
TERMS = Terms()
PLANTS = "The caretaker waters the plants on Mondays."


@pytest.mark.promise("knowledge.bad_file")
@pytest.mark.parametrize("name", [b"caf\xe9.md", b"caf\xe9.doc", b"caf\xe9/plants.md"])
async def test_a_name_that_is_no_text_is_told_and_the_others_are_read(shelf: Shelf, name: bytes) -> None:
    shelf.write("plants.md", PLANTS)
    shelf.write(os.fsdecode(name), PLANTS)

    report = await shelf.sync()

    assert [report.written, len(report.faults)] == [1, 1]
    assert "caf" in report.faults[0].path
    assert report.as_json()["faults"][0]["path"].encode()
    assert await shelf.ask(WHO)
    assert (await shelf.sync()).unchanged == 1


@pytest.mark.promise("knowledge.bad_file")
async def test_a_path_that_no_index_takes_is_told_and_the_others_are_read(shelf: Shelf) -> None:
    shelf.write("plants.md", PLANTS)
    signs = iter(random.Random(7).sample(range(0x4E00, 0x9F00), 18 * 60))
    shelf.write("/".join("".join(chr(next(signs)) for _ in range(60)) for _ in range(18)) + ".md", PLANTS)

    report = await shelf.sync()

    assert [fault.reason for fault in report.faults] == ["its path is longer than 1,000 bytes"]
    assert await shelf.ask(WHO)


@pytest.mark.promise("formats.fields")
@pytest.mark.promise("knowledge.closed")
@pytest.mark.parametrize(
    "name", ["plants.txt.YAML", "Plants.txt.yaml", "plants.txt.yml", "_Collection.yaml", "_collection.yml"]
)
async def test_a_file_of_fields_with_a_slip_in_its_name_leaves_no_document_to_others(shelf: Shelf, name: str) -> None:
    shelf.put("plants.txt", PLANTS.encode(), sidecar=None)
    shelf.put("_collection.yaml", b"readers: [tenant]\n", sidecar=None)
    shelf.put(name, b"readers: ['role:hr']\n", sidecar=None)

    report = await shelf.sync()

    assert ", not " in {PurePath(fault.path).name: fault.reason for fault in report.faults}["plants.txt"]
    assert await shelf.ask(WHO) == []


@pytest.mark.promise("formats.fields")
async def test_names_that_differ_in_case_alone_have_their_own_fields(shelf: Shelf) -> None:
    shelf.put("plants.txt", PLANTS.encode())
    shelf.put("PLANTS.txt", b"Bicycles are kept in the cellar.", sidecar="readers: ['role:hr']\n")

    report = await shelf.sync()

    assert [report.written, report.faults] == [2, []]
    assert [passage.readers for passage in await shelf.ask(WHO)] == [("tenant",)]


@pytest.mark.promise("knowledge.closed")
@pytest.mark.parametrize("kind", ["pipe", "dangling", "folder"])
async def test_a_sidecar_that_is_no_file_neither_opens_the_document_nor_holds_up_the_others(
    shelf: Shelf, kind: str
) -> None:
    shelf.put("_collection.yaml", b"readers: [tenant]\n", sidecar=None)
    shelf.put("bikes.txt", b"Bicycles are kept in the cellar.", sidecar=None)
    sidecar = shelf.put("plants.txt", PLANTS.encode(), sidecar=None).with_name("plants.txt.yaml")
    if kind == "pipe":
        os.mkfifo(sidecar)
    elif kind == "folder":
        sidecar.mkdir()
    else:
        sidecar.symlink_to("nowhere.yaml")

    async with asyncio.timeout(60):
        report = await shelf.sync()

    assert [fault.reason for fault in report.faults][-1] == "plants.txt.yaml is no file"
    assert await shelf.ask(WHO) == []
    assert await shelf.ask("Where are bicycles kept?")


@pytest.mark.promise("knowledge.incomplete")
@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
async def test_what_lies_in_a_folder_that_is_closed_is_not_forgotten(shelf: Shelf) -> None:
    closed = shelf.write("deep/plants.md", PLANTS).parent
    shelf.write("bikes.md", "Bicycles are kept in the cellar.")
    await shelf.sync()
    closed.chmod(0)

    report = await shelf.sync()
    closed.chmod(0o700)

    assert (report.incomplete, report.removed) == (True, 0)
    assert await shelf.ask(WHO)


@dataclass(frozen=True, slots=True)
class Broken:
    """A source that breaks in a way that nobody foresaw."""

    tenant: str
    name: str = "broken"
    kind: str = "folder"
    terms: Terms = TERMS

    async def look(self) -> Listing:
        raise KeyError("value")

    async def read(self, item: Item) -> Fetched:
        raise KeyError(item.key)

    async def close(self) -> None: ...


@pytest.mark.promise("knowledge.incomplete")
async def test_a_source_that_breaks_keeps_no_other_tenant_from_being_read(shelf: Shelf, neighbours: Shelf) -> None:
    shelf.write("plants.md", PLANTS)
    sources = [Broken(neighbours.tenant), Root(shelf.tenant, shelf.folder)]

    report = await sync(shelf.archive, shelf.ledger, sources)

    assert [report.incomplete, report.written] == [True, 1]
    assert [fault.reason for fault in report.faults] == ["something went wrong (KeyError); the log has more"]
    assert await shelf.ask(WHO)


@pytest.mark.promise("knowledge.resumes")
async def test_a_host_that_could_not_read_at_its_start_reads_when_it_can(shelf: Shelf, database_url: str) -> None:
    shelf.write("plants.md", PLANTS)
    database = Database(database_url, size=2)
    await database.open()
    database.url = "postgresql://127.0.0.1:1/nothing"
    settings = Knowledge(every_seconds=1)
    library = Library(shelf.archive, Ledger(database), [Root(shelf.tenant, shelf.folder)], settings)
    keeping = asyncio.create_task(library.keep())

    async with asyncio.timeout(60):
        while library.status()["state"] != "failed":
            await asyncio.sleep(0.05)
        database.url = database_url
        await keeping

    assert library.status()["state"] == "serving"
    assert await shelf.ask(WHO)
    await database.close()
