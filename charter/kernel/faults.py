"""What went wrong at a model's endpoint, in our words: no text of a maker's exception goes further."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
import openai

from charter.errors import ModelFault, ModelUnavailable

_FILTER = "content_filter"


def unavailable(fault: Exception) -> ModelUnavailable:
    """Return the fault that lies behind an exception of a connector."""
    cause: BaseException | None = fault
    while cause is not None:
        if isinstance(cause, ModelUnavailable):
            return cause
        if told := _of_openai(cause) or _of_http(cause):
            return told
        cause = cause.__cause__
    return ModelUnavailable("The model's answer could not be read.", why="unreadable")


def _of_openai(cause: BaseException) -> ModelUnavailable | None:
    if isinstance(cause, openai.APIStatusError):
        return of_status(cause.status_code, cause.response.headers, by_filter=cause.code == _FILTER)
    if isinstance(cause, openai.APITimeoutError):
        return slow()
    if isinstance(cause, openai.APIConnectionError):
        return unreachable()
    if isinstance(cause, openai.APIError):
        # A stream that began well may tell of a fault in its midst.
        return (
            filtered() if cause.code == _FILTER else ModelUnavailable("The model failed in its answer.", why="failing")
        )
    return None


def _of_http(cause: BaseException) -> ModelUnavailable | None:
    if isinstance(cause, httpx2.TimeoutException):
        return slow()
    if isinstance(cause, httpx2.TransportError):
        return broken_off()
    return None


def of_status(status: int, headers: Mapping[str, str], *, by_filter: bool = False) -> ModelUnavailable:
    """Return what an HTTP status of a maker's endpoint means; its body is never quoted."""
    wait = asked_wait(headers)
    if by_filter:
        return filtered()
    if status in {429, 529} or (status == 503 and wait is not None):
        return ModelUnavailable("The model is busy.", why="busy", retry_after=wait)
    why = _WHY.get(status) or ("rejected" if 400 <= status < 500 else "failing" if status >= 500 else "unreadable")
    return ModelUnavailable(f"The model's endpoint answered with status {status}.", why=why, retry_after=wait)


_WHY: Mapping[int, ModelFault] = {
    401: "denied", 402: "denied", 403: "denied", 404: "denied", 408: "slow", 409: "failing",
}  # fmt: skip


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds an endpoint asks us to wait; ``None`` where it does not say so in a way that we can read.

    ``retry-after-ms`` is what Azure OpenAI says beside the standard header (RFC 9110, 10.2.3: seconds or a date).
    """
    if (thousandths := _number(headers.get("retry-after-ms"))) is not None:
        return thousandths / 1000
    said = headers.get("retry-after")
    if (seconds := _number(said)) is not None:
        return seconds
    try:
        until = parsedate_to_datetime(said or "")
    except (ValueError, OverflowError):  # a year or an hour that no calendar has
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max((until - datetime.now(UTC)).total_seconds(), 0)


def _number(said: str | None) -> float | None:
    try:
        value = float(said or "")
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None


def slow() -> ModelUnavailable:
    return ModelUnavailable("The model did not answer in time.", why="slow")


def unreachable() -> ModelUnavailable:
    return ModelUnavailable("The model's endpoint cannot be reached.", why="unreachable")


def broken_off() -> ModelUnavailable:
    """The connection was lost, or a stream ended, before the answer was whole."""
    return ModelUnavailable("The model's answer broke off.", why="unreadable")


def filtered() -> ModelUnavailable:
    return ModelUnavailable("The content filter of the model's endpoint stepped in.", why="filtered")
