"""Which words are frequent among a tenant's passages: counted of its own alone, and by two hosts at once."""

import asyncio
from hashlib import sha256

import pytest

from charter.knowledge.embedder import E5Embedder
from charter.knowledge.index import Document
from charter.knowledge.pgvector import PgIndex
from charter.knowledge.split import split
from charter.store.database import Database
from tests.knowledge.conftest import Shelf

pytestmark = pytest.mark.timeout(240)


def _document(tenant: str, word: str, passages: int) -> Document:
    body = "".join(f"# {word} {number}\n\nThe {word} number {number}.\n\n" for number in range(passages))
    digest = sha256(body.encode()).hexdigest()
    return Document(
        tenant, "handbook", f"{word}.md", word, "", body, "trusted", ("tenant",), digest, tuple(split(body))
    )


async def _put(index: PgIndex, document: Document) -> None:
    await index.put(document, {each: [1.0, *[0.0] * 383] for each in document.passage_ids()})


async def _words(database: Database, tenant: str) -> dict[str, int]:
    async with database.tenant_session(tenant) as session:
        rows = await session.fetch("select tenant, word, passages from frequent_words")
        assert {row["tenant"] for row in rows} <= {tenant}
        return {row["word"]: row["passages"] for row in rows}


@pytest.mark.promise("knowledge.tenant")
async def test_the_words_of_another_tenant_are_neither_counted_nor_seen(
    shelf: Shelf, neighbours: Shelf, database: Database, embedder: E5Embedder
) -> None:
    index = PgIndex(database, embedder)
    await _put(index, _document(neighbours.tenant, "acquisition", 150))
    await _put(index, _document(shelf.tenant, "garden", 120))

    await index.settle()
    async with database.tenant_session(shelf.tenant) as session:
        counted = {row[0] for row in await session.fetch("select word from ts_stat('select words from passages')")}

    assert "garden" in counted
    assert "acquisit" not in counted
    assert await _words(database, shelf.tenant) == {"garden": 120, "number": 120}
    assert await _words(database, neighbours.tenant) == {"acquisit": 150, "number": 150}


@pytest.mark.promise("knowledge.tenant")
async def test_outside_of_every_tenant_no_word_is_counted(
    neighbours: Shelf, database: Database, embedder: E5Embedder
) -> None:
    index = PgIndex(database, embedder)
    await _put(index, _document(neighbours.tenant, "acquisition", 150))
    await index.settle()
    connection = await database.connect("charter_app")

    counted = await connection.fetch("select word from ts_stat('select words from passages')")
    kept = await connection.fetch("select word from frequent_words")
    await connection.close()

    assert [counted, kept] == [[], []]


@pytest.mark.promise("knowledge.turns")
async def test_two_hosts_that_count_at_once_count_the_same(
    shelf: Shelf, database: Database, embedder: E5Embedder
) -> None:
    hosts = [PgIndex(database, embedder) for _ in range(4)]
    document = _document(shelf.tenant, "garden", 120)
    for host in hosts:
        await _put(host, document)

    for _ in range(10):
        for host in hosts:
            await host.remove(shelf.tenant, [("handbook", "nothing.md")])
        await asyncio.gather(*(host.settle() for host in hosts))

    assert await _words(database, shelf.tenant) == {"garden": 120, "number": 120}
    await hosts[0].remove(shelf.tenant, [("handbook", "garden.md")])
    await hosts[0].settle()
    assert await _words(database, shelf.tenant) == {}
