"""The client of a Mistral deployment: the maker's own, over an HTTP client that knows the present key and asks again."""

import asyncio
from typing import Any

import httpx2
from mistralai.client import Mistral

from charter import settings
from charter.errors import StartRefused
from charter.models.key import LiveKey
from charter.secrets.store import Live

ENDPOINT = "https://api.mistral.ai"
_AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504})
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 60.0


def open_mistral(tier: str, deployment: settings.Deployment, key: Live | None, *, retries: int) -> "ClosableMistral":
    """Build the client.

    Raises:
        StartRefused: neither a key nor an endpoint of one's own is given.
    """
    written = deployment.api_key.get_secret_value()
    if not written and not deployment.base_url:
        raise StartRefused(f"The tier {tier} has neither an api_key nor a base_url.")
    auth = LiveKey(key) if key is not None and written else None
    return ClosableMistral(
        # Always given: otherwise the client looks for one in the environment.
        api_key="none" if auth is not None else written or "none",
        server_url=deployment.base_url or ENDPOINT,
        async_client=_PatientClient(retries, timeout=deployment.timeout_seconds, auth=auth),
        timeout_ms=round(deployment.timeout_seconds * 1000),
    )


class ClosableMistral(Mistral):
    """The maker's client, which does not close an HTTP client that it was given."""

    async def close(self) -> None:
        """Close the connections."""
        http: Any = self.sdk_configuration.async_client
        await http.aclose()


class _PatientClient(httpx2.AsyncClient):
    """Asks again, as the other makers' clients do by themselves: a few times, after the wait that was asked for.

    Mistral's own retrying knows a time instead of a count, and would wait an hour where an endpoint asks for an hour.
    """

    def __init__(self, retries: int, **chosen: Any) -> None:
        super().__init__(follow_redirects=False, **chosen)
        self._retries = retries

    async def send(self, request: httpx2.Request, **chosen: Any) -> httpx2.Response:
        """Send the request, and again while there is hope."""
        for attempt in range(self._retries):
            wait = _FIRST_WAIT * 2**attempt
            try:
                response = await super().send(request, **chosen)
            except httpx2.ConnectError:
                pass
            else:
                wait = _asked(response, wait)
                if response.status_code not in _AGAIN or wait > _LONGEST_WAIT:
                    return response
                await response.aclose()
            await asyncio.sleep(wait)
        return await super().send(request, **chosen)


def _asked(response: httpx2.Response, otherwise: float) -> float:
    try:
        return max(float(response.headers.get("retry-after", otherwise)), 0)
    except ValueError:
        return otherwise
