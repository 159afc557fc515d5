"""A host that lives from its vault: a business system and a model's endpoint that check their keys for themselves."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import orjson
from aiohttp import web
from pydantic import SecretStr

from charter import settings
from charter.local import keys
from charter.models import scripted
from charter.models.wire import AnswerTransport
from charter.twins.listening import serve, take
from tests.running import HOUSE, RunningHost, running_host

DATA = HOUSE / "tests" / "data" / "vaulted"
SCOPE = "https://vault.azure.net/.default"
SECONDS = 5
"""How long a rotated secret may stay unused: the promise."""


@dataclass(slots=True)
class Keyed:
    """Something with a key: which ones it takes now, and which came."""

    accepted: set[str]
    came: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    bodies: list[bytes] = field(default_factory=list[bytes])

    def admits(self, key: str) -> bool:
        self.came.append((time.monotonic(), key))
        return key in self.accepted

    def newest(self) -> str:
        return self.came[-1][1] if self.came else ""


class Systems:
    """The business system of the meters and the model's endpoint, in one server."""

    def __init__(self) -> None:
        self.url = ""
        self.meter = Keyed({"meter-key-1"})
        self.model = Keyed({"model-key-1"})
        script = scripted.ScriptedModel(scripted.load(DATA / "script.yaml"))
        self._model = httpx2.AsyncClient(transport=AnswerTransport(script.answer))

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/meters/{number}", self._read)
        application.router.add_get("/meters/{number}/sent", self._sent)
        application.router.add_post("/v1/chat/completions", self._answer)
        return application

    async def _read(self, request: web.Request) -> web.Response:
        key = request.headers.get("X-Api-Key", "")
        if not self.meter.admits(key):
            # As some systems do, to the grief of whoever reads the logs.
            return web.json_response({"detail": f"The key {key} is not welcome."}, status=401)
        return web.json_response({"value": int(request.match_info["number"])})

    async def _sent(self, request: web.Request) -> web.Response:
        return web.json_response({"sent": str(dict(request.headers))})

    async def _answer(self, request: web.Request) -> web.Response:
        key, body = request.headers.get("Authorization", "").removeprefix("Bearer "), await request.read()
        self.model.bodies.append(body)
        if not self.model.admits(key):
            fault = {"message": f"Incorrect API key provided: {key}.", "code": "invalid_api_key"}
            return web.json_response({"error": fault}, status=401)
        answered = await self._model.post("http://model.invalid/v1/chat/completions", content=body)
        kind = answered.headers["content-type"]
        return web.Response(body=answered.content, status=answered.status_code, headers={"Content-Type": kind})


@asynccontextmanager
async def running_systems() -> AsyncIterator[Systems]:
    systems, place = Systems(), take(0, "systems")
    runner = await serve(systems.application(), place)
    systems.url = place.url
    try:
        yield systems
    finally:
        await runner.cleanup()
        place.close()


@dataclass(slots=True)
class Vaulted:
    """The host, its systems and its vault."""

    host: RunningHost
    systems: Systems
    vault: str
    tls: ssl.SSLContext

    async def set(self, name: str, value: str) -> None:
        secret = keys.client_secret(self.host.folder / "keys")
        form = {
            "grant_type": "client_credentials",
            "client_id": "charter-host",
            "client_secret": secret,
            "scope": SCOPE,
        }
        url = f"{self.host.entra}/contoso/oauth2/v2.0/token"
        async with self.host.http.post(url, data=form) as response:
            token = (await response.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        await self.lever("PUT", f"secrets/{name}", {"value": value}, **headers)

    async def lever(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        async with self.host.http.request(
            method, f"{self.vault}/_twin/{path}", json=body, headers=headers, ssl=self.tls
        ) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def entra(self, method: str, path: str, body: Any = None) -> Any:
        async with self.host.http.request(method, f"{self.host.entra}/_twin/{path}", json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def read(self, number: int) -> dict[str, Any]:
        """Let a run read a meter; return the run once it is settled."""
        return await self.host.ask("alice", "warden", f"read the meter {number}")


@asynccontextmanager
async def vaulted_host(folder: Path, systems: Systems, **chosen: Any) -> AsyncIterator[Vaulted]:
    """Start a host whose plugin and model take their keys from the vault, and put the first ones there."""
    model = settings.Deployment(
        kind="openai", model="keeper", base_url=f"{systems.url}/v1", api_key=SecretStr("keyvault:model-key")
    )
    more: dict[str, Any] = {
        "models": {"standard": model},
        "agents_dirs": str(DATA / "agents"),
        "plugins_dirs": str(DATA / "plugins"),
        "plugin_urls": {"meter": systems.url},
        **chosen,
    }
    async with running_host(folder, **more) as host:
        told = orjson.loads((folder / "host.json").read_bytes())
        tls = ssl.create_default_context(cafile=told["ca_file"])
        vaulted = Vaulted(host, systems, told["vault"], tls)
        await vaulted.set("meter-key", "meter-key-1")
        await vaulted.set("model-key", "model-key-1")
        yield vaulted


class Load:
    """Runs one after the other, several at a time, until it is told to stop."""

    def __init__(self, vaulted: Vaulted, *, width: int = 3) -> None:
        self._vaulted = vaulted
        self._width = width
        self._stop = False
        self._tasks: list[asyncio.Task[None]] = []
        self.done: list[dict[str, Any]] = []

    async def __aenter__(self) -> "Load":
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._width)]
        await self.more(3)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop = True
        await asyncio.gather(*self._tasks)

    async def _work(self) -> None:
        while not self._stop:
            self.done.append(await self._vaulted.read(41))

    async def more(self, runs: int) -> None:
        """Wait until so many more runs are done."""
        wanted = len(self.done) + runs
        await self.until(lambda: len(self.done) >= wanted)

    async def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                for task in self._tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.02)

    def failed(self) -> list[dict[str, Any]]:
        return [run for run in self.done if run["status"] != "completed" or run["output"]["text"] != "41"]
