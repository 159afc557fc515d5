"""The service as the host asks it: bounded in time, patient where it asks for patience, and its refusals in our words."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.pipeline.transport import AioHttpTransport
from azure.search.documents.aio import SearchClient
from azure.search.documents.indexes.aio import SearchIndexClient
from azure.search.documents.models import IndexAction, IndexDocumentsBatch

from charter.errors import Conflict, StartRefused, Unavailable
from charter.knowledge.azure_ai_search.key import LiveKey
from charter.secrets.store import Live

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

T = TypeVar("T")
Row = dict[str, Any]
GENERAL = "2026-04-01"
PERMITTING = "2025-11-01-preview"
"""The first version in which a question without a person's token sees nothing that permissions protect."""

_MOST_ACTIONS = 1_000
_LARGEST = 15_000_000
_LATER = frozenset({409, 422, 429, 503})
"""What a single document may be tried again after (REST reference, "Documents - Index", response codes)."""


class Gone(Exception):
    """There is no index of this name, any more or yet."""


class SearchRefused(Unavailable):
    title = "The search service refuses what the host asks."
    retryable = False


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds. ``reading`` and ``writing`` bound one question and one batch with all their attempts; ``seen`` is how
    long a write takes to be found, ``turned`` how long an alias takes to change everywhere, ``known`` how long what an
    alias stands for is remembered.
    """

    reading: float = 15
    writing: float = 90
    seen: float = 3
    turned: float = 15
    known: float = 5
    first: float = 0.5


class Service:
    """One search service. ``credential`` is a key as it is now, or the host's identity."""

    def __init__(
        self,
        endpoint: str,
        credential: "Live | AsyncTokenCredential",
        *,
        version: str = GENERAL,
        ca_file: Path | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.patience = patience or Patience()
        by_token: Any = credential if hasattr(credential, "get_token") else None
        if by_token is not None and not endpoint.startswith("https://"):
            raise StartRefused(
                "CHARTER_KNOWLEDGE__AZURE_AI_SEARCH__ENDPOINT must begin with https://: tokens travel to it."
            )
        trusting: dict[str, Any] = {"connection_verify": str(ca_file)} if ca_file else {}
        self._transport = AioHttpTransport(**trusting)
        self._options: dict[str, Any] = {
            "credential": by_token or AzureKeyCredential("live"),
            "api_version": version,
            "transport": self._transport,
            # The client would wait as long as the service says, however long; we bound it.
            "retry_total": 0,
            "logging_enable": False,
            **trusting,
        }
        if by_token is None:
            self._options["authentication_policy"] = LiveKey(credential)  # pyright: ignore[reportArgumentType]
        self._endpoint = endpoint
        self._definitions = SearchIndexClient(endpoint, **self._options)
        self._clients: dict[str, SearchClient] = {}

    async def close(self) -> None:
        await self._transport.close()

    async def define(self, ask: Callable[[SearchIndexClient], Awaitable[T]]) -> T:
        """Ask something of indexes and aliases.

        Raises:
            HttpResponseError: the service refuses it with another status than for lack of rights or time.
            Unavailable: it does not answer, or not to this host.
        """
        return await self._patiently(lambda: ask(self._definitions), self.patience.writing)

    async def search(self, index: str, *, headers: Mapping[str, str] | None = None, **asked: Any) -> list[Row]:
        """Ask a question and return all of its answer.

        Raises:
            Gone: there is no such index.
            Unavailable: the service does not answer, or not to this host.
        """

        async def ask() -> list[Row]:
            found = await self._client(index).search(**asked, headers=dict(headers or {}))  # pyright: ignore
            return [row async for row in found]  # pyright: ignore

        async with _said():
            return await self._patiently(ask, self.patience.reading, of_person=bool(headers))

    async def index(self, index: str, actions: Sequence[Row]) -> None:
        """Do these actions, in batches and in order; what the service puts off is tried again.

        Raises:
            Gone: there is no such index.
            Conflict: something that should have been there was not, or the service will never take some of it.
            Unavailable: the service does not answer, or puts it off for too long.
        """
        for batch in _batches(actions):
            until, waited = time.monotonic() + self.patience.writing, self.patience.first
            left = await self._once(index, batch)
            while left:
                if time.monotonic() + waited > until:
                    raise Unavailable("The search service puts off what is to be indexed.", retry_after=waited)
                await asyncio.sleep(waited)
                waited, left = waited * 2, await self._once(index, left)

    async def _once(self, index: str, actions: Sequence[Row]) -> list[Row]:
        """Send one batch and return what is to be sent again."""
        batch = IndexDocumentsBatch(actions=[IndexAction(each) for each in actions])
        async with _said():
            results = await self._patiently(lambda: self._client(index).index_documents(batch), self.patience.writing)
        failed = {each.key: each.status_code for each in results if not each.succeeded}
        if 404 in failed.values():
            raise Conflict("Another host has changed the document meanwhile.", action="Sync again.")
        if lasting := sorted({status for status in failed.values() if status not in _LATER}):
            raise Conflict(f"The search service refuses {len(failed)} of {len(actions)} entries (status {lasting[0]}).")
        return [each for each in actions if each["id"] in failed]

    def _client(self, index: str) -> SearchClient:
        if index not in self._clients:
            self._clients[index] = SearchClient(self._endpoint, index, **self._options)
        return self._clients[index]

    async def _patiently(self, ask: Callable[[], Awaitable[T]], seconds: float, *, of_person: bool = False) -> T:
        """Ask until there is an answer or the time is over; wait as long as the service says."""
        until, waited = time.monotonic() + seconds, self.patience.first
        while True:
            try:
                async with asyncio.timeout_at(asyncio.get_running_loop().time() + until - time.monotonic()):
                    return await ask()
            except TimeoutError as fault:
                raise Unavailable("The search service did not answer in time.") from fault
            except HttpResponseError as fault:
                if fault.status_code in (401, 403):
                    raise _not_let_in(of_person=of_person and fault.status_code == 401) from fault
                if fault.status_code not in (429, 500, 502, 503, 504):
                    raise
                pause = max(_retry_after(fault), waited)
                if time.monotonic() + pause > until:
                    raise Unavailable("The search service cannot serve now.", retry_after=pause) from fault
                await asyncio.sleep(pause)
                waited *= 2
            except (AzureError, OSError) as fault:
                raise Unavailable("The search service cannot be reached.") from fault


@asynccontextmanager
async def _said() -> AsyncGenerator[None]:
    try:
        yield
    except HttpResponseError as fault:
        if fault.status_code == 404:
            raise Gone from fault
        if fault.status_code == 413:
            raise Conflict("The document is larger than what the search service takes.") from fault
        raise SearchRefused(f"The search service refuses what the host asks (status {fault.status_code}).") from fault


def _not_let_in(*, of_person: bool) -> Unavailable:
    if of_person:
        return SearchRefused(
            "The search service does not believe the token of the person who asks.",
            action="Permissions of an index hold for people of the service's own Entra tenant.",
        )
    return Unavailable(
        "The search service does not let this host in.",
        action="Give the host's identity the roles Search Service Contributor and Search Index Data Contributor, or renew "
        "the key.",
    )


def _retry_after(fault: HttpResponseError) -> float:
    response: Any = fault.response
    given = str(response.headers.get("Retry-After", "")) if response is not None else ""
    try:
        return max(0.0, float(given))
    except ValueError:
        return 0.0


def _batches(actions: Sequence[Row]) -> list[list[Row]]:
    """Return the actions in batches that the service takes."""
    batches: list[list[Row]] = []
    size = 0
    for action in actions:
        own = len(orjson.dumps(action)) + 1
        if not batches or len(batches[-1]) == _MOST_ACTIONS or size + own > _LARGEST:
            batches.append([])
            size = 0
        batches[-1].append(action)
        size += own
    return batches
