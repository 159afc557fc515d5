"""The store that settings name, opened."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from pydantic import SecretStr

from charter.context import Context
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
    token_of: Callable[[Context], Awaitable[str]] | None = None,
) -> Index:
    """Open the store and make what it lacks; ``stack`` closes it. ``key_of`` and ``azure`` are the host's secrets and its
    identity, for a store behind a key or a role; ``token_of`` returns a person's own token for the search service.

    Raises:
        StartRefused: settings do not fit together, or the store refuses.
        Unavailable: the store does not answer.
    """
    match settings.knowledge.store:
        case "pgvector":
            return PgIndex(database, embedder)
        case "azure_ai_search":
            # Late: Azure's client is needed by who has that store only.
            from charter.knowledge.azure_ai_search.opening import open_azure

            return await open_azure(settings, database, embedder, key_of, azure, stack, token_of)
        case other:
            raise StartRefused(
                f"The store {other} is not there yet.", action="Set CHARTER_KNOWLEDGE__STORE to pgvector."
            )
