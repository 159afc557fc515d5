"""The operations on secrets, as in the service's data plane."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from yarl import URL

from charter.twins.key_vault import bodies
from charter.twins.key_vault.refusals import bad, disabled
from charter.twins.key_vault.state import CALLER, VAULT, Vault

Operation = Callable[[web.Request, Vault], Awaitable[web.Response]]

_MOST_ON_A_PAGE = 25


def routes() -> list[web.RouteDef]:
    """Return the routes; each operation is permitted by the action that the service's roles name."""
    one, deleted = "/secrets/{name}", "/deletedsecrets/{name}"
    return [
        web.get("/secrets", _permitted("readMetadata/action", _list)),
        web.put(one, _permitted("setSecret/action", _set)),
        web.get(f"{one}/versions", _permitted("readMetadata/action", _versions)),
        web.get(one, _permitted("getSecret/action", _get)),
        web.get(f"{one}/{{version:[0-9a-f]{{32}}|}}", _permitted("getSecret/action", _get)),
        web.patch(f"{one}/{{version:[0-9a-f]{{32}}|}}", _permitted("update/action", _update)),
        web.delete(one, _permitted("delete", _delete)),
        web.get("/deletedsecrets", _permitted("readMetadata/action", _list_deleted)),
        web.get(deleted, _permitted("readMetadata/action", _get_deleted)),
        web.delete(deleted, _permitted("purge/action", _purge)),
        web.post(f"{deleted}/recover", _permitted("recover/action", _recover)),
    ]


def _permitted(action: str, operation: Operation) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def permitted(request: web.Request) -> web.Response:
        vault = request.app[VAULT]
        claims = await vault.entrance.claims(request)
        request[CALLER] = str(claims["oid"])
        vault.entrance.permit(claims, action)
        return await operation(request, vault)

    return permitted


def _base(request: web.Request) -> str:
    return str(request.url.origin())


async def _set(request: web.Request, vault: Vault) -> web.Response:
    name, facts = bodies.name_of(request), await bodies.read(request, with_value=True)
    return web.json_response(bodies.told(vault.shelf.add(name, facts.pop("value"), facts), _base(request), whole=True))


async def _get(request: web.Request, vault: Vault) -> web.Response:
    """Return the bundle. As in the service, the times of a version only inform: what is expired is still given."""
    found = vault.shelf.find(bodies.name_of(request), request.match_info.get("version", ""))
    if not found.enabled:
        raise disabled("get")
    return web.json_response(bodies.told(found, _base(request), whole=True))


async def _update(request: web.Request, vault: Vault) -> web.Response:
    name, facts = bodies.name_of(request), await bodies.read(request, with_value=False)
    changed = vault.shelf.change(name, request.match_info["version"], facts)
    return web.json_response(bodies.told(changed, _base(request)))


async def _delete(request: web.Request, vault: Vault) -> web.Response:
    found = vault.shelf.delete(bodies.name_of(request))
    moment = vault.shelf.deleted_at(found.name) or 0
    return web.json_response(bodies.told_deleted(found, _base(request), moment))


async def _get_deleted(request: web.Request, vault: Vault) -> web.Response:
    found = vault.shelf.deleted(bodies.name_of(request))
    return web.json_response(bodies.told_deleted(found, _base(request), vault.shelf.deleted_at(found.name) or 0))


async def _recover(request: web.Request, vault: Vault) -> web.Response:
    return web.json_response(bodies.told(vault.shelf.recover(bodies.name_of(request)), _base(request)))


async def _purge(request: web.Request, vault: Vault) -> web.Response:
    vault.shelf.purge(bodies.name_of(request))
    return web.Response(status=204)


async def _list(request: web.Request, vault: Vault) -> web.Response:
    found = [bodies.told(each, _base(request), versioned=False) for each in vault.shelf.newest(deleted=False)]
    return _page(request, found)


async def _list_deleted(request: web.Request, vault: Vault) -> web.Response:
    return _page(
        request,
        [
            bodies.told_deleted(each, _base(request), vault.shelf.deleted_at(each.name) or 0, versioned=False)
            for each in vault.shelf.newest(deleted=True)
        ],
    )


async def _versions(request: web.Request, vault: Vault) -> web.Response:
    return _page(request, [bodies.told(each, _base(request)) for each in vault.shelf.versions(bodies.name_of(request))])


def _page(request: web.Request, items: Sequence[dict[str, Any]]) -> web.Response:
    most, start = request.query.get("maxresults", str(_MOST_ON_A_PAGE)), request.query.get("$skiptoken", "0")
    if not most.isdecimal() or not 1 <= int(most) <= _MOST_ON_A_PAGE:
        raise bad(f"maxresults must be between 1 and {_MOST_ON_A_PAGE}.")
    if not start.isdecimal():
        raise bad("The skiptoken is invalid.")
    end = int(start) + int(most)
    following = None
    if end < len(items):
        told = {"api-version": request.query["api-version"], "$skiptoken": str(end), "maxresults": most}
        following = str(URL(_base(request)).with_path(request.path).with_query(told))
    return web.json_response({"value": items[int(start) : end], "nextLink": following})
