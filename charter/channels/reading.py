"""Read a request: its JSON body into a closed shape, its paging, its caller."""

from typing import TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from charter.channels.problems import invalid
from charter.context import Context
from charter.errors import FieldError, InvalidRequest, UnsupportedMedia
from charter.identity.authentication import Caller

_KEY_LENGTH = 255

CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)


class Body(BaseModel):
    """A request's body; a field that nobody knows is an error, not a surprise."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Shape = TypeVar("Shape", bound=BaseModel)


def caller(request: web.Request) -> Caller:
    return request[CALLER]


def context(request: web.Request) -> Context:
    return request[CALLER].ctx


async def body(request: web.Request, shape: type[Shape]) -> Shape:
    """Return the body in that shape.

    Raises:
        UnsupportedMedia, InvalidRequest: not JSON, or not of this shape.
    """
    if request.content_type != "application/json":
        raise UnsupportedMedia()
    try:
        return shape.model_validate(orjson.loads(await request.read()))
    except orjson.JSONDecodeError as fault:
        raise InvalidRequest(f"The body is not JSON: {fault}.") from fault
    except ValidationError as fault:
        raise invalid(fault) from fault


def whole(request: web.Request, name: str, default: int, *, least: int = 0, most: int = 1_000_000_000) -> int:
    """Return a whole number from the query."""
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isdecimal() or not least <= int(text) <= most:
        raise InvalidRequest(
            f"{name} must be a whole number from {least} to {most}.",
            errors=[FieldError(f"/{name}", "not such a number")],
        )
    return int(text)


def idempotency_key(request: web.Request) -> str | None:
    """Return the request's Idempotency-Key: the same key with the same request is the same run."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 0 < len(key) <= _KEY_LENGTH:
        raise InvalidRequest(
            "The Idempotency-Key is too long.",
            errors=[FieldError("/Idempotency-Key", f"1 to {_KEY_LENGTH} characters")],
        )
    return key
