"""Qdrant for the contract: embedded, over HTTP, and a real server where ``CHARTER_CONTRACT_QDRANT`` names one."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient

from charter.knowledge.embedder import Embedder
from charter.knowledge.index import Index
from charter.knowledge.qdrant import opening
from charter.knowledge.qdrant.collections import Collections
from charter.knowledge.qdrant.index import QdrantIndex
from charter.knowledge.qdrant.wire import Wire
from charter.settings import Qdrant
from charter.store.database import Database


class _TearingClient(QdrantClient):
    """The client whose connection is lost before the change after ``left`` more."""

    left = 0

    def batch_update_points(self, collection_name: str, update_operations: Any, *more: Any, **named: Any) -> Any:
        for each in update_operations:
            if self.left == 0:
                raise ConnectionResetError
            self.left -= 1
            super().batch_update_points(collection_name, [each], *more, **named)


async def _over(
    wire: Wire, settings: Qdrant, database: Database, embedder: Embedder, *, indexed: bool, stack: AsyncExitStack
) -> Index:
    stack.push_async_callback(wire.close)
    collections = Collections(wire, settings.collection, embedder, indexed=indexed)
    await collections.ready()
    return QdrantIndex(wire, collections, database)


class QdrantFolder:
    """Qdrant in this process."""

    alone = True

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    @asynccontextmanager
    async def index(self, embedder: Embedder, *, writes: int | None = None) -> AsyncGenerator[Index]:
        async with AsyncExitStack() as stack:
            if writes is None:
                yield await opening.embedded(Qdrant(), self._folder, self._database, embedder, stack)
                return
            client = _TearingClient(path=str(self._folder), force_disable_check_same_thread=True)
            client.left = writes
            yield await _over(Wire(client, threads=1), Qdrant(), self._database, embedder, indexed=False, stack=stack)


class QdrantServer:
    """Qdrant at an address; what is put there lies in collections of one test's name."""

    alone = False

    def __init__(self, database: Database, url: str, name: str, key: str = "") -> None:
        self._database = database
        self._settings = Qdrant(url=url, collection=name)
        self._key = key

    async def key(self, fresh: bool) -> str:
        return self._key

    @asynccontextmanager
    async def index(self, embedder: Embedder, *, writes: int | None = None) -> AsyncGenerator[Index]:
        key = self.key if self._key else None
        async with AsyncExitStack() as stack:
            if writes is None:
                yield await opening.server(self._settings, self._database, embedder, key, stack)
                return
            client = _TearingClient(url=self._settings.url, check_compatibility=False)
            client.left = writes
            yield await _over(
                Wire(client, threads=2, key=key), self._settings, self._database, embedder, indexed=True, stack=stack
            )

    def forget(self) -> None:
        """Drop what the test made."""
        client = QdrantClient(url=self._settings.url, api_key=self._key or None, check_compatibility=False)
        try:
            for each in client.get_collections().collections:
                if each.name.startswith(f"{self._settings.collection}-"):
                    client.delete_collection(each.name)
        finally:
            client.close()
