"""The line between a maker's twin and a client: an answer goes over it whole or in events, and breaks where its scene says so."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

from aiohttp import web

from charter.twins.listening import serve, take
from charter.twins.makers.scene import Scene

GARBAGE = "<html><body>Bad gateway</body></html>"
Events = Iterable[tuple[bytes, bool]]
"""Each event as bytes, and whether it is a piece of the answer, which a break may follow."""


async def sent(request: web.Request, scene: Scene, answer: bytes, headers: dict[str, str]) -> web.StreamResponse:
    """Send a whole answer, or half of it."""
    if scene.garbage:
        return web.Response(text=GARBAGE, content_type="text/html")
    if scene.cut_after is None:
        return web.Response(body=answer, content_type="application/json", headers=headers)
    head = {**headers, "Content-Type": "application/json", "Content-Length": str(len(answer))}
    response = web.StreamResponse(headers=head)
    await response.prepare(request)
    await response.write(answer[: len(answer) // 2])
    return _broken(request, response, scene)


async def streamed(
    request: web.Request, scene: Scene, events: Events, fault: bytes, headers: dict[str, str]
) -> web.StreamResponse:
    """Send the events; ``fault`` is what the maker says where it fails in their midst."""
    if scene.garbage:
        return web.Response(text=GARBAGE, content_type="text/html")
    response = web.StreamResponse(headers={**headers, "Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    pieces = 0
    for event, piece in events:
        if pieces == scene.cut_after:
            return _broken(request, response, scene)
        if pieces == scene.fails_after:
            await response.write(fault)
            return response
        await response.write(event)
        pieces += piece
    return response


def _broken(request: web.Request, response: web.StreamResponse, scene: Scene) -> web.StreamResponse:
    if not scene.ends_neatly and request.transport is not None:
        request.transport.close()
    return response


@asynccontextmanager
async def reachable(application: web.Application, what: str) -> AsyncGenerator[str]:
    """Serve a twin on a free port of loopback; yields its base address."""
    place = take(0, what)
    runner = await serve(application, place)
    try:
        yield place.url
    finally:
        await runner.cleanup()
        place.close()
