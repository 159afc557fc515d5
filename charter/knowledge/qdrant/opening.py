"""Qdrant as settings name it, opened."""

import asyncio
import sqlite3
from contextlib import AsyncExitStack, closing
from pathlib import Path

from qdrant_client import QdrantClient

from charter.errors import StartRefused
from charter.knowledge.embedder import Embedder
from charter.knowledge.qdrant.collections import Collections
from charter.knowledge.qdrant.index import QdrantIndex
from charter.knowledge.qdrant.wire import SECONDS, Wire
from charter.secrets.store import Live
from charter.settings import Qdrant
from charter.store.database import Database

_THREADS = 8
_ALONE = "Let one process alone have it (CHARTER_WORKERS=1), or set CHARTER_KNOWLEDGE__QDRANT__URL to a server."


async def server(
    settings: Qdrant, database: Database, embedder: Embedder, key: Live | None, stack: AsyncExitStack
) -> QdrantIndex:
    """Reach the server and make what it lacks; ``stack`` lets go of it.

    Raises:
        StartRefused: the address is none, or the name is taken.
        Unavailable: it does not answer, or refuses.
    """
    try:
        client = QdrantClient(url=settings.url, timeout=SECONDS, check_compatibility=False)
    except ValueError as fault:
        action = "Write it as https://HOST:6333."
        raise StartRefused("CHARTER_KNOWLEDGE__QDRANT__URL is no address.", action=action) from fault
    wire = Wire(client, threads=_THREADS, key=key)
    stack.push_async_callback(wire.close)
    collections = Collections(wire, settings.collection, embedder, indexed=True)
    await collections.ready()
    return QdrantIndex(wire, collections, database)


async def embedded(
    settings: Qdrant, folder: Path, database: Database, embedder: Embedder, stack: AsyncExitStack
) -> QdrantIndex:
    """Open the folder, which is this process's alone until ``stack`` is closed.

    Raises:
        StartRefused: another process has it, or it cannot be read.
    """
    wire = Wire(await asyncio.to_thread(_opened, folder), threads=1)
    stack.push_async_callback(wire.close)
    collections = Collections(wire, settings.collection, embedder, indexed=False)
    await collections.ready()
    await wire.call(lambda _: _log_writes(folder))
    return QdrantIndex(wire, collections, database)


def _opened(folder: Path) -> QdrantClient:
    try:
        # What lies there is the text of every tenant, outside of all rights.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        return QdrantClient(path=str(folder), force_disable_check_same_thread=True)
    except Exception as fault:  # whatever lies there: the library reads it as it finds it
        if isinstance(fault, RuntimeError):
            raise StartRefused(
                f"The embedded Qdrant in {folder} is in use by another process.", action=_ALONE
            ) from fault
        raise StartRefused(
            f"The embedded Qdrant in {folder} cannot be read ({type(fault).__name__}).",
            action="Move the folder away: the documents are then read again.",
        ) from fault


def _log_writes(folder: Path) -> None:
    """Let the files keep a log of what is written. The library commits point by point: each is then a fifth of the time."""
    for file in folder.glob("collection/*/storage.sqlite"):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("pragma journal_mode = wal")
