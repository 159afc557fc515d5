"""A small Microsoft Graph for registrations, and Resource Manager for secrets: keeps objects and tells who asked what."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "token-of-the-administrator"
MICROSOFT = "00000003-0000-0000-c000-000000000000"
DELEGATED = ("openid", "profile", "offline_access", "User.Read", "User.Read.All", "GroupMember.Read.All", "Mail.Send")
APPLICATION = ("Application.Read.All", "Directory.ReadWrite.All")
WRITABLE = {
    "displayName", "identifierUris", "signInAudience", "groupMembershipClaims", "api", "appRoles", "optionalClaims", "web",
    "requiredResourceAccess",
}  # fmt: skip


def _named(names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"id": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)), "value": name} for name in names]


@dataclass
class Graph:
    """What is kept, by kind and id. ``refuses`` is a status for every change."""

    applications: dict[str, dict[str, Any]] = field(default_factory=dict)
    federated: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    principals: dict[str, dict[str, Any]] = field(default_factory=dict)
    assignments: list[dict[str, Any]] = field(default_factory=list)
    grants: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    refuses: int = 0
    address: str = ""

    def changes(self) -> list[str]:
        return [f"{method} {path}" for method, path in self.asked if method != "GET"]


@asynccontextmanager
async def running() -> AsyncIterator[Graph]:
    graph = Graph()
    microsoft = {
        "id": str(uuid.uuid4()),
        "appId": MICROSOFT,
        "appRoles": _named(APPLICATION),
        "oauth2PermissionScopes": _named(DELEGATED),
    }
    graph.principals[microsoft["id"]] = microsoft
    app = web.Application(middlewares=[_guarded(graph)])
    doors = _Doors(graph)
    app.add_routes(
        [web.route("*", "/v1.0/{path:.*}", doors.route), web.route("*", "/subscriptions/{path:.*}", doors.vault)]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    graph.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield graph
    await runner.cleanup()


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def _guarded(graph: Graph) -> Any:
    @web.middleware
    async def guarded(request: web.Request, handler: Any) -> web.StreamResponse:
        graph.asked.append((request.method, request.path))
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _error(401, "InvalidAuthenticationToken", "Access token is empty.")
        if graph.refuses and request.method != "GET":
            return _error(graph.refuses, "Authorization_RequestDenied", "Insufficient privileges.")
        return await handler(request)

    return guarded


class _Doors:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def route(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        match (request.method, *request.match_info["path"].split("/")):
            case "GET", "applications":
                return self._listed(request)
            case "POST", "applications":
                return self._made(body)
            case "PATCH", "applications", identity if identity in self._graph.applications:
                return self._patched(self._graph.applications[identity], body)
            case method, "applications", identity, "federatedIdentityCredentials", *rest if identity in self._graph.applications:  # fmt: skip
                return self._credential(identity, method, body, rest)
            case "GET", keyed if keyed.startswith("servicePrincipals(appId='"):
                return self._by_application(keyed.split("'")[1])
            case method, "servicePrincipals", *rest:
                return self._principal(method, body, rest)
            case method, "oauth2PermissionGrants", *rest:
                return self._grant(method, body, rest)
            case _:
                return _error(404, "Request_ResourceNotFound", "Resource does not exist.")

    def _listed(self, request: web.Request) -> web.Response:
        name = request.query["$filter"].removeprefix("displayName eq '").removesuffix("'").replace("''", "'")
        return web.json_response({"value": [a for a in self._graph.applications.values() if a["displayName"] == name]})

    def _made(self, body: dict[str, Any]) -> web.Response:
        made = {"id": str(uuid.uuid4()), "appId": str(uuid.uuid4()), "appRoles": [], "api": {}, **body}
        self._graph.applications[made["id"]] = made
        return web.json_response(made, status=201)

    def _patched(self, known: dict[str, Any], body: dict[str, Any]) -> web.Response:
        if unknown := body.keys() - WRITABLE:
            return _error(400, "Request_BadRequest", f"Invalid property '{min(unknown)}'.")
        own = (f"api://{known['appId']}", f"api://botid-{known['appId']}")
        if any(uri not in own for uri in body.get("identifierUris", [])):
            return _error(400, "Request_BadRequest", "Values of identifierUris property must use api://<appId>.")
        scopes = {entry["id"] for entry in known["api"].get("oauth2PermissionScopes", ())}
        let_in = body.get("api", {}).get("preAuthorizedApplications", ())
        if any(not scopes.issuperset(entry["delegatedPermissionIds"]) for entry in let_in):
            return _error(400, "InvalidValue", "Property delegatedPermissionIds refers to a scope that is not there.")
        roles = body.get("appRoles", known["appRoles"])
        kept = {role["id"] for role in roles}
        if any(role["isEnabled"] and role["id"] not in kept for role in known["appRoles"]):
            return _error(400, "CannotDeleteEnabledEntitlement", "A role cannot be deleted unless disabled first.")
        if len({role["value"] for role in roles}) < len(roles):
            return _error(400, "DuplicateValue", "Request contains a property with duplicate values.")
        known.update(body)
        return web.Response(status=204)

    def _credential(self, identity: str, method: str, body: dict[str, Any], rest: list[str]) -> web.Response:
        kept = self._graph.federated.setdefault(identity, {})
        if method == "GET":
            return web.json_response({"value": list(kept.values())})
        if method == "PATCH":
            kept[rest[0]].update(body)
            return web.Response(status=204)
        if any(known["name"] == body["name"] for known in kept.values()):
            return _error(409, "Request_MultipleObjectsWithSameKeyValue", "FederatedIdentityCredential already exists.")
        made = {"id": str(uuid.uuid4()), **body}
        kept[made["id"]] = made
        return web.json_response(made, status=201)

    def _by_application(self, application: str) -> web.Response:
        found = next((p for p in self._graph.principals.values() if p["appId"] == application), None)
        return web.json_response(found) if found else _error(404, "Request_ResourceNotFound", "No such principal.")

    def _principal(self, method: str, body: dict[str, Any], rest: list[str]) -> web.Response:
        kept = self._graph.principals
        if rest[1:] == ["appRoleAssignments"]:
            return self._assignment(method, body, rest[0])
        if method == "POST" and not rest:
            made = {"id": str(uuid.uuid4()), **body}
            kept[made["id"]] = made
            return web.json_response(made, status=201)
        if method == "PATCH":
            kept[rest[0]].update(body)
            return web.Response(status=204)
        raise web.HTTPNotFound

    def _assignment(self, method: str, body: dict[str, Any], principal: str) -> web.Response:
        kept = self._graph.assignments
        if method == "GET":
            return web.json_response({"value": [a for a in kept if a["principalId"] == principal]})
        if body in kept:
            return _error(400, "Request_BadRequest", "Permission being assigned already exists on the object.")
        kept.append(body)
        return web.json_response(body, status=201)

    def _grant(self, method: str, body: dict[str, Any], rest: list[str]) -> web.Response:
        kept = self._graph.grants
        if method == "GET":
            return web.json_response({"value": list(kept.values())})
        if method == "PATCH":
            kept[rest[0]].update(body)
            return web.Response(status=204)
        made = {"id": str(uuid.uuid4()), **body}
        kept[made["id"]] = made
        return web.json_response(made, status=201)

    async def vault(self, request: web.Request) -> web.Response:
        name = request.path.rsplit("/", 1)[1]
        if request.method == "PUT":
            self._graph.secrets[name] = (await request.json())["properties"]
        if name not in self._graph.secrets:
            return _error(404, "SecretNotFound", f"The secret {name} was not found.")
        return web.json_response({"name": name, "properties": {"contentType": "text/plain"}})
