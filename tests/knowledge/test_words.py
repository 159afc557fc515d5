"""Full text by functions of the database: as fast as its index, and within the tenant and the rights of who asks."""

import asyncio

import asyncpg
import pytest

from charter.knowledge.archive import Archive
from charter.knowledge.pgvector import PgIndex
from charter.store.database import Database
from tests.knowledge.conftest import Shelf

CALL = "select id from passages_worded('falcon'::tsquery, array['tenant', 'role:hr'], array['handbook'], 10)"
EXACT = CALL.replace("passages_worded", "passages_exact").replace(
    "array['tenant'", "array_fill(0.05, array[384])::vector, array['tenant'", 1
)


@pytest.mark.promise("knowledge.words")
@pytest.mark.parametrize("asked", [CALL, EXACT])
async def test_a_tenants_words_are_searched_among_its_own_passages_only(
    shelf: Shelf, neighbours: Shelf, database: Database, asked: str
) -> None:
    for each in (shelf, neighbours):
        each.write("bird.md", f"# Bird\n\nThe falcon of {each.tenant} sits on the roof of the main building.")
        await each.sync()

    async with database.tenant_session(shelf.tenant) as session:
        own = {row["id"] for row in await session.fetch(asked)}
        seen = {row["id"] for row in await session.fetch("select id from passages")}
    async with database.tenant_session("nobodys-tenant") as session:
        others = await session.fetch(asked)

    assert len(own) == 1
    assert own <= seen
    assert others == []


@pytest.mark.promise("knowledge.words")
@pytest.mark.parametrize("asked", [CALL, EXACT])
async def test_without_a_tenant_or_as_another_role_nothing_is_found(
    shelf: Shelf, database: Database, database_url: str, asked: str
) -> None:
    shelf.write("bird.md", "# Bird\n\nThe falcon sits on the roof of the main building every morning.")
    await shelf.sync()
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("set role charter_app")
        assert await connection.fetch(asked) == []
        await connection.execute("set role charter_host")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch(asked)
    finally:
        await connection.close()


@pytest.mark.promise("knowledge.words")
async def test_rights_and_collections_count_in_the_search_by_words(shelf: Shelf, database: Database) -> None:
    shelf.write("bird.md", "# Bird\n\nThe falcon sits on the roof of the main building.", readers="[role:board]")
    await shelf.sync()

    async with database.tenant_session(shelf.tenant) as session:
        assert await session.fetch(CALL) == []
        assert len(await session.fetch(CALL.replace("role:hr", "role:board"))) == 1
        assert await session.fetch(CALL.replace("role:hr", "role:board").replace("handbook", "other")) == []


@pytest.mark.promise("knowledge.words")
async def test_frequent_words_are_counted_for_each_tenant_when_a_sync_is_over(
    shelf: Shelf, neighbours: Shelf, database: Database
) -> None:
    paragraphs = "\n\n".join(
        f"## Part {n}\n\nThe heron number {n} stands in the pond and waits for fish." for n in range(120)
    )
    shelf.write("birds.md", f"# Birds\n\n{paragraphs}")
    neighbours.write("bird.md", "# Bird\n\nThe heron stands in the pond of the neighbours.")
    for each in (shelf, neighbours):
        await each.sync()

    async with database.tenant_session(shelf.tenant) as session:
        counted = dict(await session.fetch("select word, passages from frequent_words"))
    async with database.tenant_session(neighbours.tenant) as session:
        assert await session.fetch("select * from frequent_words") == []
    assert counted["heron"] == 120
    assert "pond" in counted


async def test_two_hosts_may_count_at_once(shelf: Shelf, database: Database) -> None:
    shelf.write("birds.md", "# Birds\n\n" + "\n\n".join(f"## {n}\n\nThe heron {n} waits." for n in range(110)))
    await shelf.sync()
    embedder = shelf.archive.embedder
    hosts = [Archive(PgIndex(database, embedder), embedder) for _ in range(3)]
    for host in hosts:
        await host.remove(shelf.tenant, [])
    await asyncio.gather(*(host.settle() for host in hosts))
