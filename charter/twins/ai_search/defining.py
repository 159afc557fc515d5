"""The operations on indexes, aliases and the service itself, as in its control of the data plane."""

from typing import Any

from aiohttp import web

from charter.twins.ai_search.definitions import alias, changeable, definition
from charter.twins.ai_search.refusals import bad, no_alias, no_index
from charter.twins.ai_search.state import Service
from charter.twins.ai_search.surface import PREVIEW, body_of, permitted


def routes() -> list[web.RouteDef]:
    found = [
        web.get("/servicestats", permitted("define", _statistics)),
        web.get("/indexes", permitted("define", _list_indexes)),
        web.post("/indexes", permitted("define", _create_index)),
        web.get("/aliases", permitted("define", _list_aliases)),
        web.post("/aliases", permitted("define", _create_alias)),
    ]
    for name in ("('{name}')", "/{name}"):
        found += [
            web.get(f"/indexes{name}/search.stats", permitted("read", _index_statistics)),
            web.get(f"/indexes{name}", permitted("define", _get_index)),
            web.put(f"/indexes{name}", permitted("define", _put_index)),
            web.delete(f"/indexes{name}", permitted("define", _delete_index)),
            web.get(f"/aliases{name}", permitted("define", _get_alias)),
            web.put(f"/aliases{name}", permitted("define", _put_alias)),
            web.delete(f"/aliases{name}", permitted("define", _delete_alias)),
        ]
    return found


def _told_index(service: Service, name: str) -> dict[str, Any]:
    return {"@odata.etag": service.etags[name], **service.shelves[name].definition.told}


def _told_alias(service: Service, name: str) -> dict[str, Any]:
    found = service.aliases[name]
    return {"@odata.etag": found.etag, "name": name, "indexes": [found.index]}


def _permissions(request: web.Request) -> bool:
    return request.query["api-version"].endswith(PREVIEW)


async def _create_index(request: web.Request, service: Service) -> web.Response:
    read = definition(await body_of(request), permissions=_permissions(request))
    service.put_index(read, only_new=True)
    return web.json_response(_told_index(service, read.name), status=201)


async def _put_index(request: web.Request, service: Service) -> web.Response:
    name = _representation(request)
    read = definition(await body_of(request), permissions=_permissions(request))
    if (stands := service.aliases.get(name)) is not None:
        name = stands.index
    if read.name != name:
        raise bad("The name in the body is another than the one in the address.")
    service.match(request, name, service.etags.get(name))
    if (known := service.shelves.get(name)) is not None:
        changeable(known.definition, read)
    new = service.put_index(read)
    return web.json_response(_told_index(service, name), status=201 if new else 200)


async def _get_index(request: web.Request, service: Service) -> web.Response:
    return web.json_response(_told_index(service, service.shelf(request.match_info["name"]).definition.name))


async def _delete_index(request: web.Request, service: Service) -> web.Response:
    name = request.match_info["name"]
    if name not in service.shelves:
        raise no_index(name)
    service.match(request, name, service.etags.get(name))
    service.drop_index(name)
    return web.Response(status=204)


async def _list_indexes(request: web.Request, service: Service) -> web.Response:
    select = request.query.get("$select", "*")
    told = [_told_index(service, name) for name in sorted(service.shelves)]
    if select != "*":
        names = select.split(",")
        told = [{name: each[name] for name in names if name in each} for each in told]
    return web.json_response({"value": told})


async def _index_statistics(request: web.Request, service: Service) -> web.Response:
    documents = service.shelf(request.match_info["name"]).documents
    return web.json_response(
        {"documentCount": len(documents), "storageSize": 1_000 * len(documents), "vectorIndexSize": 0}
    )


async def _create_alias(request: web.Request, service: Service) -> web.Response:
    name, index = alias(await body_of(request))
    service.put_alias(name, index, only_new=True)
    return web.json_response(_told_alias(service, name), status=201)


async def _put_alias(request: web.Request, service: Service) -> web.Response:
    wanted = _representation(request)
    name, index = alias(await body_of(request))
    if name != wanted:
        raise bad("The name in the body is another than the one in the address.")
    known = service.aliases.get(name)
    service.match(request, name, known.etag if known else None)
    new = service.put_alias(name, index)
    return web.json_response(_told_alias(service, name), status=201 if new else 200)


async def _get_alias(request: web.Request, service: Service) -> web.Response:
    name = request.match_info["name"]
    if name not in service.aliases:
        raise no_alias(name)
    return web.json_response(_told_alias(service, name))


async def _delete_alias(request: web.Request, service: Service) -> web.Response:
    name = request.match_info["name"]
    known = service.aliases.get(name)
    if known is None:
        raise no_alias(name)
    service.match(request, name, known.etag)
    service.drop_alias(name)
    return web.Response(status=204)


async def _list_aliases(request: web.Request, service: Service) -> web.Response:
    return web.json_response({"value": [_told_alias(service, name) for name in sorted(service.aliases)]})


async def _statistics(request: web.Request, service: Service) -> web.Response:
    documents = sum(len(shelf.documents) for shelf in service.shelves.values())
    used = {"documentCount": documents, "indexesCount": len(service.shelves), "aliasesCount": len(service.aliases)}
    others = ("indexersCount", "dataSourcesCount", "storageSize", "synonymMaps", "skillsetCount", "vectorIndexSize")
    counters = {name: {"usage": usage, "quota": None} for name, usage in {**used, **dict.fromkeys(others, 0)}.items()}
    return web.json_response({"counters": counters, "limits": {"maxFieldsPerIndex": 1_000}})


def _representation(request: web.Request) -> str:
    if request.headers.get("Prefer") != "return=representation":
        raise bad("For create or update requests, the header 'Prefer: return=representation' is required.")
    return request.match_info["name"]
