"""The twin as an aiohttp application, to be served over TLS: Azure's client sends no token otherwise."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import web

from charter.twins.caller import verifier
from charter.twins.key_vault import levers, surface
from charter.twins.key_vault.entering import RESOURCE, USER, Entrance
from charter.twins.key_vault.refusals import Refused, bad
from charter.twins.key_vault.shelf import Shelf
from charter.twins.key_vault.state import VAULT, Vault

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

READERS: Mapping[str, str] = {"charter-host": USER, "charter-host-identity": USER}
"""The host as an application, and the managed identity of the machine it runs on: both may read and nothing more."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_VERSIONS = frozenset({"7.4", "7.5", "7.6", "2025-07-01", "2026-04-01"})
_KNOWN_QUERY = frozenset({"api-version", "maxresults", "$skiptoken"})


def app(
    folder: Path,
    *,
    issuer: str,
    tenant: str = "contoso",
    authority: str = "",
    roles: Mapping[str, str] = READERS,
) -> web.Application:
    """Return the twin. What lies in the vault is kept in ``folder``.

    ``issuer`` is the base address of the Entra twin whose tokens of ``tenant`` are believed; ``authority`` the one that
    the challenge names, where clients reach it at another.
    """
    verify = verifier(issuer, RESOURCE, scope=None)
    entrance = Entrance(verify, f"{issuer.rstrip('/')}/{tenant}", roles, named=f"{authority or issuer}/{tenant}")
    application = web.Application(middlewares=[_loopback_names_only, _told])
    application[VAULT] = Vault(Shelf(folder), entrance)
    application.add_routes([*surface.routes(), *levers.routes()])
    application.on_shutdown.append(_thaw)
    application.on_cleanup.append(_close)
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
            await _befallen(request.app[VAULT], request)
        response = await handler(request)
    except Refused as refusal:
        response = refusal.response()
    except web.HTTPNotFound:
        response = bad("The request URI is not recognized.").response()
    except web.HTTPMethodNotAllowed:
        response = Refused(405, "MethodNotAllowed", "The requested resource does not support this method.").response()
    if not ours:
        request.app[VAULT].record(request, response.status)
    response.headers["Cache-Control"] = "no-store"
    return response


async def _befallen(vault: Vault, request: web.Request) -> None:
    match vault.fault:
        case "hang":
            vault.record(request, 0)
            await vault.thawed.wait()
        case "fail":
            raise Refused(503, "ServiceUnavailable", "The service cannot serve now.")
        case "forbidden":
            raise Refused(403, "Forbidden", "Caller is not authorized to perform action.", inner="ForbiddenByRbac")
        case _:
            pass
    version = request.query.get("api-version")
    if version is None:
        raise bad("api-version must be specified")
    if version not in _VERSIONS:
        raise bad("The specified version is not recognized.")
    if unknown := sorted(request.query.keys() - _KNOWN_QUERY):
        raise bad(f"The query parameter {unknown[0][:40]} is unknown.")


async def _thaw(application: web.Application) -> None:
    application[VAULT].thaw()


async def _close(application: web.Application) -> None:
    application[VAULT].shelf.close()
