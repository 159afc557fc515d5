"""Every error leaves as a problem document (RFC 9457): code, sentence, and what to do."""

import math
from collections.abc import Awaitable, Callable

import orjson
import structlog
from aiohttp import web
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from charter.errors import CharterError, FieldError, InvalidRequest, NotFound, TooLarge
from charter.telemetry.tracing import Trace

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SENTENCES = {
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "extra_forbidden": "there is no such field",
    "string_pattern_mismatch": "has another form than wanted ({pattern})",
}
"""What is wrong, by pydantic's name for it; the others are said in its own words."""

_log = structlog.get_logger(__name__)


def response(fault: CharterError) -> web.Response:
    """Return the answer that tells this fault."""
    headers = {"Retry-After": str(math.ceil(fault.retry_after))} if fault.retry_after else {}
    if fault.status == 429 and not headers:
        headers = {"Retry-After": "1"}
    if fault.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = orjson.dumps(fault.as_problem(Trace.present().trace_id))
    return web.Response(body=body, status=fault.status, content_type="application/problem+json", headers=headers)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer faults; never show an exception's text that is not meant for callers."""
    try:
        return await handler(request)
    except CharterError as fault:
        return response(fault)
    except web.HTTPException as fault:
        return _of_http(fault)
    except Exception:  # noqa: BLE001 - logged with its trace
        _log.exception("request failed", path=request.path)
        return response(CharterError())


def _of_http(fault: web.HTTPException) -> web.StreamResponse:
    if fault.status < 400:
        raise fault
    if fault.status == 404:
        return response(NotFound("There is nothing at this address.", action="GET /openapi.json lists what there is."))
    if fault.status == 413:
        return response(TooLarge())
    told = CharterError(fault.reason)
    told.code, told.status, told.title, told.action = "http_error", fault.status, fault.reason, "Check the request."
    answer = response(told)
    if isinstance(fault, web.HTTPMethodNotAllowed):
        answer.headers["Allow"] = ", ".join(sorted(fault.allowed_methods))
    return answer


def invalid(fault: ValidationError) -> InvalidRequest:
    """Name each wrong field of a payload by its pointer (RFC 6901)."""
    errors = [
        FieldError(
            "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in error["loc"]), _sentence(error)
        )
        for error in fault.errors()
    ]
    first = errors[0]
    return InvalidRequest(f"{first.pointer or '/'}: {first.detail}.", errors=errors)


def _sentence(error: ErrorDetails) -> str:
    known = _SENTENCES.get(error["type"])
    return known.format(**error.get("ctx", {})) if known else error["msg"]
