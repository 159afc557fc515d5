"""One store after the other for every test of the contract, with an archive over it and two tenants of its own."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from charter.context import Context, Principal
from charter.knowledge.archive import Archive
from charter.knowledge.index import Document, Index, Integrity
from charter.knowledge.ranking import Fit
from charter.knowledge.split import split
from charter.plugin import Passage
from charter.store import tenants
from charter.store.database import Database
from tests.knowledge.contract.stores import STORES, Ground, Store
from tests.knowledge.contract.vectors import WordEmbedder

COLLECTION = "handbook"
ANY = Fit(enough=0.0, spoken=0.0, share=0.0, foreign=0.0, margin=2.0)
"""Everything that a store finds answers: what is proved here is what it finds."""


def person(tenant: str, name: str = "alice", *roles: str, groups: Sequence[str] = (), external: str = "") -> Context:
    return Context(tenant, Principal(name, "user", name.capitalize(), frozenset(roles), frozenset(groups), external))


def document(
    tenant: str,
    source: str,
    body: str,
    *,
    readers: Sequence[str] = ("tenant",),
    collection: str = COLLECTION,
    title: str = "",
    url: str = "",
    integrity: Integrity = "trusted",
    digest: str = "1",
) -> Document:
    """Return a document as a sync would read it."""
    return Document(
        tenant, collection, source, title or source, url or f"file:{source}", body, integrity, tuple(sorted(readers)),
        digest, tuple(split(body)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opened:
    """A store with one index open over it, and the archive that writes to it. ``ours`` and ``theirs`` are tenants."""

    store: Store
    index: Index
    archive: Archive
    embedder: WordEmbedder
    ours: str
    theirs: str

    async def put(self, source: str, body: str, **more: object) -> Document:
        put = document(self.ours, source, body, **more)  # pyright: ignore[reportArgumentType]
        await self.archive.put(put)
        return put

    async def ask(
        self, question: str, who: Context | None = None, *, collections: Sequence[str] = (COLLECTION,), top: int = 100
    ) -> list[Passage]:
        return await self.archive.search(who or person(self.ours), question, collections=collections, top=top)

    async def titles(self, question: str, who: Context | None = None, **more: object) -> list[str]:
        return [found.title for found in await self.ask(question, who, **more)]  # pyright: ignore[reportArgumentType]


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, database: Database, tmp_path: Path) -> AsyncIterator[Store]:
    """Each store, empty but for what a shared server has of other tests' tenants."""
    async with STORES[request.param](Ground(database, tmp_path, f"contract-{uuid4().hex[:12]}")) as made:
        yield made


@pytest.fixture
async def opened(store: Store, database: Database) -> AsyncIterator[Opened]:
    ours, theirs = (f"{side}-{uuid4().hex[:12]}" for side in ("ours", "theirs"))
    await tenants.ensure(database, {}, [ours, theirs])
    embedder = WordEmbedder()
    async with store.index(embedder) as index:
        yield Opened(store, index, Archive(index, embedder, ANY), embedder, ours, theirs)
