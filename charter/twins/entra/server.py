"""The twin as an aiohttp application."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from charter.twins.entra import admin, authorization, graph, managed_identity, tenants, workload_identity
from charter.twins.entra.client_assertions import FederatedCredential
from charter.twins.entra.clients import HOST, Clients
from charter.twins.entra.code_grant import SHARED
from charter.twins.entra.key_ring import KeyRing
from charter.twins.entra.people import HOST_IDENTITY, shipped
from charter.twins.entra.refresh_tokens import RefreshTokens
from charter.twins.entra.refusals import Refused
from charter.twins.entra.state import TWIN, Lifetimes, Twin
from charter.twins.entra.token_endpoint import token
from charter.twins.entra.workload_identity import HOST_SUBJECT, Cluster

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def app(
    folder: Path,
    *,
    base_url: str,
    people: str = "people.yaml",
    client_secret: str | None = None,
    lifetimes: Lifetimes | None = None,
) -> web.Application:
    """Return the twin. What must survive a restart (keys, secrets, refresh tokens, added tenants) lies in ``folder``.

    ``people`` is the file of this package that says who there is. ``client_secret`` is the secret of ``charter-host``;
    without one it is made and kept in ``folder/secrets``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    everybody = shipped(people)
    tenants.add_kept(folder, everybody)
    twin = Twin(
        folder,
        base_url.rstrip("/"),
        everybody,
        Clients(folder, everybody.accounts.values(), client_secret),
        KeyRing(folder),
        RefreshTokens(folder),
        lifetimes or Lifetimes(),
    )
    application = web.Application(middlewares=[_loopback_names_only, _faulty])
    application[TWIN] = twin
    application.add_routes([*_entra(), *authorization.routes(), *graph.routes(), *admin.routes(), *tenants.routes()])
    _give_machine(application)
    application.on_shutdown.append(_thaw)
    application.on_cleanup.append(_close)
    return application


def _give_machine(application: web.Application) -> None:
    """Where there are managed identities, there are a machine and a cluster that the host may run on."""
    twin = application[TWIN]
    machine = twin.people.accounts.get(HOST_IDENTITY)
    if machine is None:
        return
    managed_identity.identity_header(twin)  # made now, so that a machine can be told it before anybody asks
    cluster = Cluster(twin.folder, twin.base_url)
    twin.credentials[HOST] = (
        FederatedCredential(twin.issuer(machine.tenant), machine.id, twin.keys),
        FederatedCredential(cluster.issuer, HOST_SUBJECT, cluster.keys),
    )
    application.add_routes(managed_identity.routes())
    workload_identity.surround(application, cluster)


def _entra() -> list[web.RouteDef]:
    return [
        web.get("/{tenant}/v2.0/.well-known/openid-configuration", _metadata),
        web.get("/{tenant}/discovery/v2.0/keys", _keys),
        web.post("/{tenant}/oauth2/v2.0/token", token),
    ]


async def _metadata(request: web.Request) -> web.Response:
    """OpenID Connect Discovery 1.0, with what the twin has of it."""
    twin, tenant = request.app[TWIN], request.match_info["tenant"]
    shared = tenant in SHARED
    if tenant not in twin.people.tenants and not shared:
        return _no_tenant(tenant)
    # The clients of Azure want https all along; the issuer is the same, whichever way one came.
    own = f"{request.url.origin() if request.secure else twin.base_url}/{tenant}"
    return web.json_response(
        {
            "issuer": twin.issuer("{tenantid}" if shared else tenant),
            "authorization_endpoint": f"{own}/oauth2/v2.0/authorize",
            "end_session_endpoint": f"{own}/oauth2/v2.0/logout",
            "token_endpoint": f"{own}/oauth2/v2.0/token",
            "jwks_uri": f"{own}/discovery/v2.0/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "code_challenge_methods_supported": ["S256"],
            "grant_types_supported": [
                "authorization_code",
                "client_credentials",
                "password",
                "refresh_token",
                "urn:ietf:params:oauth:grant-type:jwt-bearer",
            ],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    )


async def _keys(request: web.Request) -> web.Response:
    twin, tenant = request.app[TWIN], request.match_info["tenant"]
    twin.record("keys", tenant=tenant)
    return web.json_response(twin.keys.published()) if tenant in SHARED | twin.people.tenants else _no_tenant(tenant)


def _no_tenant(tenant: str) -> web.Response:
    return Refused(90002, tenant).response()


@web.middleware
async def _loopback_names_only(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    # A web page elsewhere may point its own name at loopback; signing in needs no password here.
    if request.url.host not in _LOOPBACK:
        raise web.HTTPMisdirectedRequest(text="The twin answers as localhost only.")
    return await handler(request)


@web.middleware
async def _faulty(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    twin = request.app[TWIN]
    match twin.faults.get(_part(request.path)):
        case "hang":
            twin.record("hung", path=request.path)
            await twin.thawed.wait()
        case "late":
            response = await handler(request)
            twin.record("hung", path=request.path)
            await twin.thawed.wait()
            return response
        case "fail":
            return web.json_response({"error": "temporarily_unavailable"}, status=503, headers={"Retry-After": "7"})
        case _:
            pass
    return await handler(request)


def _part(path: str) -> str:
    if path.startswith("/graph/"):
        return "graph"
    if path in ("/msi/token", "/metadata/identity/oauth2/token"):
        return "managed"
    return {"keys": "keys", "token": "token"}.get(path.rsplit("/", 1)[-1], "") if "/v2.0/" in path else ""


async def _thaw(application: web.Application) -> None:
    application[TWIN].thaw()


async def _close(application: web.Application) -> None:
    application[TWIN].refresh_tokens.close()
