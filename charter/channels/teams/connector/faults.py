"""What the connector's refusals mean: try again later, nobody is there, or never."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from charter.channels.teams.ports import Fate, Undelivered
from charter.errors import CharterError

BUSY = frozenset({401, 408, 412, 425, 429})
"""401: our own token was not believed, which says nothing about the message; 412: Teams asks for another try."""
GONE = frozenset({403, 404, 410})

FAULTS = (httpx.HTTPError, httpx.InvalidURL, TimeoutError, CharterError)
"""All that a call over the SDK's client raises where the other side, or the way there, fails."""


def undelivered(fault: BaseException) -> Undelivered:
    """Tell what befell a call. No sentence of it holds what was to be said."""
    if isinstance(fault, Undelivered):
        return fault
    if isinstance(fault, httpx.HTTPStatusError):
        return _answered(fault.response)
    if isinstance(fault, CharterError):
        return Undelivered("busy", f"The host has no token for the connector: {fault.detail}")
    if isinstance(fault, httpx.InvalidURL):
        return Undelivered("refused", "The connector's address cannot be read.")
    return Undelivered("busy", f"The connector does not answer ({type(fault).__name__}).")


def _answered(response: httpx.Response) -> Undelivered:
    status = response.status_code
    fate: Fate = "refused"
    if status in BUSY or status >= 500:
        fate = "busy"
    elif status in GONE:
        fate = "gone"
    waits = _seconds(response.headers.get("Retry-After", "")) if fate == "busy" else None
    return Undelivered(fate, f"The connector answered {status}{_code(response)}.", status=status, retry_after=waits)


def _seconds(told: str) -> float | None:
    """Return what Retry-After says: seconds, or a moment."""
    if told.isascii() and told.isdigit():
        return float(told)
    try:
        moment = parsedate_to_datetime(told)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _code(response: httpx.Response) -> str:
    """Return the connector's own code for it; not its message, which may quote what was sent."""
    try:
        code: object = response.json()["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f" ({code})" if isinstance(code, str) and code.isalnum() and len(code) <= 60 else ""
