"""A server that tells what it was sent, or misbehaves as it is asked to."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from charter.catalog.spec import ConnectionSpec
from charter.kernel.connection import HttpConnection
from charter.secrets.memory import MemoryStore
from charter.twins.listening import serve, take


class Echo:
    """What came in, in order; ``answer`` is what goes out."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.http = http
        self.seen: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {"status": 200, "body": {"ok": True}}
        self.store = MemoryStore()
        self.tokens = iter(["first", "second", "third"])

    async def token(self, fresh: bool) -> str | None:
        return next(self.tokens) if fresh or not self.seen else "first"

    def connection(self, *, path: str = "", seconds: float = 5, auth: Any = "caller", **spec: Any) -> HttpConnection:
        told = ConnectionSpec(self.url + path, auth, "api://echo/.default", **spec)
        return HttpConnection(told, self.http, self.token, seconds=seconds)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        self.seen.append(
            {
                "method": request.method,
                "raw": request.raw_path,
                "query": list(request.query.items()),
                "headers": dict(request.headers),
                "text": text,
                "json": (await request.json()) if text else None,
            }
        )
        return await self._answered(request)

    async def _answered(self, request: web.Request) -> web.StreamResponse:
        answer = self.answer
        if answer.get("hang"):
            await asyncio.Event().wait()
        if answer.get("cut"):
            assert request.transport is not None
            request.transport.abort()
        if request.headers.get("Authorization") == f"Bearer {answer.get('unwelcome')}":
            return web.Response(status=401)
        if "raw" in answer:
            return web.Response(status=answer["status"], body=answer["raw"], headers=answer.get("headers"))
        return web.json_response(answer["body"], status=answer["status"])


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    place = take(0, "echo")
    async with aiohttp.ClientSession() as http:
        echo = Echo(place.url, http)
        application = web.Application()
        application.router.add_route("*", "/{rest:.*}", echo.handle)
        runner = await serve(application, place)
        yield echo
        await runner.cleanup()
        place.close()
