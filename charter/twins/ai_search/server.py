"""The twin as an aiohttp application, to be served over TLS: Azure's client sends no token otherwise."""

from collections.abc import Awaitable, Callable, Collection, Mapping

from aiohttp import web

from charter.twins.ai_search import defining, levers, surface
from charter.twins.ai_search.entering import CONTRIBUTOR, DATA, entrance
from charter.twins.ai_search.refusals import Refused, bad
from charter.twins.ai_search.state import SERVICE, Service

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HOSTS: Mapping[str, Collection[str]] = {
    "charter-host": (CONTRIBUTOR, DATA), "charter-host-identity": (CONTRIBUTOR, DATA),
}  # fmt: skip
"""The host as an application, and the managed identity of the machine it runs on."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_VERSIONS = frozenset({"2025-09-01", "2026-04-01", "2025-11-01-preview", "2026-05-01-preview"})
_KNOWN_QUERY = frozenset({"api-version", "$select", "allowIndexDowntime"})
_LARGEST = 16 * 1024 * 1024


def app(
    *,
    issuer: str,
    tenant: str = "contoso",
    roles: Mapping[str, Collection[str]] = HOSTS,
    keys: Collection[str] = (),
) -> web.Application:
    """Return the twin. ``issuer`` is the base address of the Entra twin whose tokens of ``tenant`` are believed."""
    application = web.Application(middlewares=[_loopback_names_only, _told], client_max_size=_LARGEST)
    application[SERVICE] = Service(entrance(issuer.rstrip("/"), tenant, roles, keys))
    application.add_routes([*levers.routes(), *surface.routes(), *defining.routes()])
    application.on_shutdown.append(_thaw)
    return application


@web.middleware
async def _loopback_names_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    # A web page elsewhere may point its own name at loopback.
    if request.url.host not in _LOOPBACK:
        raise web.HTTPMisdirectedRequest(text="The twin answers as localhost only.")
    return await handler(request)


@web.middleware
async def _told(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer refusals in the service's form, and keep the ledger."""
    ours = request.path.startswith("/_twin/")
    try:
        if not ours:
            await _befallen(request)
            _versioned(request)
        response = await handler(request)
    except Refused as refusal:
        response = refusal.response()
    except web.HTTPNotFound:
        response = Refused(404, "ResourceNotFound", "The requested resource does not exist.").response()
    except web.HTTPMethodNotAllowed:
        response = Refused(405, "MethodNotAllowed", "The requested resource does not support this method.").response()
    if not ours:
        request.app[SERVICE].record(request, response.status)
    return response


def _versioned(request: web.Request) -> None:
    version = request.query.get("api-version")
    if version is None:
        raise bad("The api-version query parameter is required.", code="MissingApiVersionParameter")
    if version not in _VERSIONS:
        raise bad(f"The api-version '{version}' is invalid.", code="InvalidApiVersionParameter")
    if unknown := sorted(request.query.keys() - _KNOWN_QUERY):
        raise bad(f"The query parameter '{unknown[0][:40]}' is unknown.")


async def _befallen(request: web.Request) -> None:
    service = request.app[SERVICE]
    part = "define" if "/docs" not in request.path else "write" if request.path.endswith("index") else "read"
    fault = service.faults.get(part)
    if fault is None or not fault.due():
        return
    if fault.status == -1:
        await service.thawed.wait()
    elif fault.status == 0:
        if request.transport is not None:
            request.transport.abort()
    else:
        raise Refused(
            fault.status, "ServiceUnavailable", "The service cannot serve now.", retry_after=fault.retry_after
        )
    raise Refused(503, "ServiceUnavailable", "The connection is gone.")


async def _thaw(application: web.Application) -> None:
    application[SERVICE].thaw()
