"""The little of Microsoft Graph that the host asks. Tokens must be for Graph; a tenant sees its own accounts only."""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import jwt
from aiohttp import web

from charter.twins.entra.clients import HOST
from charter.twins.entra.minting import HOST_AT_GRAPH
from charter.twins.entra.people import Account
from charter.twins.entra.refusals import GraphRefused
from charter.twins.entra.scopes import GRAPH
from charter.twins.entra.state import TWIN, Twin

Handler = Callable[[web.Request, Twin, dict[str, Any]], Awaitable[web.Response]]


def routes() -> list[web.RouteDef]:
    base = "/graph/v1.0"
    return [
        web.get(f"{base}/me", _for("User.Read", _me)),
        web.get(f"{base}/me/manager", _for("User.Read.All", _manager)),
        web.post(f"{base}/me/getMemberObjects", _for("GroupMember.Read.All", _groups)),
        web.get(f"{base}/users/{{id}}", _for("User.Read.All", _user)),
        web.get(f"{base}/users/{{id}}/manager", _for("User.Read.All", _manager)),
        *(
            web.get(f"{base}/{place}{part}", _for("Application.Read.All", handler))
            for place in ("servicePrincipals/{id}", "servicePrincipals(appId='{id}')")
            for part, handler in (("", _service_principal), ("/appRoleAssignments", _assignments))
        ),
    ]


def _for(permission: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        twin = request.app[TWIN]
        try:
            claims = _caller(twin, request.headers.get("Authorization", ""))
            if permission not in {*claims.get("scp", "").split(), *claims.get("roles", ())}:
                raise GraphRefused(
                    403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
                )
            twin.record("graph", path=request.path, account=claims["oid"])
            return await handler(request, twin, claims)
        except GraphRefused as refusal:
            twin.record("graph", path=request.path, refused=refusal.status)
            return refusal.response()

    return answer


def _caller(twin: Twin, authorization: str) -> dict[str, Any]:
    scheme, _, token = authorization.partition(" ")
    try:
        tid = str(jwt.decode(token, options={"verify_signature": False}).get("tid"))
        claims = twin.keys.read(token, audiences=[GRAPH], issuer=twin.issuer(tid))
    except jwt.PyJWTError as fault:
        raise GraphRefused(401, "InvalidAuthenticationToken", "Access token validation failure.") from fault
    account = twin.people.find(tid, claims["oid"])
    if scheme.lower() != "bearer" or (account is not None and account.disabled):
        raise GraphRefused(401, "InvalidAuthenticationToken", "The account of the token may not sign in.")
    return claims


def _found(twin: Twin, claims: dict[str, Any], identity: str, *, workload: bool = False) -> Account:
    find = twin.application if workload else twin.people.find
    account = find(claims["tid"], identity)
    if account is None or account.workload is not workload:
        text = f"Resource '{identity}' does not exist or one of its queried reference-property objects are not present."
        raise GraphRefused(404, "Request_ResourceNotFound", text)
    return account


async def _me(request: web.Request, twin: Twin, claims: dict[str, Any]) -> web.Response:
    return _shown(request, _found(twin, claims, claims["oid"]))


async def _user(request: web.Request, twin: Twin, claims: dict[str, Any]) -> web.Response:
    return _shown(request, _found(twin, claims, request.match_info["id"]))


async def _manager(request: web.Request, twin: Twin, claims: dict[str, Any]) -> web.Response:
    account = _found(twin, claims, request.match_info.get("id") or claims["oid"])
    if account.manager is None:
        text = "Resource 'manager' does not exist or one of its queried reference-property objects are not present."
        raise GraphRefused(404, "Request_ResourceNotFound", text)
    return _shown(request, _found(twin, claims, account.manager))


async def _groups(request: web.Request, twin: Twin, claims: dict[str, Any]) -> web.Response:
    return web.json_response({"value": list(_found(twin, claims, claims["oid"]).groups)})


async def _service_principal(request: web.Request, twin: Twin, claims: dict[str, Any]) -> web.Response:
    return _shown(request, _found(twin, claims, request.match_info["id"], workload=True), twin)


async def _assignments(request: web.Request, twin: Twin, claims: dict[str, Any]) -> web.Response:
    """The application permissions of a service principal: this host's app roles, and Graph's for the host itself."""
    account = _found(twin, claims, request.match_info["id"], workload=True)
    given = [(HOST, "Charter host", role) for role in account.roles]
    given += [(GRAPH, "Microsoft Graph", role) for role in (HOST_AT_GRAPH if account.id == HOST else ())]
    wanted = _resource(request.query.get("$filter"))
    entries = [
        {
            "id": str(uuid5(NAMESPACE_URL, f"{account.tenant}/{account.id}/{resource}/{role}")),
            "deletedDateTime": None,
            "appRoleId": _role_id(role),
            "createdDateTime": "2026-01-01T00:00:00Z",
            "principalDisplayName": account.name,
            "principalId": account.id,
            "principalType": "ServicePrincipal",
            "resourceDisplayName": name,
            "resourceId": resource,
        }
        for resource, name, role in given
        if wanted in (None, resource)
    ]
    return web.json_response({"value": entries})


def _resource(asked: str | None) -> str | None:
    """Read ``$filter``, of which Graph offers one form here."""
    if asked is None:
        return None
    form = re.fullmatch(r"resourceId eq ([\w.:/-]+)", asked)
    if form is None:
        raise GraphRefused(400, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause specified.")
    return form[1]


def _role_id(role: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{HOST}/{role}"))


def _app_roles(twin: Twin) -> list[dict[str, Any]]:
    """The app roles that this host's application offers: all that anybody has."""
    roles = sorted({"workload", *(role for account in twin.people.accounts.values() for role in account.roles)})
    return [
        {
            "id": _role_id(role),
            "value": role,
            "displayName": role,
            "description": role,
            "isEnabled": True,
            "allowedMemberTypes": ["User", "Application"],
        }
        for role in roles
    ]


def _shown(request: web.Request, account: Account, twin: Twin | None = None) -> web.Response:
    whole: dict[str, Any] = {"id": account.id, "displayName": account.name, "accountEnabled": not account.disabled}
    if account.workload:
        whole |= {"appId": account.id, "servicePrincipalType": "Application"}
        whole |= {"servicePrincipalType": "ManagedIdentity"} if account.managed else {}
        whole["appRoles"] = _app_roles(twin) if twin and account.id == HOST else []
    else:
        whole |= {"userPrincipalName": account.address, "mail": account.address}
    wanted = request.query.get("$select")
    names = wanted.split(",") if wanted else list(whole)
    return web.json_response({name: whole[name] for name in names if name in whole})
