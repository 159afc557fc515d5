"""One bounded HTTP exchange with the identity provider or its directory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import orjson

from charter.errors import Unavailable

_LIMIT_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and the members of the JSON object (empty when the body is no such thing).

    ``retry_after`` is in seconds, where the server named it.
    """

    status: int
    members: Mapping[str, Any]
    retry_after: float | None

    def field(self, name: str) -> str:
        """Return a text member, empty where it is missing or something else."""
        value = self.members.get(name)
        return value if isinstance(value, str) else ""


async def ask(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    json: Any = None,
    bearer: str = "",
    seconds: float = 10,
) -> Answer:
    """Send one request and read its whole answer within ``seconds``. Redirects are not followed.

    Raises:
        Unavailable: no answer in time, a cut connection, or an answer over 1 MB.
    """
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with http.request(
            method, url, data=form, json=json, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            return Answer(response.status, await _decoded(response), _seconds(response.headers.get("Retry-After", "")))
    except (aiohttp.ClientError, TimeoutError, OSError) as fault:
        raise Unavailable("The identity provider does not answer.") from fault


async def _decoded(response: aiohttp.ClientResponse) -> Mapping[str, Any]:
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > _LIMIT_BYTES:
            raise aiohttp.ClientPayloadError("the answer is too large")
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _seconds(value: str) -> float | None:
    return float(value) if value.isascii() and value.isdigit() else None
