"""The little of Microsoft Graph that the host asks. Tokens must be for Graph; a tenant sees its own accounts only."""

from collections.abc import Awaitable, Callable
from typing import Any

import jwt
from aiohttp import web

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
        web.get(f"{base}/servicePrincipals/{{id}}", _for("Application.Read.All", _service_principal)),
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
    account = twin.people.find(claims["tid"], identity)
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
    return _shown(request, _found(twin, claims, request.match_info["id"], workload=True))


def _shown(request: web.Request, account: Account) -> web.Response:
    whole: dict[str, Any] = {"id": account.id, "displayName": account.name, "accountEnabled": not account.disabled}
    if not account.workload:
        whole |= {"userPrincipalName": account.address, "mail": account.address}
    wanted = request.query.get("$select")
    names = wanted.split(",") if wanted else list(whole)
    return web.json_response({name: whole[name] for name in names if name in whole})
