"""A running AI Search twin, as tests of the store use it, and the store over it as the contract opens it."""

import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from azure.search.documents.indexes.aio import SearchIndexClient

from charter.errors import Unavailable
from charter.knowledge.azure_ai_search.schema import ours
from charter.knowledge.azure_ai_search.service import GENERAL, Patience, Service
from charter.knowledge.azure_ai_search.store import AzureIndex
from charter.knowledge.embedder import Embedder
from charter.knowledge.index import Index
from charter.store.database import Database
from charter.twins import ai_search
from charter.twins.listening import serve, take

if TYPE_CHECKING:
    from tests.knowledge.contract.stores import Ground, Store

KEY = "key-of-the-search-twin"
SOON = Patience(reading=20, writing=20, seen=0.05, turned=0.2, known=0.1, first=0.05)
"""As patient as a twin needs it."""


def key_of(value: str = KEY) -> Any:
    async def live(fresh: bool) -> str:
        return value

    return live


@dataclass(slots=True)
class RunningSearch:
    """A twin at ``url``; ``http`` asks it beside the client."""

    url: str
    http: aiohttp.ClientSession

    def service(self, version: str = GENERAL, patience: Patience = SOON, key: Any = None) -> Service:
        return Service(self.url, key or key_of(), version=version, patience=patience)

    async def lever(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, f"{self.url}/_twin/{path}", json=body) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def befall(self, **parts: dict[str, Any]) -> None:
        await self.lever("PUT", "faults", parts)

    async def requests(self, part: str = "") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.lever("GET", "requests"))["items"]
        return [each for each in items if part in each["path"]]

    async def filters(self) -> list[str]:
        """Return the filters that were asked with, oldest first."""
        return [str(each["asked"].get("filter", "")) for each in await self.requests("search.post.search")]


@asynccontextmanager
async def running_search(issuer: str = "http://localhost:1", port: int = 0) -> AsyncGenerator[RunningSearch]:
    """Serve a twin that is opened by a key, over plain HTTP."""
    place = take(port, "AI Search twin")
    runner = await serve(ai_search.app(issuer=issuer, keys=[KEY]), place)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        try:
            yield RunningSearch(place.url, http)
        finally:
            await runner.cleanup()
            place.close()


class _Torn(Service):
    """A service whose connection is lost before the write after ``left`` more."""

    left = 1_000_000

    async def index(self, index: str, actions: Sequence[dict[str, Any]]) -> None:
        self.left -= bool(actions)
        if self.left < 0:
            raise Unavailable
        await super().index(index, actions)


@dataclass(slots=True)
class AzureStore:
    """The store over a service: the twin's, or a real one."""

    endpoint: str
    key: str
    patience: Patience
    alias: str
    database: Database
    alone = False

    @asynccontextmanager
    async def index(self, embedder: Embedder, *, writes: int | None = None) -> AsyncGenerator[Index]:
        service = _Torn(self.endpoint, key_of(self.key), patience=self.patience)
        service.left = 1_000_000 if writes is None else writes
        index = AzureIndex(service, self.alias, embedder, self.database)
        try:
            await index.open()
            yield index
        finally:
            await service.close()

    async def forget(self) -> None:
        """Delete the alias and all indexes behind it."""
        service = Service(self.endpoint, key_of(self.key))

        async def gone(client: SearchIndexClient) -> None:
            await client.delete_alias(self.alias)
            for name in [each.name async for each in client.list_indexes() if ours(self.alias, each.name)]:
                await client.delete_index(name)

        try:
            await service.define(gone)
        finally:
            await service.close()


@asynccontextmanager
async def azure_ai_search(ground: "Ground") -> AsyncGenerator["Store"]:
    async with running_search() as search:
        yield AzureStore(search.url, KEY, SOON, ground.name, ground.database)


@asynccontextmanager
async def real_azure_ai_search(ground: "Ground") -> AsyncGenerator["Store"]:
    endpoint = os.environ.get("CHARTER_CONTRACT_AZURE_SEARCH", "")
    if not endpoint:
        pytest.skip("no search service: CHARTER_CONTRACT_AZURE_SEARCH names none")
    key = os.environ.get("CHARTER_CONTRACT_AZURE_SEARCH_KEY", "")
    store = AzureStore(endpoint, key, Patience(), ground.name, ground.database)
    try:
        yield store
    finally:
        await store.forget()
