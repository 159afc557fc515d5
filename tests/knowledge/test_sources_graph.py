"""Where the host's token for Graph travels, and where it does not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from charter.knowledge.sources.graph import Graph
from charter.knowledge.sources.source import SourceIncomplete
from charter.twins.listening import serve, take


class Elsewhere:
    """A server of somebody else, who would like to have the token."""

    def __init__(self) -> None:
        self.came: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.came.append(request.headers.get("Authorization", ""))
        return web.json_response({"value": []})


@asynccontextmanager
async def served(handler: web.Application) -> AsyncIterator[str]:
    place = take(0, "server")
    runner = await serve(handler, place)
    try:
        yield place.url
    finally:
        await runner.cleanup()
        place.close()


async def token(fresh: bool) -> str:
    return "fresh" if fresh else "stale"


@pytest.mark.promise("knowledge.sharepoint")
async def test_the_hosts_token_travels_to_graph_alone() -> None:
    elsewhere, other, graph = Elsewhere(), web.Application(), web.Application()
    other.router.add_get("/{tail:.*}", elsewhere.answer)
    async with served(other) as theirs, aiohttp.ClientSession() as http:
        told: dict[str, object] = {"value": [], "@odata.nextLink": f"{theirs}/v1.0/more"}

        async def listed(request: web.Request) -> web.Response:
            return web.json_response(told)

        async def content(request: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": f"{theirs}/bytes"})

        graph.router.add_get("/v1.0/list", listed)
        graph.router.add_get("/v1.0/content", content)
        async with served(graph) as ours:
            asked = Graph(http, ours, token)
            with pytest.raises(SourceIncomplete, match="not its own"):
                _ = [page async for page in asked.pages("/list")]
            assert await asked.content("/content", most=100) == b'{"value": []}'
            with pytest.raises(OSError, match="too large"):
                await asked.content("/content", most=3)
    assert set(elsewhere.came) == {""}


@pytest.mark.promise("knowledge.sharepoint")
async def test_a_refused_token_is_asked_for_anew_once() -> None:
    came: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        came.append(request.headers["Authorization"])
        good = request.headers["Authorization"] == "Bearer fresh" and request.path != "/v1.0/never"
        return web.json_response({"value": [1]} if good else {}, status=200 if good else 401)

    graph = web.Application()
    graph.router.add_get("/{tail:.*}", answer)
    async with served(graph) as ours, aiohttp.ClientSession() as http:
        asked = Graph(http, ours, token)
        assert [page async for page in asked.pages("/list")] == [[1]]
        with pytest.raises(SourceIncomplete, match="does not let"):
            _ = [page async for page in asked.pages("/never")]
    assert came == ["Bearer stale", "Bearer fresh"] * 2
