"""Server-sent events (WHATWG HTML, section 9.2): identified events, pings, and an end."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

import orjson
from aiohttp import web

from charter.errors import Draining, FieldError, InvalidRequest, TenantSuspended

PING_SECONDS = 15.0


async def open_stream(request: web.Request) -> web.StreamResponse:
    """Begin the answer. Proxies are told not to buffer it."""
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
    )
    await response.prepare(request)
    return response


def line(event: str, data: Mapping[str, Any], number: int | None = None) -> bytes:
    head = b"id: %d\n" % number if number is not None else b""
    return head + b"event: " + event.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"


def last_event_id(request: web.Request) -> int:
    """Return the number behind which the client wants to go on; 0 for a new one."""
    text = request.headers.get("Last-Event-ID") or request.query.get("last_event_id") or "0"
    if not text.isdecimal():
        raise InvalidRequest(
            "Last-Event-ID is not one of ours.", errors=[FieldError("/Last-Event-ID", "take it from an id: line")]
        )
    return int(text)


async def send(response: web.StreamResponse, lines: AsyncIterator[bytes]) -> None:
    """Write the lines, with a ping where nothing happens for long; stops when the client is gone or the host goes."""
    iterator = lines.__aiter__()
    following: asyncio.Task[bytes] | None = None
    try:
        while True:
            following = following or asyncio.ensure_future(iterator.__anext__())  # pyright: ignore[reportArgumentType]
            done, _ = await asyncio.wait({following}, timeout=PING_SECONDS)
            if not done:
                await response.write(b": ping\n\n")
                continue
            try:
                chunk = following.result()
            except (StopAsyncIteration, Draining, TenantSuspended):
                break  # without an end of the run the client comes back: to another host, or to be told why not
            following = None
            await response.write(chunk)
        await response.write_eof()
    except ConnectionError:
        pass  # the client is gone; there is nobody to tell
    finally:
        if following is not None:
            following.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
                await following
        close = getattr(lines, "aclose", None)
        if close is not None:
            await close()
