"""The operations on documents, as in the service's data plane."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiohttp import web

from charter.twins.ai_search.refusals import Refused, bad
from charter.twins.ai_search.searching import may_see, search
from charter.twins.ai_search.shelf import shown
from charter.twins.ai_search.state import ASKED_FOR, BODY, CALLER, SERVICE, Service

Operation = Callable[[web.Request, Service], Awaitable[web.Response]]
PREVIEW = "-preview"


def routes() -> list[web.RouteDef]:
    """Return the routes of documents; both spellings of the service are known."""
    found: list[web.RouteDef] = []
    for index in ("/indexes('{index}')/docs", "/indexes/{index}/docs"):
        found += [
            web.post(f"{index}/search.post.search", permitted("read", _search)),
            web.post(f"{index}/search", permitted("read", _search)),
            web.post(f"{index}/search.index", permitted("write", _index)),
            web.post(f"{index}/index", permitted("write", _index)),
            web.get(f"{index}/$count", permitted("read", _count)),
            web.get(f"{index}('{{key}}')", permitted("read", _look_up)),
            web.get(f"{index}/{{key}}", permitted("read", _look_up)),
        ]
    return found


def permitted(action: str, operation: Operation) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def entered(request: web.Request) -> web.Response:
        service = request.app[SERVICE]
        request[CALLER] = await service.entrance.caller(request, action)
        return await operation(request, service)

    return entered


async def body_of(request: web.Request) -> dict[str, Any]:
    """Return the JSON object that was sent.

    Raises:
        Refused: it is none, or it is too large.
    """
    try:
        body: Any = await request.json()
    except web.HTTPRequestEntityTooLarge as fault:
        raise Refused(413, "RequestEntityTooLarge", "The request is larger than 16 MB.") from fault
    except (ValueError, RecursionError) as fault:
        raise bad("The request body is not valid JSON.") from fault
    if not isinstance(body, dict):
        raise bad("The request body must be a JSON object.")
    return cast("dict[str, Any]", body)


async def _search(request: web.Request, service: Service) -> web.Response:
    body = await body_of(request)
    request[BODY] = {name: value for name, value in body.items() if name != "vectorQueries"}
    shelf = service.shelf(request.match_info["index"])
    return web.json_response(search(shelf, body, await _asking(request, service)))


async def _index(request: web.Request, service: Service) -> web.Response:
    shelf = service.shelf(request.match_info["index"])

    def fault_of(key: str) -> int:
        fault = next((each for part, each in service.failing.items() if key.startswith(part)), None)
        return fault.status if fault is not None and fault.due() else 0

    results = shelf.take(await body_of(request), fault_of)
    return web.json_response({"value": results}, status=200 if all(each["status"] for each in results) else 207)


async def _count(request: web.Request, service: Service) -> web.Response:
    return web.json_response(len(service.shelf(request.match_info["index"]).documents))


async def _look_up(request: web.Request, service: Service) -> web.Response:
    shelf, key = service.shelf(request.match_info["index"]), request.match_info["key"]
    document = shelf.documents.get(key)
    if document is None or not may_see(shelf.definition, document, await _asking(request, service)):
        raise Refused(404, "ResourceNotFound", f"The document with the key '{key}' was not found.")
    select = [part for part in request.query.get("$select", "").split(",") if part]
    return web.json_response(shown(shelf.definition, document, select or None))


async def _asking(request: web.Request, service: Service) -> Any:
    """Return the person a query is asked for. Versions without permissions do not look at the header."""
    if not request.query.get("api-version", "").endswith(PREVIEW):
        return None
    if "x-ms-enable-elevated-read" in request.headers:
        raise Refused(403, "Forbidden", "Nobody has a role here that allows elevated reads.")
    asking = await service.entrance.asking(request)
    request[ASKED_FOR] = asking.user if asking else ""
    return asking
