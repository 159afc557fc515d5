"""The store that settings describe, opened."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from charter.context import Context
from charter.errors import AuthorityLost, StartRefused
from charter.knowledge.azure_ai_search.existing import Existing
from charter.knowledge.azure_ai_search.service import GENERAL, PERMITTING, Gone, SearchRefused, Service
from charter.knowledge.azure_ai_search.store import AzureIndex, TokenOf
from charter.knowledge.azure_ai_search.turning import alias_of
from charter.knowledge.embedder import Embedder
from charter.knowledge.index import Index
from charter.secrets.store import Live
from charter.settings import AzureAISearch, Settings
from charter.store.database import Database

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_PLACE = "CHARTER_KNOWLEDGE__AZURE_AI_SEARCH"


async def open_azure(
    settings: Settings,
    database: Database,
    embedder: Embedder,
    key_of: Callable[[SecretStr], Live | None],
    azure: "AsyncTokenCredential | None",
    stack: AsyncExitStack,
    token_of: TokenOf | None,
) -> Index:
    """As ``stores.open_index``."""
    own = settings.knowledge.azure_ai_search
    service = opened(own, key_of, azure, settings.secrets.ca_file)
    stack.push_async_callback(service.close)
    asking = (token_of or _nobodys) if own.permissions else None
    if own.existing is not None:
        return Existing(service, own.index, own.existing, embedder, semantic=own.semantic, token_of=asking)
    index = AzureIndex(service, own.index, embedder, database, semantic=own.semantic, token_of=asking)
    await index.open()
    return index


def opened(
    own: AzureAISearch,
    key_of: Callable[[SecretStr], Live | None],
    azure: "AsyncTokenCredential | None",
    ca_file: Path | None,
) -> Service:
    """Return the service, to be closed.

    Raises:
        StartRefused: its address or what opens it is not named.
    """
    if not own.endpoint:
        raise StartRefused(f"{_PLACE}__ENDPOINT is not set.", action="Name the search service's address.")
    credential = key_of(own.api_key) if own.api_key.get_secret_value() else azure
    if credential is None:
        raise StartRefused(
            f"{_PLACE}__API_KEY is not set, and the host has no identity at Azure.",
            action="Set the key as keyvault:NAME, or CHARTER_IDENTITY__CREDENTIAL to managed_identity.",
        )
    return Service(own.endpoint, credential, version=PERMITTING if own.permissions else GENERAL, ca_file=ca_file)


async def _nobodys(ctx: Context) -> str:
    raise AuthorityLost("The index has permissions of its own, and people's tokens are not to be had here.")


async def reached(service: Service, own: AzureAISearch) -> str:
    """Ask the service once and return what was seen, in a sentence.

    Raises:
        Unavailable: it does not answer, or not to this host.
    """
    if own.existing is not None:
        try:
            await service.search(own.index, search_text="*", select=[own.existing.id], top=1)
        except Gone as fault:
            raise SearchRefused(f"There is no index {own.index}.") from fault
        return f"The index {own.index} can be read."
    served = await alias_of(service, own.index)
    return (
        f"The alias {own.index} stands for {served}." if served else f"The alias {own.index} is made at the next start."
    )
