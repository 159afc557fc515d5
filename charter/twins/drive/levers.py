"""``/_twin``: the levers by which a test changes the world. No cloud has these."""

from typing import Any

from aiohttp import web

from charter.twins.drive.state import DRIVES

_PARTS = frozenset({"all", "delta", "permissions", "content"})
_FAULTS = frozenset({"fail", "busy", "forbidden", "half"})


def routes() -> list[web.RouteDef]:
    return [
        web.put("/_twin/faults", _faults),
        web.put("/_twin/page", _page),
        web.get("/_twin/requests", _requests),
        web.delete("/_twin/requests", _forget),
    ]


async def _faults(request: web.Request) -> web.Response:
    """Take the whole of the faults, ``{"delta": "fail"}``; ``{}`` heals all."""
    asked: Any = await request.json()
    if not isinstance(asked, dict) or asked.keys() - _PARTS or set(map(str, asked.values())) - _FAULTS:  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
        return web.json_response({"error": "Parts and faults are those of state.py."}, status=422)
    request.app[DRIVES].faults = asked
    return web.json_response(asked)


async def _page(request: web.Request) -> web.Response:
    """Take ``{"items"}``: how many an answer has at most."""
    asked: Any = await request.json()
    request.app[DRIVES].page = int(asked["items"])
    return web.json_response(asked)


async def _requests(request: web.Request) -> web.Response:
    """Return the last requests, oldest first; ``?kind=content`` only those."""
    kind = request.query.get("kind")
    return web.json_response({"items": [each for each in request.app[DRIVES].ledger if kind in (None, each["kind"])]})


async def _forget(request: web.Request) -> web.Response:
    request.app[DRIVES].ledger.clear()
    return web.Response(status=204)
