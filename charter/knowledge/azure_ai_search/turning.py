"""From one index to the next without a gap: an alias says which one is searched, while the next one is filled.

The name behind the alias carries revision and embedder (``schema.real_name``). Hosts of the present code write into the one
of their own name and search the one that the alias stands for, until everything is in it and ``turn`` lets the alias stand
for it. Two hosts that do so at once do the same; of hosts of different code the last one turns, and each knows by the name
whether its vectors fit to what is searched.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.search.documents.indexes.aio import SearchIndexClient
from azure.search.documents.indexes.models import SearchAlias

from charter.errors import StartRefused
from charter.knowledge.azure_ai_search import schema
from charter.knowledge.azure_ai_search.service import Service
from charter.knowledge.embedder import Embedder

Fill = Callable[[str, str], Awaitable[None]]
"""Takes the index that is searched and the one to be: brings over what the first has and the second lacks."""


class Turning:
    """The alias of this host and the index of its own revision and embedder."""

    def __init__(self, service: Service, alias: str, embedder: Embedder) -> None:
        self._service = service
        self._alias = alias
        self._embedder = embedder
        self.own = schema.real_name(alias, embedder.name)
        self._served: str | None = None
        self._read_at = -1e9

    async def served(self, *, fresh: bool = False) -> str | None:
        """Return the name of the index that is searched; nothing where none was ever made.

        Raises:
            Unavailable: the service does not answer.
        """
        if fresh or time.monotonic() - self._read_at > self._service.patience.known:
            found = await self._service.define(self._read)
            self._served, self._read_at = (found.indexes[0] if found else None), time.monotonic()
        return self._served

    async def ensure(self) -> None:
        """Make the index of this host where it is not there yet; the first one is searched at once.

        Raises:
            StartRefused: the service refuses the definition, or the alias's name is an index's.
            Unavailable: the service does not answer.
        """
        try:
            await self._service.define(self._make)
        except HttpResponseError as fault:
            raise StartRefused(
                f"The search service refuses the index {self.own} or its alias {self._alias} (status {fault.status_code}).",
                action="Let CHARTER_KNOWLEDGE__AZURE_AI_SEARCH__INDEX name no index that is there already, or describe that one "
                "in EXISTING.",
            ) from fault

    async def turn(self, fill: Fill) -> None:
        """Let the alias stand for this host's index once it holds everything, then delete what went before.

        Raises:
            Unavailable: not everything could be brought over; the old one is searched as before.
        """
        await self.ensure()
        known = await self._service.define(self._read)
        if known is None or known.indexes == [self.own]:
            return
        await fill(known.indexes[0], self.own)
        known.indexes = [self.own]
        try:
            await self._service.define(
                lambda client: client.create_or_update_alias(known, match_condition=MatchConditions.IfNotModified)
            )
        except ResourceModifiedError:
            return  # another host has turned it meanwhile
        self._read_at = -1e9
        # Until then somebody may still be led to the old one by what they remember.
        await asyncio.sleep(self._service.patience.turned)
        await self._service.define(self._sweep)

    async def _read(self, client: SearchIndexClient) -> SearchAlias | None:
        return await _alias(client, self._alias)

    async def _make(self, client: SearchIndexClient) -> None:
        try:
            await client.get_index(self.own)
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):  # another host was faster
                await client.create_index(schema.definition(self.own, self._embedder))
        if await self._read(client) is None:
            try:
                await client.create_alias(SearchAlias(name=self._alias, indexes=[self.own]))
            except ResourceExistsError:
                if await self._read(client) is None:
                    raise
            self._read_at = -1e9

    async def _sweep(self, client: SearchIndexClient) -> None:
        """Delete the indexes of this alias that nobody is led to; one that an alias stands for the service keeps."""
        names = [each.name async for each in client.list_indexes()]
        for name in names:
            if name == self.own or not schema.ours(self._alias, name):
                continue
            try:
                await client.delete_index(name)
            except ResourceNotFoundError:
                continue
            except HttpResponseError as fault:
                if fault.status_code != 400:
                    raise


async def alias_of(service: Service, name: str) -> str | None:
    """Return the index that an alias stands for.

    Raises:
        Unavailable: the service does not answer, or not to this host.
    """
    found = await service.define(lambda client: _alias(client, name))
    return found.indexes[0] if found else None


async def _alias(client: SearchIndexClient, name: str) -> SearchAlias | None:
    try:
        return await client.get_alias(name)
    except ResourceNotFoundError:
        return None
