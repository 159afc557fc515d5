"""Problem documents that OpenAI's clients understand, too.

Their clients show an error's ``error.message`` and nothing else of a body, and send a request again at 409, 429 and 5xx
unless ``x-should-retry`` says no. So here a problem document has an ``error`` member beside its own, and the header.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PROBLEM = "application/problem+json"
_DOORS = ("/v1/responses", "/v1/chat/", "/v1/models")
_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


@web.middleware
async def openai_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Complete the problem documents of the OpenAI doors; stands outside whatever makes them."""
    answer = await handler(request)
    if request.path.startswith(_DOORS) and isinstance(answer, web.Response) and answer.content_type == _PROBLEM:
        problem = orjson.loads(answer.body or b"{}")  # pyright: ignore[reportArgumentType] - ours, always bytes
        answer.body = orjson.dumps({**problem, "error": error(problem)})
        answer.headers["x-should-retry"] = "true" if problem["retryable"] else "false"
    return answer


def error(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Return OpenAI's error object for a problem document."""
    status = int(problem["status"])
    fields = [str(fault["pointer"]) for fault in problem["errors"]]
    return {
        "message": f"{problem['detail']} {problem['action']}",
        "type": _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error"),
        "code": problem["code"],
        "param": fields[0].strip("/").replace("/", ".") if fields else None,
    }
