"""The stores that the contract holds for, each opened over real parts. One more is a class here and a line in ``STORES``."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from charter.knowledge.embedder import Embedder
from charter.knowledge.index import Index
from charter.knowledge.pgvector import PgIndex
from charter.store.database import Database
from tests.knowledge.contract.qdrant import QdrantFolder, QdrantServer
from tests.knowledge.contract.rest import qdrant_rest


@dataclass(frozen=True, slots=True)
class Ground:
    """What a store may stand on: the host's database, a folder of its own and a name that no other test uses."""

    database: Database
    folder: Path
    name: str


class Store(Protocol):
    """A place where passages are kept, empty at first. ``alone``: only one index at a time may be open over it."""

    alone: bool

    def index(self, embedder: Embedder, *, writes: int | None = None) -> AbstractAsyncContextManager[Index]:
        """Open it as a host does, for vectors of this embedder. What was put stays when it is closed.

        With ``writes`` the connection is lost before the write that comes after so many, and stays lost.
        """
        ...


Maker = Callable[[Ground], AbstractAsyncContextManager[Store]]


class _Torn:
    """A session whose connection is lost before the write after ``left`` more."""

    def __init__(self, session: Any, left: int) -> None:
        self._session = session
        self._left = left

    def __getattr__(self, name: str) -> Any:
        if name not in ("execute", "executemany", "fetchval"):
            return getattr(self._session, name)
        self._left -= 1
        if self._left < 0:
            raise ConnectionResetError
        return getattr(self._session, name)


class _TearingDatabase(Database):
    """The database behind a connection that is lost after so many statements."""

    def __init__(self, inner: Database, writes: int) -> None:
        super().__init__(inner.url)
        self._inner = inner
        self._writes = writes

    @asynccontextmanager
    async def tenant_session(self, tenant: str, *, turn: Any = None) -> AsyncGenerator[Any]:
        async with self._inner.tenant_session(tenant, turn=turn) as session:
            yield _Torn(session, self._writes)


class PgStore:
    """The host's own database."""

    alone = False

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def index(self, embedder: Embedder, *, writes: int | None = None) -> AsyncGenerator[Index]:
        yield PgIndex(self._database if writes is None else _TearingDatabase(self._database, writes), embedder)


@asynccontextmanager
async def pgvector(ground: Ground) -> AsyncGenerator[Store]:
    yield PgStore(ground.database)


@asynccontextmanager
async def embedded_qdrant(ground: Ground) -> AsyncGenerator[Store]:
    yield QdrantFolder(ground.database, ground.folder / "qdrant")


@asynccontextmanager
async def qdrant_over_http(ground: Ground) -> AsyncGenerator[Store]:
    async with qdrant_rest() as served:
        yield QdrantServer(ground.database, served.address, ground.name, served.key)


@asynccontextmanager
async def qdrant_server(ground: Ground) -> AsyncGenerator[Store]:
    url = os.environ.get("CHARTER_CONTRACT_QDRANT", "")
    if not url:
        pytest.skip("no Qdrant server: CHARTER_CONTRACT_QDRANT names none")
    store = QdrantServer(ground.database, url, ground.name, os.environ.get("CHARTER_CONTRACT_QDRANT_KEY", ""))
    try:
        yield store
    finally:
        await asyncio.to_thread(store.forget)


STORES: dict[str, Maker] = {
    "pgvector": pgvector,
    "qdrant-embedded": embedded_qdrant,
    "qdrant-http": qdrant_over_http,
    "qdrant-server": qdrant_server,
}
