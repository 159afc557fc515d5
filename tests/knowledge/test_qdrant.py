"""What only Qdrant asks of a host: its folder, its key, its answers, and whose turn it is."""

import asyncio
import multiprocessing
import os
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from multiprocessing.synchronize import Event
from pathlib import Path
from time import monotonic

import pytest
from qdrant_client import QdrantClient

from charter.errors import StartRefused, Unavailable
from charter.knowledge.archive import Archive
from charter.knowledge.qdrant import opening
from charter.knowledge.stores import open_index
from charter.secrets.store import Live
from charter.settings import Knowledge, Qdrant, SecretStr, Settings, read
from charter.store import tenants
from charter.store.database import Database
from tests.knowledge.contract.conftest import ANY, COLLECTION, document, person
from tests.knowledge.contract.rest import KEY, QdrantRest, qdrant_rest
from tests.knowledge.contract.vectors import WordEmbedder


@pytest.fixture
async def served() -> AsyncGenerator[QdrantRest]:
    async with qdrant_rest() as served:
        yield served


@pytest.fixture
async def stack() -> AsyncGenerator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


class Vault:
    """Gives a key as a vault does: the one before for as long as its lease lasts, the present one on demand."""

    def __init__(self, *keys: str) -> None:
        self._keys = [*keys]
        self.asked: list[bool] = []

    def live(self, _: SecretStr) -> Live:
        async def key(fresh: bool) -> str:
            self.asked.append(fresh)
            if fresh and len(self._keys) > 1:
                self._keys.pop(0)
            return self._keys[0]

        return key


def _settings(folder: Path, url: str = "", **more: object) -> Settings:
    knowledge = Knowledge(store="qdrant", qdrant=Qdrant(url=url, api_key=SecretStr("keyvault:qdrant")))
    return read(data_dir=folder, knowledge=knowledge, **more)


async def _archive(settings: Settings, database: Database, vault: Vault, stack: AsyncExitStack) -> Archive:
    embedder = WordEmbedder()
    index = await open_index(settings, database, embedder, vault.live, None, stack)
    await tenants.ensure(database, {}, ["qdrant"])
    return Archive(index, embedder, ANY)


def _hold(folder: str, ready: Event, over: Event) -> None:
    client = QdrantClient(path=folder)
    ready.set()
    over.wait(60)
    client.close()


@pytest.mark.promise("stores.alone")
async def test_a_folder_that_another_process_has_is_refused_in_a_sentence(
    database: Database, tmp_path: Path, stack: AsyncExitStack
) -> None:
    spawning = multiprocessing.get_context("spawn")
    ready, over = spawning.Event(), spawning.Event()
    holder = spawning.Process(target=_hold, args=(str(tmp_path / "qdrant"), ready, over))
    holder.start()
    try:
        assert await asyncio.to_thread(ready.wait, 60)
        with pytest.raises(StartRefused, match="in use by another process") as refused:
            await _archive(_settings(tmp_path), database, Vault(""), stack)
        assert "CHARTER_KNOWLEDGE__QDRANT__URL" in refused.value.action
    finally:
        over.set()
        await asyncio.to_thread(holder.join)
    await _archive(_settings(tmp_path), database, Vault(""), stack)


@pytest.mark.promise("stores.alone")
@pytest.mark.skipif(os.name == "nt", reason="Windows has rights of another kind")
async def test_the_folder_is_closed_to_everybody_else_on_the_machine(
    database: Database, tmp_path: Path, stack: AsyncExitStack
) -> None:
    (tmp_path / "qdrant").mkdir(mode=0o755)

    await _archive(_settings(tmp_path), database, Vault(""), stack)

    assert (tmp_path / "qdrant").stat().st_mode & 0o777 == 0o700


@pytest.mark.promise("stores.alone")
async def test_several_workers_are_refused_the_embedded_store(
    database: Database, tmp_path: Path, stack: AsyncExitStack
) -> None:
    with pytest.raises(StartRefused, match="for one process, and there are to be 2 workers"):
        await _archive(_settings(tmp_path, workers=2), database, Vault(""), stack)


@pytest.mark.promise("stores.alone")
async def test_a_folder_that_cannot_be_read_is_refused_in_a_sentence(
    database: Database, tmp_path: Path, stack: AsyncExitStack
) -> None:
    (tmp_path / "qdrant").mkdir()
    (tmp_path / "qdrant" / "meta.json").write_text("{ not json")

    with pytest.raises(StartRefused, match="cannot be read"):
        await _archive(_settings(tmp_path), database, Vault(""), stack)


@pytest.mark.promise("stores.alone")
async def test_what_the_embedded_store_was_given_is_there_after_a_new_start(database: Database, tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        async with AsyncExitStack() as stack:
            archive = await _archive(_settings(tmp_path), database, Vault(""), stack)
            await archive.put(document("qdrant", name, f"A hotel in {name}."))
            await archive.settle()

    async with AsyncExitStack() as stack:
        archive = await _archive(_settings(tmp_path), database, Vault(""), stack)
        found = await archive.search(person("qdrant"), "hotel", collections=[COLLECTION])
        assert {each.title for each in found} == {"a.md", "b.md"}


@pytest.mark.promise("stores.alone")
async def test_while_the_embedded_store_works_the_host_answers(
    database: Database, tmp_path: Path, stack: AsyncExitStack
) -> None:
    archive = await _archive(_settings(tmp_path), database, Vault(""), stack)
    writing = asyncio.create_task(
        archive.put(document("qdrant", "long.md", "\n\n".join(f"# {n}\n\nHotel {n}." for n in range(300))))
    )
    turns = 0
    while not writing.done():
        await asyncio.sleep(0)
        turns += 1
    assert await writing == 300
    assert turns > 100


@pytest.mark.promise("stores.away")
async def test_a_key_that_was_rotated_is_looked_up_anew(
    served: QdrantRest, database: Database, tmp_path: Path, stack: AsyncExitStack
) -> None:
    vault = Vault(KEY, "the next key")
    archive = await _archive(_settings(tmp_path, served.address), database, vault, stack)
    served.key = "the next key"

    await archive.put(document("qdrant", "a.md", "A hotel."))

    assert vault.asked.count(True) == 1
    assert await archive.stored("qdrant") == {(COLLECTION, "a.md"): "1"}


@pytest.mark.promise("stores.away")
@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "refuses the host's key"), (403, "key"), (404, "are gone"), (500, "status 500"), (400, "status 400")],
)
async def test_what_the_server_refuses_is_said_without_its_words(
    served: QdrantRest, database: Database, tmp_path: Path, stack: AsyncExitStack, status: int, said: str
) -> None:
    archive = await _archive(_settings(tmp_path, served.address), database, Vault(KEY), stack)
    served.refuses = status

    with pytest.raises(Unavailable, match=said) as refused:
        await archive.search(person("qdrant"), "hotel", collections=[COLLECTION])
    with pytest.raises(Unavailable):
        await archive.ping()

    assert "told to" not in str(refused.value)
    served.refuses = 0
    await archive.ping()


@pytest.mark.promise("stores.away")
async def test_a_server_that_is_not_there_refuses_the_start_at_once(
    database: Database, tmp_path: Path, stack: AsyncExitStack
) -> None:
    began = monotonic()
    with pytest.raises(Unavailable, match="does not answer"):
        await _archive(_settings(tmp_path, "http://127.0.0.1:9"), database, Vault(KEY), stack)
    assert monotonic() - began < 10


@pytest.mark.promise("stores.away")
async def test_somebody_elses_collection_of_the_name_is_left_alone(
    served: QdrantRest, database: Database, tmp_path: Path, stack: AsyncExitStack
) -> None:
    client = QdrantClient(url=served.address, headers={"api-key": KEY}, check_compatibility=False)
    await asyncio.to_thread(client.create_collection, "charter", vectors_config={})
    await asyncio.to_thread(client.close)

    with pytest.raises(StartRefused, match="not this host's"):
        await _archive(_settings(tmp_path, served.address), database, Vault(KEY), stack)


@pytest.mark.promise("stores.rebuild")
async def test_a_host_that_is_late_takes_nothing_back(
    served: QdrantRest, database: Database, stack: AsyncExitStack
) -> None:
    await tenants.ensure(database, {}, ["qdrant"])
    old, new = WordEmbedder("old"), WordEmbedder("new")
    key = Vault(KEY).live(SecretStr(""))
    settings = Qdrant(url=served.address)
    first = Archive(await opening.server(settings, database, old, key, stack), old, ANY)
    second = Archive(await opening.server(settings, database, new, key, stack), new, ANY)
    await second.put(document("qdrant", "a.md", "A hotel."))

    await first.settle()
    await second.settle()
    with pytest.raises(Unavailable, match="another host has replaced them"):
        await first.search(person("qdrant"), "hotel", collections=[COLLECTION])
    await first.settle()

    assert len(await second.search(person("qdrant"), "hotel", collections=[COLLECTION])) == 1
