"""The client of a Mistral deployment: the maker's own, over an HTTP client that knows the present key."""

from typing import Any

import httpx2
from mistralai.client import Mistral

from charter import settings
from charter.errors import StartRefused
from charter.models.key import LiveKey
from charter.secrets.store import Live

ENDPOINT = "https://api.mistral.ai"
_LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)


def open_mistral(tier: str, deployment: settings.Deployment, key: Live | None) -> "ClosableMistral":
    """Build the client.

    Raises:
        StartRefused: neither a key nor an endpoint of one's own is given.
    """
    written = deployment.api_key.get_secret_value()
    if not written and not deployment.base_url:
        raise StartRefused(f"The tier {tier} has neither an api_key nor a base_url.")
    auth = LiveKey(key) if key is not None and written else None
    client = ClosableMistral(
        # Always given: otherwise the client looks for one in the environment.
        api_key="none" if auth is not None else written or "none",
        server_url=deployment.base_url or ENDPOINT,
        async_client=httpx2.AsyncClient(timeout=deployment.timeout_seconds, auth=auth, limits=_LIMITS),
        timeout_ms=round(deployment.timeout_seconds * 1000),
    )
    # Otherwise a variable of the environment sends the maker, or whoever collects spans, what was said.
    vars(client.sdk_configuration)["telemetry"] = False
    return client


class ClosableMistral(Mistral):
    """The maker's client, which does not close an HTTP client that it was given."""

    async def close(self) -> None:
        """Close the connections."""
        http: Any = self.sdk_configuration.async_client
        await http.aclose()
