"""Microsoft Graph, asked as the host itself: pages, batches, and the bytes of a file."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

import aiohttp
import orjson

from charter.errors import AuthorityLost, Unavailable
from charter.knowledge.sources.source import SourceIncomplete

Token = Callable[[bool], Awaitable[str]]
"""A token of the host for Graph. ``True``: the one before was refused."""

_ATTEMPTS = 4
_LONGEST_WAIT = 30.0
_TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=10, sock_read=30)
_MOST_IN_A_BATCH = 20
_BUSY = frozenset({429, 502, 503, 504})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Graph:
    """Raises ``SourceIncomplete`` in every method where no whole answer is to be had. What is busy is asked again, as
    late as it says.
    """

    def __init__(self, http: aiohttp.ClientSession, base: str, token: Token) -> None:
        self._http = http
        self._base = f"{base.rstrip('/')}/v1.0"
        self._token = token

    async def pages(self, path: str) -> AsyncIterator[list[Mapping[str, Any]]]:
        """Yield the values of a collection, page by page to its last."""
        url = self._base + path
        while url:
            answer = await self._asked("GET", url)
            yield _values(answer)
            following = answer.get("@odata.nextLink", "")
            url = self._own(following) if following else ""

    async def batch(self, paths: Sequence[str]) -> list[tuple[int, Mapping[str, Any]]]:
        """Return status and body of a GET for each path, in this order; what is busy is asked again by itself."""
        found: dict[int, tuple[int, Mapping[str, Any]]] = {}
        for attempt in range(_ATTEMPTS):
            left = [at for at in range(len(paths)) if found.get(at, (429,))[0] in _BUSY]
            if not left:
                break
            if attempt:
                await asyncio.sleep(_wait(attempt, None))
            for start in range(0, len(left), _MOST_IN_A_BATCH):
                found |= await self._batched({at: paths[at] for at in left[start : start + _MOST_IN_A_BATCH]})
        return [found[at] for at in range(len(paths))]

    async def content(self, path: str, *, most: int) -> bytes:
        """Return the bytes of a file.

        Raises:
            FileNotFoundError: there is none (any more).
            OSError: it is larger than ``most``.
        """
        for attempt in range(_ATTEMPTS):
            async with await self._sent("GET", self._base + path, fresh=attempt == 1) as response:
                if response.status == 401 and attempt == 0:
                    continue
                if response.status in _BUSY and attempt < _ATTEMPTS - 1:
                    await asyncio.sleep(_wait(attempt, response.headers.get("Retry-After")))
                    continue
                if response.status in (302, 307):
                    return await self._fetched(urljoin(str(response.url), response.headers["Location"]), most)
                if response.status == 200:
                    return await _bounded(response, most)
                raise FileNotFoundError("it is gone") if response.status == 404 else _refused(response.status)
        raise _refused(503)

    async def _fetched(self, url: str, most: int) -> bytes:
        """Read from where Graph sends us: that address is a key in itself, so ours does not travel there."""
        if not _private(url):
            raise SourceIncomplete("Graph leads to an address that is not encrypted")
        try:
            async with self._http.get(url, timeout=_TIMEOUT, allow_redirects=False) as response:
                if response.status == 200:
                    return await _bounded(response, most)
                raise FileNotFoundError("it is gone") if response.status == 404 else _refused(response.status)
        except (aiohttp.ClientError, TimeoutError) as fault:
            raise SourceIncomplete("the library does not answer") from fault

    async def _batched(self, asked: Mapping[int, str]) -> dict[int, tuple[int, Mapping[str, Any]]]:
        requests = [{"id": str(at), "method": "GET", "url": path} for at, path in asked.items()]
        answer = await self._asked("POST", f"{self._base}/$batch", {"requests": requests})
        found: dict[int, tuple[int, Mapping[str, Any]]] = {}
        for each in cast("list[Any]", answer.get("responses") or []):
            body = each.get("body")
            found[int(each["id"])] = (int(each["status"]), body if isinstance(body, dict) else {})
        if found.keys() != asked.keys():
            raise SourceIncomplete("Graph did not answer all that it was asked")
        return found

    async def _asked(self, method: str, url: str, body: Any = None) -> Mapping[str, Any]:
        for attempt in range(_ATTEMPTS):
            async with await self._sent(method, url, body, fresh=attempt == 1) as response:
                if response.status == 200:
                    return await _object(response)
                # A token may be revoked before it expires: once a new one is tried.
                if response.status == 401 and attempt == 0:
                    continue
                if response.status not in _BUSY or attempt == _ATTEMPTS - 1:
                    raise _refused(response.status)
                await asyncio.sleep(_wait(attempt, response.headers.get("Retry-After")))
        raise _refused(503)

    async def _sent(self, method: str, url: str, body: Any = None, *, fresh: bool) -> aiohttp.ClientResponse:
        try:
            headers = {"Authorization": f"Bearer {await self._token(fresh)}"}
            return await self._http.request(
                method, url, json=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False
            )
        except (aiohttp.ClientError, TimeoutError) as fault:
            raise SourceIncomplete("Graph does not answer") from fault
        except (Unavailable, AuthorityLost) as fault:
            raise SourceIncomplete(fault.detail, action=fault.action) from fault

    def _own(self, url: str) -> str:
        """Return an address that Graph names, if it is Graph's own: our token travels there."""
        if urlsplit(url)[:2] != urlsplit(self._base)[:2]:
            raise SourceIncomplete("Graph names an address that is not its own")
        return url


def _private(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


async def _bounded(response: aiohttp.ClientResponse, most: int) -> bytes:
    body = bytearray()
    try:
        async for chunk in response.content.iter_chunked(65_536):
            body += chunk
            if len(body) > most:
                raise OSError("it has become too large")
    except (aiohttp.ClientError, TimeoutError) as fault:
        raise SourceIncomplete("the library does not answer") from fault
    return bytes(body)


async def _object(response: aiohttp.ClientResponse) -> Mapping[str, Any]:
    try:
        value: object = orjson.loads(await response.read())
    except (aiohttp.ClientError, TimeoutError, orjson.JSONDecodeError) as fault:
        raise SourceIncomplete("Graph gave half an answer") from fault
    if not isinstance(value, dict):
        raise SourceIncomplete("Graph gave an answer that is none")
    return cast("dict[str, Any]", value)


def _values(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = answer.get("value")
    if not isinstance(found, list):
        raise SourceIncomplete("Graph gave an answer that lists nothing")
    return cast("list[Mapping[str, Any]]", found)


def _wait(attempt: int, named: str | None) -> float:
    seconds = float(named) if named and named.isascii() and named.isdigit() else 0.5 * 2**attempt
    return min(seconds, _LONGEST_WAIT)


def _refused(status: int) -> SourceIncomplete:
    if status in (401, 403):
        return SourceIncomplete(
            "Graph does not let this host read it",
            action="Let an administrator grant this host the application permission Sites.Selected and the site.",
        )
    if status == 404:
        return SourceIncomplete("there is no such library, or not for this host")
    return SourceIncomplete("Graph cannot serve now")
