"""Fetch what a message in Teams points to: from the stores that Teams keeps files in, and from the connector, alone.

An address in a message is somebody's word: what it leads to is fetched with no right of the host's, except from the
connector, which wants the bot's token.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import aiohttp
from yarl import URL

from charter.errors import CharterError

MOST_BYTES = 10 * 1024 * 1024
SECONDS = 10.0
_STEPS = 3
"""Redirects that are followed, within the stores of files only."""
_STORES = ("sharepoint.com", "sharepoint.us", "sharepoint-mil.us", "sharepoint.cn", "1drv.com", "onedrive.live.com")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_LONGEST_ADDRESS = 4096
_ATTACHMENT = re.compile(r".*/v3/attachments/[A-Za-z0-9._~-]+/views/[A-Za-z0-9]+")
"""Where the connector keeps what was sent along (Bot Connector REST API). The bot's token opens all else there, too."""

Why = Literal["elsewhere", "too_large", "slow", "gone"]
"""Why something was not fetched: its address is no store's; it is larger than may be; it took too long; it is not there
for us.
"""


class Unfetched(Exception):
    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why: Why = why


class Fetching:
    """Fetches files and images within ``seconds`` and ``most`` bytes each.

    ``service_urls`` are the beginnings of the connector's addresses, ``token_of`` gets the bot's token to it. ``loopback``:
    this machine counts as a store, too (the local profile).
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        service_urls: Sequence[str],
        token_of: Callable[[], Awaitable[str]],
        *,
        loopback: bool = False,
        seconds: float = SECONDS,
        most: int = MOST_BYTES,
    ) -> None:
        self._http = http
        self._services = tuple(URL(url) for url in service_urls)
        self._token_of = token_of
        self._loopback = loopback
        self._seconds = seconds
        self._most = most

    @property
    def megabytes(self) -> int:
        """How large what is fetched may be."""
        return self._most // (1024 * 1024)

    async def file(self, address: str) -> bytes:
        """Return what lies at an address of a store of files; no token is sent.

        Raises:
            Unfetched: it was not, with the reason.
        """
        return await self._in_time(self._file(_url(address)))

    async def image(self, address: str) -> bytes:
        """Return an image that the connector keeps, with the bot's token. No redirect is followed.

        Raises:
            Unfetched: it was not, with the reason.
        """
        return await self._in_time(self._image(_url(address)))

    async def _in_time(self, fetching: Awaitable[bytes]) -> bytes:
        try:
            async with asyncio.timeout(self._seconds):
                return await fetching
        except TimeoutError:
            raise Unfetched("slow") from None
        except (aiohttp.ClientError, CharterError, OSError, ValueError):
            # The address opens the file for whoever has it: its fault's text is kept out of every log.
            raise Unfetched("gone") from None

    async def _file(self, url: URL) -> bytes:
        for _ in range(_STEPS):
            if not self._is_store(url):
                raise Unfetched("elsewhere")
            found = await self._get(url, {})
            if isinstance(found, bytes):
                return found
            url = found
        raise Unfetched("gone")

    async def _image(self, url: URL) -> bytes:
        if not any(_within(url, service) for service in self._services) or not _ATTACHMENT.fullmatch(url.raw_path):
            raise Unfetched("elsewhere")
        found = await self._get(url, {"Authorization": f"Bearer {await self._token_of()}"})
        if isinstance(found, URL):
            raise Unfetched("elsewhere")
        return found

    async def _get(self, url: URL, headers: dict[str, str]) -> bytes | URL:
        """Return what lies there, or where it leads."""
        plain = {"Accept-Encoding": "identity", **headers}
        async with self._http.get(url, headers=plain, allow_redirects=False) as response:
            if response.status in {301, 302, 303, 307, 308}:
                return url.join(URL(response.headers.get("Location", ""), encoded=True))
            # What is packed all the same could unpack to any size.
            if response.status != 200 or response.headers.get("Content-Encoding", "identity") != "identity":
                raise Unfetched("gone")
            if (response.content_length or 0) > self._most:
                raise Unfetched("too_large")
            found = bytearray()
            async for part in response.content.iter_any():
                found += part
                if len(found) > self._most:
                    raise Unfetched("too_large")
            return bytes(found)

    def _is_store(self, url: URL) -> bool:
        host = (url.host or "").lower()
        if url.user is not None or url.password is not None:
            return False
        if self._loopback and host in _LOOPBACK and url.scheme in {"http", "https"}:
            return True
        stored = any(host == store or host.endswith(f".{store}") for store in _STORES)
        return stored and (url.scheme, url.port) == ("https", 443)


def _within(url: URL, service: URL) -> bool:
    """Whether an address is the service's, or beneath it; what merely begins with the same letters is not."""
    if (url.scheme, url.host, url.port) != (service.scheme, service.host, service.port) or url.user is not None:
        return False
    return ".." not in url.raw_parts and url.raw_path.startswith(service.raw_path.rstrip("/") + "/")


def _url(address: str) -> URL:
    """Read an address as it is: what was signed must not be written anew."""
    try:
        if not address.isascii() or not address.isprintable() or " " in address or len(address) > _LONGEST_ADDRESS:
            raise Unfetched("elsewhere")
        url = URL(address, encoded=True)
        if url.port is None or not url.host:
            raise Unfetched("elsewhere")
    except ValueError:
        raise Unfetched("elsewhere") from None
    return url
