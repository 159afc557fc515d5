"""The shipped plugins against their sandboxes, called as a person, over HTTP on loopback."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from charter.catalog.check import check
from charter.catalog.spec import Catalog
from charter.kernel import openapi
from charter.kernel.connection import HttpConnection
from charter.settings import HOUSE
from charter.twins.listening import serve, take
from charter.twins.sandboxes import Sandbox, open_sandbox
from tests.twins.running import RunningTwin

PLUGINS = ("people", "service_desk", "procurement")


@dataclass(slots=True)
class Systems:
    """The business systems of the house. ``call`` does what the kernel does, with the token of the named person."""

    catalog: Catalog
    twin: RunningTwin
    http: aiohttp.ClientSession
    urls: Mapping[str, str]
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    async def token(self, name: str, plugin: str) -> str:
        if (name, plugin) not in self.tokens:
            answer = await self.twin.sign_in(name, f"api://{plugin}/access_as_user")
            self.tokens[name, plugin] = answer["access_token"]
        return self.tokens[name, plugin]

    def connection(self, plugin: str, token: Callable[[], Awaitable[str]], **limits: Any) -> HttpConnection:
        spec = self.catalog.plugins[plugin].connection
        assert spec is not None

        async def ours(fresh: bool) -> str:
            return await token()

        return HttpConnection(replace(spec, base_url=self.urls[plugin]), self.http, ours, **limits)

    async def call(self, name: str, function: str, *, idempotency: str | None = None, **arguments: Any) -> Any:
        spec = self.catalog.function(function)

        async def token() -> str:
            return await self.token(name, spec.plugin)

        headers = {"Idempotency-Key": idempotency} if idempotency else {}
        return await openapi.call(self.connection(spec.plugin, token), spec, arguments, headers)

    async def admin(self, plugin: str, path: str, method: str = "GET", body: Any = None) -> Any:
        async with self.http.request(method, f"{self.urls[plugin]}/_sandbox/{path}", json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()


def house_catalog() -> Catalog:
    """Return the shipped plugins alone."""
    catalog, mistakes = check([], [HOUSE / "plugins"])
    assert mistakes == []
    assert catalog is not None
    return catalog


@pytest.fixture
async def systems(twin: RunningTwin, http: aiohttp.ClientSession, tmp_path: Path) -> AsyncIterator[Systems]:
    catalog, urls = house_catalog(), {}
    async with AsyncExitStack() as stack:
        for name in PLUGINS:
            place = take(0, name)
            stack.callback(place.close)
            sandbox = Sandbox(name, HOUSE / "plugins" / name / "sandbox.py")
            runner = await serve(open_sandbox(sandbox, tmp_path / name, twin.url), place)
            stack.push_async_callback(runner.cleanup)
            urls[name] = place.url
        yield Systems(catalog, twin, http, urls)
