"""The key to a model's endpoint, as it is now."""

from collections.abc import AsyncGenerator

import httpx2

from charter.errors import ModelUnavailable, Unavailable
from charter.secrets.store import Live


class LiveKey(httpx2.Auth):
    """Puts the present key into each request; where it is refused, the newest one is tried once."""

    def __init__(self, key: Live, *, header: str = "Authorization", prefix: str = "Bearer ") -> None:
        self._key = key
        self._header = header
        self._prefix = prefix

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        used = await self._now(fresh=False)
        request.headers[self._header] = f"{self._prefix}{used}"
        response = yield request
        if response.status_code == 401 and (newest := await self._now(fresh=True)) != used:
            request.headers[self._header] = f"{self._prefix}{newest}"
            yield request

    async def _now(self, *, fresh: bool) -> str:
        try:
            return await self._key(fresh)
        except Unavailable as fault:
            raise ModelUnavailable("The key to the model's endpoint cannot be had.", why="failing") from fault
