"""The client of an Anthropic deployment: the maker's own."""

import anthropic
from anthropic import AsyncAnthropic, DefaultAioHttpClient

from charter import settings
from charter.errors import StartRefused
from charter.models.key import LiveKey
from charter.secrets.store import Live

ENDPOINT = "https://api.anthropic.com"


def open_claude(tier: str, deployment: settings.Deployment, key: Live | None, *, retries: int) -> AsyncAnthropic:
    """Build the client.

    Raises:
        StartRefused: neither a key nor an endpoint of one's own is given.
    """
    written = deployment.api_key.get_secret_value()
    if not written and not deployment.base_url:
        raise StartRefused(f"The tier {tier} has neither an api_key nor a base_url.")
    # The client of this version sends its key as a bearer token; a live key takes that header's place.
    auth = LiveKey(key) if key is not None and written else None
    return AsyncAnthropic(
        # Always given, as the address is: otherwise the client looks for both in the environment and in files.
        api_key="none" if auth is not None else written or "none",
        base_url=deployment.base_url or ENDPOINT,
        http_client=DefaultAioHttpClient(timeout=deployment.timeout_seconds, auth=auth, follow_redirects=False),
        timeout=deployment.timeout_seconds,
        max_retries=retries,
        open_telemetry=_UNTRACED,
    )


_UNTRACED: anthropic.OpenTelemetryOptions = {"traces": False, "propagation": False}
"""The model call has its span already, and the trace is nobody's business elsewhere."""
