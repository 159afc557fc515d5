"""The store that settings name, opened."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from pydantic import SecretStr

from charter.errors import StartRefused
from charter.knowledge.embedder import Embedder
from charter.knowledge.index import Index
from charter.knowledge.pgvector import PgIndex
from charter.secrets.store import Live
from charter.settings import Settings
from charter.store.database import Database

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential


async def open_index(
    settings: Settings,
    database: Database,
    embedder: Embedder,
    key_of: Callable[[SecretStr], Live | None],
    azure: "AsyncTokenCredential | None",
    stack: AsyncExitStack,
) -> Index:
    """Open the store and make what it lacks; ``stack`` closes it. ``key_of`` and ``azure`` are the host's secrets and its
    identity, for a store behind a key or a role.

    Raises:
        StartRefused: settings do not fit together, or the store refuses.
        Unavailable: the store does not answer.
    """
    match settings.knowledge.store:
        case "pgvector":
            return PgIndex(database, embedder)
        case "qdrant":
            return await _qdrant(settings, database, embedder, key_of, stack)
        case other:
            raise StartRefused(
                f"The store {other} is not there yet.", action="Set CHARTER_KNOWLEDGE__STORE to pgvector."
            )


async def _qdrant(
    settings: Settings,
    database: Database,
    embedder: Embedder,
    key_of: Callable[[SecretStr], Live | None],
    stack: AsyncExitStack,
) -> Index:
    # Late: the maker's client takes most of a second, which other stores need not wait for.
    from charter.knowledge.qdrant import opening

    own = settings.knowledge.qdrant
    if own.url:
        return await opening.server(own, database, embedder, key_of(own.api_key), stack)
    if settings.workers > 1:
        raise StartRefused(
            f"The embedded Qdrant is for one process, and there are to be {settings.workers} workers.",
            action="Set CHARTER_WORKERS=1, or CHARTER_KNOWLEDGE__QDRANT__URL to a server.",
        )
    return await opening.embedded(own, settings.data_dir.resolve() / "qdrant", database, embedder, stack)
