"""A sync that is killed, two of them at once, and what is told of them later."""

import asyncio

import pytest

from charter.knowledge.ingest import sync
from charter.knowledge.sources.folder import Root
from charter.store.database import Database
from tests.knowledge.conftest import COLLECTION, Shelf
from tests.knowledge.syncing import Child

RULES = 36
SENTENCES = (
    "Whoever enters the house by the gate of number {0} signs the book of rule {0}, and leaves by the same gate.\n\n"
)


def rules(shelf: Shelf, count: int = RULES) -> None:
    for number in range(count):
        parts = "".join(f"## Part {part}\n\n{SENTENCES.format(f'{number}-{part}')}" for part in range(2))
        shelf.write(f"{number:02}.md", f"# Rule {number}\n\n{parts}")


async def kept(database: Database, tenant: str) -> list[tuple[str, ...]]:
    """Return all that is kept of a tenant's documents, but for ids, which hold the tenant's name."""
    async with database.tenant_session(tenant) as session:
        rows = await session.fetch(
            "select d.source, d.content_hash, d.body, p.ordinal, p.body as passage, p.embedding::text, n.version, n.digest, n.passages "
            "from documents d join passages p on p.tenant = d.tenant and p.document_id = d.id "
            "left join knowledge_documents n on n.tenant = d.tenant and n.source = d.source order by d.source, p.ordinal"
        )
        noted = await session.fetchval("select count(*) from knowledge_documents")
    return [*(tuple(map(str, row)) for row in rows), (str(noted),)]


@pytest.mark.promise("knowledge.killed")
async def test_a_sync_that_is_killed_again_and_again_ends_as_one_that_was_not(
    shelf: Shelf, neighbours: Shelf, database: Database, database_url: str
) -> None:
    rules(shelf)
    rules(neighbours)
    folders = {"folders": {shelf.tenant: [str(shelf.folder)]}}
    done: list[str] = []
    for count in (1, 6, 9, 2):
        child = await Child.begin(database_url, folders)
        done += await child.documents(count) + await child.kill()

    report = await shelf.sync()

    await neighbours.sync()
    assert len(done) == len(set(done)) >= 18
    # Of the one that it was at when it was killed nobody knows whether its last word was written before.
    assert RULES - len(done) - 4 <= report.written <= RULES - len(done)
    assert (report.unchanged + report.written, report.faults) == (RULES, [])
    assert await kept(database, shelf.tenant) == await kept(database, neighbours.tenant)
    assert (await shelf.sync()).unchanged == RULES


@pytest.mark.promise("knowledge.killed")
async def test_a_document_that_was_being_embedded_is_read_again_whole(shelf: Shelf, database_url: str) -> None:
    parts = "".join(f"## Part {part}\n\n{SENTENCES.format(part)}" for part in range(40))
    shelf.write("long.md", f"# Rules\n\n{parts}")
    child = await Child.begin(database_url, {"folders": {shelf.tenant: [str(shelf.folder)]}})
    assert await child.part() == "long.md"
    await child.kill()
    assert await shelf.ledger.documents(shelf.tenant)
    assert await shelf.archive.stored(shelf.tenant) == {}

    report = await shelf.sync()

    assert (report.written, report.passages) == (1, 40)
    assert await shelf.ask("What does whoever enters by gate number 17 sign?")


@pytest.mark.promise("knowledge.turns")
async def test_of_two_syncs_at_once_the_second_says_so_or_waits(
    shelf: Shelf, database: Database, database_url: str
) -> None:
    rules(shelf)
    folders = {"folders": {shelf.tenant: [str(shelf.folder)]}}
    first = await Child.begin(database_url, folders)
    await first.documents(1)

    refused = await shelf.sync()
    patient = asyncio.create_task(sync(shelf.archive, shelf.ledger, [Root(shelf.tenant, shelf.folder)], wait=True))
    report, waited = await first.report(), await patient

    assert (refused.written, refused.incomplete) == (0, True)
    assert f"another sync of {shelf.tenant} is under way" in refused.faults[0].reason
    assert (report["written"], waited.written, waited.unchanged) == (RULES, 0, RULES)


@pytest.mark.promise("knowledge.turns")
async def test_the_turn_of_one_tenant_is_none_of_another(shelf: Shelf, neighbours: Shelf) -> None:
    shelf.write("a.md", "# A\n\nThe letter a is the first.")
    neighbours.write("a.md", "# A\n\nThe letter a is the first.")
    async with shelf.ledger.turn(neighbours.tenant, wait=False):
        assert (await shelf.sync()).written == 1
        assert (await neighbours.sync()).incomplete


@pytest.mark.promise("knowledge.status")
async def test_whether_a_sync_is_under_way_or_was_cut_short_is_told(shelf: Shelf, database_url: str) -> None:
    rules(shelf)
    child = await Child.begin(database_url, {"folders": {shelf.tenant: [str(shelf.folder)]}})
    await child.documents(3)
    during = await shelf.ledger.status(shelf.tenant)
    await child.kill()
    async with asyncio.timeout(10):
        while (after := await shelf.ledger.status(shelf.tenant))["syncing"]:
            await asyncio.sleep(0.05)
    await shelf.sync()
    finally_ = await shelf.ledger.status(shelf.tenant)

    assert (during["syncing"], during["sources"][0]["state"]) == (True, "reading")
    assert after["sources"][0]["state"] == "cut short"
    (source,) = finally_["sources"]
    assert (source["state"], source["name"], source["kind"]) == ("complete", str(shelf.folder), "folder")
    assert source["collections"] == [{"collection": COLLECTION, "documents": RULES, "passages": RULES * 2}]
    assert source["completed_at"] is not None


@pytest.mark.promise("knowledge.status")
async def test_faults_are_remembered_until_they_are_mended(shelf: Shelf) -> None:
    shelf.write("good.md", "# Good\n\nThis one can be read.")
    bad = shelf.write("bad.md", "# Bad\n\ntext", readers="[tenant")
    await shelf.sync()
    (first,) = (await shelf.ledger.status(shelf.tenant))["sources"][0]["faults"]
    await shelf.sync()
    (again,) = (await shelf.ledger.status(shelf.tenant))["sources"][0]["faults"]
    bad.write_text("---\nreaders: [tenant]\n---\n# Bad\n\nNow it can.")
    await shelf.sync()

    assert (first["path"], "not YAML" in first["reason"]) == (str(bad), True)
    assert again == first
    assert (await shelf.ledger.status(shelf.tenant))["sources"][0]["faults"] == []


@pytest.mark.promise("knowledge.status")
async def test_why_a_source_could_not_be_looked_through_is_remembered_with_what_it_held(shelf: Shelf) -> None:
    shelf.write("good.md", "# Good\n\nThis one can be read.")
    await shelf.sync()
    shelf.folder.rename(shelf.folder.with_name("unmounted"))
    await shelf.sync()

    (source,) = (await shelf.ledger.status(shelf.tenant))["sources"]

    assert source["state"] == "incomplete"
    assert "no such folder" in source["reason"]
    assert [each["documents"] for each in source["collections"]] == [1]


@pytest.mark.promise("knowledge.status")
async def test_a_tenant_hears_of_its_own_sources_only(shelf: Shelf, neighbours: Shelf) -> None:
    shelf.write("bad.md", "text", readers=None)
    await shelf.sync()

    assert (await neighbours.ledger.status(neighbours.tenant))["sources"] == []
