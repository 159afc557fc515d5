"""Containers of Azure Blob Storage, in Microsoft's own emulator."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob.aio import BlobServiceClient

from charter.errors import StartRefused
from charter.identity.credential import written
from charter.knowledge.ingest import sync
from charter.knowledge.sources.blob import BlobSource
from charter.settings import Blob
from charter.twins import certificates
from tests.knowledge.conftest import Shelf
from tests.knowledge.libraries import Reader, reading
from tests.knowledge.storage import KEY, Container, Storage, running_storage
from tests.knowledge.syncing import Child
from tests.knowledge.test_pdf import pdf

HOTEL = "What may a hotel cost?"
TRAVEL = "# Travel\n\nA hotel night may cost 160 EUR.\n\n## Trains\n\nFirst class is allowed after three hours."
LEAVE = "# Leave\n\nEverybody has 30 days of annual leave."


def readable(text: str, readers: str = "[tenant]") -> str:
    return f"---\nreaders: {readers}\n---\n{text}\n"


@pytest.fixture(scope="module")
async def storage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Storage]:
    async with running_storage(tmp_path_factory.mktemp("storage")) as running:
        yield running


@pytest.fixture
async def container(storage: Storage) -> AsyncIterator[Container]:
    container = await storage.container()
    yield container
    await container.close()


def place(storage: Storage, container: Container, **more: Any) -> dict[str, Any]:
    return {"kind": "blob", "container": container.name, "secret": storage.connection, "collection": "handbook", **more}


@pytest.fixture
async def reader(storage: Storage, container: Container, shelf: Shelf) -> AsyncIterator[Reader]:
    async with reading(shelf.tenant, [place(storage, container)], shelf.archive, shelf.ledger) as reader:
        yield reader


@pytest.mark.promise("knowledge.blob")
async def test_the_blobs_of_a_container_are_found_and_followed(container: Container, reader: Reader) -> None:
    await container.put("policies/travel.md", readable(TRAVEL))
    await container.put("leave.md", readable(LEAVE))
    assert (await reader.sync()).written == 2
    assert "160 EUR" in (await reader.ask(HOTEL))[0].text
    await container.put("policies/travel.md", readable(TRAVEL.replace("160", "190")))
    await container.delete("leave.md")

    report = await reader.sync()

    assert (report.written, report.passages, report.removed) == (1, 1, 1)
    assert "190 EUR" in (await reader.ask(HOTEL))[0].text
    assert await reader.stored() == {"policies/travel.md"}


@pytest.mark.promise("knowledge.versions")
async def test_an_unchanged_tag_costs_nothing_and_the_same_bytes_no_embedding(
    container: Container, reader: Reader
) -> None:
    await container.put("travel.md", readable(TRAVEL))
    await container.put("leave.md", readable(LEAVE))
    first = await reader.sync()
    assert first.size > 100

    idle = await reader.sync()
    await container.put("travel.md", readable(TRAVEL))
    again = await reader.sync()

    assert (idle.unchanged, idle.size, idle.passages) == (2, 0, 0)
    assert (again.unchanged, again.written, again.passages) == (2, 0, 0)
    assert again.size == len(readable(TRAVEL))
    assert (await reader.sync()).size == 0


@pytest.mark.promise("knowledge.versions")
async def test_a_changed_sidecar_counts_though_the_document_has_its_tag(container: Container, reader: Reader) -> None:
    await container.client.upload_blob("parking.pdf", pdf())
    await container.put("parking.pdf.yaml", "readers: [tenant]\n")
    await reader.sync()
    assert await reader.ask("Who gets a company car?")
    await container.put("parking.pdf.yaml", "readers: ['group:drivers']\n")

    report = await reader.sync()

    assert (report.written, report.passages, report.faults) == (1, 0, [])
    assert await reader.ask("Who gets a company car?") == []
    assert await reader.ask("Who gets a company car?", reader.person("dora", "drivers"))


@pytest.mark.promise("knowledge.blob")
async def test_all_pages_of_a_container_are_read_and_a_prefix_bounds_it(
    storage: Storage, container: Container, shelf: Shelf
) -> None:
    for number in range(60):
        await container.put(f"docs/hr/{number}.md", readable(f"# Rule {number}\n\nRule {number} holds."))
    await container.put("drafts/hr/secret.md", readable("# Draft\n\nThe draft says 4711."))
    await container.put("docs/loose.md", readable(LEAVE))
    where = place(storage, container, prefix="docs", collection="")
    async with reading(shelf.tenant, [where], shelf.archive, shelf.ledger) as reader:
        report = await reader.sync()

        assert report.written == 60
        assert [fault.reason for fault in report.faults] == ["it lies in no folder, so in no collection"]
        assert {collection for collection, _ in await reader.archive.stored(reader.tenant)} == {"hr"}


@pytest.mark.promise("knowledge.permissions")
@pytest.mark.parametrize(
    ("metadata", "named", "readers"),
    [
        ("group:hr, user:bob", "[tenant]", ("group:hr", "user:bob")),
        ("group:hr", "['group:hr', 'user:alice']", ("group:hr",)),
        ("group:hr", "['user:alice']", ()),
        ("everybody", "[tenant]", ()),
        ("", "[tenant]", ()),
    ],
)
async def test_the_readers_in_a_blobs_metadata_bound_what_it_says_of_itself(
    container: Container, reader: Reader, metadata: str, named: str, readers: tuple[str, ...]
) -> None:
    await container.put("travel.md", readable(TRAVEL, named), readers=metadata or ",")

    await reader.sync()

    found = [
        passage
        for who in (reader.person("alice"), reader.person("bob"), reader.person("dora", "hr"))
        for passage in await reader.ask(HOTEL, who)
    ]
    assert {passage.readers for passage in found} == ({readers} if readers else set())


@pytest.mark.promise("knowledge.permissions")
@pytest.mark.parametrize("name", ["Readers", "READERS", "reader", "Reader"])
async def test_a_blobs_readers_count_however_their_name_is_written(
    storage: Storage, container: Container, shelf: Shelf, name: str
) -> None:
    await container.put("travel.md", TRAVEL, **{name: "group:hr"})
    where = place(storage, container, readers=["tenant"])
    async with reading(shelf.tenant, [where], shelf.archive, shelf.ledger) as reader:
        report = await reader.sync()

        assert await reader.ask(HOTEL) == []
        assert [report.written, len(report.faults)] in ([0, 1], [1, 0])
        assert ["write readers, once" in fault.reason for fault in report.faults] == [True] * len(report.faults)


@pytest.mark.promise("knowledge.permissions")
async def test_what_gets_other_readers_while_it_is_read_is_not_given_to_those_before(
    container: Container, reader: Reader
) -> None:
    await container.put("travel.md", readable(LEAVE), readers="user:alice")
    (source,) = reader.sources
    (item,) = (await source.look()).items.values()
    await container.put("travel.md", readable(TRAVEL), readers="group:hr")

    with pytest.raises(OSError, match="its readers were changed at this moment"):
        await source.read(item)


@pytest.mark.promise("knowledge.blob")
async def test_settings_name_the_readers_of_what_names_none_and_bound_the_trust(
    storage: Storage, container: Container, shelf: Shelf
) -> None:
    await container.put("travel.md", TRAVEL)
    await container.put("leave.md", f"---\nreaders: [tenant]\nintegrity: trusted\n---\n{LEAVE}")
    for integrity in ("untrusted", "trusted"):
        where = place(storage, container, readers=["group:hr"], integrity=integrity)
        async with reading(shelf.tenant, [where], shelf.archive, shelf.ledger) as reader:
            assert (await reader.sync()).faults == []
            assert await reader.ask(HOTEL) == []
            (travel, *_) = await reader.ask(HOTEL, reader.person("dora", "hr"))
            (leave, *_) = await reader.ask("How many days of annual leave are there?")
            assert [travel.readers, travel.integrity, leave.integrity] == [("group:hr",), integrity, integrity]


@pytest.mark.promise("knowledge.bad_file")
async def test_a_bad_blob_is_told_again_without_being_fetched_again(container: Container, reader: Reader) -> None:
    await container.put("bad.md", "---\nreaders: [tenant\n---\ntext")
    await container.put("travel.md", readable(TRAVEL))
    first = await reader.sync()
    again = await reader.sync()

    assert [fault.reason for fault in first.faults] == [fault.reason for fault in again.faults]
    assert "not YAML" in again.faults[0].reason
    assert (again.size, again.unchanged) == (0, 1)
    await container.put("bad.md", readable(LEAVE))
    mended = await reader.sync()
    assert (mended.written, mended.faults) == (1, [])


@pytest.mark.promise("knowledge.incomplete")
async def test_an_account_that_is_away_empties_nothing(tmp_path: Path, shelf: Shelf) -> None:
    async with running_storage(tmp_path / "storage") as storage:
        container = await storage.container()
        async with reading(shelf.tenant, [place(storage, container)], shelf.archive, shelf.ledger) as reader:
            await container.put("travel.md", readable(TRAVEL))
            await container.put("leave.md", readable(LEAVE))
            await reader.sync()
            await container.delete("leave.md")
            await storage.end()

            away = await reader.sync()

            assert (away.removed, away.incomplete) == (0, True)
            assert [fault.reason for fault in away.faults] == ["the account does not answer"]
            assert await reader.ask(HOTEL)
            async with running_storage(tmp_path / "storage", port=storage.port):
                back = await reader.sync()
                assert (back.removed, back.unchanged, back.faults) == (1, 1, [])
        await container.close()


@pytest.mark.promise("knowledge.incomplete")
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"container": "nowhere"}, "there is no such container"),
        ({"secret": "wrong"}, "the account does not let this host read it"),
    ],
)
async def test_a_container_that_cannot_be_read_empties_nothing_and_says_why(
    storage: Storage, container: Container, reader: Reader, shelf: Shelf, changed: dict[str, str], reason: str
) -> None:
    await container.put("travel.md", readable(TRAVEL))
    await reader.sync()
    where = place(storage, container) | changed
    if "secret" in changed:
        where["secret"] = storage.connection.replace(KEY, "QUJD" * 16)
    async with reading(shelf.tenant, [where], shelf.archive, shelf.ledger) as other:
        report = await other.sync()

        assert [fault.reason for fault in report.faults] == [reason]
        assert await other.ask(HOTEL)


@pytest.mark.promise("knowledge.blob")
async def test_without_a_secret_the_host_comes_as_itself(tmp_path: Path, shelf: Shelf, database_url: str) -> None:
    kept = certificates.kept(tmp_path / "tls")
    pem = kept.server_file
    async with running_storage(tmp_path / "storage", tls=(pem, pem)) as storage:
        trusting = {"connection_verify": str(kept.ca_file)}
        connection = storage.connection.replace("=http;", "=https;")
        service = BlobServiceClient.from_connection_string(connection, **trusting)
        client = await service.create_container("handbook", **trusting)
        await client.upload_blob("travel.md", readable(TRAVEL).encode())
        where = {"kind": "blob", "url": storage.url, "container": "handbook", "collection": "handbook"}
        child = await Child.begin(database_url, {"sources": {shelf.tenant: [where]}}, ca_file=kept.ca_file)

        report = await child.report()

        assert (report["faults"], report["written"]) == ([], 1)
        assert report["scopes"] == ["https://storage.azure.com/.default"]
        await client.close()
        await service.close()


@pytest.mark.promise("knowledge.permissions")
async def test_two_places_that_would_pass_for_one_another_are_refused(shelf: Shelf) -> None:
    places: list[dict[str, Any]] = [
        {"kind": "blob", "container": "docs", "secret": f"AccountName={name};AccountKey=QUJD;", "readers": [reader]}
        for name, reader in (("public", "tenant"), ("personnel", "role:hr"))
    ]

    with pytest.raises(StartRefused, match="are called account/docs"):
        async with reading(shelf.tenant, places, shelf.archive, shelf.ledger):
            pass
    told = [place | {"url": f"https://{n}.blob.core.windows.net"} for n, place in enumerate(places)]
    async with reading(shelf.tenant, told, shelf.archive, shelf.ledger) as reader:
        assert len({source.name for source in reader.sources}) == 2


@pytest.mark.promise("knowledge.blob")
async def test_outside_the_local_profile_nothing_travels_unencrypted(
    storage: Storage, container: Container, shelf: Shelf
) -> None:
    settings = Blob(**place(storage, container))
    nobody: Any = None
    source = BlobSource(shelf.tenant, settings, written(settings.secret), nobody)

    report = await sync(shelf.archive, shelf.ledger, [source])
    await source.close()

    assert [fault.reason for fault in report.faults] == ["its address is not encrypted"]
