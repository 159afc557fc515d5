"""The maker's client, called so that nobody waits for it and every fault of it is said in our words."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import httpx
from qdrant_client import QdrantClient
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.context_headers import headers
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from charter.errors import CharterError, Unavailable
from charter.secrets.store import Live

SECONDS = 10
_FAULTS = (ApiException, ResourceExhaustedResponse, httpx.HTTPError, OSError, sqlite3.Error)
T = TypeVar("T")


class Wire:
    """Runs what is to be done with the client in threads of its own: where Qdrant lives in this process one alone, since
    it stands no second; for a server several. ``key`` is asked for each call, so that a rotated one is in use.
    """

    def __init__(self, client: QdrantClient, *, threads: int, key: Live | None = None) -> None:
        self._client = client
        self._key = key
        self._lane = ThreadPoolExecutor(threads, "qdrant")

    async def call(self, work: Callable[[QdrantClient], T]) -> T:
        """Do it, a second time where the connection broke or the key was refused: all that is done here may be repeated.

        Raises:
            Unavailable: Qdrant does not answer within ``SECONDS``, or refuses.
        """
        try:
            return await self._once(work, fresh=False)
        except _FAULTS as fault:
            if not _worth_another(fault):
                raise _told(fault) from fault
        try:
            return await self._once(work, fresh=True)
        except _FAULTS as fault:
            raise _told(fault) from fault

    async def close(self) -> None:
        """Let what runs end, then let go of the folder or the connections."""
        await asyncio.get_running_loop().run_in_executor(self._lane, self._client.close)
        self._lane.shutdown()

    async def _once(self, work: Callable[[QdrantClient], T], *, fresh: bool) -> T:
        sent = {} if self._key is None else {"api-key": await self._key(fresh)}

        def done() -> T:
            with headers(sent):
                return work(self._client)

        return await asyncio.get_running_loop().run_in_executor(self._lane, done)


def _worth_another(fault: Exception) -> bool:
    if isinstance(fault, UnexpectedResponse):
        return fault.status_code in (401, 403)
    cause = fault.source if isinstance(fault, ResponseHandlingException) else fault
    return isinstance(cause, httpx.TransportError) and not isinstance(cause, httpx.TimeoutException)


def _told(fault: Exception) -> CharterError:
    """Return what is said of it: never the library's own words, which quote what was sent."""
    if isinstance(fault, UnexpectedResponse):
        return _refused(fault.status_code or 0)
    if isinstance(fault, ResourceExhaustedResponse):
        return Unavailable("Qdrant has too much to do.", retry_after=float(fault.retry_after_s))
    if isinstance(fault, OSError | sqlite3.Error):
        return Unavailable(f"The embedded Qdrant cannot use its folder ({type(fault).__name__}).")
    return Unavailable("Qdrant does not answer.", action="See that it runs at CHARTER_KNOWLEDGE__QDRANT__URL.")


def _refused(status: int) -> Unavailable:
    match status:
        case 401 | 403:
            return Unavailable("Qdrant refuses the host's key.", action="See CHARTER_KNOWLEDGE__QDRANT__API_KEY.")
        case 404:
            return Unavailable(
                "The passages of this host's embedder are gone from Qdrant: another host has replaced them.",
                action="Start this host again, or end it: it is older than the other.",
            )
        case _:
            return Unavailable(f"Qdrant refuses what it is asked (status {status}).")
