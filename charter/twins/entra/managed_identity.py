"""Managed identities, as a machine of Azure hands out their tokens: to App Service and Container Apps, and as IMDS."""

import hmac
import re
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from charter.twins.entra.clients import Client, secret_of
from charter.twins.entra.minting import mint, resource_id
from charter.twins.entra.people import HOST_IDENTITY, Account
from charter.twins.entra.refusals import Refused
from charter.twins.entra.scopes import Scope, parsed
from charter.twins.entra.state import TWIN, Twin

_HEADER_SECRET = "identity-header"  # noqa: S105 - the name of the file that holds it
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}")
_BY_ID = ("client_id", "object_id", "principal_id")
_BY_RESOURCE = ("mi_res_id", "msi_res_id")


class _NotFound(Exception):
    """The machine has no such identity."""


def routes() -> list[web.RouteDef]:
    return [web.get("/msi/token", _app_service), web.get("/metadata/identity/oauth2/token", _imds)]


def identity_header(twin: Twin) -> str:
    """Return what ``IDENTITY_HEADER`` holds on the machine; whoever sends it gets tokens."""
    return secret_of(twin.folder, _HEADER_SECRET)


async def _app_service(request: web.Request) -> web.Response:
    """Answer as ``IDENTITY_ENDPOINT`` does (api-version 2019-08-01)."""
    twin = request.app[TWIN]
    given = request.headers.get("X-IDENTITY-HEADER", "")
    if not hmac.compare_digest(given.encode(), identity_header(twin).encode()):
        return _said(twin, request, 401, "The header X-IDENTITY-HEADER is missing or wrong.")
    if request.query.get("api-version") != "2019-08-01":
        return _said(twin, request, 400, "The api-version is missing or not supported.")
    try:
        account, answer = _issued(twin, request)
    except _NotFound:
        return _said(
            twin,
            request,
            400,
            "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
        )
    except Refused as refusal:
        return _said(twin, request, 400, f"AADSTS{refusal.number}: {refusal.text}")
    twin.record("managed", account=account.id, resource=answer["resource"])
    kept = ("access_token", "expires_on", "resource", "token_type", "client_id")
    return web.json_response({name: answer[name] for name in kept}, headers={"Cache-Control": "no-store"})


async def _imds(request: web.Request) -> web.Response:
    """Answer as the metadata service of a virtual machine does."""
    twin = request.app[TWIN]
    if request.headers.get("Metadata", "").lower() != "true" or "X-Forwarded-For" in request.headers:
        return _oauth(twin, request, "invalid_request", "Required metadata header not specified")
    if not _VERSION.fullmatch(request.query.get("api-version", "")):
        return _oauth(twin, request, "invalid_request", "api-version was not specified in the request")
    try:
        account, answer = _issued(twin, request)
    except _NotFound:
        return _oauth(twin, request, "invalid_request", "Identity not found")
    except Refused as refusal:
        return _oauth(twin, request, refusal.error, f"AADSTS{refusal.number}: {refusal.text}")
    twin.record("managed", account=account.id, resource=answer["resource"])
    return web.json_response(answer, headers={"Cache-Control": "no-store"})


def _issued(twin: Twin, request: web.Request) -> tuple[Account, dict[str, Any]]:
    account = _chosen(twin, request)
    asked = request.query.get("resource", "")
    scope: Scope = parsed(f"{asked}/.default" if asked else "")
    now, life = int(time.time()), int(twin.lifetimes.access)
    token = mint(twin, Client(account.id, None, tenant=account.tenant, proof="2"), account, scope)
    return account, {
        "access_token": token,
        "client_id": account.id,
        "expires_in": str(life),
        "expires_on": str(now + life),
        "ext_expires_in": str(life),
        "not_before": str(now),
        "resource": asked,
        "token_type": "Bearer",
    }


def _chosen(twin: Twin, request: web.Request) -> Account:
    """Return the identity that is asked for, or the machine's own."""
    identities = [account for account in twin.people.accounts.values() if account.managed and not account.disabled]
    named: list[Callable[[Account], bool]] = []
    for name, value in request.query.items():
        if name in _BY_ID:
            named.append(lambda account, value=value: account.id == value)
        elif name in _BY_RESOURCE:
            named.append(lambda account, value=value: resource_id(account).lower() == value.lower())
    named = named or [lambda account: account.id == HOST_IDENTITY]
    for account in identities:
        if all(fits(account) for fits in named):
            return account
    raise _NotFound


def _said(twin: Twin, request: web.Request, status: int, message: str) -> web.Response:
    twin.record("managed", path=request.path, refused=status)
    return web.json_response({"statusCode": status, "message": message}, status=status)


def _oauth(twin: Twin, request: web.Request, error: str, description: str) -> web.Response:
    twin.record("managed", path=request.path, refused=400)
    return web.json_response({"error": error, "error_description": description}, status=400)
