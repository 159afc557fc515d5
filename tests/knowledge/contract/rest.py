"""Qdrant's REST interface before the maker's own engine for tests, so that the unchanged client goes over real HTTP.

It is no proof of the server's engine. It is strict where servers may be: an API key, unknown fields, bodies that are too
large, and filters on fields without an index are refused.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError
from qdrant_client import QdrantClient
from qdrant_client.models import (
    ChangeAliasesOperation,
    CreateCollection,
    CreateFieldIndex,
    PointRequest,
    QueryRequestBatch,
    ScrollRequest,
    UpdateOperations,
)

KEY = "a-key-of-tests"
_LARGEST = 32 * 1024 * 1024


class QdrantRest:
    """``key`` is what it accepts; ``refuses`` is the status of every answer, where it is not 0; ``asked`` counts."""

    def __init__(self) -> None:
        self.key = KEY
        self.refuses = 0
        self.asked = 0
        self.address = ""
        self._engine = QdrantClient(":memory:")
        self._indexed: dict[str, dict[str, Any]] = {}

    def app(self) -> web.Application:
        app = web.Application(client_max_size=_LARGEST, middlewares=[self._door])
        place = "/collections/{name}"
        app.add_routes(
            [
                web.get("/collections", self._names),
                web.get("/aliases", self._aliases),
                web.post("/collections/aliases", self._change_aliases),
                web.get(place, self._info),
                web.get(f"{place}/exists", self._exists),
                web.put(place, self._create),
                web.delete(place, self._drop),
                web.put(f"{place}/index", self._index),
                web.post(f"{place}/points", self._retrieve),
                web.post(f"{place}/points/scroll", self._scroll),
                web.post(f"{place}/points/query/batch", self._query),
                web.post(f"{place}/points/batch", self._update),
            ]
        )
        return app

    @web.middleware
    async def _door(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked += 1
        if self.refuses:
            return _refusal(self.refuses, "told to")
        if request.headers.get("api-key") != self.key:
            return _refusal(401, "Must provide an API key")
        name = request.match_info.get("name")
        if name and request.method != "PUT" and not request.path.endswith("/exists") and not self._there(name):
            return _refusal(404, f"Collection `{name}` doesn't exist!")
        try:
            return await handler(request)
        except (ValidationError, ValueError, KeyError) as fault:
            return _refusal(400, str(fault))

    def _there(self, name: str) -> bool:
        return self._engine.collection_exists(name)

    async def _names(self, _: web.Request) -> web.Response:
        return _result(self._engine.get_collections())

    async def _aliases(self, _: web.Request) -> web.Response:
        return _result(self._engine.get_aliases())

    async def _change_aliases(self, request: web.Request) -> web.Response:
        body = ChangeAliasesOperation.model_validate_json(await request.read())
        self._engine.update_collection_aliases(body.actions)
        return _result(True)

    async def _info(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        info = self._engine.get_collection(name).model_dump(mode="json", exclude_none=True)
        schema = {field: {"data_type": "keyword", "points": 0} for field in self._indexed[name]}
        return _result(info | {"payload_schema": schema})

    async def _exists(self, request: web.Request) -> web.Response:
        return _result({"exists": self._there(request.match_info["name"])})

    async def _create(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body = CreateCollection.model_validate_json(await request.read())
        if self._there(name):
            return _refusal(409, f"Collection `{name}` already exists!")
        self._engine.create_collection(name, vectors_config=body.vectors, sparse_vectors_config=body.sparse_vectors)
        self._indexed[name] = {}
        return _result(True)

    async def _drop(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        del self._indexed[name]
        return _result(self._engine.delete_collection(name))

    async def _index(self, request: web.Request) -> web.Response:
        body = CreateFieldIndex.model_validate_json(await request.read())
        self._indexed[request.match_info["name"]][body.field_name] = body.field_schema
        return _done()

    async def _scroll(self, request: web.Request) -> web.Response:
        body = ScrollRequest.model_validate_json(await request.read())
        name = self._allowed(request, body)
        found, after = self._engine.scroll(
            name, scroll_filter=body.filter, limit=body.limit or 10, offset=body.offset,
            with_payload=body.with_payload or False, with_vectors=body.with_vector or False,
        )  # fmt: skip
        return _result({"points": [each.model_dump(mode="json") for each in found], "next_page_offset": after})

    async def _retrieve(self, request: web.Request) -> web.Response:
        body = PointRequest.model_validate_json(await request.read())
        found = self._engine.retrieve(request.match_info["name"], ids=body.ids, with_payload=body.with_payload or False)
        return _result([each.model_dump(mode="json") for each in found])

    async def _query(self, request: web.Request) -> web.Response:
        body = QueryRequestBatch.model_validate_json(await request.read())
        name = self._allowed(request, body)
        answers = self._engine.query_batch_points(name, requests=body.searches)
        return _result([answer.model_dump(mode="json") for answer in answers])

    async def _update(self, request: web.Request) -> web.Response:
        body = UpdateOperations.model_validate_json(await request.read())
        name = self._allowed(request, body)
        self._engine.batch_update_points(name, body.operations)
        return _result([{"operation_id": 0, "status": "completed"} for _ in body.operations])

    def _allowed(self, request: web.Request, body: BaseModel) -> str:
        name = request.match_info["name"]
        unknown = {*_fields(body.model_dump(mode="json"))} - self._indexed[name].keys()
        if unknown:
            raise ValueError(f"Index required but not found for {sorted(unknown)}")
        return name


def _fields(node: Any) -> Iterator[str]:
    """Yield every field that a filter in this asks for; what is stored is not looked into."""
    match node:
        case {"key": str(field), "match": _}:
            yield field
        case dict():
            for name, inner in cast("dict[str, Any]", node).items():
                if name != "payload":
                    yield from _fields(inner)
        case list():
            for inner in cast("list[Any]", node):
                yield from _fields(inner)
        case _:
            pass


def _result(value: Any) -> web.Response:
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return web.Response(
        body=orjson.dumps({"result": plain, "status": "ok", "time": 0.0}), content_type="application/json"
    )


def _done() -> web.Response:
    return _result({"operation_id": 0, "status": "completed"})


def _refusal(status: int, error: str) -> web.Response:
    return web.json_response({"status": {"error": error}, "time": 0.0}, status=status)


@asynccontextmanager
async def qdrant_rest() -> AsyncGenerator[QdrantRest]:
    served = QdrantRest()
    runner = web.AppRunner(served.app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield served
    finally:
        await runner.cleanup()
