"""The twin as an aiohttp application."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from charter.twins.caller import verifier
from charter.twins.drive import levers, surface
from charter.twins.drive.refusals import Refused, bad
from charter.twins.drive.state import DRIVES, Drives

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

GRAPH = "https://graph.microsoft.com"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def app(folder: Path, *, issuer: str, page: int = 200) -> web.Application:
    """Return the twin of the libraries in ``folder``. ``issuer`` is the base address of the Entra twin whose tokens are
    believed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    application = web.Application(middlewares=[_loopback_names_only, _told])
    application[DRIVES] = Drives(folder, verifier(issuer, GRAPH, scope=None), page)
    application.add_routes([*surface.routes(), *levers.routes()])
    return application


@web.middleware
async def _loopback_names_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    # A web page elsewhere may point its own name at loopback.
    if request.url.host not in _LOOPBACK:
        raise web.HTTPMisdirectedRequest(text="The twin answers as localhost only.")
    return await handler(request)


@web.middleware
async def _told(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer refusals in Graph's form."""
    try:
        return await handler(request)
    except Refused as refusal:
        return refusal.response()
    except web.HTTPNotFound:
        return bad("Resource not found for the segment.").response()
    except web.HTTPMethodNotAllowed:
        return Refused(405, "invalidRequest", "This method is not supported here.").response()
