"""Another embedder: everything is read anew, and nothing is dark meanwhile."""

import asyncio

import pytest

from charter.knowledge.archive import Archive
from charter.store import tenants
from charter.store.database import Database
from tests.knowledge.contract.conftest import ANY, COLLECTION, document, person
from tests.knowledge.contract.stores import Store
from tests.knowledge.contract.vectors import WordEmbedder


@pytest.mark.promise("stores.rebuild")
async def test_another_embedder_has_every_document_read_anew_and_then_the_old_is_gone(
    store: Store, database: Database
) -> None:
    first, second = WordEmbedder("first"), WordEmbedder("second")
    tenant = "rebuilt"
    await tenants.ensure(database, {}, [tenant])
    travel = document(tenant, "travel.md", "A hotel night may cost 160 EUR.")
    async with store.index(first) as index:
        archive = Archive(index, first, ANY)
        await archive.put(travel)
        await archive.settle()
    async with store.index(second) as index:
        archive = Archive(index, second, ANY)

        assert set((await archive.stored(tenant)).values()) <= {""}
        assert await archive.put(travel) == 1
        await archive.settle()

        assert await archive.stored(tenant) == {(COLLECTION, "travel.md"): "1"}
        found = await archive.search(person(tenant), "hotel night", collections=[COLLECTION])
        assert [each.title for each in found] == ["travel.md"]
    async with store.index(first) as index:
        assert set((await index.stored(tenant)).values()) <= {""}


@pytest.mark.promise("stores.rebuild")
async def test_what_is_there_is_searched_while_all_is_written_anew(store: Store, database: Database) -> None:
    tenant = "searched"
    await tenants.ensure(database, {}, [tenant])
    embedder = WordEmbedder()
    async with store.index(embedder) as index:
        archive = Archive(index, embedder, ANY)
        numbers = range(24)
        for number in numbers:
            await archive.put(document(tenant, f"{number}.md", f"Hotel number {number}."))
        rewriting = asyncio.create_task(_rewrite(archive, tenant, numbers))
        while not rewriting.done():
            found = await archive.search(person(tenant), "hotel number", collections=[COLLECTION], top=100)
            # One may be missing for as long as it is replaced.
            assert len({each.document_id for each in found}) >= len(numbers) - 1
        await rewriting
        found = await archive.search(person(tenant), "hotel number", collections=[COLLECTION], top=100)
        assert all(each.text.endswith("anew.") for each in found)


async def _rewrite(archive: Archive, tenant: str, numbers: range) -> None:
    for number in numbers:
        await archive.put(document(tenant, f"{number}.md", f"Hotel number {number} anew.", digest="2"))
    await archive.settle()


@pytest.mark.promise("stores.rebuild")
async def test_a_host_of_the_old_embedder_answers_until_the_new_one_has_written_all(
    store: Store, database: Database
) -> None:
    if store.alone:
        pytest.skip("only one host at a time may open it")
    tenant, old, new = "beside", WordEmbedder("old"), WordEmbedder("new")
    await tenants.ensure(database, {}, [tenant])
    async with store.index(old) as before, store.index(new) as after:
        first, second = Archive(before, old, ANY), Archive(after, new, ANY)
        for name in ("a.md", "b.md"):
            await first.put(document(tenant, name, f"A hotel in {name}."))
        await first.settle()
        await second.put(document(tenant, "a.md", "A hotel in a.md."))

        found = await first.search(person(tenant), "hotel", collections=[COLLECTION])

        assert "b.md" in {each.title for each in found}
