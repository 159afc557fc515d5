"""Shelves of documents in tenants of their own, the real database and the real embedder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from charter.context import Context, Principal
from charter.knowledge.archive import Archive
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.ingest import Report, sync
from charter.knowledge.ledger import Ledger
from charter.knowledge.pace import Progress
from charter.knowledge.pgvector import PgIndex
from charter.knowledge.sources.folder import Root
from charter.plugin import Passage
from charter.store import tenants
from charter.store.database import Database

COLLECTION = "handbook"


@dataclass
class Shelf:
    """The folder of one tenant, and those who ask there."""

    tenant: str
    folder: Path
    archive: Archive
    ledger: Ledger

    def write(self, name: str, text: str, *, readers: str | None = "[tenant]", more: str = "") -> Path:
        path = self.folder / COLLECTION / name
        path.parent.mkdir(parents=True, exist_ok=True)
        front = (f"readers: {readers}\n" if readers is not None else "") + more
        path.write_text(f"---\n{front}---\n{text}\n", "utf-8")
        return path

    def put(self, name: str, content: bytes, sidecar: str | None = "readers: [tenant]\n") -> Path:
        """Lay a file of any format on the shelf, with its sidecar beside it."""
        path = self.folder / COLLECTION / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if sidecar is not None:
            path.with_name(f"{name}.yaml").write_text(sidecar, "utf-8")
        return path

    async def sync(self, progress: Callable[[Progress], None] | None = None) -> Report:
        return await sync(self.archive, self.ledger, [Root(self.tenant, self.folder)], progress=progress)

    def person(self, name: str = "alice", *roles: str, groups: tuple[str, ...] = ()) -> Context:
        return Context(self.tenant, Principal(name, "user", name.capitalize(), frozenset(roles), frozenset(groups)))

    async def ask(self, question: str, who: Context | None = None, *, top: int = 5) -> list[Passage]:
        return await self.archive.search(who or self.person(), question, collections=[COLLECTION], top=top)


@pytest.fixture(scope="session")
def embedder() -> Iterator[E5Embedder]:
    embedder = E5Embedder()
    yield embedder
    embedder.close()


@pytest.fixture
async def shelf(database: Database, embedder: E5Embedder, tmp_path: Path) -> Shelf:
    return await new_shelf(database, embedder, tmp_path)


@pytest.fixture
async def neighbours(database: Database, embedder: E5Embedder, tmp_path: Path) -> Shelf:
    """Another tenant's shelf in the same database."""
    return await new_shelf(database, embedder, tmp_path)


async def new_shelf(database: Database, embedder: E5Embedder, folder: Path) -> Shelf:
    tenant = f"shelf-{uuid4().hex[:12]}"
    await tenants.ensure(database, {}, [tenant])
    return Shelf(tenant, folder / tenant, Archive(PgIndex(database, embedder), embedder), Ledger(database))
